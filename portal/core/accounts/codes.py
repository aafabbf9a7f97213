"""One-time codes by SMS: six digits, five minutes, five tries, one use, one session, one purpose.

All of it in real time, whatever a demo's clock says (relief/RULES.md §9).
"""

from __future__ import annotations

import logging
import re
import secrets
import unicodedata
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.core import clock
from portal.core.accounts.throttles import Limit, attempt, wait_words
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import network_of
from portal.core.kernel.phones import parse_phone
from portal.core.models import OneTimeCode
from portal.core.notifications.outbox import send_login_code

logger = logging.getLogger(__name__)

LIFE = timedelta(minutes=5)
MAX_TRIES = 5
PER_PHONE = (
    Limit(1, timedelta(seconds=60)),
    Limit(5, timedelta(hours=1)),
    Limit(10, timedelta(days=1)),
)
PER_ADDRESS = (Limit(20, timedelta(hours=1)),)
IN_ALL = (Limit(2000, timedelta(hours=1)),)


def send_code(*, phone: str, purpose: str, session_key: str, ip: str, now: datetime) -> None:
    """Send a code to `phone` for `purpose` ("login", "register", "accept:<digest>") in this session.

    The answer is the same whether the phone is known or not. `now` is business time, for the
    outbox row; limits and life are real time. InvalidInput for a wrong phone, RuleViolation when
    asked too often: one a minute, five an hour, ten a day per phone, twenty an hour per address.
    """
    phone = parse_phone(phone)
    if not session_key:
        raise RuleViolation("页面已过期，请刷新页面后重新获取验证码", field="code")
    real = clock.real_now()
    _limit(phone=phone, purpose=purpose, ip=ip, real=real)
    digits = f"{secrets.randbelow(10**6):06d}"
    with transaction.atomic():
        row = OneTimeCode.objects.create(
            phone=phone,
            purpose=purpose[:80],
            session_hash=_session_hash(session_key),
            digest=_digest(phone, purpose, session_key, digits),
            created_at=real,
            expires_at=real + LIFE,
        )
        minutes = int(LIFE.total_seconds() // 60)
        key = f"login-code:{row.pk}"
        send_login_code(phone=phone, key=key, digits=digits, minutes=minutes, now=now)


def _limit(*, phone: str, purpose: str, ip: str, real: datetime) -> None:
    """Refuse what comes too often. In a demo many reviewers share one address, so the limits per
    address and in all rest there; the limit per phone never does. Only somebody logged in asks for
    a signing code: these count apart, so that no stranger uses up what the owner signs with."""
    is_signing = purpose.startswith("accept:")
    if not settings.DEMO and not is_signing:
        if attempt("code-ip", network_of(ip), PER_ADDRESS, now=real):
            raise RuleViolation(
                "获取验证码过于频繁，请一小时后再试", code="throttled", field="phone"
            )
        if attempt("code-all", "", IN_ALL, now=real):
            logger.error("codes.global_cap")
            raise RuleViolation("短信发送繁忙，请稍后再试，或用密码登录", code="throttled")
    free_at = attempt("code-sign" if is_signing else "code-phone", phone, PER_PHONE, now=real)
    if free_at:
        wait = wait_words(free_at, now=real)
        raise RuleViolation(f"获取验证码过于频繁，请 {wait}后再试", code="throttled", field="phone")


def check_code(*, phone: str, purpose: str, session_key: str, code: str) -> None:
    """Use up the latest code of this phone, purpose and session; RuleViolation with tries left.

    A wrong try counts even if the caller fails later, so never call this inside a transaction.
    """
    phone = parse_phone(phone)
    typed = "".join(unicodedata.normalize("NFKC", code[:20]).split())
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
        return
    tries_left = MAX_TRIES - latest.tries - 1
    next_step = f"还可以试 {tries_left} 次" if tries_left > 0 else "请重新获取"
    raise RuleViolation(f"验证码不正确，{next_step}", code="code-wrong", field="code")


def _session_hash(session_key: str) -> str:
    return salted_hmac("portal.codes.session", session_key, algorithm="sha256").hexdigest()


def _digest(phone: str, purpose: str, session_key: str, digits: str) -> str:
    """The keyed hash that is stored instead of the code."""
    content = "\n".join((phone, purpose, session_key, digits))
    return salted_hmac("portal.codes", content, algorithm="sha256").hexdigest()
