"""An accepted offer on the books: waive, supersede, open the plan; and taking it back."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loans.domain.plan_rules import PlanRules
from loans.domain.restructure import PlanPreview, ReliefTerms, plan_preview
from loans.models import Account, Entry, Instalment, Loan, Payment, Schedule
from loans.queries.debt import debt_of
from loans.queries.penalty_basis import LOAN
from loans.queries.position import Position, load_position
from loans.queries.types import Debt
from loans.services import observers
from loans.services.booking import Books, income, open_books
from loans.services.ledger import PostingLine
from loans.services.observers import DebtChange
from loans.services.plans.plan_books import INTEREST_LIKE, OWED, PENALTY_LIKE, opening
from loans.services.refusals import check_event_date, check_open, refusing
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO, share
from portal.core.models import User

AmountsByPart = dict[tuple[int, str], Decimal]


def preview_relief(*, loan: Loan, terms: ReliefTerms, on: date) -> PlanPreview:
    """The plan that these terms would open, on the debt as of ``terms.figures_as_of``.

    Errors: RuleViolation naming the term that breaks a bound of relief/RULES.md §6, or when the
    figures are newer than ``on``. Example: the loan L of loans/RULES.md on 2023-10-09, all 161.50
    waived, 12 terms: 11 × 509.17 + 509.25 = 6,110.12.
    """
    check_open(loan)
    if terms.figures_as_of > on:
        raise RuleViolation("方案的计算日期不能晚于今天，请重新生成方案。", field="figures_as_of")
    position = load_position(loan)
    with refusing():
        figures = debt_of(position, terms.figures_as_of).figures
        return plan_preview(position.profile, figures, terms)


def apply_relief(
    *,
    loan_id: int,
    terms: ReliefTerms,
    rules: PlanRules,
    on: date,
    key: str,
    actor: User | None,
    now: datetime,
) -> Schedule:
    """Execute accepted terms (loans/RULES.md §6): book penalty to ``on`` → waive → close the old
    schedule → open the plan; one transaction, once per ``key``.

    What ran on between ``terms.figures_as_of`` and ``on`` is waived too, as an entry of its own;
    it is no part of what comes back on breach. ``rules`` are kept with the plan: its grace and
    cure follow them to its end. Errors: RuleViolation (DEBT_CHANGED when something
    was paid since the figures; a bound of the terms). Example: waive 60 % of 161.50: waived
    96.90, kept 64.60, 11 × 514.55 + 514.67.
    """
    with open_books(loan_id, actor=actor, now=now) as books:
        done = Entry.objects.filter(key=key, loan_id=loan_id).select_related("schedule").first()
        if done is not None and done.schedule is not None:
            opened: Schedule = done.schedule
            return opened
        check_open(books.loan)
        check_event_date(books.loan, on, now, field="on", label="执行日期")
        locked = _locked_debt(books, terms, rules, on)
        with refusing():
            plan = plan_preview(books.position.profile, locked.figures, terms)
        schedule = _execute(books, terms, rules, plan, locked, on, key)
        books.close()
        observers.notify_changed(books.loan, DebtChange.RELIEF, now)
    return schedule


def _locked_debt(books: Books, terms: ReliefTerms, rules: PlanRules, on: date) -> Debt:
    """The debt as of the offer's date, if it is still the debt the offer was made on."""
    position = books.position
    before = sum(schedule.is_plan for schedule in position.schedules_on())
    with refusing():
        rules.check_limits(terms, plan_number=before + 1)
    figures_as_of = terms.figures_as_of
    if not books.loan.drawdown_on <= figures_as_of <= on:
        raise RuleViolation("方案的计算日期有误，请重新生成方案。", field="figures_as_of")
    newer = any(
        move.on > figures_as_of and move.kind in _EVENTS
        for instalment_id, moves in position.moves.items()
        if instalment_id != LOAN
        for move in moves
    )
    if newer or any(s.opened_on > figures_as_of for s in position.schedules_on()[1:]):
        raise RuleViolation(
            "方案生成之后这笔借款有新的还款或调整，请按最新欠款重新生成方案。",
            code="DEBT_CHANGED",
        )
    return debt_of(position, figures_as_of)


_EVENTS = frozenset(
    kind.value for kind in Entry.Kind if kind not in (Entry.Kind.PENALTY, Entry.Kind.INTEREST)
)


def _execute(
    books: Books,
    terms: ReliefTerms,
    rules: PlanRules,
    plan: PlanPreview,
    locked: Debt,
    on: date,
    key: str,
) -> Schedule:
    position, figures_as_of = books.position, terms.figures_as_of
    in_force = position.live()
    undue = position.undue(figures_as_of)
    books.bring_to(on)
    parts = _parts(locked, undue)
    waived = _waived_parts(parts, terms)
    meanwhile = _meanwhile(position, in_force, parts, undue, locked)
    kept = {place: amount - waived.get(place, ZERO) for place, amount in parts.items()}
    principal = [(row.pk, position.balance(row.pk, Account.PRINCIPAL)) for row in in_force]
    schedule = books.open_schedule(
        Schedule.Kind.PLAN,
        on,
        "减免后的新还款计划",
        _rows(plan),
        _terms_json(terms, plan, meanwhile),
        rules=rules,
    )
    if undue and undue[0].due_on > on and locked.accrued_interest:
        lines = income(undue[0], Account.INTEREST, locked.accrued_interest)
        source = f"计息至方案计算日 {figures_as_of:%Y-%m-%d}"
        books.post(Entry.Kind.ACCRUAL, figures_as_of, source, lines, schedule=schedule)
    _post_waiver(books, waived, on, "按协商协议减免", f"{key}:waiver", schedule)
    source = f"{figures_as_of:%Y-%m-%d} 之后继续计收的部分一并减免"
    _post_waiver(books, meanwhile, on, source, f"{key}:meanwhile", schedule)
    new_rows = [row for row in position.instalments if row.schedule_id == schedule.pk]
    moves = [PostingLine(Account.PRINCIPAL, -amount, pk) for pk, amount in principal]
    moves += [PostingLine(account, -amount, pk) for (pk, account), amount in kept.items()]
    books.post(
        Entry.Kind.PLAN, on, "新还款计划生效", moves + opening(new_rows), key=key, schedule=schedule
    )
    books.recover(on, schedule=schedule)
    return schedule


