"""Presenters and queries: labels, turns, buttons, queue, timeline, offers beside today."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from loans.queries.debt import load_debt
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from relief.cases import queries
from relief.cases.models import Case
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import State
from relief.desk.queue import QueueQuery, queue
from relief.offers.suggestions import suggest_for
from relief.presenters.case import actor_label, case_view, event_label, is_public
from relief.presenters.comparison import compare, today
from relief.presenters.cost import comebacks, plan_sums
from relief.presenters.offer import offer_view, read_left
from tests import factories
from tests.conftest import at
from tests.factories import NOW, case_at, staff

pytestmark = pytest.mark.django_db


def read(case: Case) -> Case:
    return Case.objects.for_lists().get(pk=case.pk)


@pytest.mark.parametrize("state", list(State))
def test_every_state_reads_well_to_both_sides_without_queries(
    state: State, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    case = read(case_at(state))
    people = [case.borrower, staff(), staff(Rank.AUDITOR)]
    with django_assert_num_queries(0):
        views = [case_view(case, person, NOW, newest_rules=ReliefPolicy()) for person in people]

    assert all(view.label and view.next_step.endswith("。") for view in views)
    assert not [button for button in views[2].buttons if button.enabled]


def test_who_has_the_turn_and_what_can_be_pressed() -> None:
    case = read(case_at(State.OFFERED))
    mine = case_view(case, case.borrower, NOW)

    assert (mine.label, mine.is_my_turn, mine.step) == ("待你确认方案", True, 3)
    assert "3月9日 18:00" in mine.next_step
    assert [b.action for b in mine.buttons if b.enabled] == [
        "WITHDRAW",
        "ACCEPT",
        "COUNTER",
        "DECLINE",
    ]
    theirs = case_view(case, staff(), NOW)
    assert not theirs.is_my_turn
    other = case_view(case, staff(username="other"), NOW).button("WITHDRAW_OFFER")
    assert other is not None
    assert (other.enabled, other.why_not) == (
        False,
        "这份申请由员工REVIEWER处理，可请主管转交。",
    )
    late = case_view(case, case.borrower, NOW + timedelta(days=8)).button("ACCEPT")
    assert late is not None
    assert late.why_not == "这份方案已过有效期，罚息照常计收，请重新发起协商。"


def test_the_queue_puts_the_late_first_and_never_ones_own_loan() -> None:
    early = case_at(State.SUBMITTED)
    later = case_at(State.SUBMITTED, now=NOW + timedelta(days=1))
    own = staff(username="own", same_person_as=early.borrower)
    when = at("2026-03-04 18:30")

    everything, theirs = (queue(viewer, QueueQuery(), when) for viewer in (staff(), own))

    assert [(row.pk, row.pill.tone) for row in everything.rows] == [
        (early.pk, "over"),
        (later.pk, "tmr"),
    ]
    assert [row.pk for row in theirs.rows] == [later.pk]
    assert queries.overdue_sweeps(when) > 0


def test_the_timeline_knows_what_was_sent(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    case = read(case_at(State.OFFERED))
    with django_assert_num_queries(2):
        entries = queries.timeline(case, newest_first=False)

    shown = [entry for entry in entries if is_public(entry.event)]
    assert [event_label(entry.event) for entry in shown] == [
        "上传材料",
        "提交申请",
        "领取",
        "审核通过",
        "发出协商方案",
    ]
    assert [d.event for d in shown[-1].deliveries] == ["offer_made"]
    assert actor_label(shown[1].event, for_staff=False) == "你"
    assert actor_label(shown[-1].event, for_staff=True) == "员工REVIEWER"


def test_an_offer_beside_today() -> None:
    case = read(case_at(State.OFFERED))
    offer = factories.open_offer(case)
    owed = load_debt(case.loan, business_date(NOW))

    view = offer_view(offer, NOW)
    beside = today(view.sums, owed, case, locked=view.locked)

    lines = {line.key: line for line in beside.rows}
    assert lines["charges"].now == owed.penalty
    assert lines["charges"].offered == owed.penalty - view.waived
    assert (lines["terms"].offered, lines["terms"].after) == (12, "12 期")
    assert [line.label for line in beside.desk_rows] == [
        "罚息合计",
        "每期应还",
        "剩余期数",
        "首次应付",
        "合计应还",
    ]
    assert view.sums.total + view.waived == owed.figures.total
    assert comebacks(view.sums)[0].returned == view.waived
    assert view.waived_percent == "50%"
    assert (view.answerable, read_left(case, offer, NOW)) == (True, 10)


def test_what_changed_since_the_version_before_is_marked() -> None:
    case = case_at(State.COUNTERED)
    old = case.offers.get(number=1)
    new = factories.offer_made(case, term_count=18)
    case = read(case)

    plans = [plan_sums(one.rows, one.figures) for one in (new, old)]
    lines = compare(load_debt(case.loan, business_date(NOW)), plans[0], plans[1])

    assert [line.key for line in lines if line.changed] == ["instalment", "terms", "first"]


def test_suggestions_stay_below_half_of_what_is_left() -> None:
    case = read(case_at(State.NEGOTIATING))

    found = suggest_for(case, business_date(NOW))

    assert found.closest is not None
    assert found.closest.largest <= Decimal("750.00")
