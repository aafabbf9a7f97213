"""Sets a new password, proven by a code (forgotten) or by the present password (changed)."""

from __future__ import annotations

from django.db import transaction

from portal.core import clock
from portal.core.accounts import sessions, trail
from portal.core.accounts.accounts import PER_ACCOUNT, clean_password
from portal.core.accounts.codes import check_code
from portal.core.accounts.throttles import attempt, forgive, try_again_words
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.kernel.phones import parse_phone
from portal.core.kernel.security import SecurityKind
from portal.core.models import User


def reset_password(
    *, phone: str, code: str, password: str, session_key: str, origin: Origin
) -> User:
    """Set a new password for the phone that a code of purpose "reset" proves.

    InvalidInput for a password that is too weak (the code is not used up then); RuleViolation for
    a wrong code or, once the phone is proven, for one without an account. Every other session of
    the account ends with the old password.
    """
    phone = parse_phone(phone)
    password = clean_password(password, user=User(phone=phone))
    check_code(phone=phone, purpose="reset", session_key=session_key, code=code)
    user = User.objects.filter(phone=phone, is_active=True).first()
    if user is None:
        raise RuleViolation("这个手机号还没有注册，请先注册", code="unknown", field="phone")
    with transaction.atomic():
        _set(user, password, SecurityKind.PASSWORD_RESET, origin)
        sessions.end_all(user=user, why="密码已重置", origin=origin)
        sessions.forget_devices(user)
    return user


def change_password(
    *, user: User, current: str, password: str, session_key: str, origin: Origin
) -> User:
    """Set a new password for somebody who knows the present one; wrong ones make it wait longer."""
    real = clock.real_now()
    free_at = attempt("change-password", user.username, [PER_ACCOUNT], now=real)
    if free_at is not None:
        when = try_again_words(free_at, now=real)
        raise RuleViolation(f"当前密码错误次数过多，{when}", code="throttled", field="current")
    if not user.check_password(current):
        trail.record(SecurityKind.PASSWORD_REFUSED, user=user, origin=origin)
        raise RuleViolation(
            "当前密码不正确，请检查后重新输入", code="wrong-password", field="current"
        )
    with transaction.atomic():
        _set(user, clean_password(password, user=user), SecurityKind.PASSWORD_CHANGED, origin)
        sessions.end_all(user=user, why="密码已修改", origin=origin, but=session_key)
    return user


def _set(user: User, password: str, kind: SecurityKind, origin: Origin) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record(kind, user=user, origin=origin)
    forgive("change-password", user.username)
