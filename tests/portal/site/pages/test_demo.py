"""The demo's console: only in a demo; roles, clock, phone and reset do what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from loans.models import Loan
from portal.core import clock
from portal.core.models import Delivery, PhoneTask, User
from portal.site.demo import cast, timing
from portal.site.demo.seed import seed
from portal.site.demo.urls import urlpatterns
from relief.cases.models import Case, Deadline
from relief.cases.timing import sweep
from relief.cases.workflow import State
from tests import factories
from tests.conftest import at

pytestmark = pytest.mark.django_db
NOW = at("2026-11-24 10:00")
CONSOLE = "/demo/"


@pytest.fixture
def demo(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo whose real time stands still, and no worker to wait for."""
    settings.DEMO = True
    settings.STAFF_FACTOR = False
    settings.SMS_BACKEND = "demo"
    settings.PRIVATE_ROOT = tmp_path / "private"
    monkeypatch.setattr(clock, "real_now", lambda: NOW)
    monkeypatch.setattr(timing, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(timing, "nudge", lambda task: None)


@pytest.fixture
def seeded(demo: None) -> None:
    seed(now=NOW)


@pytest.fixture
def waiting_case(demo: None) -> Case:
    """An application handed in now: its review is due on the 26th."""
    return factories.case_at(State.SUBMITTED, now=NOW)


def make_cast(*accounts: str) -> None:
    """Some of the cast, without their stories."""
    for member in map(cast.member_of, accounts):
        assert member is not None
        if member.rank is None:
            User.objects.create_borrower(member.account, member.name, date_joined=NOW)
        else:
            User.objects.create_staff(member.account, member.name, member.rank)


def log_in(client: Client, account: str) -> None:
    answer = client.post("/demo/login/", {"phone": account})
    assert answer.status_code == 302


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", [pattern.name for pattern in urlpatterns])
def test_outside_the_demo_nothing_is_there(client: Client, method: str, name: str) -> None:
    answer = getattr(client, method)(reverse(f"portal:{name}"))

    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["demo-login", "demo-clock", "demo-sample-loan", "demo-reset"])
