"""Managers and auditors see at once what concerns the safety of all: on their board."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal import tasks
from portal.core import clock
from portal.core.accounts import trail, watch
from portal.core.kernel.roles import Rank
from portal.core.kernel.security import SecurityKind
from portal.core.models import Notice, SecurityEvent, User
from portal.core.trail import chain
from tests.past_guards import past_the_guards
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db


def board_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse("admin:index")).content.decode()


def fail(user: User | None, times: int) -> None:
    for _ in range(times):
        trail.record(SecurityKind.LOGIN_FAILED, user=user, origin=trail.SYSTEM)


def break_the_trail() -> None:
    trail.record(SecurityKind.LOGIN, user=lin(), origin=trail.SYSTEM)
    chain.extend(clock.real_now())
    with past_the_guards() as cursor:
        cursor.execute("UPDATE portal_securityevent SET detail = 'planted'")


def test_a_broken_trail_stands_on_the_board_and_is_told_once_a_day() -> None:
    break_the_trail()
    people = {rank: wen(rank) for rank in Rank}

    assert tasks.prove_trail() == 1
    assert tasks.prove_trail() == 0  # today's proof has been made

    assert {notice.user.rank for notice in Notice.objects.filter(event="staff_trail")} == {
        Rank.MANAGER,
        Rank.AUDITOR,
    }
    for rank, person in people.items():
        assert ("审计记录被改动过：1 处不符" in board_of(person)) == (rank in watch.RANKS)
    assert reverse("admin:portal_securityevent_changelist") in board_of(people[Rank.AUDITOR])


def test_it_stands_there_until_a_later_proof_succeeds() -> None:
    manager = wen(Rank.MANAGER)
    break_the_trail()
    now = clock.real_now()
    watch.prove_trail(now)
    with past_the_guards() as cursor:
        cursor.execute(
            "UPDATE portal_securityevent SET detail = '' WHERE kind = %s", [SecurityKind.LOGIN]
        )

    assert watch.prove_trail(now + timedelta(hours=23)) == 0
    assert "审计记录被改动过" in board_of(manager)
    assert watch.prove_trail(now + timedelta(hours=25)) == 0

    assert SecurityEvent.objects.filter(kind=SecurityKind.TRAIL_PROVEN).count() == 1
    assert "审计记录被改动过" not in board_of(manager)


def test_many_failures_at_an_account_of_staff_stand_on_the_board() -> None:
    manager, victim = wen(Rank.MANAGER), wen()
    fail(victim, watch.OF_ONE - 1)
    fail(lin(), watch.OF_ONE)  # a borrower who forgot the password is no alarm
    assert "次登录失败" not in board_of(manager)

    fail(victim, 1)

    assert f"（{victim.staff_code}）的账户有 {watch.OF_ONE} 次登录失败" in board_of(manager)
    assert "次登录失败" not in board_of(victim)
    assert watch.warnings(manager, clock.real_now() + watch.WINDOW + timedelta(minutes=1)) == []


def test_a_wave_of_failures_anywhere_stands_on_the_board(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "OF_ALL", 4)
    auditor = wen(Rank.AUDITOR)
    fail(None, 3)
    assert watch.warnings(auditor, clock.real_now()) == []

    fail(lin(), 1)

    assert "过去 24 小时共有 4 次登录失败" in board_of(auditor)
