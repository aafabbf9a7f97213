"""The offer builder: its initial values, the plan a draft would give, who must approve; stores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from loans.domain.affordability import Affordability, Suggestions
from loans.domain.schedule import PlanPeriod
from loans.queries.types import Debt
from portal.core.accounts.drafts import Typed
from portal.core.kernel.businesstime import add_months, business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from portal.core.kernel.roles import RANK_LABELS, Rank, rank_at_least
from portal.core.models import User
from portal.core.web.drafting import put_into
from relief.cases.models import Case
from relief.desk.offer_form import AMOUNT, PERCENT, OfferForm
from relief.evidence.access_log import unread_by
from relief.evidence.models import Evidence
from relief.offers.compose import Composed, compose_draft
from relief.offers.models import Offer, OfferStatus, Side
from relief.offers.suggestions import affordability_of, suggest_for
from relief.offers.terms import OfferTerms
from relief.presenters.comparison import Today, today
from relief.presenters.cost import PlanSums, plan_sums

TERMS = (6, 9, 12, 18, 24)
PICKS = ("closest", "faster", "slower")


@dataclass(frozen=True)
class Authority:
    """Whether the maker may send alone, and the sentence that says why not."""

    within: bool
    needed: str
    limits: str
    this_offer: str
    prior: Decimal
    plan_number: int


@dataclass(frozen=True)
class OfferPreview:
    """What a draft would give on today's debt (yuan)."""

    composed: Composed
    plan: PlanSums
    today: Today
    authority: Authority
    fits: str  # "good", "bad" or "" when there are no numbers


@dataclass(frozen=True)
class Builder:
    """The form with its preview or its errors, and where to start from."""

    form: OfferForm
    preview: OfferPreview | None
    suggestions: Suggestions
    affordability: Affordability
    penalty: Decimal
    has_compound: bool
    has_fee: bool
    terms: tuple[int, ...]
    delay: Decimal
    unread: list[Evidence]  # files that the viewer has not opened
    draft: Typed | None


def builder_for(
    case: Case,
    viewer: User,
    debt: Debt,
    now: datetime,
    form: OfferForm | None = None,
    draft: Typed | None = None,
) -> Builder:
    """The builder of the page; a bound form keeps what was typed, a new one takes up the draft."""
    today = business_date(now)
    suggestions = suggest_for(case, today)
    if form is None:
        start = {"seen": case.version, **initial_of(case, suggestions, now)}
        form = OfferForm(initial=start, case=case)
        put_into(form, draft)
    shown = _shown(case, viewer, debt, form, now)
    return Builder(
        form=form,
        preview=shown,
        suggestions=suggestions,
        affordability=affordability_of(case),
        penalty=debt.figures.penalty,
        has_compound=debt.figures.compound > 0,
        has_fee=debt.figures.fee > 0,
        terms=TERMS,
        delay=shown.composed.terms.delay_waiver if shown else ZERO,
        unread=unread_by(viewer, case.pk),
        draft=draft,
    )


def _shown(
    case: Case, viewer: User, debt: Debt, form: OfferForm, now: datetime
) -> OfferPreview | None:
    """The preview of a good form; a refusal of the rules is put at its field."""
    draft = form if form.is_bound else OfferForm(_as_data(form.initial), case=case)
    if not draft.is_valid():
        return None
    try:
        return preview(case, viewer, debt, draft, now)
    except InvalidInput as wrong:
        if form.is_bound:
            form.add_error(wrong.field if wrong.field in form.fields else None, wrong.message)
        return None


def _as_data(initial: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None else str(value) for name, value in initial.items()}


def preview(case: Case, viewer: User, debt: Debt, form: OfferForm, now: datetime) -> OfferPreview:
    """InvalidInput names the field that the policy refuses."""
    composed = compose_draft(case, form.draft(), business_date(now))
    plan = plan_sums(composed.rows_list, composed.figures_dict)
    beside = today(plan, debt, case, locked=composed.figures.penalty)
    fits = ""
    if beside.guide is not None:
        fits = "bad" if beside.above_guide else "good"
    return OfferPreview(
        composed=composed,
        plan=plan,
        today=beside,
        authority=authority(case, viewer, composed),
        fits=fits,
    )


