"""The portfolio of a date is the sum of its loans, whatever was lived, broken, reversed or found late."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.domain.profile import Method, PenaltyBase
from loans.domain.risk import BUCKETS, RiskClass, RiskRules, bucket_of
from loans.models import Loan
from loans.presenters.wording import credit_class
from loans.queries.carrying import WRITTEN_OFF, off_balance, written_off
from loans.queries.debt import load_debt
from loans.queries.plain import parted
from loans.queries.plan import plan_vesting
from loans.queries.portfolio import PortfolioSums, each_loan, each_penalty
from loans.queries.position import load_position
from loans.services.acceleration import accelerate
from loans.services.acts.write_off import put_off_balance, write_off
from loans.services.payments.payment import reverse_payment
from loans.services.plans.breach import reinstate
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import Rounding
from portal.core.kernel.roles import Rank
from tests import factories
from tests.loans.books import (
    EXAMPLE,
    D,
    assert_clean,
    at,
    day,
    example_loan,
    make_borrower,
    paid,
    relief_terms,
    relieved,
)

DATES = (
    *("2023-06-09", "2023-06-10", "2023-07-10", "2023-07-11", "2023-09-20", "2023-10-09"),
    *("2023-11-15", "2023-12-20", "2024-01-10", "2024-03-05", "2024-08-01", "2025-01-01"),
)


def lived_portfolio() -> None:
    """Loans of every fate: untouched, paid in part or whole, in a plan, broken, reversed, written off …"""
    loans = [example_loan(make_borrower(f"139000000{n:02d}")) for n in range(10)]
    paid(loans[1], "2100.00", "09-20")
    paid(loans[2], "6220.33", "09-20")  # all of it
    relieved(loans[3], relief_terms("10-09", "96.90"), "10-09", "relief:3")
    paid(loans[3], "600.00", "11-12")
    relieved(loans[4], relief_terms("10-09", "161.50"), "10-09", "relief:4")
    paid(loans[4], "509.17", "11-10")
    reinstate(
        loan_id=loans[4].pk,
        on=day("2024-01-10"),
        key="breach:4",
        actor=None,
        reason="两期未还",
        now=at(day("2024-01-10")),
    )
    bounced = paid(loans[5], "500.00", "08-01")
    paid(loans[5], "700.00", "09-01")
    reverse_payment(payment_id=bounced.pk, reason="退票退回", actor=None, now=at(day("10-01")))
    paid(loans[6], "300.00", "09-01")
    paid(loans[6], "900.00", "07-20", now="10-20")  # found late
    write_off(
        loan_id=loans[8].pk,
        parts={"principal": D("2000.00")},
        reason="多次催收无效",
        key="write-off:8",
        actor=factories.staff(Rank.MANAGER),
        now=at(day("10-09")),
    )
    paid(loans[8], "4500.00", "2023-12-01")  # part of it is recovered, and principal comes first
    put_off_balance(
        loan_id=loans[9].pk, actor=factories.staff(Rank.MANAGER), now=at(day("2023-12-01"))
    )
    accelerate(
        loan_id=loans[7].pk,
        on=day("08-20"),
        reason="多次失联",
        actor=None,
        now=at(day("08-20")),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("on", DATES)
def test_each_loan_is_its_own_debt(on: str) -> None:
    lived_portfolio()
    moment = day(on)

    found = {one.loan_id: one for one in each_loan(moment)}

    alive = [x for x in Loan.objects.all() if x.settled_on is None or x.settled_on > moment]
    assert set(found) == {x.pk for x in alive if x.drawdown_on <= moment}
    for loan in alive:
        if loan.pk not in found:
            continue
        one, owed = found[loan.pk], load_debt(loan, moment)
        assert one.overdue_days == owed.overdue_days
        assert one.sums.principal == owed.principal
        assert one.sums.interest == owed.interest + owed.kept_interest
        assert one.sums.penalty == owed.penalty_all + owed.compound
        assert one.sums.total == owed.total
        assert one.sums.in_plan == (owed.total if owed.is_plan else 0)
        vesting = plan_vesting(load_position(loan), moment)
        assert one.sums.waived - one.sums.vested == (vesting.returned if vesting else 0)
        position = load_position(loan)
        assert one.sums.written_off == sum(written_off(position, g, moment) for g in WRITTEN_OFF)
        assert one.sums.off_balance == off_balance(position, moment)
        assert one.restructured == (owed.base_kind in ("plan", "breached"))
    assert_clean()


@pytest.mark.django_db
def test_only_loans_with_a_later_schedule_are_read_whole() -> None:
    """Else the test above would not hold what the database adds up to each loan's own debt."""
    lived_portfolio()
    loans = list(Loan.objects.order_by("pk"))

    plain, others = parted(Loan.objects.all(), day("2024-03-05"))

    assert set(others) == {loans[3], loans[4], loans[7]}  # plan, broken plan, accelerated
    assert set(plain) == set(loans) - set(others)


ALONE: list[dict[str, object]] = [  # penalty on principal alone: the database adds up
    {},
    {"as_of_inclusive": True},
    {"penalty_start_offset": 2},
    {"round_penalty": Rounding.DOWN},
    {"annual_cap": None},
    {"rate": D("0.0005")},  # the ceiling bites
    {"method": Method.INTEREST_ONLY},
]
HARDER: list[dict[str, object]] = [
    {"grace_days": 3},
    {"late_fee": D("20.00"), "round_penalty": Rounding.DOWN},
    {"compound_on_interest": True},
    {"penalty_base": PenaltyBase.DUE_PRINCIPAL_AND_INTEREST},
    {"penalty_base": PenaltyBase.ALL_OUTSTANDING},
]


