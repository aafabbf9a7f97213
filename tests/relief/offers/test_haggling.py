"""Counter-offers and payments while an offer is open: bounded, computed, reissued."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core.errors import RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from relief.cases.workflow import State
from relief.invariants.offers import authority
from relief.offers import compose, negotiate
from tests import factories
from tests.conftest import at
from tests.factories import NOW, accept, case_at, open_offer, staff

pytestmark = pytest.mark.django_db
ON = business_date(NOW)


@pytest.fixture(autouse=True)
def _books_stay_whole() -> object:
    yield
    assert list(violations()) == []


def test_two_rounds_of_haggling_and_a_counter_accepted_as_it_is() -> None:
    case = case_at(State.COUNTERED)
    first = case.offers.get(side="borrower")
    assert (case.rounds, first.status) == (1, "proposed")
    assert case.next_due_at == at("2026-03-04 18:00")
    factories.offer_made(case, penalty_percent=Decimal(40), term_count=18)
    second = factories.counter(case, now=NOW, waive_penalty=Decimal("30.00"), term_count=24)

    offer = negotiate.accept_counter(
        case=case, number=second.number, actor=staff(Rank.SUPERVISOR), now=NOW
    )

    case.refresh_from_db()
    assert case.state == State.OFFERED
    assert offer.offer_terms.term_count == 24
    assert offer.offer_terms.waive_penalty == Decimal("30.00")
    assert [o.number for o in case.offers.all()] == [1, 2, 3, 4, 5]
    accept(case, now=NOW)


def test_three_rounds_and_no_more() -> None:
    case = case_at(State.OFFERED)
    for _ in range(3):
        factories.counter(case, now=NOW)
        factories.offer_made(case)
    with pytest.raises(RuleViolation, match="已提出 3 次"):
        factories.counter(case, now=NOW)


def test_a_monthly_sum_finds_its_term_or_says_the_least() -> None:
    case = case_at(State.OFFERED)
    draft = compose.CounterDraft(
        waive_penalty=Decimal("0.00"),
        first_due_on=ON + timedelta(days=28),
        monthly=Decimal("500.00"),
    )

    found = compose.preview_counter(case=case, number=1, draft=draft, on=ON)

    assert max(row.total for row in found.plan.rows) <= Decimal("500.00")
    shorter = compose.CounterDraft(
        waive_penalty=Decimal("0.00"),
        first_due_on=draft.first_due_on,
        term_count=found.terms.term_count - 1,
    )
    more = compose.preview_counter(case=case, number=1, draft=shorter, on=ON)
    assert max(row.total for row in more.plan.rows) > Decimal("500.00")
    for monthly in ("5.00", "0.00", "-1.00"):
        poor = compose.CounterDraft(
            waive_penalty=Decimal("0.00"),
            first_due_on=draft.first_due_on,
            monthly=Decimal(monthly),
        )
        with pytest.raises(InvalidInput) as refused:
            compose.preview_counter(case=case, number=1, draft=poor, on=ON)
        assert refused.value.field == "monthly"


def test_a_payment_reissues_the_same_terms_on_the_new_debt() -> None:
    case = case_at(State.OFFERED)
    old = open_offer(case)
    factories.pay_amount(case.loan, Decimal("100.00"), ON + timedelta(days=1))

    new = open_offer(case)

    case.refresh_from_db()
    assert (new.number, new.side, new.valid_until) == (2, "system", old.valid_until)
    assert case.rounds == 0
    assert new.offer_terms.term_count == old.offer_terms.term_count
    assert new.figures_on == ON + timedelta(days=1)
    assert case.next_due_at == old.valid_until
    assert Notice.objects.filter(event="offer_reissued").count() == 1
    assert Notice.objects.filter(event="staff_offer_reissued", user=staff()).count() == 1
    with pytest.raises(TermsChanged, match="新方案替代"):
        accept(case, now=NOW + timedelta(days=1, hours=5), offer=old)
    accept(case, now=NOW + timedelta(days=1, hours=5), offer=new)


@pytest.mark.parametrize("percent", [None, Decimal(50)])
def test_paying_never_makes_an_offer_need_more_authority(percent: Decimal | None) -> None:
    """Half of the penalty, by amount or by percent, is within a reviewer's authority; it stays so."""
    case = case_at(State.NEGOTIATING)
    half = (load_debt(case.loan, ON).figures.penalty / 2).quantize(Decimal("0.01"), "ROUND_DOWN")
    granted = {"waive_penalty": None if percent else half, "penalty_percent": percent}
    factories.offer_made(case, **granted)
    factories.pay_amount(case.loan, half, ON + timedelta(days=1))

    new = open_offer(case)

    left = Decimal(new.figures["penalty"])
    assert (new.side, new.needs_rank) == ("system", Rank.REVIEWER)
    assert new.offer_terms.waive_penalty * 2 <= left or percent is None
    assert list(authority(NOW, NOW)) == []
    accept(case, now=NOW + timedelta(days=1, hours=5), offer=new)
    assert list(authority(NOW, NOW)) == []


def test_a_payment_while_a_checker_thinks_tells_the_borrower_nothing() -> None:
    case = case_at(State.AWAITING_APPROVAL)
    factories.pay_amount(case.loan, Decimal("100.00"), ON)

    case.refresh_from_db()
    pending = case.offers.get(status="pending")
    assert (case.state, pending.number) == (State.AWAITING_APPROVAL, 2)
    assert not Notice.objects.filter(event="offer_reissued").exists()


def test_paying_everything_settles_the_case() -> None:
    case = case_at(State.OFFERED)
    factories.pay_amount(case.loan, load_debt(case.loan, ON).payoff, ON)

    case.refresh_from_db()
    assert case.state == State.SETTLED
    assert case.offers.get().status == "superseded"
