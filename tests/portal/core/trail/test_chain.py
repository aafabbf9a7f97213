"""The trail is sealed row by row and chained; a change, a deletion and an insertion are named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import override_settings

from portal.core.accounts import trail
from portal.core.kernel.security import SecurityKind
from portal.core.models import SecurityEvent, TrailDay, TrailLink, User
from portal.core.trail import chain
from portal.core.trail.seals import is_sealed, trails
from tests.conftest import at
from tests.past_guards import past_the_guards
from tests.portal.people import lin

pytestmark = pytest.mark.django_db
NOW = at("2026-03-02 10:00")
ROW = "portal_securityevent"
ALL = (ROW, "portal_traillink", "portal_trailday")


def write(count: int = 1, user: User | None = None) -> list[SecurityEvent]:
    return [trail.record(SecurityKind.LOGOUT, user=user, origin=trail.SYSTEM) for _ in range(count)]


def wrong() -> list[str]:
    return [f"{where}: {problem}" for where, problem in chain.problems()]


def tamper(sql: str, *values: Any) -> None:
    with past_the_guards() as cursor:
        cursor.execute(sql, values)


def test_rows_are_linked_in_order_and_once() -> None:
    rows = write(3, lin())

    assert (chain.extend(NOW), chain.extend(NOW)) == (3, 0)

    links = TrailLink.objects.order_by("number")
    assert [(link.number, link.trail, link.row_id) for link in links] == [
        (number, "security", row.pk) for number, row in enumerate(rows, start=1)
    ]
    assert len({link.digest for link in links}) == 3
    assert wrong() == []


def test_a_row_that_is_not_linked_yet_is_no_problem() -> None:
    write(2)
    chain.extend(NOW)
    write(1)

    assert wrong() == []


def test_every_trail_has_its_name_for_ever() -> None:
    assert {name: model._meta.db_table for name, model in trails().items()} == {
        "access": "relief_evidencelook",
        "event": "relief_event",
        "security": "portal_securityevent",
    }


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_changed_row_is_named(is_linked: bool) -> None:
    first, second = write(2)
    if is_linked:
        chain.extend(NOW)

    tamper(f"UPDATE {ROW} SET detail = 'x' WHERE id = %s", second.pk)

    what = (
        "was changed after it was written"
        if is_linked
        else "was inserted, or changed, by other hands"
    )
    assert wrong() == [f"security {second.pk}: {what}"]
    assert is_sealed(SecurityEvent.objects.get(pk=first.pk))


def test_a_seal_taken_from_another_row_is_named() -> None:
    first, second = write(2)
    chain.extend(NOW)

    tamper(
        f"UPDATE {ROW} SET seal = %s, at = %s WHERE id = %s", first.seal, f"{first.at}", second.pk
    )

    assert wrong() == [f"security {second.pk}: was changed after it was written"]


def test_a_deleted_row_is_named() -> None:
    _, second, _ = write(3)
    chain.extend(NOW)

    tamper(f"DELETE FROM {ROW} WHERE id = %s", second.pk)

    assert wrong() == [f"security {second.pk}: was deleted; link 2 is left"]


COLUMNS = "kind, user_id, actor_id, address, device, detail, at"


@pytest.mark.parametrize("seal", ["''", "'0123456789abcdef'", "seal"])
@pytest.mark.parametrize("swept", [True, False])
def test_an_inserted_row_is_named_and_never_linked(seal: str, swept: bool) -> None:
    """Without a seal, with a made-up one, and as a copy of ours."""
    (mine,) = write(1)
    chain.extend(NOW)

    tamper(f"INSERT INTO {ROW} (id, {COLUMNS}, seal) SELECT id + 100, {COLUMNS}, {seal} FROM {ROW}")
    if swept:
        assert chain.extend(NOW) == 0

    (named,) = wrong()
    assert named.startswith(f"security {mine.pk + 100}: was inserted")


def test_a_copy_made_before_the_sweep_is_linked_once() -> None:
    (mine,) = write(1)
    tamper(f"INSERT INTO {ROW} (id, {COLUMNS}, seal) SELECT id + 1, {COLUMNS}, seal FROM {ROW}")

    assert chain.extend(NOW) == 1
    assert wrong() == [f"security {mine.pk + 1}: was inserted by other hands: a copy"]


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE portal_traillink SET digest = seal WHERE number = 2", "link 2: was changed"),
        ("UPDATE portal_traillink SET row_id = 99 WHERE number = 2", "link 2: was changed"),
        ("DELETE FROM portal_traillink WHERE number = 2", "link 2: is missing"),
        ("DELETE FROM portal_traillink WHERE number > 1", "day 2026-03-02: does not end with"),
        ("UPDATE portal_trailday SET number = 1", "day 2026-03-02: the seal was changed"),
        ("DELETE FROM portal_trailday", "day 2026-03-02: has no seal"),
    ],
)
def test_a_change_of_the_chain_itself_is_named(sql: str, named: str) -> None:
    write(3)
    chain.extend(NOW)
    write(1)
    chain.extend(NOW + timedelta(days=1))
    if "number > 1" in sql:  # what was linked since goes too, as if it had never been
        tamper("DELETE FROM portal_traillink WHERE number > 3")

    tamper(sql)

    assert any(line.startswith(named) for line in wrong()), wrong()


def test_a_row_and_its_link_cut_out_together_are_named() -> None:
    _, second, _ = write(3)
    chain.extend(NOW)

    tamper(f"DELETE FROM {ROW} WHERE id = %s", second.pk)
    tamper("DELETE FROM portal_traillink WHERE number = 2")
    tamper("UPDATE portal_traillink SET number = 2 WHERE number = 3")

    assert wrong() == ["link 2: was changed, or what stands before it"]


def test_each_day_is_sealed_when_it_is_over_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="portal.core.trail.chain"):
        write(2)
        chain.extend(at("2026-03-02 23:59"))
        assert not TrailDay.objects.exists()
        write(1)
        chain.extend(at("2026-03-03 00:01"))
        chain.extend(at("2026-03-05 08:00"))

    last = TrailLink.objects.get(number=2)
    days = TrailDay.objects.order_by("day").values_list("day", "number", "digest")
    assert [(f"{day}", number) for day, number, _ in days] == [("2026-03-02", 2), ("2026-03-03", 3)]
    assert days[0][2] == last.digest
    sealed = [record for record in caplog.records if record.msg == "trail.sealed"]
    assert [(record.number, record.digest) for record in sealed] == [
        (number, digest) for _, number, digest in days
    ]
    assert wrong() == []


def test_a_row_committed_late_is_linked_behind_others() -> None:
    first, second = write(2)
    tamper(f"UPDATE {ROW} SET id = id + 100 WHERE id = %s", second.pk)
    chain.extend(NOW)
    tamper(f"UPDATE {ROW} SET id = id - 50 WHERE id = %s", second.pk + 100)  # its number is lower
    tamper("DELETE FROM portal_traillink WHERE number = 2")
    later = write(1)

    assert chain.extend(NOW + timedelta(hours=5)) >= 1
    assert TrailLink.objects.filter(row_id=second.pk + 50).exists()
    assert {row.pk for row in [first, *later]} <= {link.row_id for link in TrailLink.objects.all()}


def test_a_new_key_seals_and_the_old_ones_still_prove() -> None:
    old, new = "o" * 40, "n" * 40
    with override_settings(TRAIL_KEYS=[old]):
        write(2)
        chain.extend(NOW)
    with override_settings(TRAIL_KEYS=[new, old]):
        write(1)
        chain.extend(NOW + timedelta(days=1))
        assert wrong() == []
    with override_settings(TRAIL_KEYS=[new]):
        assert len(wrong()) >= 2


@pytest.mark.parametrize("table", ALL)
@pytest.mark.parametrize("sql", ["DELETE FROM {}", "UPDATE {} SET seal = 'x'"])
def test_the_database_refuses_to_rewrite_the_trail(table: str, sql: str) -> None:
    write(1)
    chain.extend(NOW)
    write(1)
    chain.extend(NOW + timedelta(days=1))

    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(table))


def test_a_backlog_is_linked_in_bounded_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH", 3)
    write(7)

    assert [chain.extend(NOW) for _ in range(4)] == [3, 3, 1, 0]
    assert wrong() == []


def test_sealing_takes_no_statement(django_assert_num_queries: Any) -> None:
    user = lin()
    with django_assert_num_queries(1):
        write(1, user)


def test_time_travels_into_the_seal() -> None:
    """The instant is covered to the microsecond, as each database gives it back."""
    with time_machine.travel(NOW + timedelta(microseconds=123456), tick=False):
        (row,) = write(1)

    assert is_sealed(SecurityEvent.objects.get(pk=row.pk))
