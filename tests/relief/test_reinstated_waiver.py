"""What comes back on breach is one figure: of the signed waiver, on every screen, notice and book.

The offer is accepted two days after its date, so that penalty ran on meanwhile; that part is waived
for good (loans/RULES.md §7) and must appear in none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from loans.queries.plan import SignedWaiver, plan_vesting
from loans.queries.position import load_position
from loans.queries.statement import load_statement
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers.models import Offer
from relief.plans import watch as plan_watch
from tests import factories
from tests.factories import NOW, staff
from tests.loans.pages.marks import figures
from tests.relief.desk.desk import at_desk, client_of, page_of

pytestmark = pytest.mark.django_db
ACCEPTED = NOW + timedelta(days=2)


@dataclass
class Plan:
    """A plan with a run-on part: its case, the offer, and the moment the test has reached."""

    case: Case
    offer: Offer
    at: datetime

    @property
    def signed(self) -> Decimal:
        return self.offer.offer_terms.waived

    def figures_on(self, url: str, field: str) -> set[Decimal]:
        """Every value of a mark on a page of the borrower at the moment."""
        with clock.frozen(self.at):
            response = client_of(self.case.borrower).get(url)
        assert response.status_code == 200
        return set(figures(response, field))

    @property
    def plan_page(self) -> str:
        return reverse("relief:plan", args=[self.case.public_id])

    @property
    def loan_page(self) -> str:
        return reverse("loans:detail", args=[self.case.loan.public_id])

    def at_desk(self, field: str) -> set[Decimal]:
        with clock.frozen(self.at):
            return set(figures(at_desk(Rank.SUPERVISOR).get(page_of(self.case)), field))


@pytest.fixture
def plan() -> Plan:
    case = factories.case_at(State.OFFERED)
    offer = factories.open_offer(case)
    factories.accept(case, now=ACCEPTED)
    case.refresh_from_db()
    found = Plan(case, offer, ACCEPTED)
    assert SignedWaiver.of(case.agreements.get().plan).ran_on > 0
    return found


def test_before_anything_is_paid_the_whole_signed_waiver_would_come_back(plan: Plan) -> None:
    offer_page = reverse("relief:offer", args=[plan.case.public_id, plan.offer.number])

    assert plan.figures_on(plan.plan_page, "breach-returned") == {plan.signed}
    assert plan.figures_on(offer_page, "offer-comeback") == {plan.signed}
    agreement = plan.case.agreements.get()
    assert f"一期未还时恢复 ¥{plan.signed:,.2f}）" in agreement.text
    assert "不因终止而恢复" in agreement.text


def test_what_was_waived_for_good_is_a_line_of_its_own(plan: Plan) -> None:
    waiver = SignedWaiver.of(plan.case.agreements.get().plan)

    assert plan.figures_on(plan.loan_page, "plan-waived") == {plan.signed}
    assert plan.figures_on(plan.loan_page, "plan-waived-since") == {waiver.ran_on}
    waived = [
        -line.amount for line in load_statement(plan.case.loan).lines if line.kind == "waiver"
    ]
    assert sum(waived) == waiver.total + waiver.ran_on


def test_late_warned_and_broken_it_is_the_same_figure_everywhere(plan: Plan) -> None:
    factories.pay_plan(plan.case, 3)
    due = next(row["due_on"] for row in plan.offer.rows if row["number"] == 4)
    plan.at = factories.noon(datetime.fromisoformat(due).date()) + timedelta(days=5)
    factories.sweep_through(plan.case, plan.at)
    plan.case.refresh_from_db()
    assert plan.case.state == State.WARNED
    paid = sum(Decimal(row["principal"]) for row in plan.offer.rows[:3])
    whole = sum(Decimal(row["principal"]) for row in plan.offer.rows)
    back = plan.signed - (plan.signed * paid / whole).quantize(Decimal("0.01"), "ROUND_DOWN")

    assert plan.figures_on(plan.plan_page, "breach-returned") == {back}
    assert plan.figures_on(plan.loan_page, "breach-returned") == {back}
    assert plan.at_desk("breach-returned") == {back}  # a forecast: nothing to confirm yet
    warned = Notice.objects.get(event="plan_warned")
    assert f"恢复 {back} 元" in warned.body

    plan.at += timedelta(days=15)
    factories.sweep_through(plan.case, plan.at)
    assert plan.at_desk("breach-returned") == {back}
    assert plan.at_desk("breach-vested") == {plan.signed - back}
    vesting = plan_vesting(load_position(plan.case.loan))
    assert vesting is not None
    assert vesting.returned == back
    plan_watch.breach(
        case=plan.case, reason="多次联系未还", actor=staff(Rank.SUPERVISOR), now=plan.at
    )

    lines = [line for line in load_statement(plan.case.loan).lines if line.kind == "breach"]
    assert sum(line.amount for line in lines) == back
    assert f"恢复 {back:,.2f} 元" in lines[0].source
    broken = Notice.objects.get(event="plan_breached")
    assert re.search(rf"保留 {plan.signed - back} 元，其余恢复 {back} 元", broken.body)
    assert plan.figures_on(plan.plan_page, "breach-returned") == {back}
    assert plan.figures_on(plan.plan_page, "breach-vested") == {plan.signed - back}
    assert plan.figures_on(plan.loan_page, "breach-restored") == {back}


def test_a_plan_recomputed_by_a_prepayment_still_reads_the_signed_terms(plan: Plan) -> None:
    factories.pay_plan(plan.case, 2)
    row = plan.offer.rows[1]
    plan.at = factories.noon(datetime.fromisoformat(row["due_on"]).date())
    factories.pay_amount(plan.case.loan, Decimal("1000.00"), plan.at.date())

    vesting = plan_vesting(load_position(plan.case.loan))

    assert vesting is not None
    assert plan.figures_on(plan.plan_page, "breach-returned") == {vesting.returned}
    assert 0 < vesting.returned < plan.signed