def test_changes_need_post_and_a_token(demo: None, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(reverse(f"portal:{name}")).status_code == 405
    assert strict.post(reverse(f"portal:{name}"), {"to": "day", "sure": "1"}).status_code == 403


def test_an_empty_demo_still_shows_its_console(demo: None, client: Client) -> None:
    page = client.get(CONSOLE)

    assert page.status_code == 200
    assert "没有等待中的期限" in page.content.decode()
    assert page.content.decode().count("<h1") == 1


def test_one_click_makes_one_somebody(demo: None, client: Client) -> None:
    make_cast("13800000003", "supervisor")

    borrower = client.post("/demo/login/", {"phone": "13800000003"})
    assert borrower["Location"] == reverse("portal:me")
    assert "吴*芳" in client.get(CONSOLE).content.decode()

    staff = client.post("/demo/login/", {"phone": "supervisor"})
    assert staff["Location"] == reverse("admin:index")

    assert client.post("/demo/login/", {"phone": "13999999999"}).status_code == 404
    assert client.post("/demo/login/", {}).status_code == 404


def test_everybody_can_open_their_main_pages(seeded: None, client: Client) -> None:
    desk = [reverse("admin:index"), reverse("admin:relief_case_changelist")]
    for member in cast.MEMBERS:
        log_in(client, member.account)
        for address in desk if member.is_staff else pages_of(member.account):
            page = client.get(address, follow=True)
            assert page.status_code == 200, (member.account, address)
            assert 'class="demo' in page.content.decode(), address


def pages_of(account: str) -> list[str]:
    """The main pages of a borrower, those of their loans and applications among them."""
    wanted: list[tuple[str, list[Any]]] = [
        *((name, []) for name in ("portal:me", "portal:notices", "portal:settings")),
        *((name, []) for name in ("loans:home", "relief:service", "relief:cases", "portal:demo")),
    ]
    for loan in Loan.objects.filter(borrower__username=account):
        names = ["loans:detail", "loans:penalty", "loans:repay"]
        names += ["loans:settled"] if loan.is_settled else []
        wanted += [(name, [loan.public_id]) for name in names]
    for case in Case.objects.filter(borrower__username=account):
        wanted.append(("relief:case", [case.public_id]))
        wanted += [("relief:offer", [case.public_id, o.number]) for o in case.offers.shown()]
        if case.agreements.exists():
            wanted.append(("relief:agreement", [case.public_id]))
    return [address for name, args in wanted if (address := address_of(name, args))]


def address_of(name: str, args: list[Any]) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@pytest.mark.parametrize(
    ("values", "there"),
    [
        ({"to": "day"}, at("2026-11-25 10:00")),
        ({"to": "workday"}, at("2026-11-25 10:00")),
        ({"to": "deadline"}, at("2026-11-25 18:00")),
        ({"to": "date", "date": "2026-12-31"}, at("2026-12-31 09:00")),
    ],
)
def test_the_clock_goes_forward(
    waiting_case: Case, client: Client, values: Any, there: Any
) -> None:
    answer = client.post("/demo/clock/", values, follow=True)

    assert answer.status_code == 200
    assert clock.now() == there
    assert answer.content.decode().count(f"演示时间已到 {there:%Y-%m-%d %H:%M}") == 1


def test_a_working_day_jumps_over_a_weekend(demo: None, client: Client) -> None:
    clock.advance_to(at("2026-11-27 11:00"))  # a Friday

    client.post("/demo/clock/", {"to": "workday"})

    assert clock.now() == at("2026-11-30 11:00")


@pytest.mark.parametrize(
    "values",
    [
        {"to": "date", "date": "2026-11-23"},
        {"to": "date", "date": "2026-11-24"},
        {"to": "date", "date": "2031-01-01"},
        {"to": "date", "date": "9999-12-31"},
        {"to": "date", "date": "昨天"},
        {"to": "date", "date": ""},
        {"to": "date", "date": "0001-01-01"},
        {"to": "back"},
        {},
    ],
)
def test_the_clock_never_goes_back_or_nowhere(demo: None, client: Client, values: Any) -> None:
    answer = client.post("/demo/clock/", values)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert clock.now() == NOW


def test_what_fell_due_is_told(
    waiting_case: Case, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(task: str) -> None:
        if task == "relief.tasks.sweep_deadlines":
            sweep.sweep(now=clock.now())

    monkeypatch.setattr(timing, "nudge", work)

    client.post("/demo/clock/", {"to": "date", "date": "2026-11-27"})

    text = client.get(CONSOLE).content.decode()
    assert "到期 2 项" in text
    assert f"审核截止（林*云 {waiting_case.number}，已处理）" in text
    assert not Deadline.objects.due(clock.now()).exists()


def test_all_of_beats_sweeps_are_hurried() -> None:
    names = timing.sweeps()

    assert names[0].startswith("relief.")
    assert {"relief.tasks.sweep_deadlines", "relief.tasks.watch_plans"} <= set(names)
    assert "portal.tasks.deliver_due" in names
    assert "portal.tasks.heartbeat" not in names


def test_the_phone_shows_codes_waiting_messages_and_calls(demo: None, client: Client) -> None:
    make_cast("13800000001")
    call = Delivery.objects.create(
        **{"channel": "phone", "event": "plan_warned", "key": "call", "to": "13800000005"},
        **{"status": "submitted", "next_attempt_at": NOW, "created_at": NOW},
    )
    PhoneTask.objects.create(delivery=call, script="您好", created_at=NOW)
    client.post("/login/code/", {"phone": "13800000001"})
    code = Delivery.objects.get(event="login_code")

    waiting = client.get("/demo/phone/?to=13800000001").content.decode()
    assert "将于" in waiting
    Delivery.objects.filter(pk=code.pk).update(status="delivered", finished_at=NOW)
    arrived = client.get("/demo/phone/?to=13800000001").content.decode()
    digits = next(word for word in arrived.split("<code>")[1:])[:6]
    assert digits in code.text
    others = client.get("/demo/phone/?to=13800000005").content.decode()
    assert digits not in others
    assert "等待客服拨打" in others


def test_the_phone_answers_nothing_when_nothing_is_new(waiting_case: Case, client: Client) -> None:
    first = client.get("/demo/phone/").content.decode()
    seen = first.split("seen=")[1][:12]

    assert client.get(f"/demo/phone/?seen={seen}").status_code == 204
    assert client.get("/demo/phone/?to=<script>&seen=x").status_code == 200


def test_the_newcomer_gets_a_sample_loan(demo: None, client: Client) -> None:
    User.objects.create_borrower(cast.NEWCOMER, "许乐天", date_joined=NOW - timedelta(days=1))

    client.post("/demo/sample-loan/", {"kind": "fresh"})
    assert Loan.objects.get().borrower.username == cast.NEWCOMER

    again = client.post("/demo/sample-loan/", {"kind": "overdue"}, follow=True)
    assert "已经有一笔借款" in again.content.decode()
    log_in(client, cast.NEWCOMER)
    assert client.post("/demo/sample-loan/", {"kind": "what"}).status_code == 302


def test_a_sample_loan_paid_off_makes_room_for_another_of_the_same_day(
    demo: None, client: Client
) -> None:
    client.force_login(factories.borrower("13900001234"))
    client.post("/demo/sample-loan/", {"kind": "fresh"})
    first = Loan.objects.get()
    factories.pay_amount(first, first.principal, NOW.date())

    answer = client.post("/demo/sample-loan/", {"kind": "fresh"})

    assert answer.status_code == 302
    numbers = set(Loan.objects.values_list("number", flat=True))
    assert "JB20261124-1234" in numbers
    assert len(numbers) == 2


def test_a_visitor_who_registered_gets_their_own_sample_loan(demo: None, client: Client) -> None:
    visitor = User.objects.create_borrower("13712345678", "来访者")
    client.force_login(visitor)

    answer = client.post("/demo/sample-loan/")

    assert answer["Location"] == reverse("loans:home")
    assert Loan.objects.get().borrower == visitor


@pytest.mark.django_db(transaction=True)  # each request's writes are committed before the next
def test_reset_needs_the_tick_and_logs_everybody_out(demo: None, client: Client) -> None:
    make_cast("13800000001")
    log_in(client, "13800000001")
    clock.advance_to(NOW + timedelta(days=9))

    assert client.post("/demo/reset/").status_code == 422
    assert clock.now() == NOW + timedelta(days=9)

    answer = client.post("/demo/reset/", {"sure": "1"}, follow=True)

    assert "演示数据已重置" in answer.content.decode()
    assert clock.now() == NOW
    assert client.get("/me/").status_code == 302
