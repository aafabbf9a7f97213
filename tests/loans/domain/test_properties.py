"""What holds for every loan: money is conserved, days add up, the ceiling holds, nothing negative."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause, PaymentFact
from loans.domain.penalty.interest import PenaltyExplanation, explain_penalty
from loans.domain.profile import Method, PenaltyCause, ProductProfile
from loans.domain.schedule import (
    amortise,
    build_schedule,
    due_date,
    recompute_schedule,
    residual_of,
)
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, ZERO, split
from tests.loans.domain.ceiling import ceiling
from tests.loans.domain.strategies import START, days, fen, quick
from tests.loans.domain.support import profile


@st.composite
def methods(draw: st.DrawFn) -> dict[str, Any]:
    method = draw(st.sampled_from(Method))
    share = draw(st.sampled_from(["0.1", "0.5", "0.9"])) if method is Method.BALLOON else "0"
    return {"method": method, "balloon_share": Decimal(share)}


@st.composite
def penalty_rates(draw: st.DrawFn, rate: Decimal) -> dict[str, Any]:
    """A multiplier or a stated rate, for lateness or for misuse, each within its bounds."""
    cause = draw(st.sampled_from(PenaltyCause))
    misuse = cause is PenaltyCause.MISUSE
    if draw(st.booleans()):
        times = Decimal(draw(st.integers(15 if misuse else 10, 20))) / 10
        return {"penalty_cause": cause, "penalty_rate_stated": rate * times}
    multiplier = Decimal(draw(st.integers(15, 20) if misuse else st.integers(13, 15))) / 10
    return {"penalty_cause": cause, "penalty_multiplier": multiplier}


@st.composite
def late_fees(draw: st.DrawFn) -> dict[str, Any]:
    fixed, share = draw(st.sampled_from([("20.00", "0"), ("0", "0.05"), ("0.50", "0.01")]))
    most = draw(st.sampled_from([None, Decimal("5.00")]))
    return {
        "late_fee": Decimal(fixed), "late_fee_share": Decimal(share), "late_fee_most": most
    }  # fmt: skip


@st.composite
def profiles(draw: st.DrawFn, **fixed: Any) -> ProductProfile:
    kind = draw(st.sampled_from(["daily", "annual"]))
    rate = Decimal(draw(st.integers(0, 70))) / (100000 if kind == "daily" else 250)
    base = draw(st.sampled_from(["due_principal", "due_principal_and_interest", "all_outstanding"]))
    compound = base != "due_principal_and_interest" and draw(st.booleans())
    values: dict[str, Any] = {
        "rate_kind": kind,
        **draw(methods()),
        **draw(penalty_rates(rate)),
        "interest_days": draw(st.sampled_from(["months", "actual"]))
        if kind == "annual"
        else "months",
        "year_basis": draw(st.sampled_from([360, 365])),
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
    values |= fixed
    if values["annual_cap"] is not None and draw(st.integers(0, 3)) == 0:
        values |= draw(late_fees()) | {"round_penalty": "DOWN"}
    if values.get("penalty_rate_stated") is not None and values["annual_cap"] is not None:
        days = 1 if kind == "daily" else values["year_basis"]
        if Fraction(values["penalty_rate_stated"]) / days > Fraction(values["annual_cap"]) / 365:
            values["penalty_rate_stated"] = None
    return profile(str(rate), **values)


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


@st.composite
def moved(draw: st.DrawFn) -> tuple[InstalmentFacts, ...]:
    """Instalments of which some moved to a newer schedule on one day: due then, or later."""
    facts, on = draw(instalments()), draw(days)
    result: list[InstalmentFacts] = []
    left = Decimal(0)
    for fact in facts:
        if fact.due_on <= on and draw(st.booleans()):
            result.append(fact)
            continue
        before = tuple(p for p in fact.payments if p.on <= on)
        result.append(replace(fact, payments=before, closed_on=on))
        left += fact.principal
        left -= sum((p.amount for p in before if p.component is Component.PRINCIPAL), Decimal(0))
    due = on + timedelta(days=draw(st.sampled_from([0, 0, 1, 30])))
    interest = draw(fen(0, 5000))
    return (*result, InstalmentFacts(99, due, left, interest, opened_on=on))


def whole(story: PenaltyExplanation) -> Decimal:
    return story.total + story.compound + story.fee


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
        assert old.fee <= new.fee


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
@given(profiles(annual_cap=Decimal("0.24")), instalments() | moved(), days)
def test_rounding_never_passes_the_ceiling_over_the_loan(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date
) -> None:
    story = explain_penalty(product, facts, as_of)
    segments = [s for item in story.instalments for s in item.segments]
    if segments:
        begin, end = min(s.from_on for s in segments), max(s.to_on for s in segments)
        assert Fraction(whole(story)) <= ceiling(product, facts, begin, end)


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
    dates = [due_date(start, k, due_day) for k in range(1, term + 1)]
    residual = residual_of(product, principal)
    every = amortise(product, principal, start, dates, residual=residual)
    level = product.method in (Method.EQUAL_INSTALMENT, Method.BALLOON)
    repays = product.method is not Method.INTEREST_ONLY
    if repays and (any(not row.principal for row in every) or every[-1].principal <= residual):
        with pytest.raises(InvalidInput) as caught:
            build_schedule(
                product, principal=principal, drawdown_on=start, term_months=term, due_day=due_day
            )
        assert caught.value.field == "term_months"
        return
    rows = build_schedule(
        product, principal=principal, drawdown_on=start, term_months=term, due_day=due_day
    )

    assert sum(row.principal for row in rows) == principal
    assert all(row.total > 0 for row in rows)
    assert rows == tuple(row for row in every if row.total)
    assert [row.start_on for row in every[1:]] == [row.due_on for row in every[:-1]]
    assert all(row.start_on < row.due_on for row in rows)
    if level:
        assert len({row.total for row in rows[1:-1]}) <= 1
    if product.method is Method.EQUAL_PRINCIPAL:
        assert {row.principal for row in rows[:-1]} <= {split(principal, term)[0]}


@quick
@given(profiles(), fen(1, 9999999), days, st.integers(1, 12))
def test_recomputed_schedules_keep_dates_and_principal(
    product: ProductProfile, balance: Decimal, start: date, count: int
) -> None:
    dates = [start + timedelta(days=15 + 30 * k) for k in range(count)]

    rows = recompute_schedule(product, balance=balance, from_on=start, due_dates=dates)

    assert [row.due_on for row in rows] == [dates[row.number - 1] for row in rows]
    assert all(row.total > 0 for row in rows)
    assert rows[-1].due_on == dates[-1] or balance < FEN * 100
    assert sum(row.principal for row in rows) == balance