@pytest.mark.django_db
def test_every_kind_of_profile_in_one_portfolio() -> None:
    for n, changes in enumerate(ALONE + HARDER):
        product = replace(EXAMPLE, code=f"p{n}", **changes)
        loan = example_loan(make_borrower(f"139000000{n:02d}"), product=product)
        paid(loan, "40.00", "07-10")
        paid(loan, "10.00", "07-25")
        paid(loan, "2700.00", "09-20")
        paid(loan, "600.00", "10-01")
    loans = list(Loan.objects.order_by("pk"))

    for on in DATES:
        moment = day(on)
        found = {one.loan_id: one for one in each_loan(moment)}
        penalties = dict(each_penalty(moment))
        for loan in loans if found else ():
            one, owed = found[loan.pk], load_debt(loan, moment)
            parts = owed.principal, owed.interest, owed.penalty + owed.compound, owed.fee
            assert (
                one.sums.principal,
                one.sums.interest,
                one.sums.penalty,
                one.sums.fee,
            ) == parts, (on, loan.profile)
            assert one.overdue_days == owed.overdue_days, (on, loan.profile)
            assert penalties.get(loan.pk, 0) == parts[2], (on, loan.profile)
        plain, others = parted(Loan.objects.all(), moment)
        assert (set(plain), set(others)) == (set(loans[: len(ALONE)]), set(loans[len(ALONE) :]))


@pytest.mark.django_db
def test_a_broken_plan_leaves_what_vested() -> None:
    """relief of RULES.md §7, one of twelve paid: DOWN(161.50 × 500 ÷ 6,000) stays waived."""
    lived_portfolio()
    loan = Loan.objects.order_by("pk")[4]

    before, after = (
        next(one.sums for one in each_loan(day(on)) if one.loan_id == loan.pk)
        for on in ("2024-01-09", "2024-01-10")
    )

    assert (before.waived, before.vested) == (D("161.50"), D("13.45"))
    assert (after.waived, after.vested) == (D("13.45"), D("13.45"))
    assert before.in_plan == before.total
    assert after.in_plan == 0


@pytest.mark.django_db
def test_what_is_written_off_or_off_the_balance_is_owed_all_the_same() -> None:
    lived_portfolio()
    loans = list(Loan.objects.order_by("pk"))

    found = {one.loan_id: one for one in each_loan(day("2024-03-05"))}

    lost, suspended = found[loans[8].pk], found[loans[9].pk]
    assert lost.sums.principal == lost.sums.written_off == D("1500.00")  # 500.00 were recovered
    assert lost.class_by(RiskRules()) == RiskClass.LOSS
    assert suspended.class_by(RiskRules()) == RiskClass.SUBSTANDARD
    assert 0 < suspended.sums.off_balance <= suspended.sums.interest + suspended.sums.penalty
    before = {one.loan_id: one for one in each_loan(day("10-08"))}
    assert before[loans[8].pk].sums.written_off == before[loans[9].pk].sums.off_balance == 0


@pytest.mark.django_db
def test_the_example_loan_in_ten_queries() -> None:
    loan = example_loan()
    with CaptureQueriesContext(connection) as used:
        (one,) = each_loan(day("09-20"))

    assert len([q for q in used if q["sql"].startswith(("SELECT", "DECLARE"))]) == 10
    assert one.loan_id == loan.pk
    sums = one.sums
    assert (sums.principal, sums.interest, sums.penalty) == (D("6000.00"), D("110.12"), D("110.21"))
    assert (one.overdue_days, one.bucket) == (72, "M3")
    assert one.class_by(RiskRules()) == RiskClass.SPECIAL_MENTION


def test_sums_add_up_column_by_column() -> None:
    one = PortfolioSums(1, *(D(f"{n}.00") for n in range(1, 10)))

    both = PortfolioSums.summed([one, one])

    assert both == PortfolioSums(2, *(D(f"{2 * n}.00") for n in range(1, 10)))
    assert both.total == D("20.00")
    assert PortfolioSums.summed([]) == PortfolioSums()


@pytest.mark.parametrize(
    ("days", "bucket", "days_class", "restructured_class"),
    [
        (0, "M0", "pass", "special_mention"),
        (1, "M1", "special_mention", "special_mention"),
        (30, "M1", "special_mention", "special_mention"),
        (31, "M2", "special_mention", "special_mention"),
        (90, "M3", "special_mention", "special_mention"),
        (91, "M4", "substandard", "substandard"),
        (180, "M6", "substandard", "substandard"),
        (181, "M6+", "substandard", "substandard"),
        (270, "M6+", "substandard", "substandard"),
        (271, "M6+", "doubtful", "doubtful"),
        (361, "M6+", "loss", "loss"),
    ],
)
def test_bucket_and_class_by_days(
    days: int, bucket: str, days_class: str, restructured_class: str
) -> None:
    assert bucket_of(days) == bucket
    assert RiskRules().class_of(days, restructured=False) == days_class
    assert RiskRules().class_of(days, restructured=True) == restructured_class
    assert RiskRules().class_of(days, written_off=True) == RiskClass.LOSS
    if days:  # the credit record counts the same thirty days
        assert f"（{BUCKETS.index(bucket)} 档" in credit_class(days)


@pytest.mark.parametrize("days", [(0, 91, 271, 361), (1, 91, 91, 361), (1, 271, 91, 361)])
def test_days_of_the_classes_must_rise(days: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="逐级增大"):
        RiskRules(*days)
