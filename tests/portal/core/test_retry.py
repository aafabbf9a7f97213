"""The service door: a lost transaction is tried again as a whole, three times, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import psycopg.errors
import pytest
from django.db import OperationalError, transaction

from portal.core.models import User
from portal.core.retry import retried
from tests import factories
from tests.relief.threads import race


def lost(kind: type[psycopg.Error]) -> OperationalError:
    """What Django raises for an error of the server."""
    problem = OperationalError("lost")
    problem.__cause__ = kind()
    return problem


def failing(*problems: Exception) -> tuple[list[int], object]:
    """A service that fails with these, one a call, and then answers; with the list of its calls."""
    calls: list[int] = []
    left = list(problems)

    @retried
    def service() -> str:
        calls.append(1)
        if left:
            raise left.pop(0)
        return "done"

    return calls, service


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "kind", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure]
)
def test_a_lost_transaction_is_tried_three_times(kind: type[psycopg.Error]) -> None:
    calls, service = failing(lost(kind), lost(kind))
    assert service() == "done"  # type: ignore[operator]
    assert len(calls) == 3

    calls, service = failing(lost(kind), lost(kind), lost(kind))
    with pytest.raises(OperationalError):
        service()  # type: ignore[operator]
    assert len(calls) == 3


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_not_retried() -> None:
    calls, service = failing(lost(psycopg.errors.LockNotAvailable))

    with pytest.raises(OperationalError):
        service()  # type: ignore[operator]
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_inside_another_transaction_it_is_for_the_outer_door() -> None:
    calls, service = failing(lost(psycopg.errors.DeadlockDetected))

    with pytest.raises(OperationalError), transaction.atomic():
        service()  # type: ignore[operator]
    assert len(calls) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_real_deadlock_ends_with_both_done() -> None:
    people = [factories.borrower(), factories.borrower()]
    gate = Barrier(2)
    tries: list[int] = []

    @retried
    def rename(first: int, second: int) -> str:
        tries.append(first)
        with transaction.atomic():
            User.objects.select_for_update().get(pk=first)
            with suppress(BrokenBarrierError):  # the second try comes alone
                gate.wait(timeout=2)  # both hold one row before either asks for the other
            User.objects.filter(pk=second).update(name=f"after-{first}")
        return "done"

    one, other = (person.pk for person in people)
    outcomes = race(lambda: rename(one, other), lambda: rename(other, one), threads=2)

    assert outcomes == [["done"], ["done"]]
    assert len(tries) == 3  # one of them lost, once
