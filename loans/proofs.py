"""The proofs of the books: everything that must hold of them, over the whole database at once.

Read only. Each broken rule gives one line that names the rule, the loan and the figures. The
number of queries does not depend on the number of loans, nor does the memory: rows come through
cursors ordered by loan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce

from loans.domain.authority import may_check
from loans.models import (
    Account,
    Entry,
    Payment,
    PortfolioLine,
    PortfolioReport,
    Posting,
    Proposal,
    Schedule,
)
from loans.queries.carrying import (
    WRITTEN_OFF,
    claim,
    off_balance,
    off_balance_target,
    written_off,
)
from loans.queries.debt import debt_of
from loans.queries.journal import Period, journal, trial_balance
from loans.queries.penalty_basis import CHARGED, LOAN, NOT_CHARGED
from loans.queries.portfolio import (
    AMOUNT_COLUMNS,
    PortfolioSums,
    loans_outstanding,
    report_cells,
)
from loans.queries.position import Position
from loans.queries.stream import CHUNK, ByKey, keyed, stream_positions
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO

OPENERS = (
    Entry.Kind.DRAWDOWN,
    Entry.Kind.RESCHEDULE,
    Entry.Kind.PLAN,
    Entry.Kind.BREACH,
    Entry.Kind.ACCELERATION,
    Entry.Kind.BOUNCE,
    Entry.Kind.CLAIM,
    Entry.Kind.ADJUSTMENT,
)
OPENING_KINDS = frozenset(kind.value for kind in OPENERS)
OPENING = (Account.PRINCIPAL, Account.KEPT_INTEREST, Account.KEPT_PENALTY)
SqlRow = tuple[Any, ...]  # of values_list()
OpenedAmounts = dict[tuple[int, str], Decimal]
BALANCES = (
    Account.PRINCIPAL,
    Account.INTEREST,
    Account.PENALTY,
    Account.COMPOUND,
    Account.FEE,
    Account.KEPT_INTEREST,
    Account.KEPT_PENALTY,
)


@dataclass(frozen=True, slots=True)
class BookViolation:
    """One broken rule."""

    rule: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} | {self.where} | {self.detail}"


def violations() -> list[BookViolation]:
    """All violations in the whole database; empty means that the books are right."""
    return list(find_violations())


def find_violations() -> Iterator[BookViolation]:
    """The same, one by one as they are found."""
    yield from _entries()
    yield from _reversals()
    yield from _payments()
    yield from _accounts()
    yield from _approvals()
    opened, report = ByKey(_opened()), _newest_report()
    lines = ByKey(_lines(report))
    for position in stream_positions():
        places = opened.take(position.loan.pk)
        yield from _loan(position, {(pk, account): total for pk, account, total in places})
        for line in lines.take(position.loan.pk):
            yield from _line(position, line)
    if report is not None:
        yield from _report(report)


def _entries() -> Iterator[BookViolation]:
    """Postings of each entry sum to zero, and concern their own loan."""
    sums = (
        Entry.objects.order_by()
        .annotate(total=Sum("postings__amount"))
        .exclude(total=ZERO)
        .values_list("key", "total")
    )
    empty = Entry.objects.filter(postings__isnull=True).values_list("key", flat=True)
    for key, total in sums.iterator():
        yield BookViolation("zero-sum", key, f"lines sum to {total}")
    for key in empty.iterator():
        yield BookViolation("zero-sum", key, "entry without lines")
    foreign = Posting.objects.filter(instalment__isnull=False).exclude(
        instalment__schedule__loan=F("entry__loan")
    )
    for pk, key in foreign.values_list("pk", "entry__key").iterator():
        yield BookViolation("own-loan", key, f"posting {pk} concerns another loan's instalment")


def _accounts() -> Iterator[BookViolation]:
    """For accountants: the trial balance of all time is zero, the journal lists every posting."""
    whole = Period(date.min, date.max)
    closing = sum((moved.closing for moved in trial_balance(whole)), ZERO)
    if closing != ZERO:
        yield BookViolation("trial-balance", "all accounts", f"closings sum to {closing}")
    sums = Posting.objects.order_by().values("account")
    totals = sums.annotate(total=Sum("amount"), lines=Count("pk"))
    posted = {row["account"]: (row["total"], row["lines"]) for row in totals}
    listed: dict[str, tuple[Decimal, int]] = {}
    for line in journal(whole):
        total, count = listed.get(line.account, (ZERO, 0))
        listed[line.account] = (total + line.amount, count + 1)
    for account in sorted(posted.keys() | listed.keys()):
        booked, in_journal = posted.get(account, (ZERO, 0)), listed.get(account, (ZERO, 0))
        if booked != in_journal:
            detail = f"the journal lists {in_journal[0]} in {in_journal[1]} lines, posted {booked[0]} in {booked[1]}"
            yield BookViolation("journal", account, detail)


def _approvals() -> Iterator[BookViolation]:
    """Who decided a proposal was another than its maker, of the rank it needed then, not the borrower."""
    ended = (Proposal.Status.APPROVED, Proposal.Status.REFUSED)
    decided = Proposal.objects.filter(status__in=ended).order_by("pk")
    for proposal in decided.select_related("loan", "made_by", "decided_by").iterator():
        where, checker = f"{proposal.loan.number} proposal {proposal.pk}", proposal.decided_by
        if checker is None or checker == proposal.made_by:
            yield BookViolation("approval", where, f"{proposal.made_by} decided alone")
            continue
        borrower = proposal.loan.borrower_id
        for person in (proposal.made_by, checker):
            if borrower in (person.pk, person.same_person_as_id):
                yield BookViolation("approval", where, f"{person} acted on a loan of their own")
        if not may_check(proposal.decided_rank, proposal.needs_rank):
            detail = f"decided as {proposal.decided_rank or 'nobody'}, needs {proposal.needs_rank}"
            yield BookViolation("approval", where, detail)


def _newest_report() -> PortfolioReport | None:
    """The newest finished report of the portfolio whose loans are kept."""
    kept = PortfolioReport.objects.filter(finished_at__isnull=False, lines__isnull=False)
    return kept.order_by("-pk").first()


def _lines(report: PortfolioReport | None) -> Iterator[tuple[int, PortfolioLine]]:
    """By loan: its line in the report, where nothing was booked since the report was ordered."""
    if report is None:
        return
    lines = report.lines.exclude(loan__in=_changed_since(report)).order_by("loan_id")
    for line in lines.select_related("report").iterator(chunk_size=CHUNK):
        yield line.loan_id, line


def _changed_since(report: PortfolioReport) -> QuerySet[Entry, Any]:
    return Entry.objects.filter(at__gte=report.ordered_at).values("loan")


def _line(position: Position, line: PortfolioLine) -> Iterator[BookViolation]:
    """A loan in the report is what the loan itself owes on its date."""
    owed = debt_of(position, line.report.as_of)
    parts = owed.parts.with_kept_joined
    alone = (parts.principal, parts.interest, parts.penalty + parts.compound, parts.fee)
    reported = (line.principal, line.interest, line.penalty, line.fee)
    if (reported, line.overdue_days) != (alone, owed.overdue_days):
        detail = f"report {line.report_id} says {reported}, {line.overdue_days} days; owed {alone}"
        yield BookViolation("portfolio", position.loan.number, detail)


def _report(report: PortfolioReport) -> Iterator[BookViolation]:
    """The sums of a report are those of its loans, and no loan is left out."""
    reported = PortfolioSums.summed(cell.sums for cell in report_cells(report))
    sums = report.lines.aggregate(loans=Count("pk"), **{n: Sum(n) for n in AMOUNT_COLUMNS})
    if reported != PortfolioSums(**sums):
        where = f"report {report.pk}"
        yield BookViolation("portfolio", where, f"sums {reported}, of its loans {sums}")
    outstanding = loans_outstanding(report.as_of).exclude(pk__in=_changed_since(report))
    for number in outstanding.exclude(pk__in=report.lines.values("loan")).values_list(
        "number", flat=True
    ):
        yield BookViolation("portfolio", number, f"is missing in report {report.pk}")


def _reversals() -> Iterator[BookViolation]:
    """A reversal is the exact opposite of what it reverses, on the same loan and date."""
    line = ("account", "instalment_id", "amount")
    of_new = Posting.objects.filter(entry__reverses__isnull=False).order_by("entry_id")
    new = ByKey(keyed(of_new.values_list("entry_id", *line)))
    of_old = Posting.objects.filter(entry__reversed_by__isnull=False)
    by_reversal = of_old.order_by("entry__reversed_by__pk")
    old = ByKey(keyed(by_reversal.values_list("entry__reversed_by__pk", *line)))
    pairs = Entry.objects.filter(reverses__isnull=False).select_related("reverses").order_by("pk")
    for entry in pairs.iterator():
        first = entry.reverses
        assert first is not None
        opposite = {place: -amount for place, amount in _sums(old.take(entry.pk)).items()}
        if opposite != _sums(new.take(entry.pk)):
            yield BookViolation("reversal", entry.key, f"is not the opposite of {first.key}")
        if (first.loan_id, first.value_date) != (entry.loan_id, entry.value_date):
            yield BookViolation("reversal", entry.key, f"another loan or date than {first.key}")


def _sums(lines: list[SqlRow]) -> dict[SqlRow, Decimal]:
    sums: dict[SqlRow, Decimal] = defaultdict(lambda: ZERO)
    for account, instalment_id, amount in lines:
        sums[account, instalment_id] += amount
    return sums


def _payments() -> Iterator[BookViolation]:
    """The cash of a payment's entries is its amount, or nothing when it was reversed."""
    received = Posting.objects.filter(account=Account.CASH, entry__payment__isnull=False)
    sums = received.order_by("entry__payment_id").values("entry__payment_id")
    totals = sums.annotate(total=Sum("amount")).values_list("entry__payment_id", "total")
    cash = ByKey(keyed(totals))
    for payment in Payment.objects.order_by("pk").iterator():
        booked = sum((total for (total,) in cash.take(payment.pk)), ZERO)
        expected = ZERO if payment.is_reversed else payment.amount
        if booked != expected:
            detail = f"entries hold {booked}, receipt says {expected}"
            yield BookViolation("payment", payment.reference, detail)
        split_total = sum((Decimal(line["amount"]) for line in payment.split_now["lines"]), ZERO)
        split_total += Decimal(payment.split_now.get("credit", ZERO))
        if split_total != payment.amount:
            detail = f"split of {split_total}, amount {payment.amount}"
            yield BookViolation("split", payment.reference, detail)


