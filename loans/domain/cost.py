"""The yearly figure beside an amount owed and the dated payments that repay it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext

from loans.domain._checks import check_amount, check_date, check_sequence
from loans.domain.schedule import due_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO

DAYS_OF_A_MONTH = 30
_HIGHEST = Decimal(10)  # 1,000 % a month: beyond it a yearly figure says nothing
_PLACES = Decimal("0.0001")
_HALVINGS = 48

Dated = tuple[date, Decimal]


def check_payment(payment: object) -> Dated:
    """A date and an amount of yuan, or InvalidInput("payments")."""
    if not isinstance(payment, tuple) or len(payment) != 2:
        raise InvalidInput("payments", "各期应为日期和金额。")
    check_date(payment[0], "payments", "还款日")
    return payment[0], check_amount(payment[1], "payments", "各期金额")


def annualised_cost(principal: Decimal, from_on: date, payments: Sequence[Dated]) -> Decimal | None:
    """The nominal yearly rate, 12 × i, as a fraction to 4 places (loans/RULES.md §6).

    i is the monthly rate at which Σ payment / (1 + i)^t = principal, t in months from `from_on`
    (whole months + remaining days / 30); what is due already is paid on `from_on`. All that is
    paid beyond principal counts as cost, kept interest and penalty too, so the figure never
    flatters. None: so much is due at once that no rate up to 1,000 % a month says the cost.
    Example: 24 × 269.18 on 6000, the first in a month: 0.0720.
    """
    check_amount(principal, "principal", "本金")
    check_date(from_on, "from_on", "起始日")
    for payment in check_sequence(payments, "payments", "各期金额"):
        check_payment(payment)
    if principal == 0 or sum((amount for _, amount in payments), ZERO) <= principal:
        return Decimal("0.0000")
    waits = [(*_months(from_on, max(from_on, on)), amount) for on, amount in payments]
    with localcontext() as context:
        context.prec = 34
        low, high = Decimal(0), _HIGHEST
        if _present(waits, high) > principal:
            return None
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if _present(waits, middle) > principal:
                low = middle
            else:
                high = middle
            if _yearly(low) == _yearly(high):  # what lies between them rounds to the same
                break
        return _yearly(high)


def _yearly(monthly: Decimal) -> Decimal:
    return (monthly * 12).quantize(_PLACES, rounding=ROUND_HALF_UP)


def _present(waits: Sequence[tuple[int, int, Decimal]], rate: Decimal) -> Decimal:
    factor = 1 / (1 + rate)
    parts = {days: factor ** (Decimal(days) / DAYS_OF_A_MONTH) for _, days, _ in waits}
    return sum((amount * factor**months * parts[days] for months, days, amount in waits), ZERO)


def _months(from_on: date, to_on: date) -> tuple[int, int]:
    """Whole months, and the days beyond them: 2026-11-16 to 2027-01-15 is (1, 30)."""
    months = (to_on.year - from_on.year) * 12 + to_on.month - from_on.month
    if due_date(from_on, months, from_on.day) > to_on:
        months -= 1
    return months, (to_on - due_date(from_on, months, from_on.day)).days
