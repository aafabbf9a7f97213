"""A plan that broke: the waiver vests with what was paid, the rest comes back and is due."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from loans.domain.components import WAIVABLE, Component
from loans.models import RECEIVABLES, Account, Entry, Instalment, Loan, Schedule
from loans.queries.plan import SignedWaiver, plan_vesting
from loans.queries.position import Position
from loans.services import observers
from loans.services.booking import AGAIN, Books, income, open_books
from loans.services.ledger import PostingLine
from loans.services.observers import DebtChange
from loans.services.plans.plan_books import INTEREST_LIKE, opening
from loans.services.refusals import check_event_date, check_open, refusing
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO, share
from portal.core.models import User


def reinstate(
    *,
    loan_id: int,
    on: date,
    key: str,
    actor: User | None,
    reason: str,
    now: datetime,
) -> Schedule:
    """End a broken plan on ``on`` (loans/RULES.md §7), once per ``key``.

    vested = DOWN(waived × principal paid / plan principal); the rest of the waiver comes back as
    kept penalty (interest as kept interest), all remaining principal is due on ``on`` and bears
    penalty from that day, not back-dated. Example: 5 of 12 paid of 12 × 509.17: 67.29 vested,
    94.21 back, 3,500 due.
    """
    if not reason.strip():
        raise RuleViolation("请填写确认违约的原因。", field="reason")
    with open_books(loan_id, actor=actor, now=now) as books:
        done = _done(books.loan, key)
        if done is not None:
            return done
        check_open(books.loan)
        check_event_date(books.loan, on, now, field="on", label="违约日期")
        if on < books.booked_on:
            raise RuleViolation(
                f"账务已记至 {books.booked_on:%Y-%m-%d}，违约日期不能更早。", field="on"
            )
        schedule = break_plan(books, on, key=key, reason=reason.strip())
        books.close()
        observers.notify_changed(books.loan, DebtChange.REINSTATED, now)
    return schedule


def _done(loan: Loan, key: str) -> Schedule | None:
    """The schedule of the breach booked under ``key``, the newest where a correction booked it again."""
    of_key = Q(key=key) | Q(key__startswith=f"{key}{AGAIN}")
    entries = Entry.objects.filter(of_key, loan=loan, kind=Entry.Kind.BREACH)
    newest = entries.select_related("schedule").order_by("-pk").first()
    return newest.schedule if newest else None


def break_plan(books: Books, on: date, *, key: str, reason: str, formerly: str = "") -> Schedule:
    """Post the breach on open books; ``formerly`` tells what a correction replaces by it."""
    position = books.position
    with refusing():
        vesting = plan_vesting(position)
    if vesting is None:
        raise RuleViolation("这笔借款没有生效中的新还款计划。", code="NO_PLAN")
    waived = SignedWaiver.of(position.base())
    live, undue, accrued = position.live(), position.undue(on), position.accrued(on)
    rate = str((position.base().terms or {}).get("plan_annual_rate", "0"))
    books.bring_to(on)
    remaining = _rest(position, live)
    if undue and accrued:
        place = (undue[0].pk, Account.INTEREST.value)
        remaining[place] = remaining.get(place, ZERO) + accrued
    shares = share(vesting.returned, [waived.parts[component] for component in WAIVABLE])
    back = dict(zip(WAIVABLE, shares, strict=True))[Component.INTEREST]
    interest = _total(remaining, INTEREST_LIKE) + back
    principal = _total(remaining, (Account.PRINCIPAL,))
    penalty = sum(remaining.values(), ZERO) - principal - _total(remaining, INTEREST_LIKE)
    row = Instalment(
        number=1,
        start_on=on,
        due_on=on,
        principal=principal,
        interest=ZERO,
        kept_interest=interest,
        kept_penalty=penalty + vesting.returned - back,
    )
    terms = {"vested": str(vesting.vested), "returned": str(vesting.returned), "reason": reason}
    schedule = books.open_schedule(
        Schedule.Kind.BREACHED, on, "违约，剩余本金到期", [row], terms | {"plan_annual_rate": rate}
    )
    if undue and accrued:
        lines = income(undue[0], Account.INTEREST, accrued)
        source = f"计息至违约日 {on:%Y-%m-%d}"
        books.post(Entry.Kind.ACCRUAL, on, source, lines, schedule=schedule)
    lines = [PostingLine(account, -amount, pk) for (pk, account), amount in remaining.items()]
    lines += [PostingLine(Account.WAIVER, -vesting.returned, row.pk), *opening([row])]
    consequence = f"减免保留 {vesting.vested:,.2f} 元，恢复 {vesting.returned:,.2f} 元{formerly}"
    source = f"违约：{reason[:200].rstrip('。')}。{consequence}"
    books.post(Entry.Kind.BREACH, on, source[:300], lines, key=key, schedule=schedule)
    return schedule


def _rest(position: Position, live: list[Instalment]) -> dict[tuple[int, str], Decimal]:
    balances = {(i.pk, a.value): position.balance(i.pk, a) for i in live for a in RECEIVABLES}
    return {place: amount for place, amount in balances.items() if amount}


def _total(balances: dict[tuple[int, str], Decimal], accounts: tuple[Account, ...]) -> Decimal:
    names = [account.value for account in accounts]
    return sum((amount for (_, name), amount in balances.items() if name in names), ZERO)
