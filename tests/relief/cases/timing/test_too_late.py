"""Every broken promise is owned up to, one rank further; no reminder goes out after its moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, User
from portal.core.notifications import dispatch
from relief.cases import application, review
from relief.cases.models import Case
from relief.cases.queries import broken_promises
from relief.cases.timing import sweep
from relief.cases.workflow import State
from tests import factories
from tests.conftest import at
from tests.factories import NOW, case_at, staff

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD, AFTER = (at(f"2026-03-0{day} 18:00") for day in (4, 5, 6, 9))


def in_appeal() -> Case:
    """Rejected and appealed against: promised for Mar 4 like any review."""
    case = case_at(State.REJECTED)
    return application.appeal_case(case=case, text="材料齐全", actor=case.borrower, now=NOW)


PROMISES: dict[str, tuple[Callable[[], Case], str, str]] = {
    "review": (lambda: case_at(State.IN_REVIEW), "review_delayed", "审核结果"),
    "appeal": (in_appeal, "review_delayed", "申诉结果"),
    "offer": (lambda: case_at(State.NEGOTIATING), "promise_delayed", "协商方案"),
    "counter": (lambda: case_at(State.COUNTERED), "promise_delayed", "还款建议的答复"),
}


def told_to(event: str) -> list[str]:
    """Who got the notice, oldest first, by rank."""
    rows = Notice.objects.filter(event=event).order_by("pk")
    return [str(row.user.rank) for row in rows if row.user]


def pages(case: Case, now: datetime) -> tuple[str, str]:
    """The case's page as the borrower reads it, and at the desk."""
    addresses = (
        (case.borrower, reverse("relief:case", args=[case.public_id])),
        (staff(Rank.MANAGER), reverse("admin:relief_case_change", args=[case.pk])),
    )
    seen = []
    for user, address in addresses:
        client = Client()
        client.force_login(user)
        with clock.frozen(now):
            seen.append(client.get(address).content.decode())
    return seen[0], seen[1]


def in_order(text: str, *words: str) -> bool:
    """Whether the words stand in the text one after the other."""
    places = [text.find(word) for word in words]
    return -1 not in places and places == sorted(places)


@pytest.mark.parametrize("kind", list(PROMISES))
def test_the_first_second_and_third_broken_promise_are_each_told(kind: str) -> None:
    make, event, name = PROMISES[kind]
    staff(Rank.SUPERVISOR), staff(Rank.MANAGER)
    case = make()

    for moment in (FIRST, SECOND, THIRD):
        sweep.sweep(now=moment)
        sweep.sweep(now=moment + timedelta(minutes=1))

    case.refresh_from_db()
    said = list(Notice.objects.filter(event=event).order_by("pk").values_list("body", flat=True))
    assert [f"的{name}" in body or f"给出{name}" in body for body in said] == [True] * 3
    assert ["3月5日 18:00" in said[0], "3月6日 18:00" in said[1], "3月9日 18:00" in said[2]] == [
        True
    ] * 3
    assert ["由主管" in said[0], "由经理" in said[1], "由经理" in said[2]] == [True] * 3
    assert Delivery.objects.filter(event=event, channel="sms").count() == 3
    assert told_to("staff_missed") == ["SUPERVISOR", "MANAGER", "MANAGER", "MANAGER"]
    assert [row.promised_at for row in broken_promises(case)] == [FIRST, SECOND, THIRD]
    assert (case.missed_promises, case.escalated_at, case.next_due_at) == (3, FIRST, AFTER)
    trail = case.events.filter(action__in=["REVIEW_MISSED", "PROMISE_MISSED"]).order_by("pk")
    assert [row.at for row in trail] == [FIRST, SECOND, THIRD]
    assert f"承诺 3月5日 18:00 前给出{name}，再次没有做到；已升级经理" in trail[1].note_public


@pytest.mark.parametrize("kind", list(PROMISES))
def test_both_case_pages_show_every_broken_promise_in_order(kind: str) -> None:
    case = PROMISES[kind][0]()
    staff(Rank.MANAGER)
    for moment in (FIRST, SECOND):
        sweep.sweep(now=moment)
    case.refresh_from_db()

    for page in pages(case, SECOND + timedelta(hours=1)):
        assert in_order(page, ">3月4日 18:00<", ">3月5日 18:00<", ">3月6日 18:00<")
        assert in_order(
            page, "承诺 3月5日 18:00 前给出", "承诺 3月4日 18:00 前给出"
        )  # newest on top
        assert "已升级经理" in page


