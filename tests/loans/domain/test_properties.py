"""What holds for every loan: money is conserved, days add up, the ceiling holds, nothing negative."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loans.domain.allocation import Due, Prepayable, allocate, payoff
from loans.domain.breach import returned_by_component, vest
from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause, PaymentFact
from loans.domain.interest import PenaltyExplanation, explain_penalty
from loans.domain.profile import ProductProfile
from loans.domain.restructure import DebtFigures, ReliefTerms, plan_preview
from loans.domain.schedule import build_schedule, recompute_schedule
from portal.kernel.money import FEN, ZERO
from tests.loans.domain.support import profile

quick = settings(max_examples=50, deadline=None)

START = date(2023, 12, 1)
days = st.integers(0, 500).map(lambda n: START + timedelta(days=n))


def fen(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: Decimal(n).scaleb(-2))


@st.composite
def profiles(draw: st.DrawFn, **fixed: Any) -> ProductProfile:
    kind = draw(st.sampled_from(["daily", "annual"]))
    rate = Decimal(draw(st.integers(0, 70))) / (100000 if kind == "daily" else 250)
    base = draw(st.sampled_from(["due_principal", "due_principal_and_interest", "all_outstanding"]))
    compound = base != "due_principal_and_interest" and draw(st.booleans())
    values: dict[str, Any] = {
        "rate_kind": kind,
        "method": draw(st.sampled_from(["equal_instalment", "interest_only"])),
        "year_basis": draw(st.sampled_from([360, 365])),
        "penalty_multiplier": draw(
            st.sampled_from([Decimal("1.3"), Decimal("1.4"), Decimal("1.5")])
        ),
        "annual_cap": draw(st.sampled_from([Decimal("0.24"), Decimal("0.15"), None])),
        "penalty_start_offset": draw(st.integers(0, 2)),
        "as_of_inclusive": draw(st.booleans()),
        "grace_days": draw(st.sampled_from([0, 0, 3])),
        "grace_retroactive": draw(st.booleans()),
        "penalty_base": base,
        "compound_on_interest": compound,
        "round_instalment": draw(st.sampled_from(["HALF_UP", "DOWN"])),
        "round_interest": draw(st.sampled_from(["HALF_UP", "DOWN"])),
        "round_penalty": draw(st.sampled_from(["HALF_UP", "DOWN"])),
    }
    return profile(str(rate), **{**values, **fixed})


@st.composite
def instalments(draw: st.DrawFn, *, payments: bool = True) -> tuple[InstalmentFacts, ...]:
    result = []
    due = START + timedelta(days=draw(st.integers(0, 60)))
    for number in range(1, draw(st.integers(1, 4)) + 1):
        principal, interest = draw(fen(0, 500000)), draw(fen(0, 20000))
        paid: list[PaymentFact] = []
        for component, left in ((Component.PRINCIPAL, principal), (Component.INTEREST, interest)):
            for _ in range(draw(st.integers(0, 2)) if payments else 0):
                if left > 0:
                    part = draw(fen(1, int(left * 100)))
                    left -= part
                    paid.append(PaymentFact(draw(days), component, part))
        result.append(InstalmentFacts(number, due, principal, interest, tuple(paid)))
        due += timedelta(days=draw(st.integers(28, 31)))
    return tuple(result)


def whole(story: PenaltyExplanation) -> Decimal:
    return story.total + story.compound


@quick
@given(profiles(), instalments(), days)
def test_the_explanation_is_the_calculation(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date
) -> None:
    for item in explain_penalty(product, facts, as_of).instalments:
        exact = sum(
            (s.amount_exact for s in item.segments if s.component is Component.PENALTY), Fraction(0)
        )
        assert exact == item.exact
        error = Fraction(item.total) - exact
        assert -1 < error * 100 <= Fraction(1, 2)
        assert item.ordinary_part + item.surcharge_part == item.total
        assert all(s.days == (s.to_on - s.from_on).days > 0 for s in item.segments)
        assert all(s.base > 0 and s.rate >= 0 for s in item.segments)
        assert min(item.ordinary_part, item.surcharge_part, item.capped_part, item.compound) >= 0
        assert min(item.per_day, item.unpaid_principal) >= 0


@quick
@given(profiles(), instalments(), days, st.integers(1, 40))
def test_daily_increments_sum_to_the_total(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], start: date, count: int
) -> None:
    unpaid = tuple(
        replace(fact, payments=tuple(p for p in fact.payments if p.on <= start)) for fact in facts
    )
    first = explain_penalty(product, unpaid, start)
    story, increments = first, ZERO
    for step in range(1, count + 1):
        increments += story.per_day
        story = explain_penalty(product, unpaid, start + timedelta(days=step))

    assert whole(first) + increments == whole(story)


@quick
@given(profiles(), instalments(), days, st.integers(1, 60))
def test_penalty_never_falls_as_time_passes(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date, later: int
) -> None:
    before = explain_penalty(product, facts, as_of)
    after = explain_penalty(product, facts, as_of + timedelta(days=later))

    for old, new in zip(before.instalments, after.instalments, strict=True):
        assert old.total <= new.total
        assert old.compound <= new.compound


@quick
@given(profiles(annual_cap=Decimal("0.24"), as_of_inclusive=False), instalments(), days)
def test_the_ceiling_over_all_components_is_never_passed(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date
) -> None:
    """Day by day: penalty + compound + ordinary interest on what is not due ≤ principal × cap."""
    if product.annual_rate * 365 > Fraction(24, 100) * product.year_basis:
        return  # a contract rate above the ceiling: its own interest is not penalty
    cap, ordinary = Fraction(24, 36500), product.daily_rate
    segments = [
        s for item in explain_penalty(product, facts, as_of).instalments for s in item.segments
    ]
    edges = {edge for s in segments for edge in (s.from_on, s.to_on)}
    edges |= {fact.due_on for fact in facts} | {p.on for fact in facts for p in fact.payments}
    for today in edges:
        charged = sum(
            (Fraction(s.base) * s.rate for s in segments if s.from_on <= today < s.to_on),
            Fraction(0),
        )
        principal = undue = Fraction(0)
        for fact in facts:
            left = fact.principal - sum(
                p.amount
                for p in fact.payments
                if p.component is Component.PRINCIPAL and p.on <= today
            )
            principal += Fraction(left)
            undue += Fraction(left) if today < fact.due_on else 0
        assert charged + undue * ordinary <= principal * cap


@quick
@given(profiles(), instalments(), days, days, st.integers(1, 60))
def test_a_pause_never_costs_and_outside_it_changes_nothing(
    product: ProductProfile,
    facts: tuple[InstalmentFacts, ...],
    as_of: date,
    start: date,
    length: int,
) -> None:
    pause = Pause(start, start + timedelta(days=length), "试验")
    plain = explain_penalty(product, facts, as_of)
    paused = explain_penalty(product, facts, as_of, pauses=[pause])

    assert whole(paused) <= whole(plain)
    if all(
        s.to_on <= pause.from_on or pause.to_on <= s.from_on
        for item in plain.instalments
        for s in item.segments
    ):
        assert whole(paused) == whole(plain)


@quick
@given(instalments(), days, st.data())
def test_order_of_payments_does_not_matter(
    facts: tuple[InstalmentFacts, ...], as_of: date, data: st.DataObject
) -> None:
    shuffled = tuple(
        replace(fact, payments=tuple(data.draw(st.permutations(fact.payments)))) for fact in facts
    )

    assert explain_penalty(profile("0.0004"), facts, as_of) == explain_penalty(
        profile("0.0004"), shuffled, as_of
    )


@quick
@given(profiles(), fen(36000, 9999999), days, st.integers(1, 60), st.integers(1, 31))
def test_schedules_conserve_principal(
    product: ProductProfile, principal: Decimal, start: date, term: int, due_day: int
) -> None:
    rows = build_schedule(
        product, principal=principal, drawdown_on=start, term_months=term, due_day=due_day
    )

    assert sum(row.principal for row in rows) == principal
    assert all(row.principal >= 0 and row.interest >= 0 for row in rows)
    assert [row.start_on for row in rows[1:]] == [row.due_on for row in rows[:-1]]
    assert all(row.start_on < row.due_on for row in rows)


@quick
@given(profiles(), fen(1, 9999999), days, st.integers(1, 12))
def test_recomputed_schedules_keep_dates_and_principal(
    product: ProductProfile, balance: Decimal, start: date, count: int
) -> None:
    dates = [start + timedelta(days=15 + 30 * k) for k in range(count)]

    rows = recompute_schedule(product, balance=balance, from_on=start, due_dates=dates)

    assert [row.due_on for row in rows] == dates
    assert sum(row.principal for row in rows) == balance


@st.composite
def dues(draw: st.DrawFn) -> list[Due]:
    return [
        Due(number, draw(days), *(draw(fen(0, 20000)) for _ in range(7)))
        for number in range(1, draw(st.integers(1, 5)) + 1)
    ]


@quick
@given(dues(), days, st.booleans(), fen(0, 50000), st.data())
def test_allocation_conserves_the_payment(
    owed: list[Due], as_of: date, plan: bool, ahead: Decimal, data: st.DataObject
) -> None:
    extra = Prepayable(ahead, ahead / 10 // FEN * FEN)
    limit = payoff(owed, extra)
    if limit == 0:
        return
    amount = data.draw(fen(1, int(limit * 100)))

    split = allocate(profile(), amount, owed, as_of, plan, prepayable=extra)

    assert sum(line.amount for line in split.lines) == amount
    assert all(line.amount > 0 for line in split.lines)
    seen = {(line.instalment, line.component) for line in split.lines}
    assert len(seen) == len(split.lines)
    by_number = {due.instalment: due for due in owed}
    for line in split.lines:
        if line.instalment is not None:
            assert line.amount <= by_number[line.instalment].owed(line.component)
    assert split.remainder == sum((x.amount for x in split.lines if x.instalment is None), ZERO)
    assert split.remainder == max(ZERO, amount - payoff(owed))


@st.composite
def offers(draw: st.DrawFn) -> tuple[DebtFigures, ReliefTerms]:
    as_of = draw(days)
    principal = draw(fen(10000, 9999999))
    others = [draw(fen(0, 100000)) for _ in range(4)]
    waived = [draw(fen(0, int(amount * 100))) for amount in others]
    interest, penalty, compound, fee = others
    return DebtFigures(as_of, principal, interest, penalty, compound, fee), ReliefTerms(
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
    assert plan.annualised_cost >= 0
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
    back = returned_by_component(vesting.returned, parts)
    assert sum(back) == vesting.returned
    assert all(ZERO <= got <= part for got, part in zip(back, parts, strict=True))
