"""Authenticator and recovery codes: once each, limited, sealed, and recorded in the trail of accounts."""

from __future__ import annotations

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import override_settings

from portal.core import clock
from portal.core.accounts import factors
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.models import Authenticator, Notice, RecoveryCode, SecurityEvent, User
from portal.core.sealed import Unreadable, seal, unseal
from tests.authenticator import App
from tests.portal.people import wen

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = Origin("203.0.113.9", "Chrome"), Origin("198.51.100.7", "Chrome")


@pytest.fixture
def staff() -> User:
    return wen()


def enrolled(user: User) -> tuple[App, list[str]]:
    app = App(factors.new_key())
    codes = factors.enrol(user=user, key=app.key, code=app.code(steps=-1), origin=HERE)
    return app, codes


def test_a_code_of_the_app_proves_once(staff: User) -> None:
    app, _ = enrolled(staff)

    assert factors.prove(user=staff, code=app.code(), origin=HERE) == factors.BY_APP
    with pytest.raises(RuleViolation, match="已用过"):
        factors.prove(user=staff, code=app.code(), origin=HERE)


def test_an_older_code_is_dead_once_a_later_one_was_used(staff: User) -> None:
    app, _ = enrolled(staff)
    factors.prove(user=staff, code=app.code(), origin=HERE)
    factors.prove(user=staff, code=app.code(steps=1), origin=HERE)

    with pytest.raises(RuleViolation):
        factors.prove(user=staff, code=app.code(), origin=HERE)


def test_a_slow_clock_is_followed(staff: User) -> None:
    app, _ = enrolled(staff)  # enrolled half a minute late: the drift is kept
    start = clock.real_now().timestamp()

    for turn in range(1, 4):
        with time_machine.travel(start + 86400 * turn, tick=False):
            factors.prove(user=staff, code=app.code(steps=-1 - turn), origin=HERE)

    assert Authenticator.objects.get(user=staff).drift == -4


def test_typed_as_people_type(staff: User) -> None:
    app, codes = enrolled(staff)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in app.code())

    assert factors.prove(user=staff, code=f" {wide[:3]} {wide[3:]}", origin=HERE) == factors.BY_APP
    spaced = codes[0].lower().replace("-", " ")
    assert factors.prove(user=staff, code=spaced, origin=HERE) == factors.BY_PAPER


def test_a_recovery_code_works_once_and_for_its_owner_only(staff: User) -> None:
    other = User.objects.create_staff("li-na", "李娜", staff.rank, "mima-12345")
    _, codes = enrolled(staff)
    enrolled(other)

    with pytest.raises(RuleViolation):
        factors.prove(user=other, code=codes[0], origin=HERE)
    factors.prove(user=staff, code=codes[0], origin=HERE)
    with pytest.raises(RuleViolation):
        factors.prove(user=staff, code=codes[0], origin=HERE)
    assert factors.recovery_codes_left(staff) == 9


def test_new_recovery_codes_make_the_old_ones_void(staff: User) -> None:
    _, old = enrolled(staff)

    new = factors.new_recovery_codes(user=staff, origin=HERE)

    assert len(set(new)) == 10
    with pytest.raises(RuleViolation):
        factors.prove(user=staff, code=old[0], origin=HERE)
    assert factors.prove(user=staff, code=new[0], origin=HERE) == factors.BY_PAPER


def test_the_sixth_wrong_code_is_refused_and_so_is_the_right_one(staff: User) -> None:
    app, _ = enrolled(staff)
    told = []
    for _ in range(5):
        with pytest.raises(RuleViolation) as refused:
            factors.prove(user=staff, code=app.wrong_code(), origin=HERE)
        told.append(refused.value.message)

    assert "还可以试 4 次" in told[0]
    assert "请 60 秒后再试" in told[4]
    with pytest.raises(RuleViolation, match="错误次数过多"):
        factors.prove(user=staff, code=app.code(), origin=HERE)
    assert factors.prove(user=staff, code=app.code(), origin=ELSEWHERE) == factors.BY_APP
    assert "正确的密码和错误的动态码" in Notice.objects.get(user=staff).body


def test_a_wrong_code_enrols_nothing(staff: User) -> None:
    app = App(factors.new_key())

    with pytest.raises(RuleViolation):
        factors.enrol(user=staff, key=app.key, code=app.wrong_code(), origin=HERE)

    assert not factors.has_factor(staff)
    assert RecoveryCode.objects.count() == 0


def test_neither_key_nor_codes_can_be_read_in_the_database(staff: User) -> None:
    app, codes = enrolled(staff)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM portal_authenticator")
        rows = repr([[bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()]])
        cursor.execute("SELECT * FROM portal_recoverycode")
        rows += repr(cursor.fetchall())

    assert repr(app.key)[2:-1] not in rows
    assert app.key.hex() not in rows
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)


def test_a_sealed_secret_opens_for_its_purpose_and_with_a_former_key() -> None:
    box = seal(b"secret", purpose="a")

    assert unseal(box, purpose="a") == b"secret"
    for wrong in ({"box": box, "purpose": "b"}, {"box": box[:-1] + b"x", "purpose": "a"}):
        with pytest.raises(Unreadable):
            unseal(**wrong)  # type: ignore[arg-type]
    with override_settings(SECRET_KEY="n" * 60), pytest.raises(Unreadable):
        unseal(box, purpose="a")


def test_codes_survive_a_change_of_the_secret_key(staff: User) -> None:
    app, codes = enrolled(staff)
    with override_settings(SECRET_KEY="n" * 60, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert factors.prove(user=staff, code=app.code(), origin=HERE) == factors.BY_APP
        assert factors.prove(user=staff, code=codes[0], origin=HERE) == factors.BY_PAPER


def test_the_trail_tells_of_it(staff: User) -> None:
    app, _ = enrolled(staff)
    with pytest.raises(RuleViolation):
        factors.prove(user=staff, code=app.wrong_code(), origin=HERE)

    kinds = list(SecurityEvent.objects.order_by("pk").values_list("kind", "user", "address"))
    assert kinds == [
        ("FACTOR_ENROLLED", staff.pk, HERE.address),
        ("RECOVERY_CODES_MADE", staff.pk, HERE.address),
        ("FACTOR_REFUSED", staff.pk, HERE.address),
    ]
