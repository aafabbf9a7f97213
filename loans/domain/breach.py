"""What comes back when a plan breaks: the waiver vests with the principal paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from loans.domain._checks import check_amount, check_date
from loans.domain.profile import ProductProfile, check_profile
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, from_fen, to_fen


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


def warning_on(profile: ProductProfile, due_on: date) -> date:
    """The day on which an instalment still unpaid is warned of: its days of grace after it (§9).

    Example: due 2024-01-10, 3 days of grace: 2024-01-13, as relief.plans.health warns.
    """
    check_profile(profile)
    check_date(due_on, "due_on", "到期日")
    return due_on + timedelta(days=profile.plan_grace_days)


def cure_until(profile: ProductProfile, warned_on: date) -> date:
    """The last date on which full payment of what is late cures; example: +10 days."""
    check_profile(profile)
    check_date(warned_on, "warned_on", "预警日期")
    return warned_on + timedelta(days=profile.cure_days)
