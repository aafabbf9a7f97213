"""Codes, registering and logging in: limits in real time and in the database."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import override_settings

from portal.core.accounts import accounts, codes
from portal.core.accounts.throttles import try_again_words
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, OneTimeCode, Throttle, User
from tests.conftest import at
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
NOW = at("2026-03-02 10:00")
PHONE = "13800000001"
HERE = Origin("203.0.113.7", "Chrome · Windows")


def ask(
    phone: str = PHONE, purpose: str = "login", session: str = "s1", ip: str = "10.0.0.1"
) -> str:
    """Ask for a code and read it off the outbox."""
    codes.send_code(phone=phone, purpose=purpose, session_key=session, ip=ip, now=NOW)
    found = re.search(r"验证码 (\d{6})", Delivery.objects.latest("pk").text)
    assert found
    return found[1]


def check(code: str, purpose: str = "login", session: str = "s1", phone: str = PHONE) -> None:
    codes.check_code(phone=phone, purpose=purpose, session_key=session, code=code)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_code_works_once_and_only_its_hash_is_stored() -> None:
    code = ask()

    check(f" {code[:3]} {code[3:]} ")

    row = OneTimeCode.objects.get()
    assert code not in (row.digest, row.session_hash)
    assert row.used_at
    with pytest.raises(RuleViolation, match="已失效"):
        check(code)


@pytest.mark.parametrize(
    "elsewhere", [{"purpose": "register"}, {"session": "s2"}, {"phone": "13800000002"}]
)
def test_code_is_bound_to_purpose_session_and_phone(elsewhere: dict[str, Any]) -> None:
    code = ask()

    with pytest.raises(RuleViolation, match="已失效"):
        check(code, **elsewhere)
    check(code)


def test_code_dies_after_five_minutes() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        code = ask()
        machine.shift(codes.LIFE - timedelta(seconds=1))
        with pytest.raises(RuleViolation, match="还可以试 4 次"):
            check(other(code))
        machine.shift(1)
        with pytest.raises(RuleViolation, match="已失效"):
            check(code)


def test_five_tries_and_not_one_more() -> None:
    code = ask()
    for left in ("4 次", "3 次", "2 次", "1 次", "请重新获取"):
        with pytest.raises(RuleViolation, match=left):
            check(other(code))

    with pytest.raises(RuleViolation, match="错误次数过多"):
        check(code)


@pytest.mark.parametrize("typed", ["", "12345", "abcdef", "1" * 5000, "１２３４５", "12345\x00"])
def test_what_is_no_code_costs_no_try(typed: str) -> None:
    ask()
    with pytest.raises(RuleViolation, match="6 位数字"):
        check(typed)
    assert OneTimeCode.objects.get().tries == 0


def test_only_the_latest_code_counts() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        first = ask()
        machine.shift(61)
        second = ask()
        if first != second:
            with pytest.raises(RuleViolation, match="不正确"):
                check(first)
        check(second)


def test_per_phone_one_a_minute_five_an_hour_ten_a_day() -> None:
    sent = []
    with time_machine.travel(NOW, tick=False) as machine:
        for minute in range(0, 25 * 60, 5):
            machine.move_to(NOW + timedelta(minutes=minute))
            try:
                ask(ip=f"10.0.0.{len(sent)}")
            except RuleViolation:
                continue
            sent.append(minute)
            with pytest.raises(RuleViolation, match="后再试"):
                ask(ip="10.9.9.9")

    assert sent == [0, 5, 10, 15, 20, 60, 65, 70, 75, 80, 1440, 1445, 1450, 1455, 1460]


def test_after_a_minute_and_not_before() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        ask()
        machine.shift(59)
        with pytest.raises(RuleViolation, match="请 1 秒后再试") as refusal:
            ask()
        machine.shift(1)
        ask()

    assert refusal.value.field == "phone"


@pytest.mark.parametrize(("demo", "allowed"), [(False, 20), (True, 25)])
def test_per_address_twenty_an_hour_but_reviewers_share_one(demo: bool, allowed: int) -> None:
    with override_settings(DEMO=demo), time_machine.travel(NOW, tick=False):
        for number in range(allowed):
            ask(phone=f"139000000{number:02}")
        if not demo:
            with pytest.raises(RuleViolation, match="请约 1 小时后再试"):
                ask(phone="13900000099")


def test_register_then_log_in_both_ways() -> None:
    code = ask(purpose="register")
    user = accounts.register(
        phone="138 0000 0001",
        code=code,
        name=" 林小云 ",
        password="yun-2026-lin",
        session_key="s1",
        origin=HERE,
        now=NOW,
    )
    assert (user.phone, user.username, user.name, user.role) == (PHONE, PHONE, "林小云", "BORROWER")

    assert accounts.authenticate_password(phone=PHONE, password="yun-2026-lin", origin=HERE) == user
    with time_machine.travel(NOW + timedelta(days=900)):
        code = ask()
        assert (
            accounts.authenticate_code(phone=PHONE, code=code, session_key="s1", origin=HERE)
            == user
        )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "010-66668888"),
        ("name", "林"),
        ("name", "<script>"),
        ("name", "林\u202e云"),
        ("name", "云" * 300),
        ("password", "short"),
        ("password", "12345678"),
        ("password", "x" * 129),
    ],
)
def test_register_refuses_a_field_before_the_code_is_used(field: str, value: str) -> None:
    code = ask(purpose="register")
    given = {"phone": PHONE, "name": "林小云", "password": "yun-2026-lin", field: value}

    with pytest.raises(InvalidInput) as refusal:
        accounts.register(code=code, session_key="s1", origin=HERE, now=NOW, **given)

    assert refusal.value.field == field
    assert not OneTimeCode.objects.get().used_at
    assert not User.objects.exists()


def test_weak_passwords_are_refused_in_chinese() -> None:
    with pytest.raises(InvalidInput) as refusal:
        accounts.clean_password("12345")

    assert refusal.value.message == (
        "密码太简单：请至少用 8 个字符，不要用常见的、别处泄露过的密码，不要只用数字"
    )


@pytest.mark.parametrize("password", ["woaini1314", "A123456789", "zxcvbnm123", "1qaz2wsx"])
def test_passwords_that_were_leaked_are_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="别处泄露过的密码"):
        accounts.clean_password(password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("KuanXi-2026", "不要用“宽息”"),
        ("我要借呗减免呀呀呀", "不要用“宽息”"),
        ("passWord-of-yun", "不要用“宽息”"),
        ("yun-13800000001", "不要用自己的姓名、手机号"),
        ("00000001-yun", "不要用自己的姓名、手机号"),
        ("欧阳小云的口令", "不要用自己的姓名、手机号"),
    ],
)
def test_words_of_the_house_and_of_its_owner_are_refused(password: str, reason: str) -> None:
    owner = User(phone=PHONE, name="欧阳小云", username="u-ouyang")

    with pytest.raises(InvalidInput, match=reason):
        accounts.clean_password(password, user=owner)
    assert accounts.clean_password("a-yun-2026-b", user=owner)
    assert accounts.clean_password("kuanxi-demo-2026", user=owner)  # enough beside the word


def test_registered_phone_is_told_only_to_who_proves_it() -> None:
    lin()
    form: dict[str, Any] = {"phone": PHONE, "name": "李雷", "password": "yun-2026-lin"}
    code = ask(purpose="register")

    with pytest.raises(RuleViolation, match="验证码不正确"):
        accounts.register(code=other(code), session_key="s1", origin=HERE, now=NOW, **form)
    with pytest.raises(RuleViolation, match="已经注册"):
        accounts.register(code=code, session_key="s1", origin=HERE, now=NOW, **form)


def test_unknown_and_wrong_read_the_same() -> None:
    lin()
    said = []
    for phone in (PHONE, "13800000002", "nobody"):
        with pytest.raises(RuleViolation) as refusal:
            accounts.authenticate_password(phone=phone, password="wrong", origin=HERE)
        said.append(refusal.value.message)

    assert set(said) == {"账号或密码不正确，还可以试 4 次"}


def test_each_wrong_password_after_the_fifth_waits_longer_and_none_for_ever() -> None:
    user = lin()
    waits = (60, 120, 240, 480, 900, 900, 900)  # seconds
    with time_machine.travel(NOW, tick=False) as machine:
        for _ in range(4):
            with pytest.raises(RuleViolation, match="还可以试"):
                accounts.authenticate_password(phone=PHONE, password="wrong", origin=HERE)
        for seconds in waits:
            said = "请 60 秒后再试" if seconds == 60 else f"请约 {seconds // 60} 分钟后再试"
            with pytest.raises(RuleViolation, match=f"不正确，{said}"):
                accounts.authenticate_password(phone=PHONE, password="wrong", origin=HERE)
            machine.shift(seconds - 1)
            with pytest.raises(RuleViolation, match="次数过多，请 1 秒后再试"):
                accounts.authenticate_password(phone=PHONE, password="mima-12345", origin=HERE)
            machine.shift(1)
        assert (
            accounts.authenticate_password(phone=PHONE, password="mima-12345", origin=HERE) == user
        )
        assert not Throttle.objects.filter(scope="login-account").exists()


def test_a_refused_try_counts_nowhere() -> None:
    """Neither against the account nor against the network: waiting always helps."""
    lin()
    with time_machine.travel(NOW, tick=False):
        for _ in range(30):
            with pytest.raises(RuleViolation):
                accounts.authenticate_password(phone=PHONE, password="wrong", origin=HERE)

    assert Throttle.objects.count() == 3 * 5


def test_twenty_passwords_an_hour_from_one_address() -> None:
    with time_machine.travel(NOW, tick=False):
        for number in range(20):
            with pytest.raises(RuleViolation, match="不正确"):
                accounts.authenticate_password(
                    phone=f"139000000{number:02}", password="x", origin=HERE
                )
        with pytest.raises(RuleViolation, match="请约 1 小时后再试"):
            accounts.authenticate_password(phone="13911111111", password="x", origin=HERE)


def test_staff_log_in_by_name_and_the_disabled_do_not() -> None:
    staff, user = wen(Rank.MANAGER), lin()

    found = accounts.authenticate_password(phone="WEN-manager", password="mima-12345", origin=HERE)
    user.is_active = False
    user.save()

    assert found == staff
    with pytest.raises(RuleViolation, match="不正确"):
        accounts.authenticate_password(phone=PHONE, password="mima-12345", origin=HERE)
    with pytest.raises(RuleViolation, match="停用"):
        accounts.authenticate_code(phone=PHONE, code=ask(), session_key="s1", origin=HERE)


def test_preferences_stay_within_the_allowed_hours() -> None:
    user = lin()
    early, nine, late = (at(f"2026-03-02 {t}").time() for t in ("07:00", "09:00", "21:00"))

    accounts.set_preferences(
        user=user, sms_enabled=False, call_from=nine, call_to=late, large_type=True
    )
    user.refresh_from_db()

    assert (user.sms_enabled, user.call_to, user.large_type) == (False, late, True)
    for wrong in ((early, late), (late, nine), (nine, nine)):
        with pytest.raises(InvalidInput):
            accounts.set_preferences(
                user=user, sms_enabled=True, call_from=wrong[0], call_to=wrong[1], large_type=False
            )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "请 1 秒后再试"),
        (60, "请 60 秒后再试"),
        (61, "请约 2 分钟后再试"),
        (3600, "请约 1 小时后再试"),
        (3601, "请约 1 小时 1 分钟后再试"),
        (86400, "请约 24 小时后再试"),
    ],
)
def test_one_is_told_when_to_try_again(seconds: int, said: str) -> None:
    assert try_again_words(NOW + timedelta(seconds=seconds), now=NOW) == said
