"""Every worked example of loans/RULES.md §3 to §7, to the fen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loans.domain.allocation import InstalmentDue, allocate
from loans.domain.breach import vest
from loans.domain.components import Component, Components
from loans.domain.penalty.interest import explain_penalty
from loans.domain.products import PRODUCTS
from loans.domain.restructure import plan_preview, waive_by_percent
from loans.domain.schedule import build_schedule
from tests.loans.domain.support import DEBT_3, LOAN_3, day, fact, profile, terms, yuan

PRI, INT, PEN = Component.PRINCIPAL, Component.INTEREST, Component.PENALTY


def test_loan_of_section_3_is_scheduled_with_both_roundings_down() -> None:
    down = profile(round_instalment="DOWN", round_interest="DOWN")

    rows = build_schedule(
        down,
        principal=yuan("6000.00"),
        drawdown_on=day("2023-06-10"),
        term_months=3,
        due_day=10,
    )

    assert [(r.due_on, r.principal, r.interest) for r in rows] == [
        (f.due_on, f.principal, f.interest) for f in LOAN_3
    ]


@pytest.mark.parametrize(
    ("as_of", "parts"),
    [
        ("2023-07-10", ["0.00", "0.00", "0.00"]),
        ("2023-07-11", ["0.89", "0.00", "0.00"]),
        ("2023-09-20", ["64.24", "36.89", "9.08"]),
        ("2023-10-08", ["80.30", "53.08", "25.43"]),
        ("2023-10-09", ["81.19", "53.98", "26.33"]),
    ],
)
def test_penalty_of_section_3(as_of: str, parts: list[str]) -> None:
    story = explain_penalty(profile(), LOAN_3, day(as_of))

    assert [item.total for item in story.instalments] == [yuan(part) for part in parts]
    assert story.total == sum(map(yuan, parts))


def test_total_of_2023_09_20_is_110_21() -> None:
    assert explain_penalty(profile(), LOAN_3, day("2023-09-20")).total == yuan("110.21")


def test_total_of_2023_10_09_is_161_50() -> None:
    assert explain_penalty(profile(), LOAN_3, day("2023-10-09")).total == yuan("161.50")


def test_ceiling_bites_at_5_per_10000() -> None:
    story = explain_penalty(
        PRODUCTS["daily_005_capped"], [fact("2023-01-01", "10000.00")], day("2023-01-11")
    )

    item = story.instalments[0]
    assert (item.total, item.capped_part) == (yuan("65.75"), yuan("9.25"))
    assert item.total + item.capped_part == yuan("75.00")


def test_ordinary_and_surcharge_parts_at_4_per_10000() -> None:
    item = explain_penalty(
        PRODUCTS["daily_004"], [fact("2023-01-01", "10000.00")], day("2023-01-31")
    ).instalments[0]

    assert (item.total, item.ordinary_part, item.surcharge_part, item.capped_part) == (
        yuan("180.00"), yuan("120.00"), yuan("60.00"), yuan("0.00"),
    )  # fmt: skip


def _dues(as_of: str) -> list[InstalmentDue]:
    story = explain_penalty(profile(), LOAN_3, day(as_of))
    return [
        InstalmentDue(f.number, f.due_on, Components(f.principal, f.interest, item.total))
        for f, item in zip(LOAN_3, story.instalments, strict=True)
    ]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2023-09-20", [(1, PEN, "64.24"), (1, INT, "54.00"), (1, PRI, "1981.76")]),
        ("2023-10-08", [(1, PEN, "80.30"), (1, INT, "54.00"), (1, PRI, "1965.70")]),
        ("2023-10-09", [(1, PRI, "1982.70"), (2, PRI, "117.30")]),
    ],
)
def test_allocation_of_section_4(as_of: str, expected: list[tuple[int, Component, str]]) -> None:
    split = allocate(profile(), yuan("2100.00"), _dues(as_of), day(as_of))

    assert [(line.instalment, line.component, line.amount) for line in split.lines] == [
        (number, component, yuan(amount)) for number, component, amount in expected
    ]
    assert split.remainder == 0


def test_plan_of_section_7_all_penalty_waived() -> None:
    plan = plan_preview(profile(), DEBT_3, terms())

    assert [row.total for row in plan.rows] == [yuan("509.17")] * 11 + [yuan("509.25")]
    assert (plan.total, plan.waived) == (yuan("6110.12"), yuan("161.50"))


def test_plan_of_section_7_sixty_percent_waived() -> None:
    waived = waive_by_percent(DEBT_3.penalty, yuan("60"))

    plan = plan_preview(profile(), DEBT_3, terms(waive_penalty=waived))

    assert (waived, plan.kept_penalty) == (yuan("96.90"), yuan("64.60"))
    assert [row.total for row in plan.rows] == [yuan("514.55")] * 11 + [yuan("514.67")]


def test_plan_of_section_7_with_interest() -> None:
    changed = terms(waive_interest=yuan("110.12"), term_count=24, plan_annual_rate=yuan("0.072"))

    plan = plan_preview(profile(), DEBT_3, changed)

    first, last = plan.rows[0], plan.rows[-1]
    assert (first.principal, first.interest) == (yuan("233.18"), yuan("36.00"))
    assert (last.principal, last.interest) == (yuan("267.57"), yuan("1.61"))
    assert {row.total for row in plan.rows} == {yuan("269.18")}
    on_the_day = plan_preview(profile(), DEBT_3, replace(changed, first_due_on=day("2023-11-09")))
    assert on_the_day.annualised_cost == yuan("0.0720")
    assert plan.annualised_cost == yuan("0.0718")  # each instalment a day later, at no charge


def test_vesting_of_section_9() -> None:
    vesting = vest(yuan("161.50"), yuan("6000.00"), yuan("2500.00"))

    assert (vesting.vested, vesting.returned, vesting.remaining_principal) == (
        yuan("67.29"), yuan("94.21"), yuan("3500.00"),
    )  # fmt: skip
