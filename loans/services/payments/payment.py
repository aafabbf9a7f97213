"""Money received: split by the rules, posted once per reference, corrected by counter-postings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count

from django.db import IntegrityError

from loans.models import Account, Correction, Entry, Instalment, Loan, Payment
from loans.queries.debt import debt_of
from loans.queries.position import Position, load_position
from loans.services import notices, observers
from loans.services.acts import beside
from loans.services.booking import Books, open_books
from loans.services.observers import DebtChange
from loans.services.payments import correction, settlement, tolerance
from loans.services.payments.receipts import post_split
from loans.services.payments.splitting import SplitPreview, preview_of, split_payment
from loans.services.refusals import check_event_date, check_open, refusing
from loans.services.timeline import HistoryStep, place_of, steps_of
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import FEN, ZERO, require_money
from portal.core.models import User
from portal.core.retry import retried


def preview_payment(
    *, loan: Loan, amount: Decimal, on: date, books: Position | None = None
) -> SplitPreview:
    """What a payment of ``amount`` yuan on ``on`` would do; writes nothing.

    ``books`` are the loan's, where they are read already.
    Errors: RuleViolation (settled; amount ≤ 0 or above the pay-off, with that amount named).
    Example (loans/RULES.md §5): 2,100 on 2023-09-20 → 64.24 / 54.00 / 1,981.76.
    """
    check_open(loan)
    amount = _amount(amount)
    return preview_of(split_payment(books or load_position(loan), amount, on))


@retried
def pay(
    *,
    loan_id: int,
    amount: Decimal,
    paid_on: date,
    reference: str,
    actor: User | None,
    now: datetime,
    keep_excess: bool = False,
) -> Payment:
    """Receive ``amount`` yuan on ``paid_on`` under the provider's ``reference``; twice is once.

    Order of allocation: loans/RULES.md §5. More than what is due is prepayment: interest to that
    day, then principal, and the schedule is recomputed. A date before later payments, breaches or
    an acceleration undoes them, posts this one and does them again (`loans.services.payments.correction`);
    what changed is a row of ``Correction``, as for any date before today. With ``keep_excess`` money
    beyond the pay-off, also of a settled loan, becomes a credit balance to be refunded. Errors: RuleViolation
    when the reference is known with another loan, amount or date or was reversed (then money that
    did arrive takes a reference of its own), above the pay-off, before an executed plan.
    """
    amount = _amount(amount)
    reference = reference.strip()
    if not reference or len(reference) > 80:
        raise RuleViolation("缺少还款流水号，请重新发起还款。", field="reference")
    try:
        return _pay(loan_id, amount, paid_on, reference, actor, now, keep_excess=keep_excess)
    except IntegrityError:
        same_reference = Payment.objects.filter(reference=reference).first()
        if same_reference is None:
            raise
        return _same(same_reference, loan_id, amount, paid_on)


def _pay(
    loan_id: int,
    amount: Decimal,
    paid_on: date,
    reference: str,
    actor: User | None,
    now: datetime,
    *,
    keep_excess: bool,
) -> Payment:
    with open_books(loan_id, actor=actor, now=now) as books:
        active = list(Payment.objects.filter(loan_id=loan_id).order_by("paid_on", "pk"))
        same_reference = next((p for p in active if p.reference == reference), None)
        if same_reference is None:
            same_reference = Payment.objects.filter(reference=reference).first()
        if same_reference is not None:
            return _same(same_reference, loan_id, amount, paid_on)
        check_event_date(books.loan, paid_on, now, field="paid_on", label="付款日")
        _check_no_plan_later(books, paid_on)
        steps = [step for (on, _), step in steps_of(books, active) if on > paid_on]
        if not steps and not keep_excess:
            check_open(books.loan)
        today = business_date(now)
        before = correction.figures(books, today) if steps or paid_on < today else None
        correction.undo(books, steps, f"补记 {paid_on:%Y-%m-%d} 的还款，重新入账")
        payment = _receive(books, amount, paid_on, reference, keep_excess=keep_excess)
        changes = correction.do_again(books, steps) + correction.close_gap(books)
        correction_row = None
        if before is not None:
            correction_row = correction.record(
                books, payment, Correction.Kind.BACK_DATED, before, changes
            )
        _finish(
            books,
            DebtChange.PAYMENT,
            correction.last_paid(steps, paid_on),
            correction_row,
            steps,
            _last([payment, *steps]),
        )
    return payment


@retried
def reverse_payment(*, payment_id: int, reason: str, actor: User | None, now: datetime) -> Payment:
    """Take a payment back by counter-postings on its own date; what came later is done again.

    The start of a signed plan is not crossed: a payment from before it is owed again from today,
    beside the plan or what became of it (``services.beside``). A second call changes nothing.
    Nothing is ever deleted. Errors: RuleViolation without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise RuleViolation("请填写冲正原因。", field="reason")
    loan_id = Payment.objects.values_list("loan_id", flat=True).get(pk=payment_id)
    with open_books(loan_id, actor=actor, now=now) as books:
        rows = list(Payment.objects.filter(loan_id=loan_id).order_by("paid_on", "pk"))
        payment = next(p for p in rows if p.pk == payment_id)
        if payment.is_reversed:
            return payment
        before = correction.figures(books, business_date(now))
        steps = steps_of(books, rows)
        place = place_of(steps, payment)
        later = [step for step_place, step in steps if step_place > place]
        settlement.reopen(books)
        if _plan_after(books, payment):
            changes = _bounce_beside(books, payment, reason)
            later = []
        else:
            changes = _undo_payment(books, payment, later, reason)
        changes += correction.close_gap(books)
        correction_row = correction.record(
            books, payment, Correction.Kind.REVERSAL, before, changes
        )
        on = correction.last_paid(later, payment.paid_on)
        _finish(books, DebtChange.REVERSAL, on, correction_row, later, _last(later))
    return payment