def _opened() -> Iterator[tuple[int, SqlRow]]:
    """Loan, then (instalment, account, what the entries that opened its schedule posted)."""
    place = ("instalment__schedule__loan_id", "instalment_id", "account")
    rows = (
        Posting.objects.filter(account__in=OPENING, entry__schedule=F("instalment__schedule"))
        .annotate(kind=Coalesce(F("entry__reverses__kind"), F("entry__kind")))
        .filter(kind__in=OPENING_KINDS)
        .order_by("instalment__schedule__loan_id")
        .values(*place)
        .annotate(total=Sum("amount"))
        .values_list(*place, "total")
    )
    return keyed(rows)


def _loan(position: Position, opened: OpenedAmounts) -> Iterator[BookViolation]:
    if not position.schedules:
        yield BookViolation("schedule", position.loan.number, "no schedule")
        return
    yield from _opening(position, opened)
    for proof in (_schedules, _balances, _credit, _carrying, _story, _plans, _status):
        try:
            yield from proof(position)
        except InvalidInput as wrong:  # facts that no rule can explain, e.g. paid > scheduled
            yield BookViolation("facts", position.loan.number, str(wrong))


def _schedules(position: Position) -> Iterator[BookViolation]:
    """One live schedule; the original's principal is the loan's; later ones open balanced."""
    number = position.loan.number
    if sum(1 for s in position.schedules if s.is_live) != 1:
        yield BookViolation("one-live-schedule", number, "not exactly one live schedule")
    principal = sum(
        (i.principal for i in position.instalments if i.schedule_id == position.schedules[0].pk),
        ZERO,
    )
    if principal != position.loan.principal:
        detail = f"instalments {principal}, loan {position.loan.principal}"
        yield BookViolation("schedule-sum", number, detail)


