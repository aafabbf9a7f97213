"""Corrections: what came after the corrected date is undone and done again in order of date.

Payments are split anew. A breach or an acceleration is done again on its own date for its own
reason, with its figures recomputed: what vests and comes back, what is due. What staff decided
stays decided: a back-dated payment that would have cured the plan makes the breach cheaper, it
does not unmake it. Two ends of that rule: where the plan would have been paid in full before the
breach nothing was broken, and the correction is refused with a sentence (the agreement has ended
as breached; staff settle that with the borrower, the books do not guess); where nothing was left
to fall due early, the acceleration lapses and is not done again. The start of a plan is never
crossed: it was signed on figures. A payment from before it that bounces is owed again from the day
of the bounce, as a claim beside the plan (``services.beside``), and that claim is done again as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q

from loans.domain.components import LABELS
from loans.models import Account, Correction, Entry, Payment, Schedule
from loans.queries.debt import debt_of
from loans.services.acceleration import make_due
from loans.services.acts.adjustment import move
from loans.services.acts.beside import bounce_beside, claim_overdrawn
from loans.services.booking import AGAIN, Books
from loans.services.payments.receipts import post_split
from loans.services.payments.splitting import preview_of, split_payment
from loans.services.plans.breach import break_plan
from loans.services.timeline import BookedAct, HistoryStep
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Figures:
    """Penalty ever charged (compound and late fee included) and everything owed on a day, in yuan."""

    as_of: date
    penalty: Decimal
    owed: Decimal


def figures(books: Books, on: date) -> Figures:
    """The figures that a correction changes, as the books have them now."""
    sums = books.position.penalties(on).values()
    penalty = sum((part for pair in sums for part in pair), ZERO)
    return Figures(on, penalty, debt_of(books.position, on).total)


def last_paid(steps: Sequence[HistoryStep], on: date) -> date:
    """The date of the last payment among ``steps``, else ``on``: the day a loan is settled."""
    return max([on, *(step.paid_on for step in steps if isinstance(step, Payment))])


def undo(books: Books, steps: Sequence[HistoryStep], source: str) -> None:
    """Counter-post these steps, newest first, and take the schedules they opened out of force."""
    if not steps:
        return
    payments = [step for step in steps if isinstance(step, Payment)]
    acts = [step.schedule for step in steps if isinstance(step, BookedAct)]
    entries = list(
        Entry.objects.filter(
            Q(payment__in=payments) | Q(schedule__in=acts),
            reverses__isnull=True,
            reversed_by__isnull=True,
        )
        .select_related("payment", "schedule")
        .prefetch_related("postings")
    )
    books.reverse(entries, source)
    opened = {e.schedule_id for e in entries if e.schedule_id}
    for schedule in sorted(books.position.schedules, key=lambda s: -s.number):
        if schedule.pk in opened and schedule.undone_on is None:
            books.undo_schedule(schedule, books.booked_on)
            if schedule.kind == Schedule.Kind.ACCELERATED:
                books.changes["accelerated_on"] = None


def do_again(books: Books, steps: Sequence[HistoryStep]) -> list[str]:
    """Book these steps again in their order; returns a sentence for each one whose figures changed.

    What a payment now brings beyond all that was owed on its date becomes a credit balance. Errors:
    RuleViolation where a plan would have been paid in full before its breach was confirmed.
    """
    sentences = []
    for step in steps:
        if isinstance(step, Payment):
            sentences.append(_pay_again(books, step))
        elif step.schedule.kind == Schedule.Kind.BREACHED:
            sentences.append(_break_again(books, step))
        elif step.schedule.kind == Schedule.Kind.ADDED:
            sentences.append(_add_again(books, step))
        else:
            sentences.append(_accelerate_again(books, step))
    return [sentence for sentence in sentences if sentence]


def _pay_again(books: Books, payment: Payment) -> str:
    books.bring_to(payment.paid_on)
    before = payment.split_now
    split = split_payment(books.position, payment.amount, payment.paid_on, keep_excess=True)
    payment.split_now = preview_of(split).as_json()
    Payment.objects.filter(pk=payment.pk).update(split_now=payment.split_now)
    key = f"payment:{payment.reference}:{books.loan.version}"
    post_split(books, payment, split, key=key)
    parts = _moved(before, payment.split_now)
    if not parts:
        return ""
    return (
        f"{payment.paid_on:%Y-%m-%d} 的还款 {payment.amount:,.2f} 元重新分配：{'，'.join(parts)}。"
    )


def _moved(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = before["totals"], after["totals"]
    parts = [(LABELS[name], Decimal(was[name]), Decimal(now[name])) for name in LABELS]
    old_credit, new_credit = (Decimal(split.get("credit", ZERO)) for split in (before, after))
    parts.append((Account.CREDIT.label, old_credit, new_credit))
    return [f"{label} {old:,.2f} → {new:,.2f} 元" for label, old, new in parts if old != new]


def _break_again(books: Books, act: BookedAct) -> str:
    on, old = act.schedule.opened_on, act.schedule.terms or {}
    books.bring_to(on)
    if not sum((row.principal for row in debt_of(books.position, on).instalments), ZERO):
        raise RuleViolation(
            f"更正后，新还款计划在 {on:%Y-%m-%d}（确认违约的日期）之前已经还清，当天不应违约；"
            "系统不会自动收回已确认的违约，本次未入账。"
            f"请改按 {on:%Y-%m-%d} 入账，多恢复的部分再用一次减免方案减掉。",
            code="PLAN_PAID",
            field="paid_on",
        )
    old_vested, old_returned = (f"{Decimal(old[name]):,.2f}" for name in ("vested", "returned"))
    schedule = break_plan(
        books,
        on,
        key=_key(books, act),
        reason=old["reason"],
        formerly=f"（更正前：保留 {old_vested} 元，恢复 {old_returned} 元）",
    )
    new = schedule.terms or {}
    new_due, old_due = (one.instalments.get().principal for one in (schedule, act.schedule))
    return (
        f"{on:%Y-%m-%d} 的违约重新计算：减免保留 {old_vested} → {Decimal(new['vested']):,.2f} 元，"
        f"恢复 {old_returned} → {Decimal(new['returned']):,.2f} 元，到期本金 {old_due:,.2f} → {new_due:,.2f} 元。"
    )


def _accelerate_again(books: Books, act: BookedAct) -> str:
    on = act.schedule.opened_on
    undue = books.position.undue(on)
    old_due = act.schedule.instalments.get().principal
    if not undue:
        return (
            f"{on:%Y-%m-%d} 的提前到期不再需要：当天已没有未到期的本金（原为 {old_due:,.2f} 元）。"
        )
    schedule = make_due(books, undue, on, act.entry.source, key=_key(books, act))
    new_due = schedule.instalments.get().principal
    return f"{on:%Y-%m-%d} 的提前到期重新计算：提前到期的本金 {old_due:,.2f} → {new_due:,.2f} 元。"


def _add_again(books: Books, act: BookedAct) -> str:
    on = act.schedule.opened_on
    books.bring_to(on)
    if act.entry.payment is not None:
        bounce_beside(books, act.entry.payment, on, act.entry.source, key=_key(books, act))
        return ""
    if act.entry.kind == Entry.Kind.ADJUSTMENT:
        return _adjust_again(books, act)
    was = act.schedule.instalments.get().principal
    schedule = claim_overdrawn(books, on, key=_key(books, act))
    claimed = schedule.instalments.get().principal if schedule else ZERO
    if claimed == was:
        return ""
    return f"{on:%Y-%m-%d} 收回的多退款项 {was:,.2f} → {claimed:,.2f} 元。"


def _adjust_again(books: Books, act: BookedAct) -> str:
    terms, on = act.schedule.terms or {}, act.schedule.opened_on
    schedule = move(books, terms, on, terms["reason"], key=_key(books, act))
    was, now = (one.instalments.get().total if one else ZERO for one in (act.schedule, schedule))
    return "" if was == now else f"{on:%Y-%m-%d} 的科目调整 {was:,.2f} → {now:,.2f} 元。"


def close_gap(books: Books) -> list[str]:
    """What was refunded beyond what is left of the credit balance is owed again from today."""
    today = business_date(books.now)
    if books.position.credit >= ZERO:
        return []
    books.bring_to(max(today, books.booked_on))
    key = f"claim:{books.loan.pk}:{books.loan.version}"
    schedule = claim_overdrawn(books, books.booked_on, key=key)
    assert schedule is not None
    return [f"{schedule.source}（{books.booked_on:%Y-%m-%d} 起）。"]


def _key(books: Books, act: BookedAct) -> str:
    return f"{act.first_key}{AGAIN}{books.loan.version}"


def record(
    books: Books, payment: Payment, kind: str, before: Figures, changes: list[str]
) -> Correction:
    """Write down what the correction changed, as of the day of ``before``."""
    after = figures(books, before.as_of)
    return Correction.objects.create(
        loan=books.loan,
        payment=payment,
        kind=kind,
        as_of=before.as_of,
        penalty_before=before.penalty,
        penalty_after=after.penalty,
        owed_before=before.owed,
        owed_after=after.owed,
        changes=changes,
        actor=books.actor,
        at=books.now,
    )
