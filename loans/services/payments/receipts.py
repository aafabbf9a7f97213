"""A split payment on the books: its accrual, its lines, and the schedule it leads to."""

from __future__ import annotations

from datetime import date

from loans.models import Account, Entry, Instalment, Payment, Schedule
from loans.services.booking import Books, income
from loans.services.ledger import PostingLine
from loans.services.payments.splitting import Split


def post_split(books: Books, payment: Payment, split: Split, *, key: str) -> None:
    """Accrual of what is paid ahead, the payment itself, and the recomputed schedule."""
    on = payment.paid_on
    ids = {row.number: row.id for row in split.debt.instalments}
    lines = [PostingLine(Account.CASH, payment.amount), PostingLine(Account.CREDIT, -split.excess)]
    for line in split.allocation.lines:
        if line.instalment is not None:
            lines.append(PostingLine(line.component.value, -line.amount, ids[line.instalment]))
    if split.ahead_interest:
        first = split.undue[0]
        books.post(
            Entry.Kind.ACCRUAL,
            on,
            f"计息至提前还款日 {on:%Y-%m-%d}",
            income(first, Account.INTEREST, split.ahead_interest),
            payment=payment,
        )
        lines.append(PostingLine(Account.INTEREST, -split.ahead_interest, first.pk))
    lines += _principal_ahead(books, split)
    schedule = _reschedule(books, split, on) if split.ahead_principal else None
    source = f"还款 {payment.amount:,.2f} 元"
    books.post(Entry.Kind.PAYMENT, on, source, lines, key=key, payment=payment, schedule=schedule)
    if schedule is not None and split.new_rows:
        _move_rest(books, split, schedule, payment)
    books.recover(max(on, books.booked_on), payment=payment)


def _principal_ahead(books: Books, split: Split) -> list[PostingLine]:
    unspent, lines = split.ahead_principal, []
    for row in split.undue:
        part = min(unspent, books.position.balance(row.pk, Account.PRINCIPAL))
        if part:
            lines.append(PostingLine(Account.PRINCIPAL, -part, row.pk))
            unspent -= part
    return lines


def _reschedule(books: Books, split: Split, on: date) -> Schedule:
    rows = [
        Instalment(
            number=row.number,
            start_on=row.start_on,
            due_on=row.due_on,
            principal=row.principal,
            interest=row.interest,
        )
        for row in split.new_rows
    ]
    paid = split.ahead_principal
    source = f"提前归还本金 {paid:,.2f} 元，" + ("按剩余本金重算" if rows else "不再有未到期的期次")
    return books.open_schedule(Schedule.Kind.RECOMPUTED, on, source, rows)


def _move_rest(books: Books, split: Split, schedule: Schedule, payment: Payment) -> None:
    position = books.position
    lines = [
        PostingLine(Account.PRINCIPAL, -position.balance(row.pk, Account.PRINCIPAL), row.pk)
        for row in split.undue
    ]
    lines += [
        PostingLine(Account.PRINCIPAL, row.principal, row.pk)
        for row in position.instalments
        if row.schedule_id == schedule.pk
    ]
    books.post(
        Entry.Kind.RESCHEDULE,
        payment.paid_on,
        schedule.source,
        lines,
        payment=payment,
        schedule=schedule,
    )
