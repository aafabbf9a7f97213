"""What comes back when a plan breaks: the waiver vests with the principal paid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from loans.domain._checks import check_amount
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, from_fen, to_fen

# What a breach makes due bears penalty from the day after it (loans/RULES.md §7), in these words
# on every page and in the agreement.
PENALTY_AFTER_BREACH = "从次日起计收罚息，不向前追溯"


@dataclass(frozen=True, slots=True)
class Vesting:
    """vested + returned = waived; remaining_principal is due at once, on the breach date."""

    vested: Decimal
    returned: Decimal
    remaining_principal: Decimal


def vest(waived: Decimal, plan_principal: Decimal, paid_principal: Decimal) -> Vesting:
    """What of a waiver stays after a breach: vested = DOWN(waived × paid / plan principal).

    Yuan to the fen (loans/RULES.md §7). Raises InvalidInput (waived,
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
