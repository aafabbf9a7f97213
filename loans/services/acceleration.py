"""宣布提前到期: a staff act that makes all future principal due and drops future interest."""

from __future__ import annotations

from datetime import date, datetime

from loans.domain.schedule import ScheduledInstalment, accelerate_schedule
from loans.models import Account, Entry, Instalment, Schedule
from loans.queries.debt import debt_of
from loans.queries.papers import about
from loans.services import observers
from loans.services.booking import Books, open_books
from loans.services.ledger import PostingLine
from loans.services.observers import DebtChange
from loans.services.plans.plan_books import opening
from loans.services.refusals import check_event_date, check_open, refusing
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO
from portal.core.models import User
from portal.core.notifications.outbox import notify


def accelerate(
    *, loan_id: int, on: date, reason: str, actor: User | None, now: datetime
) -> Schedule:
    """Make what is not yet due one instalment due ``on`` (loans/RULES.md §8): all its principal,
    interest only to that day. Overdue instalments keep their dates and their penalty.

    Errors: RuleViolation without a reason, twice, inside an active plan, while a case is in
    review (an observer's veto), or with nothing left to come. The borrower is told.
    """
    reason = reason.strip()
    if not reason:
        raise RuleViolation("请填写宣布提前到期的原因。", field="reason")
    with open_books(loan_id, actor=actor, now=now) as books:
        check_open(books.loan)
        observers.ask(books.loan, DebtChange.ACCELERATED, now)
        check_event_date(books.loan, on, now, field="on", label="提前到期日")
        if on < books.booked_on:
            raise RuleViolation(
                f"账务已记至 {books.booked_on:%Y-%m-%d}，提前到期日不能更早。", field="on"
            )
        undue = _undue(books, on)
        schedule = make_due(books, undue, on, f"宣布提前到期：{reason}")
        books.close()
        observers.notify_changed(books.loan, DebtChange.ACCELERATED, now)
        _notify_borrower(books, on, reason)
    return schedule


def _notify_borrower(books: Books, on: date, reason: str) -> None:
    loan = books.loan
    notify(
        event="loan_accelerated",
        key=f"loan-accelerated:{loan.public_id}:{loan.version}",
        user=loan.borrower,
        channels={"sms"},
        context={
            "number": loan.number,
            "on": on,
            "reason": reason,
            "due_now": debt_of(books.position, on).due_now,
        },
        about=about(loan),
        link=f"/jiebei/{loan.public_id}/",
        category="repayment",
        mandatory=True,
        now=books.now,
    )


def _undue(books: Books, on: date) -> list[Instalment]:
    if books.loan.accelerated_on is not None:
        raise RuleViolation("这笔借款已经宣布提前到期，不能重复操作。", code="ACCELERATED")
    if books.position.is_plan():
        raise RuleViolation("新还款计划生效期间不能宣布提前到期。", code="PLAN_ACTIVE")
    undue = books.position.undue(on)
    if not undue:
        raise RuleViolation("没有未到期的本金，无需宣布提前到期。", code="NOTHING_UNDUE")
    return undue


def make_due(
    books: Books, undue: list[Instalment], on: date, source: str, *, key: str = ""
) -> Schedule:
    """Post the acceleration of ``undue`` on open books."""
    position = books.position
    books.bring_to(on)
    owed = {row.pk: position.balance(row.pk, Account.PRINCIPAL) for row in undue}
    charges = {  # only when the penalty base is all_outstanding
        (row.pk, account): position.balance(row.pk, account)
        for row in undue
        for account in (Account.PENALTY, Account.COMPOUND)
    }
    accruals = (Entry.Kind.ACCRUAL.value,)
    recognised = position.booked(undue[0].pk, Account.INTEREST, kinds=accruals)
    remaining = [
        ScheduledInstalment(row.number, row.start_on, row.due_on, owed[row.pk], row.interest)
        for row in undue
    ]
    with refusing():
        accelerated = accelerate_schedule(position.interest_profile(), remaining, on=on)
    row = Instalment(
        number=accelerated.number,
        start_on=accelerated.start_on,
        due_on=accelerated.due_on,
        principal=accelerated.principal,
        interest=max(accelerated.interest - recognised, ZERO),
        kept_penalty=sum(charges.values(), ZERO),
    )
    schedule = books.open_schedule(Schedule.Kind.ACCELERATED, on, source[:200], [row])
    lines = [PostingLine(Account.PRINCIPAL, -amount, pk) for pk, amount in owed.items()]
    lines += [PostingLine(account, -amount, pk) for (pk, account), amount in charges.items()]
    lines += opening([row])
    books.post(Entry.Kind.ACCELERATION, on, source[:300], lines, key=key, schedule=schedule)
    books.changes["accelerated_on"] = on
    books.bring_to(on)
    return schedule
