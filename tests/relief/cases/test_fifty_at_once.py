"""Fifty threads on one case, round after round: one winner, every loser told who, what and when."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from loans.models import Payment
from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, User
from relief.cases import review
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers import approval, negotiate
from relief.offers.accept import accept_offer
from relief.offers.models import Agreement, Offer
from tests import factories
from tests.factories import NOW, case_at, staff
from tests.relief.threads import Act, deadlocks, granted, race, refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
ROUNDS = range(int(os.environ.get("RACE_ROUNDS", "2")))  # 20 before a merge, 200 at night
LATER = NOW + timedelta(minutes=5)
WHO_WHAT_WHEN = r"^(?:现在不能\S+?：)?(?P<who>.+?)已于 3月\d+日 \d\d:\d\d (?P<what>[^，]+)，.+。$"


@pytest.fixture(autouse=True)
def no_deadlock() -> Iterator[None]:
    """The order of locks is kept: the server has found no deadlock, retried or not."""
    before = deadlocks()
    yield
    assert deadlocks() == before


def ready() -> tuple[Case, Offer, Act]:
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

    return case, offer, accept


def whole(case: Case) -> State:
    """Where the case came to; the books balance."""
    case.refresh_from_db()
    assert list(violations()) == []
    return State(case.state)


def told(outcomes: list[object], *, who: User, what: str) -> None:
    """Every loser reads who did what and when."""
    for problem in refused(outcomes):
        found = re.match(WHO_WHAT_WHEN, problem.message)
        assert found is not None, problem.message
        assert (found["who"], found["what"]) == (who.public_name, what)


@pytest.mark.parametrize("turn", ROUNDS)
def test_accept_and_accept(turn: int) -> None:
    case, _offer, accept = ready()

    (results,) = race(accept)

    assert {one.pk for one in granted(results, Agreement)} == {Agreement.objects.get().pk}
    assert refused(results) == []  # a second click finds what the first one made
    assert whole(case) == State.PLAN_ACTIVE
    assert case.events.filter(action="ACCEPT").count() == 1
    assert Delivery.objects.filter(event="agreement_made").count() == 1


def other_side(name: str, case: Case, offer: Offer) -> tuple[Act, str, User]:
    """An act against accepting: its call, its name, and who does it."""
    seen: dict[str, Any] = {
        "case": case,
        "number": offer.number,
        "seen": offer.digest,
        "now": LATER,
    }
    acts: dict[str, tuple[Act, str, User]] = {
        "counter": (lambda: factories.counter(case, now=LATER), "提出还款建议", case.borrower),
        "decline": (
            lambda: negotiate.decline_offer(actor=case.borrower, reasons=["other"], **seen),
            "拒绝方案",
            case.borrower,
        ),
        "take_back": (
            lambda: negotiate.withdraw_offer(
                case=case, number=offer.number, reason="有误", actor=staff(), now=LATER
            ),
            "撤回方案",
            staff(),
        ),
    }
    return acts[name]


@pytest.mark.parametrize("turn", ROUNDS)
@pytest.mark.parametrize("name", ["counter", "decline", "take_back"])
def test_accept_and_the_opposite(name: str, turn: int) -> None:
    case, offer, accept = ready()
    act, what, who = other_side(name, case, offer)

    yes, no = race(accept, act)

    state = whole(case)
    if state == State.PLAN_ACTIVE:
        assert len({one.pk for one in granted(yes, Agreement)}) == 1
        assert len(refused(no)) == len(no)
        told(no, who=case.borrower, what="接受方案")
    else:
        assert len(refused(yes)) == len(yes)
        assert len(no) - len(refused(no)) == 1
        told([*yes, *no], who=who, what=what)
    assert Agreement.objects.count() == (state == State.PLAN_ACTIVE)
    moves = case.events.exclude(from_state="").exclude(action="OFFER_OPENED").order_by("-pk")
    assert moves.filter(from_state=State.OFFERED).count() == 1


@pytest.mark.parametrize("turn", ROUNDS)
def test_two_staff_decide(turn: int) -> None:
    case = case_at(State.IN_REVIEW)
    chief = staff(Rank.SUPERVISOR)

    passed, rejected = race(
        lambda: review.pass_review(case=case, actor=staff(), now=LATER),
        lambda: review.reject_case(
            case=case, code="EVIDENCE_INSUFFICIENT", text="", actor=chief, now=LATER
        ),
    )

    state = whole(case)
    won = case.events.get(from_state=State.IN_REVIEW)
    assert len(granted(passed, Case)) + len(granted(rejected, Case)) == 1
    assert state in {State.NEGOTIATING, State.REJECTED}
    assert won.actor is not None
    what = "审核通过" if state == State.NEGOTIATING else "审核不通过"
    told([*passed, *rejected], who=won.actor, what=what)


@pytest.mark.parametrize("turn", ROUNDS)
def test_two_checkers_decide(turn: int) -> None:
    case = case_at(State.AWAITING_APPROVAL)
    offer = case.offers.get(status="pending")
    one, other = staff(Rank.SUPERVISOR), staff(Rank.MANAGER)

    approved, back = race(
        lambda: approval.approve_offer(case=case, number=offer.number, actor=one, now=LATER),
        lambda: approval.send_back_offer(
            case=case, number=offer.number, reason="太多", actor=other, now=LATER
        ),
    )

    state = whole(case)
    assert len(granted(approved, Offer)) + len(granted(back, Case)) == 1
    who, what = (one, "复核通过") if state == State.OFFERED else (other, "复核退回")
    told([*approved, *back], who=who, what=what)


@pytest.mark.parametrize("turn", ROUNDS)
def test_repay_and_execute(turn: int) -> None:
    """A payment first: the offer is another version, so accepting the old one is refused."""
    case, _offer, accept = ready()
    on = business_date(LATER)

    def repay() -> Payment | None:
        factories.pay_amount(case.loan, Decimal("10.00"), on, reference="the-one-transfer")
        return Payment.objects.get(reference="the-one-transfer")

    accepted, paid = race(accept, repay)

    state = whole(case)
    assert len(granted(paid, Payment)) == len(paid)
    assert Payment.objects.count() == 1  # one reference, one payment
    if state == State.PLAN_ACTIVE:
        assert refused(accepted) == []
        assert load_debt(case.loan, on).is_plan
    else:
        assert state == State.OFFERED
        assert len(refused(accepted)) == len(accepted)
        assert all("系统已于" in problem.message for problem in refused(accepted))
        assert not load_debt(case.loan, on).is_plan
    assert Agreement.objects.count() == (state == State.PLAN_ACTIVE)


@pytest.mark.parametrize("turn", ROUNDS)
def test_limits_are_those_of_the_moment_of_accepting(turn: int) -> None:
    """The maker's rank is lowered while fifty accept: all before it or none."""
    case = case_at(State.NEGOTIATING)
    chief = staff(Rank.SUPERVISOR, username=f"chief-{turn}")
    offer = factories.offer_made(case, maker=chief, penalty_percent=Decimal(80))
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=NOW)
    accept: Callable[[], object] = lambda: accept_offer(  # noqa: E731
        case=case,
        number=offer.number,
        seen=offer.digest,
        method="password",
        actor=case.borrower,
        now=LATER,
    )
    lower: Callable[[], object] = lambda: User.objects.filter(pk=chief.pk).update(  # noqa: E731
        rank=Rank.REVIEWER
    )

    accepted, _lowered = race(accept, lower)

    state = whole(case)
    assert all(isinstance(one, Agreement | RuleViolation) for one in accepted)
    winners = {one.pk for one in granted(accepted, Agreement)}
    assert len(winners) == Agreement.objects.count() == (state == State.PLAN_ACTIVE)
