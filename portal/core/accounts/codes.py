"""One-time codes by SMS: six digits, five minutes, five tries, one use, one session, one purpose.

All of it in real time, whatever a demo's clock says (relief/RULES.md §9).
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.core import clock
from portal.core.accounts.alarms import Way, tell_owner
from portal.core.accounts.throttles import (
    CountedAttempts,
    Limit,
    attempt_all,
    attempts_left,
    hashed,
    take_back,
    try_again_words,
)
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import network_of
from portal.core.kernel.phones import parse_phone
from portal.core.kernel.typed import compact
from portal.core.models import OneTimeCode, User
from portal.core.notifications.outbox import send_login_code

logger = logging.getLogger(__name__)

LIFE = timedelta(minutes=5)
MAX_TRIES = 5
PER_PHONE = (
    Limit(1, timedelta(seconds=60)),
    Limit(5, timedelta(hours=1)),
    Limit(10, timedelta(days=1)),
)
PER_NETWORK = (Limit(20, timedelta(hours=1)),)
IN_ALL = (Limit(2000, timedelta(hours=1)),)
# What is counted: a phone from strange devices, from its owner's, for signing; a network; everybody.
PHONE, OWN_DEVICE, SIGNING = "code-phone", "code-own-device", "code-sign"
NETWORK, EVERYBODY = "code-ip", "code-all"


def send_code(
    *,
    phone: str,
    purpose: str,
    session_key: str,
    ip: str,
    known_here: Collection[int] = (),
    now: datetime,
) -> None:
    """Send a code to `phone` for `purpose` ("login", "register", "accept:<digest>") in this session.

    The answer is the same whether the phone is known or not. `now` is business time, for the
    outbox row; limits and life are real time. InvalidInput for a wrong phone, RuleViolation when
    asked too often: one a minute, five an hour, ten a day per phone; of one network twenty an hour
    that nobody used. `known_here` holds the ids of whoever has logged in on this device before: they
    have a phone's limits for themselves, whatever strangers ask for elsewhere.
    """
    phone = parse_phone(phone)
    if not session_key:
        raise RuleViolation("页面已过期，请刷新页面后重新获取验证码", field="code")
    real = clock.real_now()
    owner = User.objects.filter(phone=phone).first()
    is_known = owner is not None and owner.pk in known_here
    _count(phone=phone, purpose=purpose, ip=ip, is_known=is_known, real=real)
    digits = f"{secrets.randbelow(10**6):06d}"
    with transaction.atomic():
        row = OneTimeCode.objects.create(
            phone=phone,
            purpose=purpose[:80],
            session_hash=_session_hash(session_key),
            asked_from=hashed(NETWORK, network_of(ip)),
            digest=_digest(phone, purpose, session_key, digits),
            created_at=real,
            expires_at=real + LIFE,
        )
        minutes = int(LIFE.total_seconds() // 60)
        key = f"login-code:{row.pk}"
        send_login_code(phone=phone, key=key, digits=digits, minutes=minutes, now=now)
    if not is_known and not attempts_left(PHONE, phone, PER_PHONE[1], now=real):
        tell_owner(owner, Way.CODE)


def _count(*, phone: str, purpose: str, ip: str, is_known: bool, real: datetime) -> None:
    """Count a code that is asked for, or refuse it: it comes too often.

    Somebody logged in, who asks for a signing code, and somebody on a known device count apart and
    by phone alone, so that no stranger uses up what is theirs. In a demo many reviewers share one
    address, so the limits per network and in all rest there; the limit per phone never does.
    """
    is_signing = purpose.startswith("accept:")
    scope = SIGNING if is_signing else OWN_DEVICE if is_known else PHONE
    all_counted = [CountedAttempts(scope, phone, PER_PHONE)]
    if scope == PHONE and not settings.DEMO:
        all_counted += [
            CountedAttempts(NETWORK, network_of(ip), PER_NETWORK),
            CountedAttempts(EVERYBODY, "", IN_ALL),
        ]
    refused = attempt_all(all_counted, now=real)
    if refused is None:
        return
    counted, free_at = refused
    when = try_again_words(free_at, now=real)
    if counted.scope == EVERYBODY:
        logger.error("codes.global_cap")
        raise RuleViolation(f"短信发送繁忙，{when}", code="throttled")
    raise RuleViolation(f"获取验证码过于频繁，{when}", code="throttled", field="phone")


def check_code(*, phone: str, purpose: str, session_key: str, code: str) -> None:
    """Use up the latest code of this phone, purpose and session; RuleViolation with tries left.

    A wrong try counts even if the caller fails later, so never call this inside a transaction.
    """
    phone = parse_phone(phone)
    typed = compact(code[:40])
    if not re.fullmatch(r"[0-9]{6}", typed):
        raise RuleViolation("请填写短信里的 6 位数字验证码", field="code")
    latest = (
        OneTimeCode.objects.filter(phone=phone, purpose=purpose[:80])
        .filter(session_hash=_session_hash(session_key))
        .order_by("-pk")
        .first()
    )
    if latest is None or latest.used_at or clock.real_now() >= latest.expires_at:
        raise RuleViolation("验证码已失效，请重新获取", code="code-expired", field="code")
    unused = OneTimeCode.objects.filter(pk=latest.pk, used_at__isnull=True)
    if not unused.filter(tries__lt=MAX_TRIES).update(tries=F("tries") + 1):
        raise RuleViolation("验证码错误次数过多，请重新获取", code="code-locked", field="code")
    if constant_time_compare(latest.digest, _digest(phone, purpose, session_key, typed)):
        if not unused.update(used_at=clock.real_now()):
            raise RuleViolation("验证码已使用过，请重新获取", code="code-expired", field="code")
        take_back(NETWORK, latest.asked_from)  # a code that was used is no attack
        return
    tries_left = MAX_TRIES - latest.tries - 1
    if tries_left <= 0:
        tell_owner(User.objects.filter(phone=phone).first(), Way.CODE)
    next_step = f"还可以试 {tries_left} 次" if tries_left > 0 else "请重新获取"
    raise RuleViolation(f"验证码不正确，{next_step}", code="code-wrong", field="code")


def _session_hash(session_key: str) -> str:
    return salted_hmac("portal.codes.session", session_key, algorithm="sha256").hexdigest()


def _digest(phone: str, purpose: str, session_key: str, digits: str) -> str:
    """The keyed hash that is stored instead of the code."""
    content = "\n".join((phone, purpose, session_key, digits))
    return salted_hmac("portal.codes", content, algorithm="sha256").hexdigest()
