"""How long a session lasts, where one is logged in, and ending it from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client, override_settings
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import sessions
from portal.core.models import Delivery, Notice, SecurityEvent, SessionRecord, User
from tests.conftest import at
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
PASSWORD = "mima-12345"
NOW = at("2026-03-02 10:00")
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
MONEY = "/jiebei/"


@pytest.fixture(autouse=True)
def _by_password_alone(settings: Any) -> None:
    settings.STAFF_FACTOR = False  # tests/portal/site/test_second_factor.py asks for it


def browser(user_agent: str = CHROME, address: str = "203.0.113.9") -> Client:
    return Client(HTTP_USER_AGENT=user_agent, REMOTE_ADDR=address)


def logged_in(account: str, client: Client | None = None) -> Client:
    client = client or browser()
    form = {"by": "password", "phone": account, "password": PASSWORD, "agree": "on"}
    answer = client.post(reverse("portal:login"), form)
    assert answer.status_code == 302, answer.content.decode()
    return client


def is_in(client: Client, path: str = "/me/settings/") -> bool:
    return client.get(path).status_code == 200


def why_ended() -> list[str]:
    rows = SecurityEvent.objects.filter(kind="SESSION_ENDED").order_by("pk")
    return [row.detail for row in rows]


def test_borrower_left_alone_logs_in_again_for_money_and_comes_back_to_the_page() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        lin()
        client = logged_in("13800000001")
        machine.shift(timedelta(minutes=29, seconds=59))
        assert is_in(client, MONEY)  # a use, so that the time begins anew
        machine.shift(timedelta(minutes=30))
        assert is_in(client)  # a page without money, and no use of a session so old
        machine.shift(timedelta(minutes=1))

        answer = client.get(f"{MONEY}?tab=1")

        assert answer.headers["Location"] == "/login/?next=/jiebei/%3Ftab%3D1"
        assert (
            "长时间没有操作，为保护你的账户，请重新登录。" in client.get("/login/").content.decode()
        )
        assert why_ended() == ["长时间没有操作"]
        assert SessionRecord.objects.get().ended_at == clock.real_now()


@pytest.mark.parametrize(("unused", "still_in"), [(29, True), (30, False)])
def test_staff_left_alone_are_out_on_every_page(unused: int, still_in: bool) -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        wen()
        client = logged_in("wen-reviewer")
        machine.shift(timedelta(minutes=unused))

        answer = client.get("/admin/portal/notice/")

    assert (answer.status_code == 200) is still_in
    if not still_in:
        assert answer.headers["Location"] == "/admin/login/?next=/admin/portal/notice/"


@pytest.mark.parametrize(
    ("person", "account", "hours", "page"),
    [(lin, "13800000001", 12, "/me/settings/"), (wen, "wen-reviewer", 10, "/admin/")],
)
def test_nobody_stays_in_for_longer_than_a_day_of_work(
    person: Callable[[], User], account: str, hours: int, page: str
) -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        person()
        client = logged_in(account)
        for _ in range(hours * 3 - 1):
            machine.shift(timedelta(minutes=20))
            assert is_in(client, page)
        machine.shift(timedelta(minutes=20))

        assert not is_in(client, page)
        assert why_ended() == ["登录时间已到上限"]


def test_the_times_are_settings() -> None:
    minutes, hours = timedelta(minutes=5), timedelta(hours=2)
    with (
        override_settings(STAFF_IDLE=minutes, BORROWER_SESSION=hours),
        time_machine.travel(NOW, tick=False) as machine,
    ):
        lin(), wen()
        borrower, staff = logged_in("13800000001"), logged_in("wen-reviewer")
        machine.shift(minutes)
        assert not is_in(staff, "/admin/")
        machine.shift(hours)
        assert not is_in(borrower)


def test_what_a_page_asks_by_itself_is_no_use() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        wen()
        client = logged_in("wen-reviewer")
        for _ in range(2):
            machine.shift(timedelta(minutes=15))
            asked = client.get(
                "/admin/relief/case/",
                headers={
                    "HX-Request": "true",
                    "HX-Current-URL": "http://testserver/admin/relief/case/?q=1",
                    "X-Poll": "1",
                },
            )

    assert asked.status_code == 401
    assert asked.headers["HX-Redirect"] == "/admin/login/?next=%2Fadmin%2Frelief%2Fcase%2F%3Fq%3D1"
    assert asked.headers["X-Login"] == "/admin/login/?next=%2Fadmin%2Flogin%2Fagain%2F"


def test_a_form_that_comes_too_late_leads_back_to_its_page() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        lin()
        client = logged_in("13800000001")
        machine.shift(timedelta(hours=12))

        answer = client.post(
            "/me/settings/password/", headers={"Referer": "http://testserver/me/settings/password/"}
        )

    assert answer.headers["Location"] == "/login/?next=/me/settings/password/"


def test_use_is_written_once_a_minute() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        lin()
        client = logged_in("13800000001")
        client.get("/me/settings/")
        writes = []
        for _ in range(3):
            machine.shift(timedelta(seconds=30))
            client.get("/me/settings/")
            writes.append(SessionRecord.objects.get().used_at)

    assert writes == [NOW, NOW + timedelta(minutes=1), NOW + timedelta(minutes=1)]


def test_page_lists_devices_and_never_a_key() -> None:
    lin()
    here, phone = logged_in("13800000001"), logged_in("13800000001", browser(IPHONE, "10.1.2.3"))

    page = here.get(reverse("portal:security")).content.decode()

    assert re.findall(r"(Chrome · Windows|Safari · iPhone)(?: <span class=\"tag s\">本机)?</", page)
    assert "203.0.*.*" in page
    assert "10.1.*.*" in page
    assert "203.0.113.9" not in page
    for client in (here, phone):
        assert client.cookies["sessionid"].value not in page


def test_one_device_is_signed_out_from_another() -> None:
    user = lin()
    here, phone = logged_in(user.username), logged_in(user.username, browser(IPHONE))
    record = SessionRecord.objects.get(device="Safari · iPhone")

    here.post(reverse("portal:session-end", args=[record.public_id]))

    assert is_in(here)
    assert not is_in(phone)
    assert why_ended() == ["在其他设备上退出（Safari · iPhone）"]
    assert list(SessionRecord.objects.of(user).open()) == [
        SessionRecord.objects.get(device="Chrome · Windows")
    ]


def test_nobody_ends_the_session_of_somebody_else() -> None:
    lin(), User.objects.create_borrower("13800000002", "赵远", PASSWORD)
    mine, other = logged_in("13800000001"), logged_in("13800000002")
    record = SessionRecord.objects.get(user__phone="13800000002")

    answer = mine.post(reverse("portal:session-end", args=[record.public_id]))

    assert answer.status_code == 302  # as for an id that nobody has
    assert is_in(other)
    assert why_ended() == []


@pytest.mark.parametrize(
    ("account", "act", "login"),
    [
        ("13800000001", "portal:sessions-end", "/login/"),
        ("wen-reviewer", "admin:sessions-end", "/admin/login/"),
    ],
)
def test_everywhere_is_everywhere(account: str, act: str, login: str) -> None:
    lin(), wen()
    page = "/me/settings/" if act.startswith("portal") else "/admin/"
    here, phone = logged_in(account), logged_in(account, browser(IPHONE))

    answer = here.post(reverse(act))

    assert answer.headers["Location"] == login
    assert not is_in(here, page)
    assert not is_in(phone, page)
    assert not SessionRecord.objects.open().exists()


def test_login_on_a_new_device_is_told_but_not_the_first_of_all() -> None:
    user, first = lin(), browser()
    logged_in("13800000001", first)
    assert not Notice.objects.exists()

    logged_in("13800000001", browser(IPHONE, "10.1.2.3"))

    notice, message = Notice.objects.get(), Delivery.objects.get()
    assert (notice.user, notice.event, notice.link) == (
        user,
        "new_device",
        reverse("portal:security"),
    )
    assert "Safari · iPhone，地址 10.1.*.*" in notice.body
    assert (message.channel, message.mandatory) == ("sms", True)
    assert "新设备上登录" in message.text

    first.post(reverse("portal:logout"))
    logged_in("13800000001", first)
    assert Notice.objects.count() == 1


def test_staff_are_told_at_the_desk() -> None:
    wen()
    logged_in("wen-reviewer")
    logged_in("wen-reviewer", browser(IPHONE))

    assert Notice.objects.get().link == reverse("admin:security")
    assert not Delivery.objects.exists()


def test_a_changed_password_ends_the_other_sessions() -> None:
    lin()
    here, phone = logged_in("13800000001"), logged_in("13800000001", browser(IPHONE))

    here.post(reverse("portal:change-password"), {"current": PASSWORD, "password": "yun-2026-lin"})

    assert is_in(here)
    assert not is_in(phone)
    assert why_ended() == ["密码已修改（Safari · iPhone）"]
    record = SessionRecord.objects.open().get()
    assert record.session_key == here.cookies["sessionid"].value  # it has a new key


def test_a_reset_password_ends_all_and_forgets_the_devices() -> None:
    lin()
    old = logged_in("13800000001")
    fresh = browser(IPHONE)
    fresh.post(reverse("portal:reset-code"), {"phone": "13800000001"})
    code = re.search(r"验证码 (\d{6})", Delivery.objects.latest("pk").text)
    assert code

    form = {"phone": "13800000001", "code": code[1], "password": "yun-2026-lin"}
    fresh.post(reverse("portal:reset"), form)

    assert not is_in(old)
    assert why_ended() == ["密码已重置（Chrome · Windows）"]
    told = Notice.objects.count()
    form = {"by": "password", "phone": "13800000001", "password": "yun-2026-lin", "agree": "on"}
    old.post(reverse("portal:login"), form)
    assert Notice.objects.count() == told + 1  # it is a new device again


def test_sweep_ends_what_nobody_came_back_to() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        lin(), wen()
        logged_in("13800000001"), logged_in("wen-reviewer")
        machine.shift(timedelta(minutes=30))
        assert (sessions.end_overdue(), sessions.end_overdue()) == (1, 0)
        assert why_ended() == ["长时间没有操作（Chrome · Windows）"]
        machine.shift(timedelta(hours=12))

        assert sessions.end_overdue() == 1

    assert why_ended()[1:] == ["登录时间已到上限（Chrome · Windows）"]
    assert not SessionRecord.objects.open().exists()


@override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache")
def test_sessions_kept_elsewhere_are_ended_too() -> None:
    lin()
    here, phone = logged_in("13800000001"), logged_in("13800000001", browser(IPHONE))
    record = SessionRecord.objects.get(device="Safari · iPhone")

    here.post(reverse("portal:session-end", args=[record.public_id]))

    assert is_in(here)
    assert not is_in(phone)


def test_a_session_begun_before_this_was_counted_goes_on() -> None:
    client = browser()
    client.force_login(lin())

    assert is_in(client, MONEY)
    assert is_in(client, MONEY)
    assert not SessionRecord.objects.exists()