@pytest.mark.parametrize("kind", list(PROMISES))
def test_slept_over_two_days_it_is_one_broken_promise_with_a_true_new_one(kind: str) -> None:
    """Only what was promised can be broken: nobody promised the days slept over."""
    make, event, _ = PROMISES[kind]
    case = make()
    sweep.sweep(now=FIRST)

    sweep.sweep(now=at("2026-03-10 09:00"))
    sweep.sweep(now=at("2026-03-10 09:01"))

    case.refresh_from_db()
    assert [(row.promised_at, row.renewed_at) for row in broken_promises(case)] == [
        (FIRST, SECOND),
        (SECOND, at("2026-03-11 18:00")),
    ]
    assert Notice.objects.filter(event=event).count() == 2
    assert case.next_due_at == at("2026-03-11 18:00")


def test_a_kept_answer_ends_the_count_and_the_waived_delay_counts_from_the_first() -> None:
    case = case_at(State.IN_REVIEW)
    for moment in (FIRST, SECOND):
        sweep.sweep(now=moment)
    case.refresh_from_db()
    assert (case.delay_from, case.delay_to) == (FIRST.date(), None)

    case = review.pass_review(case=case, actor=staff(), now=SECOND + timedelta(hours=2))

    assert (case.missed_promises, case.escalated_at, broken_promises(case)) == (0, None, [])
    sweep.sweep(now=at("2026-03-09 18:00"))
    assert told_to("staff_missed") == ["REVIEWER"] * 3  # nobody here ranks higher
    assert Notice.objects.filter(event="promise_delayed").count() == 1


@pytest.mark.parametrize("kind", ["review", "offer"])
def test_who_acts_late_while_the_worker_sleeps_owns_up_first(kind: str) -> None:
    make, event, _ = PROMISES[kind]
    case = make()
    late = SECOND - timedelta(hours=8)

    if kind == "review":
        done = review.pass_review(case=case, actor=staff(), now=late)
        assert done.delay_from == FIRST.date()
    else:
        factories.offer_made(case, now=late)

    told = case.events.filter(action__in=["REVIEW_MISSED", "PROMISE_MISSED"])
    assert told.count() == 1
    assert Notice.objects.filter(event=event).count() == 1
    assert sweep.sweep(now=late) == 0


def test_a_house_without_a_manager_tells_the_highest_rank_it_has() -> None:
    case = case_at(State.IN_REVIEW)
    User.objects.filter(rank=Rank.MANAGER).update(is_active=False)
    supervisor = staff(Rank.SUPERVISOR)

    for moment in (FIRST, SECOND):
        sweep.sweep(now=moment)

    told = Notice.objects.filter(event="staff_missed", user=supervisor)
    assert told.count() == 2
    last = case.events.filter(action="REVIEW_MISSED").latest("pk")
    assert (last.data["rank"], "已升级主管" in last.note_public) == (Rank.SUPERVISOR, True)
    case.refresh_from_db()
    assert broken_promises(case)[-1].rank == Rank.SUPERVISOR


@pytest.mark.parametrize("missing", [True, False])
def test_the_desk_says_that_there_is_no_manager(missing: bool) -> None:
    people = [staff(rank) for rank in (Rank.REVIEWER, Rank.SUPERVISOR, Rank.MANAGER)]
    if missing:
        User.objects.filter(pk=people[-1].pk).update(is_active=False)
    client = Client()
    client.force_login(people[0])

    text = client.get(reverse("admin:relief_case_changelist")).content.decode()

    assert ("现在没有在职的经理" in text) == missing


