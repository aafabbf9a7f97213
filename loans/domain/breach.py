"""What comes back when a plan breaks: the waiver vests with the principal paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from loans.domain._checks import check_amount, check_date, check_flag, check_sequence
from loans.domain.profile import ProductProfile, check_profile
from portal.kernel.errors import InvalidInput
from portal.kernel.money import FEN, ZERO, from_fen, share, to_fen


@dataclass(frozen=True, slots=True)
class Vesting:
    """vested + returned = waived; remaining_principal is due at once, on the breach date."""

    vested: Decimal
    returned: Decimal
    remaining_principal: Decimal


def vest(waived: Decimal, plan_principal: Decimal, paid_principal: Decimal) -> Vesting:
    """What of a waiver stays after a breach: vested = DOWN(waived × paid / plan principal).

    Yuan to the fen (domain.md §9, vesting=proportional). Raises InvalidInput (waived,
    plan_principal, paid_principal). Example: vest(161.50, 6000, 2500) is 67.29 vested, 94.21
    returned, 3500 remaining.
    """
    waived = check_amount(waived, "waived", "减免金额")
    plan_principal = check_amount(plan_principal, "plan_principal", "计划本金", FEN)
    paid_principal = check_amount(paid_principal, "paid_principal", "已还本金")
    if paid_principal > plan_principal:
        raise InvalidInput("paid_principal", f"已还本金不能超过计划本金 {plan_principal} 元。")
    vested = from_fen(to_fen(waived) * to_fen(paid_principal) // to_fen(plan_principal))
    return Vesting(vested, waived - vested, plan_principal - paid_principal)


def returned_by_component(
    returned: Decimal, waived_parts: Sequence[Decimal]
) -> tuple[Decimal, ...]:
    """Share what comes back over the components that were waived, by largest remainder.

    No part gets back more than was waived of it. Example: 94.21 over (100.00, 61.50):
    58.33, 35.88.
    """
    check_amount(returned, "returned", "恢复金额")
    for part in check_sequence(waived_parts, "waived_parts", "减免金额"):
        check_amount(part, "waived_parts", "减免金额")
    if returned > sum(waived_parts, ZERO):
        raise InvalidInput("returned", "恢复金额不能超过减免金额。")
    return share(returned, list(waived_parts))


def warning_on(profile: ProductProfile, due_on: date) -> date:
    """The day after the plan's days of grace: unpaid then means a warning (§9).

    Example: due 2024-01-10, 3 days of grace: 2024-01-14.
    """
    check_profile(profile)
    check_date(due_on, "due_on", "到期日")
    return due_on + timedelta(days=profile.plan_grace_days + 1)


def cure_until(profile: ProductProfile, warned_on: date) -> date:
    """The last date on which full payment of what is late cures; example: +10 days."""
    check_profile(profile)
    check_date(warned_on, "warned_on", "预警日期")
    return warned_on + timedelta(days=profile.cure_days)


def is_breach(
    profile: ProductProfile,
    unpaid_due: Sequence[date],
    as_of: date,
    *,
    warned_on: date | None = None,
    two_in_a_row: bool | None = None,
) -> bool:
    """True when staff may confirm a breach: cure time over, or two in a row missed (§9).

    `unpaid_due`: due dates of plan instalments not fully paid. An instalment is missed once its
    days of grace are over. `two_in_a_row` overrides the count when the caller knows better.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "日期")
    for day in check_sequence(unpaid_due, "unpaid_due", "未还期次"):
        check_date(day, "unpaid_due", "到期日")
    missed = [day for day in unpaid_due if as_of >= warning_on(profile, day)]
    if two_in_a_row is None:
        two_in_a_row = len(missed) >= 2
    check_flag(two_in_a_row, "two_in_a_row", "是否连续两期未还")
    if two_in_a_row:
        return True
    return bool(missed) and warned_on is not None and as_of > cure_until(profile, warned_on)