def _parts(locked: Debt, undue: list[Instalment]) -> AmountsByPart:
    """(instalment, account) → what was owed of it on the offer's date, principal left out."""
    parts: AmountsByPart = {}
    for row in locked.instalments:
        for account in OWED:
            amount = row.parts[account]
            if account == Account.INTEREST and row.due_on > locked.as_of:
                amount = ZERO
            if amount:
                parts[row.id, account.value] = amount
    if undue and locked.accrued_interest:
        parts[undue[0].pk, Account.INTEREST.value] = locked.accrued_interest
    return parts


def _waived_parts(parts: AmountsByPart, terms: ReliefTerms) -> AmountsByPart:
    """Each waiver over the instalments that owe its component, by largest remainder."""
    waived: AmountsByPart = {}
    for accounts, amount in (
        (PENALTY_LIKE, terms.waivers.penalty),
        (INTEREST_LIKE, terms.waivers.interest),
        ((Account.COMPOUND,), terms.waivers.compound),
        ((Account.FEE,), terms.waivers.fee),
    ):
        names = [account.value for account in accounts]
        places = [place for place in parts if place[1] in names]
        for place, part in zip(places, share(amount, [parts[p] for p in places]), strict=True):
            if part:
                waived[place] = part
    return waived


def _meanwhile(
    position: Position,
    in_force: list[Instalment],
    parts: AmountsByPart,
    undue: list[Instalment],
    locked: Debt,
) -> AmountsByPart:
    """What ran on after the offer's date: booked balances minus what the offer counted."""
    running = undue[0].pk if undue and locked.accrued_interest else None
    run_on: AmountsByPart = {}
    for row in in_force:
        for account in OWED:
            place = (row.pk, account.value)
            balance = position.balance(row.pk, account)
            if account == Account.INTEREST and row.pk == running and not balance:
                continue  # its accrual is posted with the plan
            if extra := balance - parts.get(place, ZERO):
                run_on[place] = extra
    return run_on


def _post_waiver(
    books: Books, waived: AmountsByPart, on: date, source: str, key: str, schedule: Schedule
) -> None:
    lines = []
    for (pk, account), amount in waived.items():
        lines += [PostingLine(account, -amount, pk), PostingLine(Account.WAIVER, amount, pk)]
    books.post(Entry.Kind.WAIVER, on, source, lines, key=key, schedule=schedule)


def _rows(plan: PlanPreview) -> list[Instalment]:
    return [
        Instalment(
            number=row.number,
            start_on=row.start_on,
            due_on=row.due_on,
            principal=row.principal,
            interest=row.interest,
            kept_interest=row.kept_interest,
            kept_penalty=row.kept_penalty,
        )
        for row in plan.rows
    ]


def _terms_json(terms: ReliefTerms, plan: PlanPreview, meanwhile: AmountsByPart) -> dict[str, Any]:
    values = {f.name: getattr(terms, f.name) for f in fields(terms)}
    stored_terms = {
        name: v if v is None or isinstance(v, int) else str(v) for name, v in values.items()
    }
    return stored_terms | {
        "waived": str(plan.waived),
        "waived_meanwhile": str(sum(meanwhile.values(), ZERO)),
        "principal": str(sum((row.principal for row in plan.rows), ZERO)),
        "total": str(plan.total),
        "before_total": str(plan.before_total),
        "plan_interest": str(plan.plan_interest),
    }


def revoke_relief(
    *, loan_id: int, key: str, reason: str, actor: User | None, now: datetime
) -> Schedule:
    """Take back the relief that ``key`` executed, before the first payment by its plan.

    Counter-postings bring every balance back to what it was; the old schedule is live again and
    penalty runs as if the plan had never been. A second call changes nothing. Errors:
    RuleViolation (unknown key, no reason, a payment was made, a newer plan exists).
    """
    reason = reason.strip()
    if not reason:
        raise RuleViolation("请填写撤销原因。", field="reason")
    with open_books(loan_id, actor=actor, now=now) as books:
        done = Entry.objects.filter(key=key, loan_id=loan_id, kind=Entry.Kind.PLAN).first()
        if done is None:
            raise RuleViolation("没有找到要撤销的减免方案，请刷新后再试。", code="UNKNOWN_KEY")
        schedule = next(s for s in books.position.schedules if s.pk == done.schedule_id)
        if schedule.undone_on is not None:
            return schedule
        paid = Payment.objects.filter(
            loan_id=loan_id, reversed_by__isnull=True, entries__pk__gt=done.pk
        )
        if not schedule.is_live or paid.exists():
            raise RuleViolation("已按新计划还款或已有后续调整，不能撤销该方案。", code="PAID")
        entries = list(
            Entry.objects.filter(schedule=schedule, reverses__isnull=True).prefetch_related(
                "postings"
            )
        )
        books.reverse(entries, f"撤销减免方案：{reason}"[:300], key=f"{key}:revoked")
        books.undo_schedule(schedule, books.booked_on)
        books.bring_to(books.booked_on)
        books.close()
        observers.notify_changed(books.loan, DebtChange.REVOKED, now)
    return schedule
