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
from portal.core.accounts import trail
from portal.core.accounts.alarms import Way, tell_owner
from portal.core.accounts.codes import check_code
from portal.core.accounts.throttles import (
    CountedAttempts,
    GrowingDelay,
    Limit,
    attempt_all,
    attempts_left,
    blocked_until,
    forgive,
    take_back,
    try_again_words,
)
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import network_of
from portal.core.kernel.devices import Origin
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.phones import parse_phone
from portal.core.kernel.security import SecurityKind
from portal.core.kernel.typed import person_name, plain
from portal.core.models import User
from portal.core.notifications import hours

# Wrong passwords for one account from one network: nobody is locked out, but guessing gets slow.
PER_ACCOUNT = GrowingDelay(
    5, first=timedelta(minutes=1), longest=timedelta(minutes=15), window=timedelta(days=1)
)
PER_NETWORK = Limit(20, timedelta(hours=1))
# From all strange devices together: strangers of many networks slow each other, never the owner.
PER_STRANGERS = Limit(50, timedelta(hours=1))
# Django has no Chinese for all of its reasons.
_TOO_WEAK = {
    "password_too_short": "至少用 8 个字符",
    "password_too_common": "不要用常见的、别处泄露过的密码",
    "password_entirely_numeric": "不要只用数字",
    "password_house_word": "不要用“宽息”“借呗”“密码”这样的词（拼音和英文也不要），或再加长一些",
    "password_personal": "不要用自己的姓名、手机号或登录名，或再加长一些",
}
MAX_PASSWORD = 128  # characters; hashing more is work for nothing


def clean_name(text: str) -> str:
    """A person's name: 2–30 letters, hanzi, spaces, · or '; InvalidInput("name", …) otherwise."""
    name = person_name(text[:200])
    if not 2 <= len(name) <= 30:
        raise InvalidInput("name", "请填写真实姓名，2 到 30 个字")
    if not all(unicodedata.category(c)[0] == "L" or c in "〇 ·.'-" for c in name):
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
    *,
    phone: str,
    code: str,
    name: str,
    password: str,
    session_key: str,
    origin: Origin,
    now: datetime,
) -> User:
    """A new borrower who has proven the phone by a code of purpose "register".

    InvalidInput for a field that cannot be right (the code is not used up then); RuleViolation
    for a wrong code or, once the phone is proven, for one that is registered already.
    """
    phone, name = parse_phone(phone), clean_name(name)
    password = clean_password(password, user=User(phone=phone, name=name))
    check_code(phone=phone, purpose="register", session_key=session_key, code=code)
    is_registered = RuleViolation(
        "这个手机号已经注册过了，请直接登录", code="registered", field="phone"
    )
    if User.objects.filter(phone=phone).exists():
        raise is_registered
    try:
        with transaction.atomic():
            user = User.objects.create_borrower(phone, name, password, date_joined=now)
            trail.record(SecurityKind.REGISTERED, user=user, origin=origin)
            return user
    except IntegrityError as twice:
        raise is_registered from twice


def authenticate_password(
    *,
    phone: str,
    password: str,
    origin: Origin,
    known_here: Collection[int] = (),
    failure: SecurityKind = SecurityKind.LOGIN_FAILED,
    otherwise: str = "",
) -> User:
    """The user of this phone (or staff user name) and password; RuleViolation otherwise.

    One sentence and one amount of work for an unknown account and a wrong password. Failures are
    counted in the database, in real time: of an account from one network (PER_ACCOUNT), of one
    network at whatever accounts (PER_NETWORK), at one account from all strange devices
    (PER_STRANGERS). `known_here` holds the ids of whoever has logged in on this device before: they
    have tries of their own, whatever strangers do elsewhere. The owner is told of what comes too
    often. In a demo reviewers share one address, so that the limit per network rests there.
    A wrong password is a `failure` in the trail of accounts; `otherwise` is what else the page
    offers: "或用短信验证码登录".
    """
    account = _account(phone)
    real = clock.real_now()
    network = network_of(origin.address)
    user = User.objects.filter(username=account, is_active=True).first()
    is_known = user is not None and user.pk in known_here
    tries_key = f"{account}|{'known' if is_known else network}"
    all_counted = [CountedAttempts("login-account", tries_key, [PER_ACCOUNT])]
    if not is_known:
        all_counted.append(CountedAttempts("login-strangers", account, [PER_STRANGERS]))
    if not is_known and not settings.DEMO:
        all_counted.append(CountedAttempts("login-ip", network, [PER_NETWORK]))
    otherwise = otherwise and f"，{otherwise}"
    refused = attempt_all(all_counted, now=real)
    if refused is not None:
        counted, free_at = refused
        if counted.scope == "login-strangers":
            tell_owner(user, Way.PASSWORD)
        failed = "这个网络上登录失败" if counted.scope == "login-ip" else "密码错误"
        when = try_again_words(free_at, now=real)
        raise RuleViolation(f"{failed}次数过多，{when}{otherwise}", code="throttled")
    if user is None:
        make_password(password[:MAX_PASSWORD])  # the same work as for a known account
    elif len(password) <= MAX_PASSWORD and user.check_password(password):
        forgive("login-account", tries_key)
        for counted in all_counted[1:]:
            take_back(counted.scope, counted.hashed)
        return user
    trail.record(failure, user=user, origin=origin, detail="密码")
    tries_left = attempts_left("login-account", tries_key, PER_ACCOUNT, now=real)
    if tries_left:
        next_step = f"还可以试 {tries_left} 次"
    else:
        tell_owner(user, Way.PASSWORD)
        free_at = blocked_until("login-account", tries_key, [PER_ACCOUNT], now=real) or real
        next_step = f"{try_again_words(free_at, now=real)}{otherwise}"
    raise RuleViolation(f"账号或密码不正确，{next_step}", code="wrong-password", field="password")


def _account(text: str) -> str:
    """The user name: a borrower's phone as typed in any usual way, or a staff name."""
    try:
        return parse_phone(text)
    except InvalidInput:
        name = plain(text[:150])
        if not name or not name.isascii() or not name[0].isalpha():
            raise
        return name.lower()


def authenticate_code(*, phone: str, code: str, session_key: str, origin: Origin) -> User:
    """The user of a phone that was proven by a code of purpose "login"; RuleViolation otherwise."""
    phone = parse_phone(phone)
    user = User.objects.filter(phone=phone).first()
    try:
        check_code(phone=phone, purpose="login", session_key=session_key, code=code)
    except RuleViolation as refusal:
        if refusal.code == "code-wrong":  # anybody can try codes that were never sent
            trail.record(SecurityKind.LOGIN_FAILED, user=user, origin=origin, detail="短信验证码")
        raise
    if user is None:
        raise RuleViolation("这个手机号还没有注册，请先注册", code="unknown", field="phone")
    if not user.is_active:
        trail.record(SecurityKind.LOGIN_FAILED, user=user, origin=origin, detail="账户已停用")
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
    """How somebody wants to be reached; calls only within `hours.SPAN` and from < to."""
    if not hours.OPENS <= call_from < call_to <= hours.CLOSES:
        raise InvalidInput("call_to", f"接听电话的时间请在 {hours.SPAN} 之间选择，且结束晚于开始")
    user.sms_enabled, user.large_type = sms_enabled, large_type
    user.call_from, user.call_to = call_from, call_to
    user.save(update_fields=["sms_enabled", "large_type", "call_from", "call_to"])
    return user