def _last(steps: Sequence[HistoryStep]) -> Payment | None:
    """The newest payment among these."""
    return next((step for step in reversed(steps) if isinstance(step, Payment)), None)


def _undo_payment(
    books: Books, payment: Payment, later: list[HistoryStep], reason: str
) -> list[str]:
    correction.undo(books, [payment, *later], f"冲正：{reason}"[:300])
    counter = _write_counter(books, payment)
    Payment.objects.filter(pk=payment.pk).update(reversed_by=counter)
    payment.reversed_by = counter
    return correction.do_again(books, later)


def _write_counter(books: Books, payment: Payment) -> Entry:
    """Write the counter-postings; the one that gives the cash back is the payment's."""
    drafts = list(books.drafts)
    for draft, entry in zip(drafts, books.flush(), strict=True):
        of_this = draft.payment is not None and draft.payment.pk == payment.pk
        if of_this and any(line.account == Account.CASH for line in draft.lines):
            return entry
    raise AssertionError(f"payment {payment.pk} has no cash posting")


def _amount(amount: Decimal) -> Decimal:
    with refusing():
        exact = require_money(amount, "amount")
    if exact < FEN:
        raise RuleViolation("还款金额应大于 0，请填写例如 100.00。", field="amount")
    return exact


def _same(earlier: Payment, loan_id: int, amount: Decimal, paid_on: date) -> Payment:
    """The payment already booked under this reference; RuleViolation where loan, amount or date differ."""
    if earlier.loan_id != loan_id or earlier.amount != amount:
        raise RuleViolation(
            f"流水号 {earlier.reference} 已用于另一笔还款（{earlier.amount:,.2f} 元），"
            "本次未入账。请核对金额，或更换流水号。",
            code="REFERENCE_REUSED",
            field="reference",
        )
    if earlier.is_reversed:
        undone = Correction.objects.filter(payment=earlier, kind=Correction.Kind.REVERSAL).first()
        on = f"（{undone.as_of:%Y-%m-%d}）" if undone else ""
        raise RuleViolation(
            f"流水号 {earlier.reference} 的还款（{earlier.paid_on:%Y-%m-%d}，{earlier.amount:,.2f} 元）"
            f"已冲正{on}，本次未入账。款项如实际已到账，请换用新的流水号补记，"
            f"例如 {_next_reference(earlier)}。",
            code="REFERENCE_REVERSED",
            field="reference",
        )
    if earlier.paid_on != paid_on:
        raise RuleViolation(
            f"流水号 {earlier.reference} 已按付款日 {earlier.paid_on:%Y-%m-%d} 入账"
            f"（{earlier.amount:,.2f} 元），与本次的付款日 {paid_on:%Y-%m-%d} 不同，本次未入账。"
            "付款日记错的，请先冲正那一笔，再换用新的流水号补记；另一笔款项请填它自己的流水号。",
            code="REFERENCE_DATED",
            field="reference",
        )
    return earlier


