"""The demo's cast: every story reached through the services, on any day, and made anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from loans.queries.penalty import penalty_story
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, DemoClock, Notice, User, WorkDay
from portal.core.notifications import hours
from portal.core.storage import private
from portal.site.demo import cast, opening
from portal.site.demo.sample import open_sample_loan
from portal.site.demo.seed import seed
from relief.cases.models import Case, Deadline, Event
from relief.evidence.models import Evidence
from tests.conftest import at

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TUESDAY = at("2026-11-24 10:00")


@pytest.fixture(autouse=True)
def demo(settings: Any, tmp_path: Any) -> None:
    settings.DEMO = True
    settings.SMS_BACKEND = "demo"
    settings.PRIVATE_ROOT = tmp_path / "private"


def loan_of(phone: str) -> Loan:
    return Loan.objects.get(borrower__username=phone)


def case_of(phone: str) -> Case:
    return Case.objects.get(borrower__username=phone)


def check_stories(now: datetime) -> None:
    """Every member of the cast stands where scripts outside expect them."""
    states = dict(Case.objects.values_list("borrower__username", "state"))
    assert states == {
        "13800000002": "IN_REVIEW",
        "13800000003": "OFFERED",
        "13800000004": "PLAN_ACTIVE",
        "13800000005": "BREACHED",
        "13800000006": "COMPLETED",
        "13800000008": "NEED_MORE",
    }
    on = business_date(now)
    overdue = {
        phone
        for phone in (member.account for member in cast.BORROWERS[:9])
        if load_debt(loan_of(phone), on).is_overdue
    }
    late = {"13800000001", "13800000002", "13800000003", "13800000005"}
    assert overdue == late | {"13800000008", "13800000009"}
    assert certificate_of(loan_of("13800000006")) is not None
    capped = penalty_story(loan_of("13800000009"), on)
    assert sum(row.capped_part for row in capped.instalments) > 0
    assert not Loan.objects.filter(borrower__username=cast.NEWCOMER).exists()
    offer = case_of("13800000003").offers.get(status="open")
    assert offer.valid_until is not None
    assert offer.valid_until > now + timedelta(days=2)
    assert case_of("13800000002").review_due_at > now
    assert case_of("13800000008").next_due_at > now + timedelta(days=2)


def check_nothing_odd(now: datetime) -> None:
    """The past is told: nothing waits that was due, nothing lies ahead, nobody was disturbed."""
    assert not Delivery.objects.due(now).exists()
    assert not Deadline.objects.due(now).exists()
    assert not Delivery.objects.filter(status="failed").exists()
    assert not Event.objects.filter(at__gt=now).exists()
    assert not Notice.objects.filter(created_at__gt=now).exists()
    assert not Evidence.objects.exclude(state="passed").exists()
    assert not Event.objects.filter(action__in=["REVIEW_MISSED", "PROMISE_MISSED"]).exists()
    for row in Delivery.objects.filter(channel="sms"):
        assert row.finished_at is not None
        assert hours.may_disturb(row.finished_at)


def test_seeding_reaches_every_story_and_keeps_the_books() -> None:
    lines = seed(now=TUESDAY)

    assert len(lines) == len(cast.MEMBERS)
    check_stories(TUESDAY)
    check_nothing_odd(TUESDAY)
    call_command("check_books", stdout=StringIO())
    ranks = dict(User.objects.filter(role="STAFF").values_list("username", "rank"))
    assert ranks == {
        "agent": Rank.REVIEWER,
        "agent2": Rank.REVIEWER,
        "supervisor": Rank.SUPERVISOR,
        "manager": Rank.MANAGER,
        "auditor": Rank.AUDITOR,
    }
    assert all(user.check_password(cast.PASSWORD) for user in User.objects.all())
    assert seed(now=TUESDAY) == []  # a second time changes nothing


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-24 08:30",  # the first morning after the Spring Festival
        "2026-03-01 21:40",  # a Sunday evening behind a short month
        "2026-05-31 12:00",  # the last of a long month
        "2026-10-07 15:00",  # the last day of the national holiday
        "2027-01-02 09:00",  # a year whose calendar is provisional
        "2028-02-29 10:00",  # a year without a calendar
    ],
)
def test_stories_fit_any_day(day: str) -> None:
    seed(now=at(day))

    check_stories(at(day))
    check_nothing_odd(at(day))
    call_command("check_books", stdout=StringIO())


def test_a_night_start_moves_the_clock_to_the_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: at("2026-11-24 02:15"))

    lines = opening.open_demo()

    assert lines[0] == "现在是夜间免打扰时段，演示时钟已拨到 2026-11-24 08:30"
    assert clock.now() == at("2026-11-24 08:30")
    check_stories(clock.now())


def test_reset_begins_anew(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: TUESDAY)
    out = StringIO()
    call_command("seed_demo", stdout=out)
    clock.advance_to(TUESDAY + timedelta(days=40))
    open_sample_loan(
        borrower=User.objects.get(username=cast.NEWCOMER), kind="overdue", now=clock.now()
    )
    before = set(private.keys())
    connection.check_constraints()  # what PostgreSQL does at COMMIT, which a test never reaches

    with django_capture_on_commit_callbacks(execute=True):
        call_command("seed_demo", "--reset", stdout=out)

    assert clock.now() == TUESDAY
    assert not DemoClock.objects.exclude(offset=timedelta(0)).exists()
    assert not before & set(private.keys())
    check_stories(TUESDAY)
    assert WorkDay.objects.filter(date__year=2026).count() == 365
    call_command("check_books", stdout=StringIO())


def test_seeding_and_reset_are_refused_outside_the_demo(settings: Any) -> None:
    settings.DEMO = False

    for arguments in ((), ("--reset",)):
        with pytest.raises(CommandError, match="DEMO"):
            call_command("seed_demo", *arguments)
    assert not User.objects.exists()


def test_real_people_are_never_wiped(settings: Any) -> None:
    settings.DEMO = False
    User.objects.create_borrower("13912345678", "真实的人")
    settings.DEMO = True

    with pytest.raises(CommandError, match="真实用户"):
        call_command("seed_demo", "--reset")
    assert User.objects.filter(phone="13912345678").exists()


@pytest.mark.parametrize(("kind", "days"), [("overdue", 18), ("fresh", 0)])
def test_a_sample_loan_for_the_newcomer(kind: str, days: int) -> None:
    who = User.objects.create_borrower(cast.NEWCOMER, "许乐天")

    loan = open_sample_loan(borrower=who, kind=kind, now=TUESDAY)

    assert load_debt(loan, business_date(TUESDAY)).overdue_days >= days
    with pytest.raises(RuleViolation, match="已经有一笔借款"):
        open_sample_loan(borrower=who, kind=kind, now=TUESDAY)
