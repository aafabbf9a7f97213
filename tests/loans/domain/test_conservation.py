"""Money is conserved to the fen by every split, plan and breach; nothing is negative."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from loans.domain.allocation import InstalmentDue, Prepayable, allocate, payoff
from loans.domain.breach import vest
from loans.domain.components import Components
from loans.domain.restructure import DebtFigures, ReliefTerms, plan_preview
from portal.core.kernel.money import FEN, ZERO, share
from tests.loans.domain.strategies import days, fen, quick
from tests.loans.domain.support import profile


@st.composite
def dues(draw: st.DrawFn) -> list[InstalmentDue]:
    return [
        InstalmentDue(number, draw(days), Components(*(draw(fen(0, 20000)) for _ in range(7))))
        for number in range(1, draw(st.integers(1, 5)) + 1)
    ]


@quick
@given(dues(), days, st.booleans(), fen(0, 50000), st.data())
def test_allocation_conserves_the_payment(
    owed: list[InstalmentDue], as_of: date, plan: bool, ahead: Decimal, data: st.DataObject
) -> None:
    extra = Prepayable(ahead, ahead / 10 // FEN * FEN)
    limit = payoff(owed, extra)
    if limit == 0:
        return
    amount = data.draw(fen(1, int(limit * 100)))

    split = allocate(profile(), amount, owed, as_of, plan=plan, prepayable=extra)

    assert sum(line.amount for line in split.lines) == amount
    assert all(line.amount > 0 for line in split.lines)
    seen = {(line.instalment, line.component) for line in split.lines}
    assert len(seen) == len(split.lines)
    by_number = {due.instalment: due for due in owed}
    for line in split.lines:
        if line.instalment is not None:
            assert line.amount <= by_number[line.instalment].parts[line.component]
    assert split.remainder == sum((x.amount for x in split.lines if x.instalment is None), ZERO)
    assert split.remainder == max(ZERO, amount - payoff(owed))


@st.composite
def offers(draw: st.DrawFn) -> tuple[DebtFigures, ReliefTerms]:
    as_of = draw(days)
    principal = draw(fen(10000, 9999999))
    others = [draw(fen(0, 100000)) for _ in range(4)]
    waived = [draw(fen(0, int(amount * 100))) for amount in others]
    return DebtFigures(as_of, Components(principal, *others)), ReliefTerms(
        figures_as_of=as_of,
        waive_interest=waived[0],
        waive_penalty=waived[1],
        waive_compound=waived[2],
        waive_fee=waived[3],
        term_count=draw(st.integers(1, 60)),
        first_due_on=as_of + timedelta(days=draw(st.integers(1, 119))),
        plan_annual_rate=draw(st.sampled_from([Decimal(0), Decimal("0.072"), Decimal("0.108")])),
    )


@quick
@given(offers())
def test_plans_conserve_money(offer: tuple[DebtFigures, ReliefTerms]) -> None:
    debt, terms = offer
    plan = plan_preview(profile(), debt, terms)

    assert plan.total + plan.waived == debt.total + plan.plan_interest
    assert sum(row.principal for row in plan.rows) == debt.principal
    assert len(plan.rows) == terms.term_count
    assert plan.annualised_cost is None or plan.annualised_cost >= 0
    for row in plan.rows:
        parts = (row.principal, row.interest, row.kept_interest, row.kept_penalty)
        assert row.total == sum(parts) >= FEN
        assert min(parts) >= 0
    if not terms.plan_annual_rate:
        for column in ("principal", "kept_interest", "kept_penalty"):
            *others, last = [getattr(row, column) for row in plan.rows]
            assert all(ZERO <= last - other < FEN * terms.term_count for other in others)


@quick
@given(fen(0, 100000), fen(1, 9999999), st.data())
def test_vesting_conserves_the_waiver(
    waived: Decimal, principal: Decimal, data: st.DataObject
) -> None:
    paid = data.draw(fen(0, int(principal * 100)))
    more = data.draw(fen(int(paid * 100), int(principal * 100)))

    vesting, later = vest(waived, principal, paid), vest(waived, principal, more)

    assert vesting.vested + vesting.returned == waived
    assert vesting.remaining_principal + paid == principal
    assert ZERO <= vesting.vested <= later.vested <= waived
    cut = data.draw(fen(0, int(waived * 100)))
    parts = [waived - cut, cut]
    back = share(vesting.returned, parts)
    assert sum(back) == vesting.returned
    assert all(ZERO <= got <= part for got, part in zip(back, parts, strict=True))
