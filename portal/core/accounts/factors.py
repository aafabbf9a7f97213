"""The second factor of staff: an authenticator's codes (RFC 6238) and recovery codes on paper.

A code counts once, tries are limited as passwords are, and nobody can read a key or a recovery
code again once it has been shown. All in real time.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import segno
from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP

from portal.core import clock
from portal.core.accounts import trail
from portal.core.accounts.accounts import PER_ACCOUNT, PER_STRANGERS
from portal.core.accounts.alarms import Way, tell_owner
from portal.core.accounts.throttles import (
    CountedAttempts,
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
from portal.core.kernel.security import SecurityKind
from portal.core.kernel.typed import compact
from portal.core.models import Authenticator, Passkey, RecoveryCode, User
from portal.core.sealed import Unreadable, seal, unseal

ISSUER = "宽息"
KEY_BYTES = 20  # RFC 4226: as long as SHA-1's digest
STEP = 30  # seconds
TOLERANCE = 1  # steps to either side
BY_APP, BY_PAPER = "验证器", "恢复码"  # in the trail
RECOVERY_CODES = 10
GROUPS, GROUP = 3, 4  # of a recovery code: 7KQM-2XVH-9DRA, 60 bits
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks like something else


def new_key() -> bytes:
    """The key of an authenticator that is yet to be enrolled."""
    return secrets.token_bytes(KEY_BYTES)


def key_words(key: bytes) -> str:
    """The key as it is typed into an app: groups of four, base32."""
    text = b32encode(key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def qr_path(user: User, key: bytes) -> tuple[int, str]:
    """Width and SVG path of the QR code that an app scans: an otpauth address."""
    label = quote(f"{ISSUER}:{user.username}")
    asked = urlencode({"secret": b32encode(key).decode(), "issuer": ISSUER}, quote_via=quote)
    rows = list(segno.make(f"otpauth://totp/{label}?{asked}", error="m").matrix_iter(border=4))
    squares = (
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return len(rows), "".join(squares)


def enrol(*, user: User, key: bytes, code: str, origin: Origin) -> list[str]:
    """Make `key` the user's authenticator, once a code proves that their app has it.

    Returns new recovery codes, which nobody can read again; older ones are void. RuleViolation
    for a wrong code, with the tries left.
    """
    _count(user, origin)
    totp = _matching(code, key)
    if totp is None:
        raise _wrong(user, origin)
    _forgive(user, origin)
    with transaction.atomic():
        Authenticator.objects.update_or_create(
            user=user,
            defaults={
                "sealed_key": seal(key, purpose=_purpose(user)),
                "drift": totp.drift,
                "last_step": totp.t(),
                "enrolled_at": clock.real_now(),
            },
        )
        trail.record(SecurityKind.FACTOR_ENROLLED, user=user, origin=origin)
        return new_recovery_codes(user=user, origin=origin)


def new_recovery_codes(*, user: User, origin: Origin) -> list[str]:
    """Ten new codes for a lost device, to be shown once; the old ones are void."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        RecoveryCode.objects.filter(user=user).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(user=user, digest=_digest(user, code, settings.SECRET_KEY))
            for code in codes
        )
        trail.record(SecurityKind.RECOVERY_CODES_MADE, user=user, origin=origin)
    return codes


def has_factor(user: User) -> bool:
    """Whether this person can be asked for a second factor at all."""
    return Authenticator.objects.filter(user=user).exists()


def recovery_codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def are_recovery_codes(user: User, codes: Sequence[str]) -> bool:
    """Whether all of these are unused codes of this person: what was just shown, for their file."""
    digests = {_digest(user, code, settings.SECRET_KEY) for code in codes}
    unused = RecoveryCode.objects.filter(user=user, used_at=None, digest__in=digests)
    return len(digests) == len(codes) > 0 and unused.count() == len(digests)