@pytest.mark.parametrize("end", ["withdrawn", "paid"])
def test_a_promise_broken_unseen_leaves_its_line_when_the_case_ends(end: str) -> None:
    case = case_at(State.IN_REVIEW)
    late = FIRST + timedelta(hours=20)

    if end == "withdrawn":
        application.withdraw_case(case=case, actor=case.borrower, now=late)
    else:
        factories.pay_amount(case.loan, load_debt(case.loan, late.date()).payoff, late.date())

    line = case.events.get(action="REVIEW_MISSED")
    assert "没有做到；申请结束时还没有答复" in line.note_public
    assert datetime.fromisoformat(line.data["promised"]) == FIRST
    assert not Notice.objects.filter(event__in=["review_delayed", "staff_missed"]).exists()
    actions = list(case.events.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["REVIEW_MISSED", "WITHDRAW" if end == "withdrawn" else "SETTLE"]


def test_a_promise_that_still_runs_leaves_no_line() -> None:
    case = case_at(State.IN_REVIEW)

    application.withdraw_case(case=case, actor=case.borrower, now=FIRST - timedelta(minutes=1))

    assert not case.events.filter(action="REVIEW_MISSED").exists()


# --- Reminders -----------------------------------------------------------------------------------

REMINDERS: dict[str, tuple[State, str, datetime, str]] = {
    "proof_reminder": (State.NEED_MORE, "补充材料截止", at("2026-03-07 18:00"), "PROOF_REMINDER"),
    "offer_reminder": (State.OFFERED, "方案有效期", at("2026-03-08 18:00"), "OFFER_REMINDER"),
    "staff_amber": (State.IN_REVIEW, "审核截止", at("2026-03-03 18:00"), "AMBER"),
}


@pytest.mark.parametrize("event", list(REMINDERS))
def test_a_reminder_after_its_moment_is_not_sent_and_the_trail_says_why(event: str) -> None:
    state, deadline, planned, what = REMINDERS[event]
    case = case_at(state)
    ends_at = case.next_due_at
    assert ends_at

    sweep.sweep(now=ends_at + timedelta(hours=15))

    assert not Notice.objects.filter(event=event).exists()
    line = case.events.get(action="REMINDER_SKIPPED")
    assert line.data == {"reminder": what}
    assert f"{deadline} {ends_at.month}月{ends_at.day}日 18:00 已过" in line.note_public
    borrowers, desks = pages(case, ends_at + timedelta(hours=15))
    assert line.note_public in desks
    assert (line.note_public in borrowers) is (what != "AMBER")
    assert planned < ends_at


@pytest.mark.parametrize("event", list(REMINDERS))
def test_a_reminder_that_is_late_but_still_true_is_sent(event: str) -> None:
    state, _, planned, what = REMINDERS[event]
    case = case_at(state)

    sweep.sweep(now=planned + timedelta(hours=12))

    assert case.events.filter(action=what).count() == 1
    assert Notice.objects.filter(event=event).exists()
    assert not case.events.filter(action="REMINDER_SKIPPED").exists()


@pytest.mark.parametrize(
    ("looked_at", "sent", "skipped"),
    [
        ("2026-03-27 09:00", ["PLAN_SOON"], []),
        ("2026-03-29 09:00", ["PLAN_SOON"], []),
        ("2026-03-30 20:00", ["PLAN_TODAY"], ["PLAN_SOON"]),
        ("2026-03-31 09:00", ["PLAN_LATE"], ["PLAN_SOON", "PLAN_TODAY"]),
        ("2026-04-20 09:00", ["PLAN_LATE"], ["PLAN_SOON", "PLAN_TODAY"]),
    ],
)
def test_a_plan_reminds_of_what_is_still_true(
    looked_at: str, sent: list[str], skipped: list[str]
) -> None:
    """First instalment on Mar 30: reminders planned for 03-27, 03-30 and 03-31 at 09:00."""
    case = case_at(State.PLAN_ACTIVE)

    for _beat in range(2):
        sweep.sweep(now=at(looked_at))

    rows = case.events.filter(action__startswith="PLAN_").order_by("pk")
    assert list(rows.values_list("action", flat=True)) == sent
    lines = case.events.filter(action="REMINDER_SKIPPED").order_by("pk")
    assert [line.data["reminder"] for line in lines] == skipped
    assert all("第 1 期 3月30日 到期" in line.note_public for line in lines)


def test_a_message_that_waits_past_its_moment_ends_unsent() -> None:
    """Planned for the last day at 22:30 it would go at 08:00, when the day is over."""
    case_at(State.PLAN_ACTIVE)
    sweep.sweep(now=at("2026-03-30 22:30"))
    sms = Delivery.objects.get(event="plan_today")

    for moment in ("2026-03-30 22:31", "2026-03-31 08:00"):
        dispatch.deliver_due(at(moment))

    sms.refresh_from_db()
    assert (sms.status, sms.status_label) == ("failed", "已过提醒的时间，没有发送")
    assert not Delivery.objects.filter(fallback_of=sms).exists()
