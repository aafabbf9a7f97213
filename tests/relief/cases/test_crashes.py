"""A crash between any two writes of a service: nothing has happened, and a retry happens once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers import approval, negotiate, revoke
from relief.offers.accept import accept_offer
from relief.plans import watch as plan_watch
from tests import factories
from tests.factories import NOW, case_at, staff
from tests.relief.crash import Crashed, dying_after, snapshot

pytestmark = pytest.mark.django_db(transaction=True)
SOON = NOW + timedelta(minutes=5)
AFTER_CURE = NOW + timedelta(days=28 + 15)


@dataclass(frozen=True)
class Act:
    """Where the case begins, what is done to it, where it ends, and the writes it takes at least."""

    before: State
    do: Callable[[Case], object]
    after: State
    writes: int


def accept(case: Case) -> object:
    offer = case.offers.get(status__in=["open", "accepted"])
    return accept_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        method="password",
        actor=case.borrower,
        now=SOON,
        ip="203.0.113.7",
    )


def send_offer(case: Case) -> object:
    return factories.offer_made(case, now=SOON)


def approve(case: Case) -> object:
    number = case.offers.get(status="pending").number
    return approval.approve_offer(case=case, number=number, actor=staff(Rank.SUPERVISOR), now=SOON)


def revoke_it(case: Case) -> object:
    return revoke.revoke_agreement(
        case=case, reason="条款有误", actor=staff(Rank.MANAGER), now=SOON
    )


def breach(case: Case) -> object:
    chief = staff(Rank.SUPERVISOR)
    return plan_watch.breach(case=case, reason="多次联系未还", actor=chief, now=AFTER_CURE)


def pay_under_offer(case: Case) -> None:
    factories.pay_amount(
        case.loan, Decimal("100.00"), business_date(SOON), reference="one-transfer"
    )


def pay_everything(case: Case) -> None:
    on = business_date(SOON)
    factories.pay_amount(case.loan, load_debt(case.loan, on).payoff, on, reference="one-transfer")


ACTS = {
    "accept_offer": Act(State.OFFERED, accept, State.PLAN_ACTIVE, 15),
    "make_offer": Act(State.NEGOTIATING, send_offer, State.OFFERED, 5),
    "approve_offer": Act(State.AWAITING_APPROVAL, approve, State.OFFERED, 5),
    "reject_offer": Act(
        State.OFFERED, lambda case: factories.counter(case, now=SOON), State.COUNTERED, 5
    ),
    "revoke_agreement": Act(State.PLAN_ACTIVE, revoke_it, State.NEGOTIATING, 10),
    "breach": Act(State.WARNED, breach, State.BREACHED, 10),
    "pay_under_offer": Act(State.OFFERED, pay_under_offer, State.OFFERED, 8),
    "pay_everything": Act(State.PLAN_ACTIVE, pay_everything, State.COMPLETED, 8),
}


def ready(act: Act) -> Case:
    """The case as it stands before the act; an offer is read."""
    case = case_at(act.before)
    if act.before == State.OFFERED:
        number = factories.open_offer(case).number
        negotiate.open_offer(case=case, number=number, actor=case.borrower, now=NOW)
    if act.before == State.WARNED:
        factories.sweep_through(case, AFTER_CURE)
    for rank in (Rank.REVIEWER, Rank.SUPERVISOR, Rank.MANAGER):
        staff(rank)
    return Case.objects.for_lists().get(pk=case.pk)


@pytest.mark.parametrize("name", list(ACTS))
def test_a_crash_between_any_two_writes_leaves_nothing(name: str) -> None:
    act = ACTS[name]
    case = ready(act)
    before = snapshot()
    fatal = 0
    while True:
        fatal += 1
        with dying_after(fatal) as counter:
            try:
                act.do(Case.objects.for_lists().get(pk=case.pk))
            except Crashed:
                assert snapshot() == before, f"after write {fatal} of {name}"
                continue
        break  # the service has fewer writes than that: this was the retry, and it went through

    assert counter.writes == fatal - 1 >= act.writes
    case.refresh_from_db()
    assert case.state == act.after
    assert violations() == []
    after = snapshot()
    assert after != before


def test_the_same_form_after_a_crash_gives_one_agreement_and_again_the_same_one() -> None:
    case = ready(ACTS["accept_offer"])
    with pytest.raises(Crashed), dying_after(7):
        accept(case)

    first = accept(case)
    done = snapshot()

    assert accept(case) == first
    assert snapshot() == done
    assert case.agreements.count() == 1
    assert violations() == []
