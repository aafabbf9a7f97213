"""Registration, log-in by password or code, and contact preferences; knows no page and no session."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import datetime, time, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.accounts.codes import check_code
from portal.core.accounts.throttles import Limit, attempt, attempts_left, forgive, take_back
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import network_of
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.phones import parse_phone
from portal.core.models import User

PER_ACCOUNT = Limit(5, timedelta(minutes=15))
PER_ADDRESS = Limit(20, timedelta(hours=1))
# From all strange devices together: strangers of many networks slow each other, never the owner.
PER_STRANGERS = Limit(50, timedelta(hours=1))
# Django has no Chinese for all of its reasons.
_TOO_WEAK = {
    "password_too_short": "至少用 8 个字符",
    "password_too_common": "不要用常见的密码",
    "password_entirely_numeric": "不要只用数字",
}
MAX_PASSWORD = 128  # characters; hashing more is work for nothing


def clean_name(text: str) -> str:
    """A person's name: 2–30 letters, hanzi, spaces, · or '; InvalidInput("name", …) otherwise."""
    name = " ".join(unicodedata.normalize("NFKC", text[:200]).split())
    if not 2 <= len(name) <= 30:
        raise InvalidInput("name", "请填写真实姓名，2 到 30 个字")
    if not all(unicodedata.category(c)[0] == "L" or c in " ·•.'-" for c in name):
        raise InvalidInput("name", "姓名只能有汉字、字母和间隔号，请去掉其他符号")
    return name


def clean_password(text: str, *, user: User | None = None) -> str:
    """A password that Django's validators accept; InvalidInput("password", …) otherwise."""
    if len(text) > MAX_PASSWORD:
        raise InvalidInput("password", f"密码最长 {MAX_PASSWORD} 个字符，请改短一些")
    try:
        validate_password(text, user)
    except ValidationError as wrong:
        reasons = [_TOO_WEAK.get(error.code or "", "换一个更难猜的") for error in wrong.error_list]
        raise InvalidInput("password", f"密码太简单：请{'，'.join(reasons)}") from wrong
    return text


def register(
    *, phone: str, code: str, name: str, password: str, session_key: str, now: datetime
) -> User:
    """A new borrower who has proven the phone by a code of purpose "register".

    InvalidInput for a field that cannot be right (the code is not used up then); RuleViolation
    for a wrong code or, once the phone is proven, for one that is registered already.
    """
    phone, name, password = parse_phone(phone), clean_name(name), clean_password(password)
    check_code(phone=phone, purpose="register", session_key=session_key, code=code)
    is_registered = RuleViolation(
        "这个手机号已经注册过了，请直接登录", code="registered", field="phone"
    )
    if User.objects.filter(phone=phone).exists():
        raise is_registered
    try:
        with transaction.atomic():
            return User.objects.create_borrower(phone, name, password, date_joined=now)
    except IntegrityError as twice:
        raise is_registered from twice


def authenticate_password(
    *, phone: str, password: str, ip: str, known_here: Collection[int] = ()
) -> User:
    """The user of this phone (or staff user name) and password; RuleViolation otherwise.

    One sentence and one amount of work for an unknown account and a wrong password. Counted in the
    database, in real time: five tries for an account from one network in 15 minutes; twenty failures
    of one network in an hour, at whatever accounts; fifty at one account from all strange devices.
    `known` holds the ids of whoever has logged in on this device before: they have five tries of
    their own, whatever strangers do elsewhere. In a demo reviewers share one address, so that the
    limit per network rests there.
    """
    account = _account(phone)
    real = clock.real_now()
    network = network_of(ip)
    user = User.objects.filter(username=account, is_active=True).first()
    is_known = user is not None and user.pk in known_here
    if not settings.DEMO and not is_known and attempt("login-ip", network, [PER_ADDRESS], now=real):
        raise RuleViolation("尝试过于频繁，请一小时后再试", code="throttled")
    tries_key = f"{account}|{'known' if is_known else network}"
    other_way = "" if account[0].isalpha() else "，或用短信验证码登录"  # the desk has no codes
    free_at = attempt("login-account", tries_key, [PER_ACCOUNT], now=real)
    if not free_at and not is_known:
        free_at = attempt("login-strangers", account, [PER_STRANGERS], now=real)
    if free_at:
        minutes = -(-int((free_at - real).total_seconds()) // 60)
        raise RuleViolation(
            f"密码错误次数过多，请 {max(1, minutes)} 分钟后再试{other_way}", code="throttled"
        )
    if user is None:
        make_password(password[:MAX_PASSWORD])  # the same work as for a known account
    elif len(password) <= MAX_PASSWORD and user.check_password(password):
        forgive("login-account", tries_key)
        if not is_known:
            take_back("login-ip", network)
            take_back("login-strangers", account)
        return user
    tries_left = attempts_left("login-account", tries_key, PER_ACCOUNT, now=real)
    next_step = f"还可以试 {tries_left} 次" if tries_left else f"请 15 分钟后再试{other_way}"
    raise RuleViolation(f"账号或密码不正确，{next_step}", code="wrong-password", field="password")


def _account(text: str) -> str:
    """The user name: a borrower's phone as typed in any usual way, or a staff name."""
    try:
        return parse_phone(text)
    except InvalidInput:
        name = unicodedata.normalize("NFKC", text[:150]).strip()
        if not name or not name.isascii() or not name[0].isalpha():
            raise
        return name.lower()


def authenticate_code(*, phone: str, code: str, session_key: str) -> User:
    """The user of a phone that was proven by a code of purpose "login"; RuleViolation otherwise."""
    phone = parse_phone(phone)
    check_code(phone=phone, purpose="login", session_key=session_key, code=code)
    user = User.objects.filter(phone=phone).first()
    if user is None:
        raise RuleViolation("这个手机号还没有注册，请先注册", code="unknown", field="phone")
    if not user.is_active:
        raise RuleViolation("这个账户已停用，请联系客服", code="inactive", field="phone")
    return user


def set_preferences(
    *,
    user: User,
    sms_enabled: bool,
    call_from: time,
    call_to: time,
    large_type: bool,
) -> User:
    """How somebody wants to be reached; calls only within 08:00–22:00 and from < to."""
    if not time(8) <= call_from < call_to <= time(22):
        raise InvalidInput("call_to", "接听电话的时间请在 08:00–22:00 之间选择，且结束晚于开始")
    user.sms_enabled, user.large_type = sms_enabled, large_type
    user.call_from, user.call_to = call_from, call_to
    user.save(update_fields=["sms_enabled", "large_type", "call_from", "call_to"])
    return user