def authority(case: Case, viewer: User, composed: Composed) -> Authority:
    """审核员可减免 ≤ 50% 且 ≤ ¥500.00；本方案 80%（¥70.54）."""
    rank = Rank(viewer.rank)
    tier = case.policy.rules.tier(rank)
    limits = f"{RANK_LABELS[rank]}没有减免权限"
    if tier is not None:
        amount_limit = "金额不限" if tier.amount is None else f"≤ ¥{tier.amount:,.2f}"
        limits = f"{RANK_LABELS[rank]}可减免罚息 ≤ {tier.penalty_share * 100:.0f}% 且合计{amount_limit}、最长 {tier.terms} 期"
        limits += "" if tier.interest else "，不含利息"
    terms = composed.terms
    penalty = composed.figures.penalty
    share = (terms.waive_penalty - terms.delay_waiver) * 100 / penalty if penalty else ZERO
    return Authority(
        within=rank_at_least(viewer.rank, composed.needed_rank),
        needed=RANK_LABELS[composed.needed_rank],
        limits=limits,
        this_offer=f"{share:.0f}%（¥{terms.granted:,.2f}）",
        prior=composed.prior_granted,
        plan_number=composed.plan_number,
    )


def initial_of(case: Case, suggestions: Suggestions, now: datetime) -> dict[str, Any]:
    """From the borrower's counter-offer, else the last version of staff, else what fits best."""
    version = _last_version(case)
    if version is not None:
        kept = {}
        if version.status == OfferStatus.SENT_BACK:
            kept = {"note": version.note, "note_internal": version.note_internal}
        return {**_from_terms(version.offer_terms, now), **kept}
    closest = suggestions.closest
    return {
        **_blank(now),
        "term_count": closest.terms.term_count if closest else 12,
    }


def picked(case: Case, now: datetime, pick: str) -> dict[str, str]:
    """The values of one suggestion, as if typed; empty when there is none."""
    suggestion = (
        getattr(suggest_for(case, business_date(now)), pick, None) if pick in PICKS else None
    )
    if suggestion is None:
        return {}
    return {
        "term_count": str(suggestion.terms.term_count),
        "first_due_on": suggestion.terms.first_due_on.isoformat(),
        "by": PERCENT,
        "penalty_percent": "100",
        "period": suggestion.terms.period.value,
    }


def _last_version(case: Case) -> Offer | None:
    versions = case.offers.exclude(status__in=[OfferStatus.ACCEPTED, OfferStatus.REVOKED])
    counters = versions.filter(side=Side.BORROWER, status=OfferStatus.PROPOSED)
    return counters.order_by("-number").first() or versions.order_by("-number").first()


def _blank(now: datetime) -> dict[str, Any]:
    return {
        "by": PERCENT,
        "penalty_percent": "50",
        "waive_penalty": "",
        "waive_interest": "0",
        "waive_compound": "0",
        "waive_fee": "0",
        "plan_annual_rate": "0",
        "period": PlanPeriod.MONTHLY.value,
        "first_due_on": add_months(business_date(now), 1),
    }


def _from_terms(terms: OfferTerms, now: datetime) -> dict[str, Any]:
    first = terms.first_due_on
    if first <= add_months(business_date(now), 0):
        first = add_months(business_date(now), 1)
    percent = terms.penalty_percent
    return {
        "by": AMOUNT if percent is None else PERCENT,
        "penalty_percent": "" if percent is None else f"{percent.normalize():f}",
        "waive_penalty": f"{terms.waive_penalty}" if percent is None else "",
        "waive_interest": f"{terms.waive_interest}",
        "waive_compound": f"{terms.waive_compound}",
        "waive_fee": f"{terms.waive_fee}",
        "plan_annual_rate": f"{(terms.plan_annual_rate * 100).normalize():f}",
        "period": terms.period.value,
        "term_count": terms.term_count,
        "first_due_on": first,
    }
