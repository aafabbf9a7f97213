"""A loan lived again from the start: the same acts on the same dates, nothing late or taken back.

The yardstick of every correction: whatever was booked late or reversed, the books must say what
they would say if everything had been known on its day.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q

from loans.domain.restructure import ReliefTerms
from loans.models import Account, Entry, Loan, Payment, Schedule
from loans.queries.debt import load_debt
from loans.services.acceleration import accelerate
from loans.services.acts.adjustment import move
from loans.services.acts.beside import claim_overdrawn
from loans.services.booking import open_books
from loans.services.ledger import PostingLine
from loans.services.origination import open_loan
from loans.services.payments.payment import pay, reverse_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import apply_relief
from loans.services.timeline import BookedAct, steps_of
from tests.loans.books import at

D = Decimal
PARTS = ("principal", "interest", "penalty", "compound", "fee", "kept_interest", "kept_penalty")


def figures(loan: Loan, on: date) -> list[tuple[Any, ...]]:
    """What is owed of every instalment in force, without row ids, and the running interest."""
    owed = load_debt(Loan.objects.get(pk=loan.pk), on)
    rows = [
        (row.due_on, row.scheduled, *(getattr(row, part) for part in PARTS))
        for row in owed.instalments
        if row.total
    ]
    return [*rows, (owed.accrued_interest, owed.payoff)]


def rebuilt(loan: Loan) -> Loan:
    """A new loan on which all that holds of ``loan`` was done in the order of its dates."""
    again = open_loan(
        borrower=loan.borrower,
        product=loan.terms,
        principal=loan.principal,
        term_months=loan.term_months,
        drawdown_on=loan.drawdown_on,
        due_day=loan.due_day,
        now=at(loan.drawdown_on),
    )
    received: dict[int, Payment] = {}  # by the payment of the first loan
    for on, place, step in _in_order(loan):
        if isinstance(step, Payment):
            received[step.pk] = _receive(again, step, on, place)
        elif isinstance(step, BookedAct) and step.entry.kind == Entry.Kind.CLAIM:
            _refund_without_cover(again, step, on)
        elif isinstance(step, BookedAct) and step.entry.kind == Entry.Kind.BOUNCE:
            bounced = received[step.entry.payment_id or 0]
            reverse_payment(payment_id=bounced.pk, reason="退票", actor=None, now=at(on))
        else:
            _do(again, step, on, place)
    return again


def _in_order(loan: Loan) -> list[tuple[date, int, Payment | BookedAct | Schedule]]:
    """(date, first entry, what) of all that holds of a loan, oldest first."""
    with open_books(loan.pk, actor=None, now=at(loan.booked_on)) as books:
        acts = [(*place, act) for place, act in steps_of(books, [])]
    beside_a_plan = Q(reversed_by__kind=Entry.Kind.BOUNCE)  # held until it bounced
    payments = Payment.objects.filter(Q(reversed_by=None) | beside_a_plan, loan=loan)
    plans = Entry.objects.filter(loan=loan, kind=Entry.Kind.PLAN, reversed_by=None)
    steps = [
        *acts,
        *((plan.value_date, plan.pk, plan.schedule) for plan in plans),
        *((one.paid_on, one.entries.earliest("pk").pk, one) for one in payments),
    ]
    return sorted(steps, key=lambda step: step[:2])


def _receive(loan: Loan, payment: Payment, on: date, place: int) -> Payment:
    return pay(
        loan_id=loan.pk,
        amount=payment.amount,
        paid_on=on,
        reference=f"again:{loan.pk}:{place}",
        actor=None,
        now=at(on),
        keep_excess=True,
    )


def _refund_without_cover(loan: Loan, claim: BookedAct, on: date) -> None:
    """Money went out that nothing had come in for: a claim of the same amount from that day."""
    amount = claim.schedule.instalments.get().principal
    with open_books(loan.pk, actor=None, now=at(on)) as books:
        books.bring_to(on)
        lines = [PostingLine(Account.CREDIT, amount), PostingLine(Account.CASH, -amount)]
        books.post(Entry.Kind.REFUND, on, "没有对应还款的退款", lines)
        claim_overdrawn(books, on, key=f"again:{loan.pk}:{claim.entry.pk}")
        books.close()


def _do(loan: Loan, step: BookedAct | Schedule, on: date, place: int) -> None:
    same = {"loan_id": loan.pk, "actor": None, "now": at(on)}
    key = f"again:{loan.pk}:{place}"
    if isinstance(step, Schedule):
        apply_relief(terms=_terms(step.terms or {}), rules=step.plan_rules, on=on, key=key, **same)
    elif step.schedule.kind == Schedule.Kind.BREACHED:
        reinstate(on=on, key=key, reason="未还", **same)
    elif step.entry.kind == Entry.Kind.ADJUSTMENT:
        with open_books(loan.pk, actor=None, now=at(on)) as books:
            books.bring_to(on)
            move(books, step.schedule.terms or {}, on, "", key=key)
            books.close()
    else:
        accelerate(on=on, reason="严重逾期", **same)


def _terms(stored: dict[str, Any]) -> ReliefTerms:
    dates = ("figures_as_of", "first_due_on")
    money = ("waive_penalty", "waive_interest", "waive_compound", "waive_fee", "plan_annual_rate")
    values = {name: stored[name] for name in ReliefTerms.__dataclass_fields__}
    values |= {name: date.fromisoformat(values[name]) for name in dates}
    values |= {name: D(values[name]) for name in money if values[name] is not None}
    return ReliefTerms(**values)
