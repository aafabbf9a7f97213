"""What a loan owes on a date, per instalment and in total; computed, never stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from loans.domain.components import Components
from loans.domain.interest import InstalmentPenalty, overdue_days
from loans.models import Account, Entry, Instalment, Loan
from loans.queries.plan import plan_rules
from loans.queries.position import Position, load_position, load_positions
from loans.queries.standing import LedgerMovement
from loans.queries.types import Debt, InstalmentDebt, InstalmentState
from portal.core.kernel.money import ZERO
from portal.core.models import User

PAYMENT = (Entry.Kind.PAYMENT.value,)


def load_debt(loan: Loan, on: date) -> Debt:
    """The loan's debt on ``on`` (yuan), in three queries.

    Interest is due from the due date; penalty runs by loans/RULES.md §3. Example: 6,000 at 0.03 %
    a day, due 2023-07-10 / 08-10 / 09-10, nothing paid, on 2023-09-20: penalty 110.21.
    """
    return debt_of(load_position(loan), on)


def debt_of(position: Position, on: date) -> Debt:
    """`load_debt` from books already read."""
    story, penalties = position.explanation(on)
    added = {schedule.pk for schedule in position.schedules if schedule.only_adds}
    rows = tuple(
        _row(position, i, penalties.get(i.pk), on, is_added=i.schedule_id in added)
        for i in position.live(on)
    )
    unpaid = [row for row in rows if row.total > 0]
    due = [row for row in unpaid if row.due_on <= on]
    overdue = [row for row in due if row.overdue_days > 0]
    return Debt(
        as_of=on,
        parts=replace(
            Components.summed(row.parts for row in rows),
            interest=sum((row.interest for row in due), ZERO),
        ),
        principal_due=sum((row.principal for row in due), ZERO),
        accrued_interest=position.accrued(on),
        due_now=sum((row.total for row in due), ZERO) + _charges_ahead(unpaid, on),
        overdue_days=max((row.overdue_days for row in overdue), default=0),
        oldest_due_on=min((row.due_on for row in overdue), default=None),
        penalty_per_day=story.per_day,
        instalments=rows,
        next_due=next((row for row in unpaid if row.overdue_days == 0), None),
        base_kind=position.base(on).kind,
        base_opened_on=position.base(on).opened_on,
        plan_rules=plan_rules(position, on),
    )


def _charges_ahead(rows: list[InstalmentDebt], on: date) -> Decimal:
    """Penalty on rows to come: only when the penalty base is all_outstanding."""
    return sum((row.penalty + row.compound for row in rows if row.due_on > on), ZERO)


def _row(
    position: Position,
    row: Instalment,
    penalty: InstalmentPenalty | None,
    on: date,
    *,
    is_added: bool,
) -> InstalmentDebt:
    principal = position.balance(row.pk, Account.PRINCIPAL, on)
    interest = row.interest - position.reduced(row.pk, Account.INTEREST, on)
    penalty_ran = penalty.total if penalty else ZERO
    compound = penalty.compound if penalty else ZERO
    parts = Components(
        principal=principal,
        interest=interest,
        penalty=penalty_ran - position.reduced(row.pk, Account.PENALTY, on),
        compound=compound - position.reduced(row.pk, Account.COMPOUND, on),
        fee=position.balance(row.pk, Account.FEE, on),
        kept_interest=position.balance(row.pk, Account.KEPT_INTEREST, on),
        kept_penalty=position.balance(row.pk, Account.KEPT_PENALTY, on),
    )
    owed = parts.total
    late = overdue_days(position.profile, row.due_on, on) if owed > 0 else 0
    paid = [
        move
        for move in position.moves.get(row.pk, ())
        if move.kind in PAYMENT and move.amount < 0 and move.on <= on
    ]
    received = -sum((move.amount for move in _net(position, row.pk, on)), ZERO)
    return InstalmentDebt(
        id=row.pk,
        number=row.number,
        start_on=row.start_on,
        due_on=row.due_on,
        parts=parts,
        scheduled=row.total,
        scheduled_principal=row.principal,
        scheduled_interest=row.interest,
        paid=received,
        overdue_days=late,
        state=_state(owed, late, row.due_on, on),
        last_paid_on=max((move.on for move in paid), default=None) if received else None,
        is_added=is_added,
    )


def _net(position: Position, instalment_id: int, on: date) -> list[LedgerMovement]:
    return [m for m in position.moves.get(instalment_id, ()) if m.kind in PAYMENT and m.on <= on]


def _state(owed: Decimal, late: int, due_on: date, on: date) -> InstalmentState:
    if owed == 0:
        return InstalmentState.PAID
    if late > 0:
        return InstalmentState.OVERDUE
    return InstalmentState.DUE if due_on <= on else InstalmentState.UPCOMING


def borrower_debts(user: User, on: date) -> list[tuple[Loan, Debt]]:
    """Every loan of a borrower with its debt, newest first, in four queries."""
    return [(loan, debt_of(position, on)) for loan, position in borrower_positions(user)]


def borrower_positions(user: User) -> list[tuple[Loan, Position]]:
    """Every loan of a borrower with its books, newest first, in four queries."""
    loans = list(Loan.objects.for_borrower(user))
    positions = load_positions(loans)
    return [(loan, positions[loan.pk]) for loan in loans]
