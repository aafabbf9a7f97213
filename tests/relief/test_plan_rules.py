"""A plan lives by the policy its case is under: copied at execution, read by everybody after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from loans.domain.plan_rules import PlanRules
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice
from relief.cases.models import Case, Policy
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import State
from relief.plans import clock as plan_clock
from relief.plans import watch as plan_watch
from tests import factories
from tests.factories import NOW
from tests.relief.desk.desk import at_desk, client_of, page_of


def policy(**changes: Any) -> Policy:
    """A new current version."""
    version = Policy.current().version + 1
    return Policy.objects.create(
        version=version, data=replace(ReliefPolicy(), **changes).to_dict(), note="试验"
    )


def first_due(case: Case) -> Any:
    return case.agreements.get().plan.instalments.get(number=1).due_on


@pytest.mark.django_db
def test_a_plan_keeps_the_rules_it_was_executed_under() -> None:
    policy(plan_grace_days=5, cure_days=15)
    case = factories.case_at(State.PLAN_ACTIVE)
    policy(plan_grace_days=1, cure_days=2)

    kept = case.agreements.get().plan.plan_rules

    assert (kept.plan_grace_days, kept.cure_days) == (5, 15)
    warned_at = factories.noon(first_due(case)) + timedelta(days=5)
    factories.sweep_through(case, warned_at - timedelta(days=1))
    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    factories.sweep_through(case, warned_at)
    case.refresh_from_db()
    assert case.state == State.WARNED
    assert case.cure_until is not None
    assert business_date(case.cure_until) == business_date(warned_at) + timedelta(days=15)


@pytest.mark.django_db
@pytest.mark.parametrize("late", [0, 18])
def test_the_cure_ends_when_the_warning_says_however_late_it_was_given(late: int) -> None:
    """The worker was off for 18 days: notice, desk, plan and loan page name one day."""
    case = factories.case_at(State.PLAN_ACTIVE)
    warned_at = factories.noon(first_due(case)) + timedelta(days=3 + late)

    plan_watch.watch_plan(case=case, now=warned_at)

    case.refresh_from_db()
    assert case.state == State.WARNED
    last_day = business_date(warned_at) + timedelta(days=10)
    said = f"{last_day.month}月{last_day.day}日"
    warned = Notice.objects.get(event="plan_warned")
    sms = Delivery.objects.get(notice=warned, channel="sms")
    assert f"{said} 24:00" in warned.body
    assert said in sms.text
    with clock.frozen(warned_at + timedelta(days=1)):
        own = client_of(case.borrower)
        pages = {
            "plan": own.get(reverse("relief:plan", args=[case.public_id])),
            "loan": own.get(reverse("loans:detail", args=[case.loan.public_id])),
            "case": own.get(reverse("relief:case", args=[case.public_id])),
            "desk": at_desk(Rank.SUPERVISOR).get(page_of(case)),
        }
    computed = first_due(case) + timedelta(days=3 + 10)
    for name, page in pages.items():
        html = page.content.decode()
        assert said in html, name
        if late:
            assert f"{computed.month}月{computed.day}日" not in html, name
    assert not plan_clock.can_breach(case, factories.noon(last_day))
    assert plan_clock.can_breach(case, factories.noon(last_day + timedelta(days=1)))


@pytest.mark.django_db
def test_after_the_cure_no_page_asks_for_money_before_a_day_gone_by() -> None:
    case = factories.case_at(State.WARNED)
    assert case.cure_until is not None
    with clock.frozen(case.cure_until + timedelta(days=1)):
        page = client_of(case.borrower).get(reverse("loans:detail", args=[case.loan.public_id]))

    html = page.content.decode()
    assert "补救期已于" in html
    assert "前还清" not in html.replace("在确认之前还清", "")


@pytest.mark.django_db(transaction=True)
def test_plans_of_before_take_the_policy_of_their_case() -> None:
    policy(cure_days=15, plan_grace_days=4)
    other = factories.case_at(State.WARNED)
    policy(cure_days=9)
    case = factories.case_at(State.PLAN_ACTIVE)
    before = {one.pk: one.agreements.get().plan.plan_rules for one in (other, case)}

    call_command("migrate", "relief", "0003", verbosity=0)
    call_command("migrate", "loans", "0003", verbosity=0)
    call_command("migrate", verbosity=0)

    after = {one.pk: one.agreements.get().plan.plan_rules for one in (other, case)}
    assert after == before
    assert after[other.pk].cure_days == 15
    assert isinstance(after[case.pk], PlanRules)


@pytest.mark.django_db
def test_a_case_is_reviewed_under_the_policy_of_its_submission() -> None:
    under = policy(review_workdays=3)
    case = factories.case_at(State.SUBMITTED)
    policy(review_workdays=5)

    case.refresh_from_db()
    assert case.policy == under
    assert case.review_due_at is not None
    assert business_date(case.review_due_at) == NOW.date() + timedelta(days=3)
