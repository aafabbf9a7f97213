"""Penalty, one rule a row: 1,000.00 at 0.04 % a day bears 0.60 a day unless the row says more."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from loans.domain.facts import InstalmentFacts, Pause
from loans.domain.penalty.interest import explain_penalty, penalty_totals
from tests.loans.domain.support import day, fact, paid, profile, yuan

DUE = "2024-01-10"
ONE = (fact(DUE, "1000.00"),)


class Row(NamedTuple):
    rule: str
    facts: tuple[InstalmentFacts, ...]
    as_of: str
    total: str
    changes: dict[str, Any] = {}
    rate: str = "0.0004"
    compound: str = "0.00"
    pauses: tuple[Pause, ...] = ()


def late(*payments: Any, **marks: Any) -> tuple[InstalmentFacts, ...]:
    return (fact(DUE, "1000.00", *payments, **marks),)


ANNUAL = {"rate_kind": "annual"}
GRACE = {"grace_days": 3}
STRICT = {"grace_days": 3, "grace_retroactive": False}
INCLUSIVE = {"as_of_inclusive": True}
BOTH = {"penalty_base": "due_principal_and_interest"}
ALL = {"penalty_base": "all_outstanding"}
COMPOUND = {"compound_on_interest": True}
TWO = (fact(DUE, "1000.00"), fact("2024-02-10", "2000.00", number=2))

ROWS = [
    # days
    Row("before the due date nothing", ONE, "2024-01-09", "0.00"),
    Row("the due date is on time until 24:00", ONE, "2024-01-10", "0.00"),
    Row("the day after is one day", ONE, "2024-01-11", "0.60"),
    Row("paid on the due date at 23:59:59", late(paid(DUE, "1000.00")), "2024-03-01", "0.00"),
    Row("paid the day after: one day, for ever", late(paid("2024-01-11", "1000.00")), "2024-12-31", "0.60"),
    Row("leap day counts", (fact("2024-02-28", "1000.00"),), "2024-03-01", "1.20"),
    Row("no leap day in 2023", (fact("2023-02-28", "1000.00"),), "2023-03-01", "0.60"),
    Row("due on the leap day", (fact("2024-02-29", "1000.00"),), "2024-03-31", "18.60"),
    Row("across the year end", (fact("2023-12-25", "1000.00"),), "2024-01-05", "6.60"),
    Row("from the 31st to the last of February", (fact("2024-01-31", "1000.00"),), "2024-02-29", "17.40"),
    Row("from the 30th", (fact("2024-04-30", "1000.00"),), "2024-05-30", "18.00"),
    Row("from the 29th", (fact("2024-01-29", "1000.00"),), "2024-02-29", "18.60"),
    Row("a holiday does not move the due date", (fact("2024-10-01", "1000.00"),), "2024-10-08", "4.20"),
    Row("a whole leap year is 366 days", (fact("2024-01-01", "1000.00"),), "2025-01-01", "219.60"),
    # payments
    Row("part payment: 10 × 0.60 + 20 × 0.36", late(paid("2024-01-20", "400.00")), "2024-02-09", "13.20"),
    Row("two payments on one day are one change", late(paid("2024-01-20", "150.00"), paid("2024-01-20", "250.00")), "2024-02-09", "13.20"),
    Row("order of booking does not matter", late(paid("2024-01-30", "100.00"), paid("2024-01-20", "400.00")), "2024-02-09", "12.60"),
    Row("late repaid principal keeps its penalty", late(paid("2024-01-20", "1000.00")), "2024-06-01", "6.00"),
    Row("paid ahead is not in the base", late(paid("2024-01-05", "400.00")), "2024-01-20", "3.60"),
    Row("a payment of tomorrow is not known today", late(paid("2024-01-21", "400.00")), "2024-01-20", "6.00"),
    Row("interest paid does not change the base", late(paid("2024-01-15", "50.00", "interest"), interest="50.00"), "2024-01-20", "6.00"),
    Row("penalty paid does not change the base", late(paid("2024-01-15", "3.00", "penalty")), "2024-01-20", "6.00"),
    # rates
    Row("multiplier 1.3", ONE, "2024-01-20", "5.20", {"penalty_multiplier": yuan("1.3")}),
    Row("ceiling 24 % over 365 days", ONE, "2024-01-20", "6.57", {}, "0.0005"),
    Row("ceiling off", ONE, "2024-01-20", "7.50", {"annual_cap": None}, "0.0005"),
    Row("ceiling over 360 days", ONE, "2024-01-20", "6.66", {"cap_year_basis": 360}, "0.0005"),
    Row("annual 14.4 % over 360 is 0.04 % a day", ONE, "2024-01-20", "6.00", ANNUAL, "0.144"),
    Row("annual 14.4 % over 365", ONE, "2024-01-20", "5.92", {**ANNUAL, "year_basis": 365}, "0.144"),
    Row("a contract rate above the ceiling is cut too", ONE, "2024-01-20", "6.57", ANNUAL, "0.24"),
    Row("rate zero", ONE, "2024-01-20", "0.00", {}, "0"),
    # grace
    Row("last day of grace", ONE, "2024-01-13", "0.00", GRACE),
    Row("grace exceeded: from the due date", ONE, "2024-01-14", "2.40", GRACE),
    Row("grace exceeded, not retroactive", ONE, "2024-01-14", "0.60", STRICT),
    Row("paid on the last day of grace", late(paid("2024-01-13", "1000.00")), "2024-03-01", "0.00", GRACE),
    Row("paid a day after grace: four days", late(paid("2024-01-14", "1000.00")), "2024-03-01", "2.40", GRACE),
    Row("part paid in grace: 2 × 0.60 + 2 × 0.36", late(paid("2024-01-12", "400.00")), "2024-01-14", "1.92", GRACE),
    Row("part paid in grace, not retroactive", late(paid("2024-01-12", "400.00")), "2024-01-14", "0.36", STRICT),
    # offset and inclusive
    Row("offset 1: the day after is free", ONE, "2024-01-11", "0.00", {"penalty_start_offset": 1}),
    Row("offset 1: then one day", ONE, "2024-01-12", "0.60", {"penalty_start_offset": 1}),
    Row("inclusive: both ends count", ONE, "2024-01-11", "1.20", INCLUSIVE),
    Row("inclusive: the due date is still on time", ONE, "2024-01-10", "0.00", INCLUSIVE),
    Row("offset 1 and inclusive is the default count", ONE, "2024-01-20", "6.00", {**INCLUSIVE, "penalty_start_offset": 1}),
    Row("inclusive: the day of payment at the old base", late(paid("2024-01-20", "400.00")), "2024-02-09", "13.80", INCLUSIVE),
    # inclusive, on the day on which something closes and opens
    Row("closing day: counted once, at the old base", (fact(DUE, "1000.00", closed_on="2024-01-20"), fact("2024-02-10", "1000.00", number=2, opened_on="2024-01-20")), "2024-01-25", "6.60", INCLUSIVE),
    Row("due on the day it opens: that day is the old one's", (fact(DUE, "1000.00", closed_on="2024-01-20"), fact("2024-01-20", "1000.00", number=2, opened_on="2024-01-20")), "2024-01-21", "7.20", INCLUSIVE),
    Row("all outstanding: what opens bears nothing for that day", (fact(DUE, "1000.00"), fact("2024-02-10", "2000.00", number=2, closed_on="2024-01-15"), fact("2024-02-10", "1500.00", number=2, opened_on="2024-01-15")), "2024-01-20", "10.50", {**ALL, **INCLUSIVE}),
    Row("all outstanding: the arrears close, the plan bears nothing", (fact(DUE, "1000.00", closed_on="2024-01-15"), fact("2024-02-10", "2000.00", number=2, closed_on="2024-01-15"), fact("2024-02-15", "3000.00", number=3, opened_on="2024-01-15")), "2024-01-16", "6.00", {**ALL, **INCLUSIVE}),
    Row("all outstanding: prepaid principal bears the day of its payment", (fact(DUE, "1000.00"), fact("2024-02-10", "2000.00", paid("2024-01-15", "500.00"), number=2)), "2024-01-20", "10.50", {**ALL, **INCLUSIVE}),
    Row("compound under the ceiling to the closing day", late(interest="1000.00", closed_on="2024-01-20"), "2024-01-25", "6.60", {**COMPOUND, **INCLUSIVE}, compound="0.63"),
    # rounding
    Row("half a fen goes up", (fact(DUE, "25.00"),), "2024-01-21", "0.17"),
    Row("half a fen, DOWN", (fact(DUE, "25.00"),), "2024-01-21", "0.16", {"round_penalty": "DOWN"}),
    Row("half a fen that would pass the ceiling of 1.64 fen", (fact(DUE, "25.00"),), "2024-01-11", "0.01"),
    Row("the same without a ceiling", (fact(DUE, "25.00"),), "2024-01-11", "0.02", {"annual_cap": None}),
    Row("cut: 65.7534 for 100 days stays below", ONE, "2024-04-19", "65.75", {}, "0.0005"),
    Row("cut: 0.6575 of one day is not 0.66", ONE, "2024-01-11", "0.65", {}, "0.0005"),
    Row("a rate at the ceiling itself is not rounded over it", ONE, "2024-01-11", "0.65", {**ANNUAL, "penalty_multiplier": yuan("1.5"), "year_basis": 365}, "0.16"),
    Row("compound that is cut: 5.75 fen are 0.05", late(interest="1000.00"), "2024-01-11", "0.60", COMPOUND, compound="0.05"),
    Row("compound that just fits: 0.60 + 0.0575 are not 0.66", late(interest="95.89"), "2024-01-11", "0.60", COMPOUND, compound="0.05"),
    Row("interest in the base that just fits: 0.6575", late(interest="95.89"), "2024-01-11", "0.65", BOTH),
    Row("where there is room it is rounded as ever", late(interest="92.00"), "2024-01-13", "1.97", BOTH),
    Row("rounded once, not by day", (fact(DUE, "8.00"),), "2024-01-13", "0.01"),
    Row("one fen overdue for 100 days", (fact(DUE, "0.01"),), "2024-04-19", "0.00"),
    Row("the largest principal", (fact(DUE, "99999999.99"),), "2024-01-11", "60000.00"),
    # bases
    Row("principal and interest", late(interest="50.00"), "2024-01-20", "6.30", BOTH),
    Row("principal and interest under the ceiling", late(interest="100.00"), "2024-01-20", "6.57", BOTH),
    Row("principal and interest, ceiling off", late(interest="100.00"), "2024-01-20", "6.60", {**BOTH, "annual_cap": None}),
    Row("compound is simple and apart", late(interest="50.00"), "2024-01-20", "6.00", COMPOUND, compound="0.30"),
    Row("compound stops when interest is paid", late(paid("2024-01-15", "50.00", "interest"), interest="50.00"), "2024-01-20", "6.00", COMPOUND, compound="0.15"),
    Row("compound stops when interest is waived", late(paid("2024-01-15", "50.00", "interest", "waiver"), interest="50.00"), "2024-01-20", "6.00", COMPOUND, compound="0.15"),
    Row("interest-only month: undue principal gives room", (fact(DUE, "0.00", interest="100.00"), fact("2024-12-10", "10000.00", number=2)), "2024-01-20", "0.00", COMPOUND, compound="0.60"),
    Row("no principal left: the ceiling leaves nothing", (fact(DUE, "0.00", interest="100.00"),), "2024-01-20", "0.00", COMPOUND),
    Row("all outstanding: surcharge on what is not due", TWO, "2024-01-20", "10.00", ALL),
    Row("all outstanding: stops with the arrears", (fact(DUE, "1000.00", paid("2024-01-15", "1000.00")), TWO[1]), "2024-02-01", "5.00", ALL),
    Row("all outstanding: full rate once due", TWO, "2024-02-20", "49.00", ALL),
    Row("all outstanding: a superseded and a new schedule never count together", (fact(DUE, "1000.00"), fact("2024-02-10", "2000.00", number=2, closed_on="2024-01-15"), fact("2024-02-10", "1500.00", number=2, opened_on="2024-01-15")), "2024-01-20", "9.50", ALL),
    # windows
    Row("paused days are free", ONE, "2024-01-30", "9.00", pauses=(Pause(day("2024-01-15"), day("2024-01-20"), "系统故障"),)),
    Row("overlapping pauses count once", ONE, "2024-01-30", "9.00", pauses=(Pause(day("2024-01-15"), day("2024-01-18"), "甲"), Pause(day("2024-01-16"), day("2024-01-20"), "乙"))),
    Row("breach: from its date, not back-dated", late(penalty_from="2024-01-20"), "2024-01-30", "6.00"),
    Row("moved to a plan: stops, stays", late(closed_on="2024-01-20"), "2024-06-01", "6.00"),
    Row("a plan instalment by the same rule", (fact("2024-03-10", "500.00", opened_on="2024-01-20"),), "2024-03-20", "3.00"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.rule for row in ROWS])
def test_penalty_by_rule(row: Row) -> None:
    product = profile(row.rate, **row.changes)

    story = explain_penalty(product, row.facts, day(row.as_of), pauses=row.pauses)

    assert (story.total, story.compound) == (yuan(row.total), yuan(row.compound))
    totals = penalty_totals(product, row.facts, day(row.as_of), pauses=row.pauses)
    assert totals == tuple(item.charges for item in story.instalments)
    for item in story.instalments:
        assert item.ordinary_part + item.surcharge_part == item.total
        assert all(part >= 0 for part in item[3:9])


def test_there_are_more_than_forty_rows_and_no_two_alike() -> None:
    assert len(ROWS) > 40
    assert len({row.rule for row in ROWS}) == len(ROWS)


def test_segments_say_when_and_why() -> None:
    facts = late(paid("2024-01-20", "400.00"), paid("2024-01-25", "600.00", kind="waiver"))

    first, second = (
        explain_penalty(profile("0.0004"), facts, day("2024-02-09")).instalments[0].segments
    )

    assert (first.from_on, first.to_on, first.days, first.base) == (
        day("2024-01-10"), day("2024-01-20"), 10, yuan("1000.00"),
    )  # fmt: skip
    assert (first.first_day, first.last_day) == (day("2024-01-11"), day("2024-01-20"))
    assert first.reason == "到期日 2024-01-10 未还足款项，次日起计收"
    assert first.end_reason == "2024-01-20 还款 400.00 元"
    assert second.reason == "2024-01-20 还款 400.00 元，计收基数变为 600.00 元"
    assert second.end_reason == "2024-01-25 减免 600.00 元，已还清"
    assert (first.amount, second.amount) == (yuan("6.000000000000"), yuan("1.800000000000"))
    assert first.rate_shown == yuan("0.000600000000")


def test_capped_segment_shows_the_exact_rate_and_says_so() -> None:
    segment = explain_penalty(profile("0.0005"), ONE, day("2024-01-20")).instalments[0].segments[0]

    assert segment.rate == Fraction(24, 36500)
    assert segment.rate_shown == Decimal("0.000657534247")
    assert segment.reason.endswith("按年化上限封顶")
    assert segment.amount == Decimal("6.575342465753")


def test_inclusive_days_are_shown_from_the_due_date_to_the_day_itself() -> None:
    product = profile("0.0004", as_of_inclusive=True)

    segment = explain_penalty(product, ONE, day("2024-01-20")).instalments[0].segments[0]

    assert (segment.days, segment.first_day, segment.last_day) == (11, day(DUE), day("2024-01-20"))


def test_one_more_day_is_the_difference_of_rounded_totals() -> None:
    facts = (fact(DUE, "333.33"),)

    today = explain_penalty(profile("0.0004"), facts, day("2024-01-12"))
    tomorrow = explain_penalty(profile("0.0004"), facts, day("2024-01-13"))

    assert (today.total, tomorrow.total) == (yuan("0.40"), yuan("0.60"))
    assert today.per_day == yuan("0.20")


@pytest.mark.parametrize(
    ("as_of", "days"),
    [("2024-01-13", 0), ("2024-01-14", 4), ("2024-04-09", 90), ("2024-04-10", 91)],
)
def test_overdue_days_within_and_after_grace(as_of: str, days: int) -> None:
    item = explain_penalty(profile("0.0004", **GRACE), ONE, day(as_of)).instalments[0]

    assert item.overdue_days == days


def test_paid_instalment_is_not_overdue_any_more() -> None:
    facts = late(paid("2024-01-20", "1000.00"))

    item = explain_penalty(profile("0.0004"), facts, day("2024-01-25")).instalments[0]

    assert (item.overdue_days, item.unpaid_principal, item.per_day) == (
        0,
        yuan("0.00"),
        yuan("0.00"),
    )
