"""What a loan owes on a date, per instalment and in total; computed, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Generic, NamedTuple

from loans.domain.components import Components
from loans.domain.penalty.interest import Charges, overdue_days
from loans.models import Account, Entry, Instalment, Loan
from loans.queries.penalty_basis import NOT_CHARGED, LedgerMovement, PenaltyBasis, R, S
from loans.queries.plan import plan_rules
from loans.queries.position import Position, load_position, load_positions
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


def dropped_instalments(loan: Loan, debt: Debt) -> list[Instalment]:
    """What earlier schedules promised from `debt.as_of` on and nobody owes any more."""
    live = [row.id for row in debt.instalments]
    promised = Instalment.objects.filter(schedule__loan=loan, due_on__gte=debt.as_of)
    return list(promised.exclude(pk__in=live).order_by("due_on", "pk"))


def debt_of(position: Position, on: date) -> Debt:
    """`load_debt` from books already read."""
    story, penalties = position.explanation(on)
    charged = {pk: line.charges for pk, line in penalties.items()}
    owed = owed_rows(position, charged, on)
    added = {schedule.pk for schedule in position.schedules if schedule.only_adds}
    rows = tuple(_row(position, one, on, is_added=one.row.schedule_id in added) for one in owed)
    unpaid = [row for row in rows if row.total > 0]
    due = [row for row in unpaid if row.due_on <= on]
    overdue = [row for row in due if row.overdue_days > 0]
    return Debt(
        as_of=on,
        parts=owed_in_all(owed, on),
        principal_due=sum((row.principal for row in due), ZERO),
        accrued_interest=position.accrued(on),
        due_now=sum((row.total for row in due), ZERO) + _charges_ahead(unpaid, on),
        overdue_days=max((row.overdue_days for row in overdue), default=0),
        oldest_due_on=min((row.due_on for row in overdue), default=None),
        penalty_per_day=story.per_day,
        instalments=rows,
        next_due=next((row for row in unpaid if row.due_on > on), None),
        base_kind=position.base(on).kind,
        base_opened_on=position.base(on).opened_on,
        plan_rules=plan_rules(position, on),
    )


def _charges_ahead(rows: list[InstalmentDebt], on: date) -> Decimal:
    """Penalty on rows to come: only when the penalty base is all_outstanding."""
    return sum((row.penalty + row.compound for row in rows if row.due_on > on), ZERO)


class OwedRow(NamedTuple, Generic[R]):
    """What is owed on one instalment in force (yuan); future interest is the scheduled sum."""

    row: R
    parts: Components
    overdue_days: int


def owed_rows(
    books: PenaltyBasis[S, R], charged: Mapping[int, Charges], on: date
) -> list[OwedRow[R]]:
    """Every instalment in force with what is owed on it, oldest due date first.

    ``charged`` is what lateness has come to by instalment id, before payments. The one
    teller of outstanding parts: a loan's debt and the portfolio are both made of these.
    """
    rows_owed = []
    for row in books.live(on):
        penalty, compound, fee = charged.get(row.pk, NOT_CHARGED)
        parts = Components(
            principal=books.balance(row.pk, Account.PRINCIPAL, on),
            interest=row.interest - books.reduced(row.pk, Account.INTEREST, on),
            penalty=penalty - books.reduced(row.pk, Account.PENALTY, on),
            compound=compound - books.reduced(row.pk, Account.COMPOUND, on),
            fee=fee - books.reduced(row.pk, Account.FEE, on),
            kept_interest=books.balance(row.pk, Account.KEPT_INTEREST, on),
            kept_penalty=books.balance(row.pk, Account.KEPT_PENALTY, on),
        )
        late = overdue_days(books.profile, row.due_on, on) if parts.total > 0 else 0
        rows_owed.append(OwedRow(row, parts, late))
    return rows_owed


def owed_in_all(rows: Sequence[OwedRow[R]], on: date) -> Components:
    """The sum of the rows; of interest only what is due."""
    due = (one.parts.interest for one in rows if one.row.due_on <= on)
    return replace(Components.summed(one.parts for one in rows), interest=sum(due, ZERO))


def _row(
    position: Position, owed: OwedRow[Instalment], on: date, *, is_added: bool
) -> InstalmentDebt:
    row, total, late = owed.row, owed.parts.total, owed.overdue_days
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
        parts=owed.parts,
        scheduled=row.total,
        scheduled_principal=row.principal,
        scheduled_interest=row.interest,
        paid=received,
        overdue_days=late,
        state=_state(total, late, row.due_on, on),
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
