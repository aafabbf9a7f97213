"""Business time stands still when held, never goes back, and moves only in a demo."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import override_settings

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.models import DemoClock
from tests.conftest import at


def test_frozen_stands_still_and_comes_off() -> None:
    with clock.frozen(at("2026-03-02 10:00")):
        assert clock.now() == at("2026-03-02 10:00")
        assert clock.today() == date(2026, 3, 2)
        with clock.frozen(at("2026-03-03 10:00")), clock.frozen():
            assert clock.now() == at("2026-03-03 10:00")
        assert clock.now() == at("2026-03-02 10:00")
    assert clock.real_now() - clock.now() < timedelta(seconds=1)


def test_hold_and_let_go() -> None:
    clock.hold()
    first = clock.now()
    assert clock.now() is first
    clock.let_go()
    assert clock.now() is not first


@pytest.mark.django_db
@override_settings(DEMO=True)
def test_demo_clock_moves_forward_only() -> None:
    there = clock.real_now() + timedelta(days=3)

    clock.advance_to(there)

    assert timedelta(0) <= clock.now() - there < timedelta(seconds=5)
    with pytest.raises(RuleViolation, match="不能倒退"):
        clock.advance_to(there - timedelta(minutes=1))
    with clock.frozen(), pytest.raises(RuleViolation):
        clock.advance_to(clock.real_now())


@pytest.mark.django_db
@override_settings(DEMO=True)
def test_advancing_moves_the_held_moment_too() -> None:
    there = clock.real_now() + timedelta(days=1)
    with clock.frozen():
        clock.now()
        clock.advance_to(there)
        assert clock.now() == there


@pytest.mark.django_db
def test_outside_a_demo_it_is_not_even_read() -> None:
    DemoClock.objects.create(offset=timedelta(days=9))

    with pytest.raises(RuleViolation, match="演示环境"):
        clock.advance_to(clock.real_now() + timedelta(days=1))
    assert clock.now() - clock.real_now() < timedelta(seconds=1)
