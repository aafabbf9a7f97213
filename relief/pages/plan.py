"""新还款计划 of a case: on time, warned or broken, and the next step."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from loans.presenters import history
from loans.presenters.amounts import penalty_all
from loans.presenters.loan import loan_card, plan_lines
from loans.presenters.origins import origins
from loans.queries.debt import debt_of
from loans.queries.plan import BookedBreach, booked_breaches
from loans.queries.position import Position, load_position
from loans.queries.stage import stage_of
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to
from relief.cases.queries import agreement_of, later_agreement
from relief.offers.models import Agreement
from relief.pages._own import own_case
from relief.presenters.plan import standing

SHOWN = 6  # rows before 展开


@require_safe
@borrower_only
def plan(request: HttpRequest, case: str) -> HttpResponse:
    """The plan that the agreement put in force; a case without one leads back to its page.

    Where the loan has another plan since, only what became of this one is told here.
    """
    visitor_case = own_case(request, case)
    agreement = agreement_of(visitor_case)
    if agreement is None or agreement.end_kind == "revoked":
        return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
    today = clock.today()
    position = load_position(visitor_case.loan)
    later = later_agreement(agreement)
    if later is not None:
        return _ended(request, agreement, later, position)
    debt = debt_of(position, today)
    rows = plan_lines(debt)
    stage = stage_of(visitor_case.loan, debt)
    terms = history.plan_terms(position, debt)
    shown = max(SHOWN, next((n for n, row in enumerate(rows, 2) if row.state == "next"), 0))
    context = {
        "case": visitor_case,
        "loan": visitor_case.loan,
        "debt": debt,
        "stage": stage,
        "card": loan_card(visitor_case.loan, debt, stage),
        "plan": terms,
        "standing": standing(stage, debt, terms),
        "rows": rows[:shown],
        "more_rows": rows[shown:],
        "penalty_all": penalty_all(debt),
        "origins": origins(position, debt),
        "old_schedules": history.old_schedules(position, today),
        "agreement": agreement,
        "ending": ending_of(agreement, position),
    }
    return render(request, "relief/plans/plan.html", context)


def _ended(
    request: HttpRequest, agreement: Agreement, later: Agreement, position: Position
) -> HttpResponse:
    """What became of a plan that is not the loan's any more, and where the one in force stands."""
    old = history.old_schedules(position, clock.today())
    context = {
        "case": agreement.case,
        "agreement": agreement,
        "ending": ending_of(agreement, position),
        "later": later,
        "old_schedules": [one for one in old if one.schedule_id == agreement.plan_id],
    }
    return render(request, "relief/plans/plan_ended.html", context)


def ending_of(agreement: Agreement, position: Position) -> BookedBreach | None:
    """The breach that ended this plan, as the books say; None when none did."""
    if agreement.end_kind != "breached" or agreement.ended_at is None:
        return None
    ended_on = business_date(agreement.ended_at)
    same_day = [breach for breach in booked_breaches(position) if breach.on == ended_on]
    return same_day[-1] if same_day else None