def _next_reference(reversed_: Payment) -> str:
    """The reference with its first free number behind it: bank-1 → bank-1-2."""
    stem = reversed_.reference[:74]
    with_stem = Payment.objects.filter(reference__startswith=f"{stem}-")
    used_references = set(with_stem.values_list("reference", flat=True))
    return next(name for n in count(2) if (name := f"{stem}-{n}") not in used_references)


def _check_no_plan_later(books: Books, paid_on: date) -> None:
    """A plan was signed on figures: no payment is booked before the day it began."""
    plans = [s for s in books.position.schedules_on() if s.is_plan and s.opened_on > paid_on]
    if plans:
        on = f"{plans[-1].opened_on:%Y-%m-%d}"
        raise RuleViolation(
            f"{on} 已执行“{plans[-1].get_kind_display()}”，"
            f"付款日不能早于这一天，请改为 {on} 或之后的日期。",
            code="BEFORE_PLAN",
            field="paid_on",
        )


def _plan_after(books: Books, payment: Payment) -> bool:
    """Was a plan signed after this payment, that was not revoked?"""
    first = payment.entries.order_by("pk").values_list("pk", flat=True)[:1]
    plans = Entry.objects.filter(
        loan=books.loan, kind=Entry.Kind.PLAN, reversed_by__isnull=True, pk__gt=first[0]
    )
    return plans.exists()


def _bounce_beside(books: Books, payment: Payment, reason: str) -> list[str]:
    """What a plan was signed on stays: the money is owed again from today, beside the plan."""
    today = business_date(books.now)
    books.bring_to(today)
    key = f"bounce:{payment.pk}"
    schedule = beside.bounce_beside(books, payment, today, f"冲正：{reason}", key=key)
    counter = next(entry for entry in books.flush() if entry.key == key)
    Payment.objects.filter(pk=payment.pk).update(reversed_by=counter)
    payment.reversed_by = counter
    row = schedule.instalments.get()
    return [
        f"{payment.paid_on:%Y-%m-%d} 的还款在新还款计划之前，计划的数字不变；"
        f"退回的 {payment.amount:,.2f} 元（{_columns(row)}）从 {today:%Y-%m-%d} 起应还。"
    ]


def _columns(row: Instalment) -> str:
    columns = (Account.PRINCIPAL, Account.KEPT_INTEREST, Account.KEPT_PENALTY)
    amounts = ((column.label, getattr(row, column.value)) for column in columns)
    return "，".join(f"{label} {amount:,.2f}" for label, amount in amounts if amount)


def _receive(
    books: Books, amount: Decimal, on: date, reference: str, *, keep_excess: bool
) -> Payment:
    books.bring_to(on)
    split = split_payment(books.position, amount, on, keep_excess=keep_excess)
    preview = preview_of(split)
    payment = Payment.objects.create(
        loan=books.loan,
        reference=reference,
        amount=amount,
        paid_on=on,
        kind=preview.kind,
        split=preview.as_json(),
        split_now=preview.as_json(),
        actor=books.actor,
        at=books.now,
    )
    post_split(books, payment, split, key=f"payment:{reference}")
    return payment


def _finish(
    books: Books,
    change: DebtChange,
    on: date,
    correction_row: Correction | None,
    again: Sequence[HistoryStep],
    last: Payment | None,
) -> None:
    """Bring the books to where they were, settle if nothing is owed, tell the observers.

    ``last`` is the newest payment in force: what it left may be too little to collect.

    A correction is told first, to them and to the borrower: it is why the rest happens.
    """
    books.bring_to(max(on, books.booked_on))
    given_up = tolerance.close_small(books, last) if last is not None else ZERO
    was_settled = books.loan.is_settled
    stays_settled = was_settled and "status" not in books.changes and not again
    settled = not stays_settled and debt_of(books.position, books.booked_on).payoff == ZERO
    if settled:
        settlement.settle(books, on)
    books.close()
    if correction_row is not None:
        observers.notify_corrected(correction_row, books.now)
        notices.notify_corrected(books, correction_row, again, was_settled=was_settled)
    observers.notify_changed(books.loan, change, books.now)
    if given_up:
        notices.notify_small(books, given_up)
    if settled:
        observers.notify_settled(books.loan, books.now)
