"""Going on as now beside a plan: the one comparison that borrower and staff read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from loans.domain.cost import annualised_cost
from loans.presenters import wording
from loans.presenters.amounts import WORDS, figure, sum_words
from loans.queries.types import Debt
from portal.core.kernel.money import ZERO
from relief.cases.models import Case
from relief.offers.suggestions import affordability_of
from relief.presenters.cost import PlanSums

LABELS = {
    "principal": "本金",
    "interest": WORDS["interest_all"],
    "charges": WORDS["penalty_all"],
    "instalment": "每期应还",
    "terms": "剩余期数",
    "first": "首次应付",
    "total": "合计应还",
}
PARTS: dict[str, tuple[str, ...]] = {  # what is owed today of a kind, each part under its own word
    "interest": ("kept_interest", "interest", "accrued_interest"),
    "charges": ("kept_penalty", "penalty", "compound", "fee"),
}
KEPT = {"interest": WORDS["kept_interest"], "charges": WORDS["kept_penalty"]}  # in the plan
FIELDS = {"instalment": "offer-instalment", "total": "offer-total"}


@dataclass(frozen=True, slots=True)
class CompareRow:
    """One line of 当前与方案对比: yuan or a count, and in words for ui/_compare.html."""

    key: str
    now: Decimal | int
    offered: Decimal | int
    note: str = ""
    tone: str = ""
    changed: bool = False  # since the version before
    parts: str = ""  # what `now` consists of: = 保留罚息 110.57 + 罚息 22.00

    @property
    def label(self) -> str:
        return LABELS[self.key]

    @property
    def is_money(self) -> bool:
        return isinstance(self.offered, Decimal)

    @property
    def before(self) -> str:
        return _words(self.now)

    @property
    def after(self) -> str:
        return _words(self.offered)

    @property
    def before_note(self) -> str:
        return self.parts or ("现在" if self.key == "first" and self.now else "")

    @property
    def before_lines(self) -> list[str]:
        """The note, one part a line: a column is narrow on a phone."""
        return self.before_note.replace(" + ", "\n+ ").split("\n") if self.before_note else []

    @property
    def big(self) -> bool:
        return self.key == "instalment"

    @property
    def field(self) -> str:
        return FIELDS.get(self.key, "")

    @property
    def value(self) -> Decimal | int:
        return self.offered


@dataclass(frozen=True, slots=True)
class Today:
    """A plan beside the debt of today (yuan); `annualised` is what going on costs a year.

    It is counted as the plan's is: what is due already is paid today. None: no rate says it."""

    rows: tuple[CompareRow, ...]
    going_on: Decimal
    annualised: Decimal | None
    rises: Decimal
    falls: Decimal
    ran_on: Decimal
    per_day: Decimal
    credit: str
    guide: Decimal | None
    above_guide: bool
    share: Decimal

    @property
    def desk_rows(self) -> tuple[CompareRow, ...]:
        """What changes hands; the desk has the parts of the debt beside it already."""
        return tuple(row for row in self.rows if row.key not in {"principal", "interest"})


def today(
    plan: PlanSums, debt: Debt, case: Case, *, locked: Decimal, before: PlanSums | None = None
) -> Today:
    """The plan beside going on as now (relief/RULES.md §5); `locked` is the penalty it was made on."""
    difference = plan.total - debt.by_schedule
    affordability = affordability_of(case)
    return Today(
        rows=compare(debt, plan, before),
        going_on=debt.by_schedule,
        annualised=annualised_cost(
            debt.principal, debt.as_of, [(row.due_on, row.total) for row in debt.instalments]
        ),
        rises=max(difference, ZERO),
        falls=max(-difference, ZERO),
        ran_on=max(debt.figures.penalty - locked, ZERO),
        per_day=debt.penalty_per_day,
        credit=wording.credit_class(debt.overdue_days),
        guide=affordability.guide,
        above_guide=affordability.exceeds_guide(plan.heaviest_month),
        share=affordability.share,
    )


def compare(debt: Debt, plan: PlanSums, before: PlanSums | None) -> tuple[CompareRow, ...]:
    """Line by line; what is on the way now is every unpaid instalment as it stands."""
    now, offered = _going_on(debt), _proposed(plan)
    old = offered if before is None else _proposed(before)
    rows = []
    for key in LABELS:
        note, tone = _note(key, now[key], offered[key])
        if key == "first":
            note = wording.near_day(plan.first_due_on, debt.as_of)
        rows.append(
            CompareRow(
                key,
                now[key],
                offered[key],
                note,
                tone,
                changed=offered[key] != old[key],
                parts=_parts(key, debt),
            )
        )
    return tuple(rows)


def _parts(key: str, debt: Debt) -> str:
    """= 保留罚息 110.57 + 罚息 22.00, or the word of the only part there is."""
    there = [one for name in PARTS.get(key, ()) if (one := figure(debt, name)).amount]
    if len(there) > 1:
        return f"= {sum_words(there)}"
    return "".join(one.word for one in there)


def _going_on(debt: Debt) -> dict[str, Decimal | int]:
    live = [row for row in debt.instalments if row.total]
    usual = debt.next_due or (live[-1] if live else None)
    figures = debt.figures
    return {
        "principal": figures.principal,
        "interest": figures.interest,
        "charges": figures.parts.charges,
        "instalment": usual.scheduled if usual else ZERO,
        "terms": len(live),
        "first": debt.due_now,
        "total": debt.by_schedule,
    }


def _proposed(plan: PlanSums) -> dict[str, Decimal | int]:
    return {
        "principal": plan.principal,
        "interest": plan.kept_interest,
        "charges": plan.kept_penalty,
        "instalment": plan.instalment,
        "terms": plan.terms,
        "first": plan.instalment,
        "total": plan.total,
    }


def _note(key: str, now: Decimal | int, offered: Decimal | int) -> tuple[str, str]:
    """每期少 12.00 and whether that is good; 多 6 期, which is neither."""
    less = now - offered
    word = "少" if less > 0 else "多"
    kept = KEPT[key] if key in KEPT and offered else ""
    if key == "terms":
        return (f"{word} {abs(less)} 期" if less else "不变"), ""
    if key == "first" or not less:
        return kept, ""
    each = "每期" if key == "instalment" else ""
    difference = f"{each}{word} {wording.yuan(abs(Decimal(less)))}"
    return "，".join(filter(None, (kept, difference))), "good" if less > 0 else "bad"


def _words(amount: Decimal | int) -> str:
    return wording.yuan(amount) if isinstance(amount, Decimal) else f"{amount} 期"