def _opening(position: Position, opened: OpenedAmounts) -> Iterator[BookViolation]:
    """What was posted when a schedule opened is what its rows promise; nothing if it was undone."""
    undone = {s.pk for s in position.schedules if s.undone_on is not None}
    for row in position.instalments:
        for account in OPENING:
            promised = ZERO if row.schedule_id in undone else getattr(row, account.value)
            posted = opened.get((row.pk, account.value), ZERO)
            if posted != promised:
                where = f"{position.loan.number} {row.schedule_id}/{row.number}"
                detail = f"{account.label} opened {posted}, instalment says {promised}"
                yield BookViolation("opening", where, detail)


def _balances(position: Position) -> Iterator[BookViolation]:
    """No balance is negative, and none is left behind on a superseded instalment."""
    closed = position.closed_on()
    undone = {s.pk for s in position.schedules if s.undone_on is not None}
    for row in position.instalments:
        where = f"{position.loan.number} {row.schedule_id}/{row.number}"
        for account in BALANCES:
            balance = position.balance(row.pk, account)
            if balance < 0:
                yield BookViolation("balance", where, f"{account.label} is {balance}")
            ended = row.schedule_id in undone or closed.get(row.pk) is not None
            if ended and balance:
                detail = f"{account.label} {balance} left on a superseded instalment"
                yield BookViolation("superseded", where, detail)


def _credit(position: Position) -> Iterator[BookViolation]:
    """Nobody was paid back more than was paid in excess."""
    if position.credit < 0:
        yield BookViolation("credit", position.loan.number, f"credit balance is {position.credit}")


