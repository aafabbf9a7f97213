"""What the pages of an application show: loans, papers, what fits, the promise, the receipt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loans.domain.affordability import Affordability, assess
from loans.models import Loan
from loans.queries.types import Debt
from portal.core.kernel.businesstime import in_shanghai
from portal.core.kernel.digests import digest_of
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.models import Case
from relief.cases.policy import ReliefPolicy
from relief.cases.timing import deadlines
from relief.conversation import answers as bot
from relief.evidence.consent_texts import CONSENT_FOR, CONSENT_LABELS, ConsentKind, consent_text
from relief.evidence.kinds import (
    HINTS,
    KIND_LABELS,
    EvidenceKind,
    EvidenceState,
    FileType,
    suggested_kinds,
)
from relief.evidence.models import Consent, Evidence

STEP_LABELS = ("原因", "说明", "材料", "收支", "提交")
TAGS = {
    EvidenceState.PASSED: ("已提供", "s"),
    EvidenceState.CHECKING: ("检查中", "b"),
    EvidenceState.REPLACE: ("需更换", "d"),
}


@dataclass(frozen=True, slots=True)
class LoanLine:
    """A loan that one may apply for, with its penalty today (yuan)."""

    loan: Loan
    penalty: Decimal
    per_day: Decimal
    overdue: int
    current: bool


def loan_line(loan: Loan, debt: Debt, *, current: bool) -> LoanLine:
    """The loan as the first step shows it."""
    overdue = sum(row.overdue_days > 0 for row in debt.instalments)
    return LoanLine(loan, debt.penalty, debt.penalty_per_day, overdue, current)


# --- Papers ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """One kind of paper that is suggested or asked for, and how it stands."""

    kind: EvidenceKind
    label: str
    hint: str
    tag: str
    tone: str

    @property
    def is_there(self) -> bool:
        return self.tone == "s"


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One separate consent: its text to tick, or since when it is given.

    `renewed` says that an older text was agreed to, and that this one asks again.
    """

    kind: ConsentKind
    label: str
    text: str
    given_at: datetime | None
    renewed: bool


def wanted(
    kinds: Sequence[EvidenceKind], files: Sequence[Evidence], *, absent: str
) -> list[Wanted]:
    """The kinds with the best state among the files of each; `absent` is the tag of a missing one."""
    order = [EvidenceState.PASSED, EvidenceState.CHECKING, EvidenceState.REPLACE]
    lines = []
    for kind in kinds:
        states = {file.state for file in files if file.kind == kind}
        best = next((state for state in order if state in states), None)
        tag, tone = TAGS[best] if best else (absent, "")
        lines.append(Wanted(kind, KIND_LABELS[kind], HINTS[kind], tag, tone))
    return lines


def wanted_of(case: Case, files: Sequence[Evidence], since: datetime | None) -> list[Wanted]:
    """What staff asked for; files from before the request do not count. Else what is suggested."""
    if case.asked_kinds and since is not None:
        newer = [file for file in files if file.created_at >= since]
        return wanted([EvidenceKind(kind) for kind in case.asked_kinds], newer, absent="待上传")
    return wanted(suggested_kinds(case.reasons), files, absent="建议")


def consent_lines(given: Iterable[Consent]) -> list[ConsentLine]:
    """The three consents, each with its text; `given` are those that stand, one a kind."""
    by_kind = {consent.kind: consent for consent in given}
    lines = []
    for kind in CONSENT_FOR.values():
        consent = by_kind.get(kind.value)
        renewed = consent is not None and consent.is_outdated
        given_at = consent.given_at if consent is not None and not renewed else None
        label, text = CONSENT_LABELS[kind], consent_text(kind)
        lines.append(ConsentLine(kind, label, text, given_at, renewed))
    return lines


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file in the list: who may change it, with which drawing, and what to say of a long wait."""

    file: Evidence
    icon: str
    tone: str
    can_change: bool
    long_wait: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not taken: its name and the sentence why; nothing of it is kept."""

    name: str
    message: str
    field: str = "file"

    @property
    def can_retry(self) -> bool:
        """Whether the same file may be sent again once something else is put right."""
        return self.field != "file"


def file_line(file: Evidence, now: datetime, *, can_change: bool) -> FileLine:
    """The drawing and colour of a file by its type and state."""
    tone = {EvidenceState.PASSED.value: "g", EvidenceState.REPLACE.value: "d"}.get(file.state, "")
    icon = "file" if file.content_type == FileType.PDF else "image"
    return FileLine(file, icon, tone, can_change, file.long_wait_note(now))


# --- What fits ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left over a month and what an instalment should not exceed (yuan)."""

    income: Decimal | None
    spending: Decimal | None
    affordability: Affordability
    affordable: Decimal | None

    @property
    def above_guide(self) -> bool:
        """Whether the borrower wants to pay more than that share of what is left over."""
        return self.affordable is not None and self.affordability.exceeds_guide(self.affordable)


def estimate(
    income: Decimal | None,
    spending: Decimal | None,
    affordable: Decimal | None,
    rules: ReliefPolicy,
) -> Estimate:
    """The live estimate of step four: at most the policy's share of what is left over."""
    affordability = assess(income, spending, affordable, share=rules.affordability_share)
    return Estimate(income, spending, affordability, affordable)


# --- The promise and the receipt ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewPromise:
    """Until when the review is done if it is submitted now."""

    due_at: datetime
    workdays: int
    until: str
    opens_at: datetime | None


def promise(now: datetime, rules: ReliefPolicy, calendar: WorkCalendar) -> ReviewPromise:
    """18:00 on the second working day after today; `opens_at` when the desk is closed now."""
    _target, due = deadlines.review_due(now, rules.review_workdays, calendar, rules)
    opens = bot.next_opening(in_shanghai(now), calendar)
    return ReviewPromise(due, rules.review_workdays, rules.review_deadline_time, opens)


def submission_digest(case: Case, files: Sequence[Evidence]) -> str:
    """SHA-256 of what was submitted: the same content has the same digest, at any time."""
    return digest_of(
        {
            "number": case.number,
            "loan": case.loan.number,
            "submitted_at": case.submitted_at,
            "reasons": list(case.reasons),
            "statement": case.statement,
            "income_before": case.income_before,
            "monthly_income": case.monthly_income,
            "monthly_spending": case.monthly_spending,
            "affordable_payment": case.affordable_payment,
            "files": sorted([file.kind, file.sha256] for file in files),
        }
    )
