"""Races with real threads: one winner, the others are told, no deadlock, books whole."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection

from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery
from relief.cases import application, review
from relief.cases.models import Case
from relief.cases.timing import sweep
from relief.cases.workflow import State
from relief.offers import negotiate
from relief.offers.accept import accept_offer
from relief.offers.models import Agreement
from tests import factories
from tests.conftest import at
from tests.factories import NOW, case_at, staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
LATER = NOW + timedelta(minutes=5)
THREADS = 12


def race(*acts: Callable[[], object]) -> list[object]:
    """Runs the acts at once, in turn over all threads; returns results or refusals."""
    gate = Barrier(THREADS)

    def run(act: Callable[[], object]) -> object:
        try:
            gate.wait(timeout=20)
            return act()
        except (RuleViolation, ObjectDoesNotExist) as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, [acts[n % len(acts)] for n in range(THREADS)]))


def ready() -> tuple[Case, Callable[[], object]]:
    """An open offer that was read, and the act of accepting it."""
    case = case_at(State.OFFERED)
    offer = factories.open_offer(case)
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=NOW)

    def accept() -> Agreement:
        return accept_offer(
            case=case,
            number=offer.number,
            seen=offer.digest,
            method="password",
            actor=case.borrower,
            now=LATER,
        )

    return case, accept


def state_of(case: Case) -> str:
    case.refresh_from_db()
    assert list(violations()) == []
    return case.state


def test_accept_and_accept() -> None:
    case, accept = ready()

    results = race(accept)

    assert {getattr(result, "pk", None) for result in results} == {Agreement.objects.get().pk}
    assert state_of(case) == State.PLAN_ACTIVE
    assert Delivery.objects.filter(event="agreement_made").count() == 1


@pytest.mark.parametrize("other", ["counter", "decline", "take_back", "withdraw", "pay"])
def test_accept_and_something_else(other: str) -> None:
    case, accept = ready()
    offer = factories.open_offer(case)
    payments = iter(range(100))
    acts: dict[str, Callable[[], object]] = {
        "counter": lambda: factories.counter(case, now=LATER),
        "decline": lambda: negotiate.decline_offer(
            case=case,
            number=offer.number,
            seen=offer.digest,
            reasons=["other"],
            actor=case.borrower,
            now=LATER,
        ),
        "take_back": lambda: negotiate.withdraw_offer(
            case=case, number=offer.number, reason="有误", actor=staff(), now=LATER
        ),
        "withdraw": lambda: application.withdraw_case(case=case, actor=case.borrower, now=LATER),
        "pay": lambda: factories.pay_amount(
            case.loan, Decimal("10.00"), business_date(LATER), reference=f"race-{next(payments)}"
        ),
    }

    race(accept, acts[other])

    state = state_of(case)
    accepted = Agreement.objects.count()
    assert accepted == (1 if state == State.PLAN_ACTIVE else 0)
    assert load_debt(case.loan, business_date(LATER)).is_plan is (accepted == 1)


def test_two_staff_claim() -> None:
    case = case_at(State.SUBMITTED)
    people = [staff(username=f"s{n}") for n in range(THREADS)]
    turn = iter(people)

    results = race(lambda: review.claim_case(case=case, actor=next(turn), now=LATER))

    assert len([r for r in results if isinstance(r, Case)]) == 1
    assert all(isinstance(r, Case | RuleViolation) for r in results)
    assert case.events.filter(action="CLAIM").count() == 1


def test_many_sweeps_handle_each_deadline_once() -> None:
    staff(Rank.SUPERVISOR)
    for _ in range(5):
        case_at(State.SUBMITTED)

    race(lambda: sweep.sweep(now=at("2026-03-04 18:00")))
    sweep.sweep(now=at("2026-03-04 18:00"))

    assert Delivery.objects.filter(event="review_delayed", channel="sms").count() == 5
