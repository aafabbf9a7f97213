"""The life of a plan: reminders, warning, cure, breach with the figures of loans/RULES.md, the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.domain.schedule import PlanPeriod
from loans.models import Loan
from loans.proofs import violations
from loans.queries.debt import load_debt
from loans.queries.position import load_position
from loans.queries.stage import TWO_MISSED
from loans.services.payments.payment import reverse_payment
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Document, Notice
from relief import invariants
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.pages.plan import ending_of
from relief.plans import clock as plan_clock
from relief.plans import watch as plan_watch
from tests import factories
from tests.conftest import at
from tests.factories import NOW, case_at, noon, staff
from tests.loans.books import EXAMPLE
from tests.relief.desk.desk import at_desk, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _books_stay_whole() -> Iterator[None]:
    yield
    assert list(violations()) == []


def first_due(case: Case) -> date:
    return case.agreements.get().plan.instalments.first().due_on


def example_plan() -> Case:
    """The loan L of loans/RULES.md, all of 161.50 waived on 2023-10-09, 12 terms at 0 %."""
    now = at("2023-10-09 10:00")
    loan = factories.overdue_loan(product=EXAMPLE, term_months=3, drawdown_on=date(2023, 6, 10))
    case = factories.draft_case(loan, now=now)
    for step in factories.PATHS[State.NEGOTIATING]:
        step(case, now)
        case.refresh_from_db()
    factories.offer_made(
        case,
        now=now,
        maker=staff(Rank.SUPERVISOR),
        penalty_percent=Decimal(100),
        first_due_on=date(2023, 11, 10),
    )
    factories.accept(case, now=now)
    case.refresh_from_db()
    return case


def test_a_weekly_plan_is_warned_and_paid_like_any_other() -> None:
    case = factories.case_at(State.NEGOTIATING)
    factories.offer_made(case, period=PlanPeriod.WEEKLY, plan_annual_rate=Decimal("0.072"))
    factories.accept(case, now=NOW)
    due = first_due(case)

    factories.pay_plan(case)
    plan_watch.watch_plan(case=case, now=noon(due + timedelta(days=7 + 3)))
    case.refresh_from_db()
    assert case.state == State.WARNED
    factories.pay_plan(case, on=due + timedelta(days=12))
    plan_watch.watch_plan(case=case, now=noon(due + timedelta(days=12)))
    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    factories.pay_amount(
        case.loan, load_debt(case.loan, due + timedelta(days=20)).payoff, due + timedelta(days=20)
    )
    case.loan.refresh_from_db()
    assert case.loan.is_settled


def test_the_worked_example_in_figures() -> None:
    case = example_plan()

    rows = case.agreements.get().offer.rows
    assert [row["total"] for row in rows] == ["509.17"] * 11 + ["509.25"]
    assert case.agreements.get().offer.figures["penalty"] == "161.50"
    assert case.agreements.get().offer.figures["plan_total"] == "6110.12"


def test_reminders_come_once_each() -> None:
    case = case_at(State.PLAN_ACTIVE)
    due = first_due(case)

    assert case.next_due_at is not None
    assert business_date(case.next_due_at) == due
    factories.sweep_through(case, noon(due + timedelta(days=1)))
    sent = Delivery.objects.filter(event__startswith="plan_", channel="sms")
    assert list(sent.order_by("pk").values_list("event", flat=True)) == [
        "plan_soon",
        "plan_today",
        "plan_late",
    ]
    assert [delivery for delivery in sent if "¥" in delivery.text or "逾期" in delivery.text] == []
    plan_watch.watch_plan(case=case, now=noon(due + timedelta(days=1)))
    assert sent.count() == 3


def test_a_paid_instalment_is_not_reminded_of() -> None:
    case = case_at(State.PLAN_ACTIVE)
    due = first_due(case)
    factories.pay_plan(case, on=due - timedelta(days=5))

    factories.sweep_through(case, noon(due + timedelta(days=3)))

    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    assert not Notice.objects.filter(event__in=["plan_soon", "plan_today", "plan_late"]).exists()
    assert business_date(case.next_due_at or NOW) > due


def test_warned_after_three_days_and_cured_by_paying() -> None:
    case = case_at(State.PLAN_ACTIVE)
    due = first_due(case)
    factories.sweep_through(case, noon(due + timedelta(days=2)))
    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    factories.sweep_through(case, noon(due + timedelta(days=3)))
    case.refresh_from_db()
    assert case.state == State.WARNED
    assert business_date(case.next_due_at or NOW) == due + timedelta(days=13)
    assert Delivery.objects.filter(event="plan_warned", channel="phone").count() == 1

    factories.pay_plan(case, on=due + timedelta(days=10))

    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    assert Notice.objects.filter(event="plan_cured").count() == 1
    assert business_date(case.next_due_at or NOW) > due + timedelta(days=10)


def test_a_breach_waits_for_the_cure_to_end_and_for_a_supervisor() -> None:
    case = case_at(State.WARNED)
    due = first_due(case)
    supervisor = staff(Rank.SUPERVISOR)
    in_time = noon(due + timedelta(days=13))

    with pytest.raises(RuleViolation, match="补救期还没有结束"):
        plan_watch.breach(case=case, reason="未还", actor=supervisor, now=in_time)
    late = noon(due + timedelta(days=14))
    factories.sweep_through(case, late)
    ready = Notice.objects.get(event="staff_breach_ready", user=supervisor)
    assert re.search(r"补救期已于 \d+月\d+日 24:00 结束，请主管确认违约", ready.body)
    with pytest.raises(RuleViolation, match="需要主管"):
        plan_watch.breach(case=case, reason="未还", actor=staff(), now=late)
    plan_watch.breach(case=case, reason="多次联系未还", actor=supervisor, now=late)

    case.refresh_from_db()
    assert case.state == State.BREACHED
    assert case.agreements.get().end_kind == "breached"
    assert not case.deadlines.waiting().exists()


def test_breach_after_five_of_twelve_with_the_figures_of_the_rules() -> None:
    case = example_plan()
    factories.pay_plan(case, 5)
    sixth = next(
        row.due_on for row in load_debt(case.loan, date(2024, 4, 1)).instalments if row.total
    )
    before = load_debt(case.loan, sixth)
    assert before.principal == Decimal("3500.00")
    late = noon(sixth + timedelta(days=14))
    factories.sweep_through(case, late)

    case.refresh_from_db()
    plan_watch.breach(case=case, reason="未还", actor=staff(Rank.SUPERVISOR), now=late)

    owed = load_debt(case.loan, business_date(late))
    assert owed.principal_due == Decimal("3500.00")
    assert owed.kept_penalty + owed.penalty >= Decimal("94.21")


def test_a_payment_that_bounces_after_the_breach_changes_its_figures() -> None:
    """The fifth is taken back: 53.83 kept, 107.67 back (161.50 × 2,000 / 6,000), 4,000 due; the
    case stays as staff decided, its page tells the new figures, and every proof holds."""
    case = example_plan()
    factories.pay_plan(case, 5)
    sixth = next(
        row.due_on for row in load_debt(case.loan, date(2024, 4, 1)).instalments if row.total
    )
    late = noon(sixth + timedelta(days=14))
    factories.sweep_through(case, late)
    case.refresh_from_db()
    plan_watch.breach(case=case, reason="未还", actor=staff(Rank.SUPERVISOR), now=late)
    fifth = case.loan.payments.latest("paid_on")

    reverse_payment(payment_id=fifth.pk, reason="银行退票", actor=None, now=late)

    case.refresh_from_db()
    agreement = case.agreements.get()
    ending = ending_of(agreement, load_position(case.loan))
    assert ending is not None
    assert (ending.vested, ending.returned) == (Decimal("53.83"), Decimal("107.67"))
    assert load_debt(case.loan, business_date(late)).principal_due == Decimal("4000.00")
    assert (case.state, agreement.end_kind) == (State.BREACHED, "breached")
    assert invariants.violations(now=late, real_now=late) == []


def test_two_missed_in_a_row_are_ready_at_once() -> None:
    case = case_at(State.PLAN_ACTIVE)
    rows = list(case.agreements.get().plan.instalments.all())
    second = rows[1].due_on
    when = noon(second + timedelta(days=3))
    # the worker was away: one look, much later
    plan_watch.watch_plan(case=case, now=when)
    case.refresh_from_db()
    assert case.state == State.WARNED

    assert plan_clock.can_breach(case, when)
    assert case.cure_until is not None
    promised = f"{business_date(case.cure_until).month}月{business_date(case.cure_until).day}日"
    told = Notice.objects.get(event="plan_warned").body
    assert "第 1、2 期还没有还清" in told
    borrower = Client()
    borrower.force_login(case.borrower)
    queue = reverse("admin:relief_case_changelist")
    with clock.frozen(when + timedelta(minutes=1)):
        desk, of_today, waiting = (
            at_desk(Rank.SUPERVISOR).get(url).content.decode()
            for url in (page_of(case), f"{queue}?due=today", f"{queue}?due=paused")
        )
        pages = [
            borrower.get(reverse(name, args=[one.public_id])).content.decode()
            for name, one in (("relief:plan", case), ("loans:detail", case.loan))
        ]
    assert "轮到客服" in desk
    assert "待确认违约" in of_today  # staff's turn, not 等待借款人
    assert case.number in of_today
    assert case.number not in waiting
    for text in (told, desk, *pages):
        assert TWO_MISSED in text
        assert promised not in text


def test_paying_all_completes_with_a_certificate() -> None:
    case = example_plan()
    factories.pay_plan(case, 12)

    case.refresh_from_db()
    assert case.state == State.COMPLETED
    assert case.agreements.get().end_kind == "completed"
    assert Loan.objects.get(pk=case.loan_id).is_settled
    assert Document.objects.filter(kind="certificate", user=case.borrower).count() == 1
    assert Notice.objects.filter(event="plan_completed").count() == 1


def test_an_early_payoff_completes_too() -> None:
    assert case_at(State.COMPLETED).state == State.COMPLETED


def test_late_plan_instalments_bear_penalty() -> None:
    case = case_at(State.WARNED)
    due = first_due(case)

    assert load_debt(case.loan, due).penalty == Decimal("0.00")
    assert load_debt(case.loan, due + timedelta(days=4)).penalty > Decimal("0.00")