def prove(*, user: User, code: str, origin: Origin) -> str:
    """Use up a code of the authenticator or a recovery code; which of the two it was, in words.

    RuleViolation(field="code") for a wrong or used one, counted as wrong passwords are.
    """
    _count(user, origin)
    typed = _clean(code)
    proven = ""
    if typed.isdigit():
        proven = BY_APP if _use_totp(user, typed) else ""
    elif _use_recovery(user, typed):
        proven = BY_PAPER
    if not proven:
        raise _wrong(user, origin)
    _forgive(user, origin)
    return proven


def confirmed(*, user: User, act: str, origin: Origin) -> None:
    """Note in the trail that somebody proved themselves afresh, before what."""
    trail.record(SecurityKind.FACTOR_CONFIRMED, user=user, origin=origin, detail=act)


def forget_factors(user: User) -> None:
    """Take everything away with which this person proves themselves besides the password."""
    Authenticator.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()


def _use_totp(user: User, typed: str) -> bool:
    """Whether the code is the authenticator's, and nobody has used it or a later one."""
    device = Authenticator.objects.filter(user=user).first()
    if device is None:
        return False
    try:
        key = unseal(bytes(device.sealed_key), purpose=_purpose(user))
    except Unreadable:
        return False
    totp = _matching(typed, key, drift=device.drift, after=device.last_step)
    if totp is None:
        return False
    fresh = Authenticator.objects.filter(pk=device.pk, last_step__lt=totp.t())
    return fresh.update(last_step=totp.t(), drift=totp.drift) == 1


def _matching(typed: str, key: bytes, *, drift: int = 0, after: int = -1) -> TOTP | None:
    """The time at which the app shows this code, if that is now and later than step `after`."""
    text = _clean(typed)
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    totp = TOTP(key, step=STEP, drift=drift)
    totp.time = clock.real_now().timestamp()
    return totp if totp.verify(int(text), TOLERANCE, after + 1) else None


def _use_recovery(user: User, typed: str) -> bool:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [_digest(user, typed, key) for key in keys]
    unused = RecoveryCode.objects.filter(user=user, used_at=None, digest__in=digests)
    return unused.update(used_at=clock.real_now()) == 1


def _recovery_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def _clean(typed: str) -> str:
    """Capitals, without what only groups them."""
    return compact(typed[:40]).upper()


def _digest(user: User, code: str, secret_key: str) -> str:
    content = f"{user.pk}:{_clean(code)}"
    return salted_hmac(
        "portal.recovery-codes", content, secret=secret_key, algorithm="sha256"
    ).hexdigest()


def _purpose(user: User) -> str:
    return f"totp:{user.pk}"


def _count(user: User, origin: Origin) -> None:
    """Count a try, or refuse it as one too many."""
    real = clock.real_now()
    refused = attempt_all(_counted(user, origin), now=real)
    if refused is not None:
        tell_owner(user, Way.FACTOR)
        when = try_again_words(refused[1], now=real)
        raise RuleViolation(f"动态码错误次数过多，{when}", code="throttled", field="code")


def _counted(user: User, origin: Origin) -> list[CountedAttempts]:
    """One account from one network, and the account from all of them together."""
    here = f"{user.pk}|{network_of(origin.address)}"
    return [
        CountedAttempts("factor", here, [PER_ACCOUNT]),
        CountedAttempts("factor-all", str(user.pk), [PER_STRANGERS]),
    ]


def _forgive(user: User, origin: Origin) -> None:
    here, everywhere = _counted(user, origin)
    forgive(here.scope, here.subject)
    take_back(everywhere.scope, everywhere.hashed)


def _wrong(user: User, origin: Origin) -> RuleViolation:
    trail.record(SecurityKind.FACTOR_REFUSED, user=user, origin=origin)
    here, real = _counted(user, origin)[0], clock.real_now()
    tries_left = attempts_left(here.scope, here.subject, PER_ACCOUNT, now=real)
    if tries_left:
        next_step = f"还可以试 {tries_left} 次"
    else:
        tell_owner(user, Way.FACTOR)
        free_at = blocked_until(here.scope, here.subject, here.limits, now=real) or real
        next_step = try_again_words(free_at, now=real)
    return RuleViolation(
        f"动态码不正确或已用过，请输入验证器上最新的 6 位数字，{next_step}",
        code="factor-wrong",
        field="code",
    )
