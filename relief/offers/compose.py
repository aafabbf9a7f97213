"""How a version, of staff or of the borrower, is computed, judged and written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from loans.domain.affordability import heaviest_month
from loans.domain.restructure import DebtFigures, PlanPreview, PlanRow
from loans.domain.schedule import PlanPeriod
from loans.models import Instalment, Loan
from loans.queries.debt import load_debt
from loans.services.plans import restructure
from portal.core.calendar.days import load_calendar
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import instant_at
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from portal.core.kernel.roles import Rank, rank_at_least
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.policy import ReliefPolicy
from relief.cases.timing import deadlines
from relief.cases.workflow import Promise
from relief.offers import terms
from relief.offers.models import Agreement, Offer, OfferStatus, Side
from relief.offers.terms import OfferTerms


@dataclass(frozen=True)
class OfferDraft:
    """What staff type in (yuan, percent, a year); amount or percent of the penalty, not both."""

    term_count: int
    first_due_on: date
    waive_penalty: Decimal | None = None
    penalty_percent: Decimal | None = None
    waive_interest: Decimal = ZERO
    waive_compound: Decimal = ZERO
    waive_fee: Decimal = ZERO
    plan_annual_rate: Decimal = ZERO
    period: PlanPeriod = PlanPeriod.MONTHLY


@dataclass(frozen=True)
class CounterDraft:
    """What the borrower proposes (yuan): a waiver, a first date, and a monthly sum or a term."""

    waive_penalty: Decimal
    first_due_on: date
    monthly: Decimal | None = None
    term_count: int | None = None


@dataclass(frozen=True)
class Composed:
    """Terms on the debt of a date, with the plan they give and the rank they need."""

    terms: OfferTerms
    figures: DebtFigures
    plan: PlanPreview
    needed_rank: Rank
    plan_number: int
    prior_granted: Decimal

    @property
    def figures_dict(self) -> dict[str, Any]:
        """The debt locked by the offer, as JSON."""
        return {
            **self.figures.as_json(),
            "plan_total": str(self.plan.total),
            "plan_interest": str(self.plan.plan_interest),
            "waived": str(self.plan.waived),
            "annualised_cost": _text_or_none(self.plan.annualised_cost),
        }

    @property
    def rows_list(self) -> list[dict[str, Any]]:
        """The plan's rows, as JSON."""
        return [row_dict(row) for row in self.plan.rows]


