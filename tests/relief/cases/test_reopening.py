"""The payment that ended a case is reversed: the case goes on, its paper is void, it is watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from loans.services.payments.payment import reverse_payment
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Document, Notice
from relief import invariants
from relief.cases import application
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence import retention
from relief.evidence.models import Evidence
from relief.offers import revoke
from relief.plans import clock as plan_clock
from tests import factories
from tests.factories import NOW, case_at, noon, staff

pytestmark = pytest.mark.django_db
AFTER = NOW + timedelta(days=120)


@pytest.fixture(autouse=True)
def _every_rule_holds() -> Iterator[None]:
    yield
    found = invariants.violations(now=AFTER, real_now=clock.real_now())
    assert [str(one) for one in found] == []


def bounce_last(case: Case, days: int = 1) -> None:
    """The newest payment of the loan comes back so many days after its date."""
    payment = case.loan.payments.filter(reversed_by=None).latest("paid_on", "pk")
    when = noon(payment.paid_on + timedelta(days=days))
    reverse_payment(payment_id=payment.pk, reason="银行退票", actor=None, now=when)
    case.refresh_from_db()
    case.loan.refresh_from_db()


def pay_off(case: Case, days: int) -> None:
    on = business_date(NOW) + timedelta(days=days)
    factories.pay_amount(case.loan, load_debt(case.loan, on).payoff, on)
    case.refresh_from_db()
    case.loan.refresh_from_db()


def test_a_completed_plan_is_in_force_and_watched_again() -> None:
    case = case_at(State.COMPLETED)
    paper = Document.objects.get(kind="certificate")
    retention.set_purge_dates(now=NOW + timedelta(days=2))
    assert Evidence.objects.get(case=case).purge_on is not None

    bounce_last(case)

    assert (case.state, case.closed_at) == (State.PLAN_ACTIVE, None)
    agreement = case.agreements.get()
    assert (agreement.end_kind, agreement.ended_at) == ("", None)
    assert case.deadlines.waiting().get().kind == "PLAN_CHECK"
    assert Evidence.objects.get(case=case).purge_on is None
    paper.refresh_from_db()
    assert paper.revoked_at is not None
    assert certificate_of(case.loan) is None
    assert "下一期 3月30日 到期" in Notice.objects.get(event="plan_reopened").body
    due = agreement.plan.instalments.first().due_on
    factories.sweep_through(case, noon(due + timedelta(days=3)))
    case.refresh_from_db()
    assert case.state == State.WARNED


def test_paid_again_it_is_completed_again_with_a_new_paper() -> None:
    case = case_at(State.COMPLETED)
    first = Document.objects.get(kind="certificate")
    bounce_last(case)

    pay_off(case, 3)

    paper = certificate_of(case.loan)
    assert case.state == State.COMPLETED
    assert paper is not None
    assert paper.pk != first.pk
    assert case.agreements.get().end_kind == "completed"
    assert Notice.objects.filter(event="plan_completed").count() == 2


def test_a_date_long_past_is_warned_of_at_once_with_the_whole_time_to_cure() -> None:
    case = case_at(State.COMPLETED)

    bounce_last(case, days=60)

    assert case.state == State.WARNED
    bounced = business_date(NOW) + timedelta(days=61)
    assert case.next_due_at is not None
    assert business_date(case.next_due_at) == bounced + timedelta(days=10)
    assert [e.action for e in case.events.order_by("pk")][-3:] == ["REOPEN", "PLAN_LATE", "WARN"]


def test_a_reversed_instalment_of_a_running_plan_is_looked_at_at_once() -> None:
    case = case_at(State.PLAN_ACTIVE)
    factories.pay_plan(case, 1)

    bounce_last(case, days=4)

    assert case.state == State.WARNED


def test_an_application_that_a_bounced_payment_ended_is_a_draft_again() -> None:
    case = case_at(State.SETTLED)
    retention.set_purge_dates(now=NOW + timedelta(days=2))

    bounce_last(case)

    assert (case.state, case.closed_at) == (State.DRAFT, None)
    assert Evidence.objects.get(case=case).purge_on is None
    assert "有一笔还款已冲正" in Notice.objects.get(event="case_reopened").body
    application.submit_case(case=case, actor=case.borrower, now=NOW + timedelta(days=2))
    case.refresh_from_db()
    assert case.state == State.SUBMITTED


def test_a_broken_plan_paid_in_full_ends_as_settled_and_stays_broken() -> None:
    case = case_at(State.BREACHED)

    pay_off(case, 50)

    assert case.state == State.SETTLED
    assert case.agreements.get().end_kind == "breached"
    assert certificate_of(case.loan) is not None
    assert "结清证明已开出" in Notice.objects.get(event="case_settled").body

    bounce_last(case)

    assert case.state == State.BREACHED
    assert case.agreements.get().end_kind == "breached"
    assert certificate_of(case.loan) is None
    assert Notice.objects.filter(event="breach_reopened").count() == 1
    assert not case.deadlines.waiting().exists()


def test_a_manager_revokes_a_warned_plan_of_which_nothing_is_paid() -> None:
    case = case_at(State.WARNED)
    when = NOW + timedelta(days=33)

    revoke.revoke_agreement(case=case, reason="签约欠款有误", actor=staff(Rank.MANAGER), now=when)

    case.refresh_from_db()
    assert case.state == State.NEGOTIATING
    assert not load_debt(case.loan, business_date(when)).is_plan
    assert [row.kind for row in case.deadlines.waiting()] == ["COMPOSE_DUE"]
    assert plan_clock.can_breach(case, when) is False


def test_a_warned_plan_with_a_payment_is_not_revoked_until_it_is_reversed() -> None:
    case = case_at(State.WARNED)
    when = NOW + timedelta(days=33)
    factories.pay_amount(case.loan, factories.Decimal("10.00"), business_date(when))
    case.refresh_from_db()
    assert case.state == State.WARNED
    manager = staff(Rank.MANAGER)
    with pytest.raises(RuleViolation, match="已按新计划还款"):
        revoke.revoke_agreement(case=case, reason="有误", actor=manager, now=when)
    case.refresh_from_db()
    assert case.state == State.WARNED

    bounce_last(case)
    revoke.revoke_agreement(case=case, reason="有误", actor=manager, now=when + timedelta(days=1))

    case.refresh_from_db()
    assert case.state == State.NEGOTIATING