def _carrying(position: Position) -> Iterator[BookViolation]:
    """Written off is at most what is owed; off the balance stands what should, on both its accounts.

    A loan on which nothing was booked since it became non-accruing says nothing of it yet.
    """
    number, on = position.loan.number, position.loan.booked_on
    gross = recovered = ZERO
    for group in WRITTEN_OFF:
        written, owed = written_off(position, group), claim(position, group)
        if not ZERO <= written <= owed:
            detail = f"{group.label} {written} of {owed} owed"
            yield BookViolation("write-off", number, detail)
        kinds = (Entry.Kind.WRITE_OFF.value,)
        gross -= position.total(LOAN, group, kinds=kinds)
        recovered += position.total(LOAN, group, kinds=(Entry.Kind.RECOVERY.value,))
    booked = (position.total(LOAN, Account.LOSS), -position.total(LOAN, Account.RECOVERED))
    if booked != (gross, recovered):
        detail = f"loss and recovery {booked}, written off and recovered {(gross, recovered)}"
        yield BookViolation("write-off", number, detail)
    off, target = off_balance(position), off_balance_target(position, on)
    if off != position.total(LOAN, Account.SUSPENDED) or (off and off != target):
        yield BookViolation("non-accrual", number, f"off the balance {off}, should be {target}")


def _story(position: Position) -> Iterator[BookViolation]:
    """Explanation = postings: penalty and interest booked are what the rules say to that date."""
    loan = position.loan
    explained = position.penalties(loan.booked_on)
    closed = position.closed_on()
    for row in position.instalments:
        where = f"{loan.number} {row.schedule_id}/{row.number}"
        sums = explained.get(row.pk, NOT_CHARGED)
        for account, due in zip(CHARGED, sums, strict=True):
            booked = position.booked(row.pk, account, kinds=(Entry.Kind.PENALTY.value,))
            if booked != due:
                detail = f"{account.label} booked {booked}, explained {due} to {loan.booked_on}"
                yield BookViolation("explanation", where, detail)
        kinds = (Entry.Kind.INTEREST.value, Entry.Kind.ACCRUAL.value)
        recognised = position.booked(row.pk, Account.INTEREST, kinds=kinds)
        is_over = closed.get(row.pk, loan.booked_on) is None and row.due_on <= loan.booked_on
        if recognised > row.interest or (is_over and recognised != row.interest):
            detail = f"interest booked {recognised}, scheduled {row.interest}"
            yield BookViolation("interest", where, detail)


def _plans(position: Position) -> Iterator[BookViolation]:
    """Waived ≤ what was owed of the same component; plan sums: total + waived = before + interest."""
    for row in position.instalments:
        for account in (Account.PENALTY, Account.INTEREST, Account.COMPOUND, Account.FEE):
            waived = -position.total(row.pk, account, kinds=(Entry.Kind.WAIVER.value,))
            kinds = (Entry.Kind.INTEREST, Entry.Kind.ACCRUAL, Entry.Kind.PENALTY)
            charged = position.booked(row.pk, account, kinds=[kind.value for kind in kinds])
            if waived > charged:
                where = f"{position.loan.number} {row.schedule_id}/{row.number}"
                yield BookViolation(
                    "waiver", where, f"{account.label} waived {waived} of {charged}"
                )
        if position.total(row.pk, Account.PRINCIPAL, kinds=(Entry.Kind.WAIVER.value,)):
            where = f"{position.loan.number} {row.schedule_id}/{row.number}"
            yield BookViolation("waiver", where, "principal was waived")
    for schedule in position.schedules:
        if schedule.is_plan:
            yield from _plan(position, schedule)


def _plan(position: Position, schedule: Schedule) -> Iterator[BookViolation]:
    where = f"{position.loan.number} plan {schedule.number}"
    terms = schedule.terms or {}
    rows = [i for i in position.instalments if i.schedule_id == schedule.pk]
    total = sum((row.total for row in rows), ZERO)
    interest = sum((row.interest for row in rows), ZERO)
    promised = {
        name: Decimal(terms.get(name, "0.00"))
        for name in ("total", "waived", "before_total", "plan_interest")
    }
    if total != promised["total"] or interest != promised["plan_interest"]:
        yield BookViolation("plan-sum", where, f"rows {total}/{interest}, terms {promised}")
    if total + promised["waived"] != promised["before_total"] + interest:
        yield BookViolation(
            "plan-sum", where, f"new total + waived ≠ before + interest: {promised}"
        )
    if len(rows) != int(terms.get("term_count", 0)):
        yield BookViolation("plan-sum", where, f"{len(rows)} instalments, promised otherwise")


def _status(position: Position) -> Iterator[BookViolation]:
    """A loan is settled exactly when nothing is owed."""
    loan = position.loan
    owed = debt_of(position, loan.booked_on).payoff
    if loan.is_settled != (owed == ZERO):
        yield BookViolation("status", loan.number, f"{loan.get_status_display()}, owed {owed}")
