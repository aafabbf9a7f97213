"""verify_invariants: silent about every state a case can reach, one snapshot, few queries, exit 1."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from portal.core.snapshot import snapshot
from relief.cases.models import Case, Event
from relief.cases.workflow import State
from relief.invariants import RULES
from tests.factories import case_at
from tests.relief.invariants.planting import change, deliver, drop, found

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(State))
def test_every_state_of_a_case_is_in_order(state: State) -> None:
    case_at(state)
    deliver()

    assert found() == []


def test_the_command_names_each_violation_and_ends_with_1(capsys: Any) -> None:
    case = case_at(State.PLAN_ACTIVE)
    call_command("verify_invariants")
    assert f"{len(RULES)} rules hold" in capsys.readouterr().out

    drop(case.deadlines.waiting().get())
    change(Event.objects.get(case=case, action="ACCEPT"), role="STAFF")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_invariants")

    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert re.search(rf"^I3 \| {case.number} \|", said, re.M)
    assert re.search(rf"^I4 \| {case.number} \|", said, re.M)
    assert re.search(r"^I5 \| event \d+ \| was inserted, or changed, by other hands$", said, re.M)
    assert said.rstrip().endswith("3 violations")


def test_twice_the_data_take_no_more_queries(django_assert_num_queries: Any) -> None:
    case_at(State.PLAN_ACTIVE)
    with CaptureQueriesContext(connection) as once:
        assert found() == []
    for state in (State.PLAN_ACTIVE, State.WARNED, State.COMPLETED):
        case_at(state)

    with django_assert_num_queries(len(once)):
        assert found() == []


@pytest.mark.django_db(transaction=True)
def test_it_reads_one_moment_and_holds_up_nobody() -> None:
    case = case_at(State.IN_REVIEW)
    with snapshot():
        before = Case.objects.get(pk=case.pk).version
        writer = threading.Thread(target=raise_version, args=(case.pk,))
        writer.start()
        writer.join(timeout=10)
        assert not writer.is_alive()
        assert Case.objects.get(pk=case.pk).version == before
        if connection.vendor == "postgresql":
            with pytest.raises(DatabaseError):
                raise_version(case.pk)
    assert Case.objects.get(pk=case.pk).version == before + 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_an_idle_transaction_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relief.invariants.server.SECONDS", 0)
    entered, leave = threading.Event(), threading.Event()

    def idle() -> None:
        with transaction.atomic():
            Case.objects.count()
            entered.set()
            leave.wait(10)
        connection.close()

    other = threading.Thread(target=idle)
    other.start()
    entered.wait(10)
    said = found()
    leave.set()
    other.join()

    assert any("idle in a transaction" in line for line in said)


def raise_version(pk: int) -> None:
    try:
        Case.objects.filter(pk=pk).update(version=F("version") + 1)
    finally:
        if threading.current_thread() is not threading.main_thread():
            connection.close()
