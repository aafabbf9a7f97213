"""What each kind of proposal books once it is approved: one function a kind, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from loans.models import Payment, Proposal
from loans.services.acceleration import accelerate
from loans.services.acts import credit
from loans.services.acts.adjustment import adjust
from loans.services.acts.write_off import put_off_balance, write_off
from loans.services.payments.payment import pay, reverse_payment
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.models import User

BookAct = Callable[[Proposal, User, datetime], object]
K = Proposal.Kind


def _late_payment(proposal: Proposal, actor: User, now: datetime) -> object:
    reference, paid_on = proposal.terms["reference"], date.fromisoformat(proposal.terms["paid_on"])
    same = {"loan": proposal.loan_id, "amount": proposal.amount, "paid_on": paid_on}
    if Payment.objects.filter(reference=reference, reversed_by=None, **same).exists():
        raise RuleViolation(
            f"流水号 {reference} 的还款（{paid_on}，{proposal.amount:,.2f} 元）已经入账，不用再记。",
            code="REFERENCE_BOOKED",
            field="reference",
        )
    return pay(
        loan_id=proposal.loan_id,
        amount=proposal.amount,
        paid_on=paid_on,
        reference=reference,
        actor=actor,
        now=now,
        keep_excess=proposal.terms["keep_excess"],
    )


def _accelerate(proposal: Proposal, actor: User, now: datetime) -> object:
    return accelerate(
        loan_id=proposal.loan_id,
        on=business_date(now),
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


def _reverse(proposal: Proposal, actor: User, now: datetime) -> object:
    payment_id = proposal.payment_id or 0
    return reverse_payment(payment_id=payment_id, reason=proposal.reason, actor=actor, now=now)


def _refund(proposal: Proposal, actor: User, now: datetime) -> object:
    return credit.refund(
        loan_id=proposal.loan_id,
        amount=proposal.amount,
        reference=proposal.terms["reference"],
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


def _return_refund(proposal: Proposal, actor: User, now: datetime) -> object:
    return credit.return_refund(
        loan_id=proposal.loan_id,
        reference=proposal.terms["reference"],
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


def _write_off(proposal: Proposal, actor: User, now: datetime) -> object:
    stored = proposal.terms.get("parts")
    return write_off(
        loan_id=proposal.loan_id,
        parts=None if stored is None else {name: Decimal(text) for name, text in stored.items()},
        reason=proposal.reason,
        key=f"write-off:{proposal.pk or 'rehearsal'}",
        actor=actor,
        now=now,
    )


def _non_accrual(proposal: Proposal, actor: User, now: datetime) -> object:
    return put_off_balance(loan_id=proposal.loan_id, actor=actor, now=now)


def _adjust(proposal: Proposal, actor: User, now: datetime) -> object:
    return adjust(
        loan_id=proposal.loan_id,
        amount=proposal.amount,
        from_part=proposal.terms["from_part"],
        to_part=proposal.terms["to_part"],
        reason=proposal.reason,
        key=f"adjustment:{proposal.pk or 'rehearsal'}",
        actor=actor,
        now=now,
    )


ACTS: dict[Proposal.Kind, BookAct] = {
    K.LATE_PAYMENT: _late_payment,
    K.REVERSAL: _reverse,
    K.REFUND: _refund,
    K.REFUND_BACK: _return_refund,
    K.WRITE_OFF: _write_off,
    K.NON_ACCRUAL: _non_accrual,
    K.ADJUSTMENT: _adjust,
    K.ACCELERATION: _accelerate,
}
