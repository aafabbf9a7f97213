"""An open set of books: one loan locked, read once, brought to a date, written at the end.

Convention of interest: it is recognised on the due date of its instalment (value date = due
date), when something next happens; interest of a running period is recognised only by what
ends the period early (prepayment, plan, breach), as its own kind of entry, "accrual".
Penalty: an event on a date books round(cumulative exact penalty) − already booked, for each
instalment; after a back-dated event or a reversal the difference may be negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from loans.domain.plan_rules import PlanRules
from loans.models import Account, Entry, Instalment, Loan, Payment, Schedule
from loans.queries.carrying import (
    WRITTEN_OFF,
    claim,
    off_balance,
    off_balance_target,
    written_off,
)
from loans.queries.penalty_basis import CHARGED, INCOME_OF, LOAN, NOT_CHARGED, LedgerMovement
from loans.queries.position import Position, load_position
from loans.services import ledger, observers
from loans.services.ledger import EntryDraft, PostingLine
from portal.core.errors import StaleWrite
from portal.core.kernel.money import ZERO
from portal.core.models import User

SCHEDULED = (Entry.Kind.INTEREST.value,)
PENALTIES = (Entry.Kind.PENALTY.value,)
AGAIN = ":again:"  # key of what a correction does again = the first key + this + the loan's version


class Books:
    """The books of one locked loan; ``post`` collects, ``close`` writes and checks the version."""

    def __init__(self, loan: Loan, position: Position, actor: User | None, now: datetime) -> None:
        self.loan = loan
        self.position = position
        self.actor = actor
        self.now = now
        self.drafts: list[EntryDraft] = []
        self.posted = 0  # entries so far, written or not: each has a key of its own
        self.changes: dict[str, object] = {}

    # --- writing ---------------------------------------------------------------------------

    def post(
        self,
        kind: str,
        on: date,
        source: str,
        lines: Iterable[PostingLine],
        *,
        key: str = "",
        payment: Payment | None = None,
        schedule: Schedule | None = None,
        reverses: Entry | None = None,
    ) -> None:
        """Collect an entry; figures of ``position`` see it at once. Zero lines are dropped."""
        nonzero = tuple(line for line in lines if line.amount != ZERO)
        if not nonzero:
            return
        self.drafts.append(
            EntryDraft(
                loan=self.loan,
                kind=kind,
                value_date=on,
                key=key or f"{kind}:{self.loan.pk}:{self.loan.version}:{self.posted}",
                source=source,
                lines=nonzero,
                actor=self.actor,
                payment=payment,
                schedule=schedule,
                reverses_id=reverses.pk if reverses else None,
            )
        )
        self.posted += 1
        effective = reverses.kind if reverses else kind
        self.position.record(
            LedgerMovement(line.instalment_id or LOAN, line.account, effective, on, line.amount)
            for line in nonzero
            if line.account != Account.CASH
        )

    def flush(self) -> list[Entry]:
        """Write what was collected."""
        drafts, self.drafts = self.drafts, []
        return ledger.post_all(drafts, now=self.now) if drafts else []

    def close(self) -> None:
        """Write, and move the loan's version on; StaleWrite if somebody else was faster."""
        self.recover(self.booked_on)
        self._book_non_accrual()
        self.flush()
        changed = Loan.objects.filter(pk=self.loan.pk, version=self.loan.version).update(
            version=F("version") + 1, **self.changes
        )
        if changed != 1:
            raise StaleWrite("这笔借款刚刚发生了变化，请刷新页面后再试。", code="STALE")
        self.loan.version += 1
        for name, value in self.changes.items():
            setattr(self.loan, name, value)

    # --- bringing to a date ----------------------------------------------------------------

    def bring_to(self, on: date, source: str = "") -> None:
        """Recognise what fell due and the penalty that ran up to ``on`` (yuan, per instalment)."""
        self._book_interest(on)
        self._book_penalty(on, source or f"罚息计至{on:%Y-%m-%d}")
        if on > self.booked_on:
            self.changes["booked_on"] = on

    @property
    def booked_on(self) -> date:
        """The date up to which penalty is booked."""
        booked = self.changes.get("booked_on", self.loan.booked_on)
        assert isinstance(booked, date)
        return booked

    def _book_interest(self, on: date) -> None:
        position = self.position
        closed = position.closed_on()
        by_due: dict[date, list[PostingLine]] = {}
        for row in position.instalments:
            target = ZERO
            ended = closed.get(row.pk)
            stands = row.pk in closed and (ended is None or ended >= row.due_on)
            if stands and row.due_on <= on:
                accruals = (Entry.Kind.ACCRUAL.value,)
                target = row.interest - position.booked(row.pk, Account.INTEREST, kinds=accruals)
            delta = target - position.booked(row.pk, Account.INTEREST, kinds=SCHEDULED)
            if delta:
                value_date = row.due_on if stands else on
                lines = by_due.setdefault(value_date, [])
                lines += income(row, Account.INTEREST, delta)
        for value_date, lines in sorted(by_due.items()):
            self.post(Entry.Kind.INTEREST, value_date, "到期应还利息", lines)

    def _book_penalty(self, on: date, source: str) -> None:
        position = self.position
        explained = position.penalties(on)
        lines: list[PostingLine] = []
        for row in position.instalments:
            sums = explained.get(row.pk, NOT_CHARGED)
            for account, target in zip(CHARGED, sums, strict=True):
                delta = target - position.booked(row.pk, account, kinds=PENALTIES)
                if delta:
                    lines += income(row, account, delta)
        self.post(Entry.Kind.PENALTY, on, source, lines)

    # --- beside the claim ------------------------------------------------------------------

    def recover(
        self, on: date, *, payment: Payment | None = None, schedule: Schedule | None = None
    ) -> None:
        """What is written off never exceeds the claim: the rest was paid or waived, and is recovered.

        With the payment or plan that it came from, so that it is undone together with it.
        """
        lines: list[PostingLine] = []
        for group in WRITTEN_OFF:
            written = written_off(self.position, group)
            rest = written - claim(self.position, group) if written else ZERO
            if rest > ZERO:
                lines += [PostingLine(group, rest), PostingLine(Account.RECOVERED, -rest)]
        if not lines:
            return
        amount = sum((line.amount for line in lines if line.amount > ZERO), ZERO)
        kind = Entry.Kind.RECOVERY
        source = f"已核销的部分收回 {amount:,.2f} 元"
        self.post(kind, on, source, lines, payment=payment, schedule=schedule)

    def _book_non_accrual(self) -> None:
        position, on = self.position, self.booked_on
        stands = off_balance(position)
        delta = off_balance_target(position, on) - stands
        lines = [PostingLine(Account.OFF_BALANCE, -delta), PostingLine(Account.SUSPENDED, delta)]
        if not stands:
            source = f"逾期超过 {position.profile.npl_days} 天，利息和罚息转表外核算"
        elif stands + delta:
            source = "表外利息和罚息随账更新"
        else:
            source = "已不再逾期超期，利息和罚息转回表内"
        self.post(Entry.Kind.NON_ACCRUAL, on, source, lines)

    # --- schedules -------------------------------------------------------------------------

    def open_schedule(
        self,
        kind: str,
        on: date,
        source: str,
        rows: Sequence[Instalment],
        terms: dict[str, Any] | None = None,
        *,
        rules: PlanRules | None = None,
    ) -> Schedule:
        """Supersede the live schedule and open a new one (written at once: rows need ids)."""
        position = self.position
        old = next(s for s in position.schedules if s.is_live)
        old.superseded_on = on
        old.save(update_fields=["superseded_on"])
        schedule = Schedule.objects.create(
            loan=self.loan,
            number=position.schedules[-1].number + 1,
            kind=kind,
            opened_on=on,
            replaces=old,
            terms=terms,
            rules=None if rules is None else rules.to_dict(),
            source=source,
        )
        for row in rows:
            row.schedule = schedule
        position.schedules.append(schedule)
        position.instalments.extend(Instalment.objects.bulk_create(rows))
        return schedule

    def undo_schedule(self, schedule: Schedule, on: date) -> None:
        """Take a schedule out of force; the one it replaced is in force again."""
        schedule.undone_on = schedule.superseded_on = max(on, schedule.opened_on)
        schedule.save(update_fields=["undone_on", "superseded_on"])
        before = next(s for s in self.position.schedules if s.pk == schedule.replaces_id)
        before.superseded_on = None
        before.save(update_fields=["superseded_on"])

    def reverse(self, entries: Sequence[Entry], source: str, *, key: str = "") -> None:
        """Counter-post entries, newest first, each on its own value date."""
        for entry in sorted(entries, key=lambda e: -e.pk):
            self.post(
                Entry.Kind.REVERSAL,
                entry.value_date,
                source,
                [PostingLine(p.account, -p.amount, p.instalment_id) for p in entry.postings.all()],
                key=f"{key or 'reversal'}:{entry.pk}",
                payment=entry.payment,
                schedule=entry.schedule,
                reverses=entry,
            )


def income(row: Instalment, account: str, amount: Decimal) -> list[PostingLine]:
    """A receivable recognised as income (negative: taken back)."""
    return [PostingLine(account, amount, row.pk), PostingLine(INCOME_OF[account], -amount, row.pk)]


@contextmanager
def open_books(loan_id: int, *, actor: User | None, now: datetime) -> Iterator[Books]:
    """Observers lock first, then the loan; all that follows is one transaction."""
    with observers.locked(loan_id):
        loan = Loan.objects.select_for_update().get(pk=loan_id)
        yield Books(loan, load_position(loan), actor, now)