def _text_or_none(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def row_dict(row: PlanRow | Instalment) -> dict[str, Any]:
    """One plan row, proposed or booked, as JSON: amounts as text, date ISO."""
    names = ("principal", "interest", "kept_interest", "kept_penalty", "total")
    return {
        "number": row.number,
        "due_on": row.due_on.isoformat(),
        **{name: str(getattr(row, name)) for name in names},
    }


def figures_of(loan: Loan, on: date) -> DebtFigures:
    """The debt as an offer states it: unpaid interest with what accrued to the day (yuan)."""
    return load_debt(loan, on).figures


def delay_waiver(case: Case, figures: DebtFigures) -> Decimal:
    """Yuan of penalty that ran on after our missed review deadline, to the offer (relief/RULES.md §4).

    Missed on 11-25 at 2.42 a day, offered on 11-27: 4.84, at most the penalty owed.
    """
    if case.delay_from is None or not case.policy.rules.sla_delay_waiver:
        return ZERO
    until = min(case.delay_to or figures.as_of, figures.as_of)
    if until <= case.delay_from:
        return ZERO
    ran = load_debt(case.loan, until).penalty - load_debt(case.loan, case.delay_from).penalty
    return min(max(ran, ZERO), figures.penalty)


def prior_agreements(loan: Loan) -> list[Agreement]:
    """Agreements of the loan that count: all but revoked ones."""
    return list(
        Agreement.objects.filter(case__loan=loan)
        .exclude(end_kind="revoked")
        .select_related("offer")
    )


def compose_draft(case: Case, draft: OfferDraft, on: date) -> Composed:
    """A staff draft on the debt of `on`; InvalidInput names the field at fault."""
    figures = figures_of(case.loan, on)
    delay = delay_waiver(case, figures)
    percent = draft.penalty_percent
    if percent is not None:
        penalty = terms.penalty_by_percent(figures.penalty, percent, delay)
    else:
        penalty = max(draft.waive_penalty or ZERO, delay)
    composed = compose(
        case,
        OfferTerms(
            figures_as_of=on,
            term_count=draft.term_count,
            first_due_on=draft.first_due_on,
            waive_penalty=penalty,
            waive_interest=draft.waive_interest,
            waive_compound=draft.waive_compound,
            waive_fee=draft.waive_fee,
            plan_annual_rate=draft.plan_annual_rate,
            period=draft.period,
            delay_waiver=delay,
            penalty_percent=percent,
        ),
        figures=figures,
    )
    check_first_due(draft.first_due_on, on)
    return composed


def check_first_due(first_due_on: date, on: date) -> None:
    """InvalidInput for an offer of staff whose first date leaves the borrower no day to think."""
    if first_due_on < on + timedelta(days=2):
        raise InvalidInput("first_due_on", "首期日期至少要在后天，给借款人留出考虑时间")


def compose(
    case: Case, proposed: OfferTerms, *, figures: DebtFigures, judged_on: DebtFigures | None = None
) -> Composed:
    """Checks terms against the policy and computes their plan and the rank they need.

    `judged_on` is the debt that authority is measured on, if not `figures` (see below).
    """
    rules = case.policy.rules
    before = prior_agreements(case.loan)
    prior = sum((row.offer.offer_terms.granted for row in before), ZERO)
    terms.check_offer_terms(rules, case.loan.terms, figures, proposed, plan_number=len(before) + 1)
    plan = restructure.preview_relief(
        loan=case.loan, terms=proposed.relief_terms(), on=proposed.figures_as_of
    )
    needed = terms.needed_rank(
        rules, judged_on or figures, proposed, prior_granted=prior, plan_number=len(before) + 1
    )
    return Composed(proposed, figures, plan, needed, len(before) + 1, prior)


def preview_counter(*, case: Case, number: int, draft: CounterDraft, on: date) -> Composed:
    """What the borrower's proposal would give; InvalidInput says the bound that it breaks."""
    offer = find_offer(case, number, for_borrower=True)
    figures = figures_of(case.loan, on)
    base = OfferTerms(
        figures_as_of=on,
        term_count=draft.term_count or 1,
        first_due_on=draft.first_due_on,
        waive_penalty=max(draft.waive_penalty, delay_waiver(case, figures)),
        plan_annual_rate=offer.offer_terms.plan_annual_rate,
        period=offer.offer_terms.period,
        delay_waiver=delay_waiver(case, figures),
    )
    if draft.monthly is None:
        if draft.term_count is None:
            raise InvalidInput("monthly", "请填写每月可还金额，或选择期数")
        return compose(case, base, figures=figures)
    return _for_monthly(case, base, draft.monthly, figures)


def _for_monthly(case: Case, base: OfferTerms, monthly: Decimal, figures: DebtFigures) -> Composed:
    """The shortest plan whose heaviest month is at most `monthly` (yuan)."""
    most = case.policy.rules.max_plan_terms
    if monthly <= ZERO:
        raise InvalidInput("monthly", "每月可还金额要大于 0")
    left = figures.total - base.waived
    count = min(max(1, -int(-left // monthly)), most)
    while True:
        composed = compose(case, replace(base, term_count=count), figures=figures)
        heaviest = heaviest_month([(row.due_on, row.total) for row in composed.plan.rows])
        if heaviest <= monthly:
            return composed
        if count >= most:
            raise InvalidInput("monthly", f"最长 {most} 期，每月至少 ¥{heaviest:,.2f}")
        count += 1


def still_granted(case: Case, offer: Offer) -> bool:
    """Whether who stands behind an offer may still grant it, summed over the loan's waivers."""
    before = prior_agreements(case.loan)
    needed = terms.needed_rank(
        case.policy.rules,
        judged_on(offer),
        offer.offer_terms,
        prior_granted=sum((row.offer.offer_terms.granted for row in before), ZERO),
        plan_number=len(before) + 1,
    )
    people = [person for person in (offer.made_by, offer.approved_by) if person is not None]
    return any(rank_at_least(person.rank, needed) for person in people)


def judged_on(offer: Offer) -> DebtFigures:
    """The debt that authority over an offer is measured on: as a rule its own.

    The share of the penalty (relief/RULES.md §7) in a version that the system reissued is one of the
    penalty that staff granted it on, if that was more: 80.00 of 161.50 is less than half, and does
    not become more than a reviewer may grant when the borrower pays 100.00 of the 161.50.
    """
    figures = stored_figures(offer)
    if offer.side != Side.SYSTEM:
        return figures
    return at_least_as_granted(figures, offer.case, before=offer.number)


def at_least_as_granted(figures: DebtFigures, case: Case, *, before: int) -> DebtFigures:
    """`figures` with no less penalty than in the version that staff made last before a number."""
    previous = case.offers.filter(side=Side.STAFF, number__lt=before).order_by("-number").first()
    granted = stored_figures(previous).penalty if previous is not None else ZERO
    penalty = max(figures.penalty, granted)
    return replace(figures, parts=replace(figures.parts, penalty=penalty))


def stored_figures(offer: Offer) -> DebtFigures:
    """The debt that an offer was computed on, from its JSON."""
    return DebtFigures.from_json(offer.figures)


def is_intact(offer: Offer) -> bool:
    """Whether the stored version still gives the digest it was made with."""
    return offer.digest == terms.offer_digest(
        case_number=offer.case.number,
        offer_number=offer.number,
        terms=offer.offer_terms,
        figures=offer.figures,
        rows=offer.rows,
    )


def offer_due(now: datetime, first_due_on: date, rules: ReliefPolicy) -> deadlines.DeadlineSet:
    """Valid for 7 calendar days, and never past the evening before the first instalment."""
    due = deadlines.due_for(Promise.OFFER_VALID, now, load_calendar(), rules)
    assert due is not None
    latest = instant_at(first_due_on - timedelta(days=1), rules.deadline_time)
    if due.at <= latest:
        return due
    return deadlines.DeadlineSet(latest, due.kind, ((due.kind, latest),))


def answer_counters(case: Case) -> None:
    """A new version goes to the borrower: the counter-offers before it are answered by it."""
    case.offers.filter(status=OfferStatus.PROPOSED).update(status=OfferStatus.SUPERSEDED)


def write_offer(
    case: Case,
    composed: Composed,
    *,
    side: Side,
    status: OfferStatus,
    made_by: User | None,
    now: datetime,
    **extra: Any,
) -> Offer:
    """Stores the next version with its digest; the caller has locked the case."""
    last = case.offers.order_by("-number").first()
    number = (last.number if last else 0) + 1
    figures, rows = composed.figures_dict, composed.rows_list
    return Offer.objects.create(
        case=case,
        number=number,
        side=side,
        status=status,
        terms=composed.terms.to_dict(),
        figures=figures,
        rows=rows,
        digest=terms.offer_digest(
            case_number=case.number,
            offer_number=number,
            terms=composed.terms,
            figures=figures,
            rows=rows,
        ),
        figures_on=composed.terms.figures_as_of,
        needs_rank=composed.needed_rank.value,
        made_by=made_by,
        made_at=now,
        supersedes=last,
        **extra,
    )


def find_offer(case: Case, number: int, *, for_borrower: bool = False, lock: bool = False) -> Offer:
    """A version of the case; RuleViolation when there is none (or none the borrower may see)."""
    versions = case.offers.shown() if for_borrower else case.offers.all()
    if lock:
        versions = versions.select_for_update(of=("self",)).select_related("made_by", "approved_by")
    offer = versions.filter(number=number).first()
    if offer is None:
        raise RuleViolation("没有找到这份方案，请刷新页面。", code="no-offer")
    return offer
