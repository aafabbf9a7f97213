"""Tells the borrower what an act of staff, or a late or reversed payment, changed for them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from loans.models import Correction, Entry, Loan, Schedule
from loans.queries.papers import about
from loans.services.booking import Books
from loans.services.timeline import BookedAct, HistoryStep
from portal.core.notifications.outbox import notify

DONE = {Correction.Kind.BACK_DATED: "补记入账", Correction.Kind.REVERSAL: "冲正"}


def key_of(correction_id: int) -> str:
    """What the notice of a correction and the audit rows above have in common: correction:7."""
    return f"correction:{correction_id}"


def notify_corrected(
    books: Books, correction: Correction, steps: Sequence[HistoryStep], *, was_settled: bool
) -> None:
    """One notice and one message a correction, in its transaction; the books are closed.

    The page has the figures, before and after; the message has none (it shows on a lock screen).
    Mandatory: what somebody owes has changed by an act that is not their own.
    """
    loan, payment = books.loan, correction.payment
    kind = Correction.Kind(correction.kind)
    counter = payment.reversed_by
    figures = ("penalty_before", "penalty_after", "owed_before", "owed_after")
    notify(
        event="loan_corrected",
        key=f"loan:{loan.public_id}:loan_corrected:{key_of(correction.pk)}:{loan.borrower_id}",
        user=loan.borrower,
        channels={"sms"},
        context={
            "number": loan.number,
            "on": correction.as_of,
            "what": DONE[kind],
            "paid_on": payment.paid_on,
            "amount": _yuan(payment.amount),
            "reason": counter.source.removeprefix("冲正：") if counter else "",
            "effects": _effects(loan, steps, was_settled=was_settled),
            "changes": correction.changes,
            **{name: _yuan(getattr(correction, name)) for name in figures},
        },
        about=about(loan),
        link=f"/jiebei/{loan.public_id}/statement/",
        category="repayment",
        mandatory=True,
        now=books.now,
    )


def notify_act(books: Books, entry: Entry, *, title: str, text: str) -> None:
    """An act of staff on somebody's books, told in its transaction; the message has no figures."""
    loan = books.loan
    notify(
        event="loan_act",
        key=f"loan:{loan.public_id}:loan_act:{entry.pk}:{loan.borrower_id}",
        user=loan.borrower,
        channels={"sms"},
        context={"number": loan.number, "on": entry.value_date, "title": title, "text": text},
        about=about(loan),
        link=f"/jiebei/{loan.public_id}/statement/",
        category="repayment",
        mandatory=True,
        now=books.now,
    )


def notify_small(books: Books, given_up: Decimal) -> None:
    """What a payment left was too little to collect."""
    kind = Entry.Kind.TOLERANCE
    entry = Entry.objects.filter(loan=books.loan, kind=kind).latest("pk")
    text = f"剩余 {given_up:,.2f} 元不再收取，借款已结清，结清证明已开出。"
    notify_act(books, entry, title="剩余零头已免收", text=text)


def _effects(loan: Loan, steps: Sequence[HistoryStep], *, was_settled: bool) -> list[str]:
    """What it meant for a breach, an acceleration, the end of the debt; no amounts."""
    kinds = {step.schedule.kind for step in steps if isinstance(step, BookedAct)}
    effects = []
    if Schedule.Kind.BREACHED in kinds:
        effects.append("计划终止时的结算已重新计算")
    if Schedule.Kind.ACCELERATED in kinds:
        lapsed = loan.accelerated_on is None
        effects.append("此前宣布的提前到期不再需要" if lapsed else "提前到期的金额已重新计算")
    if was_settled and not loan.is_settled:
        effects.append("借款恢复为未结清，原结清证明作废")
    elif loan.is_settled and not was_settled:
        effects.append("借款已结清，结清证明已开出")
    return effects


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"
