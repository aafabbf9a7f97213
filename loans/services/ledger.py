"""post(): the only writer of the books; refuses what does not sum to zero, writes a key once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from loans.models import Entry, Loan, Payment, Posting, Schedule
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO, require_money
from portal.core.models import User


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One line to post: an account, a signed amount in yuan, the instalment it concerns."""

    account: str
    amount: Decimal
    instalment_id: int | None = None


@dataclass(slots=True, kw_only=True)
class EntryDraft:
    """An entry that is to be written."""

    loan: Loan
    kind: str
    value_date: date
    key: str
    source: str
    lines: tuple[PostingLine, ...]
    actor: User | None = None
    payment: Payment | None = None
    schedule: Schedule | None = None
    reverses_id: int | None = None


class UnbalancedEntry(AssertionError):
    """A programming error: the lines of an entry do not sum to zero."""


def post(draft: EntryDraft, *, now: datetime) -> Entry:
    """Write one entry with its lines, or return the one that already has its key.

    Errors: UnbalancedEntry (sum ≠ 0, a zero or inexact line); RuleViolation when the key is
    known with other lines. Example: penalty 64.24 booked = PENALTY +64.24, PENALTY_INCOME −64.24.
    """
    return post_all([draft], now=now)[0]


def post_all(drafts: Sequence[EntryDraft], *, now: datetime) -> list[Entry]:
    """Write several entries in four statements, in their order; each is idempotent by its key."""
    for draft in drafts:
        _check(draft)
    booked = {e.key: e for e in Entry.objects.filter(key__in=[d.key for d in drafts])}
    if booked:
        _check_same([d for d in drafts if d.key in booked], booked)
    new = [d for d in drafts if d.key not in booked]
    with transaction.atomic(savepoint=False):
        written = Entry.objects.bulk_create(_entry(draft, now) for draft in new)
        Posting.objects.bulk_create(
            Posting(
                entry=entry,
                account=line.account,
                instalment_id=line.instalment_id,
                amount=line.amount,
            )
            for draft, entry in zip(new, written, strict=True)
            for line in draft.lines
        )
    booked.update({entry.key: entry for entry in written})
    return [booked[draft.key] for draft in drafts]


def _entry(draft: EntryDraft, now: datetime) -> Entry:
    return Entry(
        loan=draft.loan,
        kind=draft.kind,
        value_date=draft.value_date,
        key=draft.key,
        source=draft.source,
        actor=draft.actor,
        payment=draft.payment,
        schedule=draft.schedule,
        reverses_id=draft.reverses_id,
        at=now,
    )


def _check(draft: EntryDraft) -> None:
    if not draft.lines:
        raise UnbalancedEntry(f"{draft.key}: an entry needs lines")
    for line in draft.lines:
        if require_money(line.amount, "amount") == ZERO:
            raise UnbalancedEntry(f"{draft.key}: a line of zero on {line.account}")
    total = sum((line.amount for line in draft.lines), ZERO)
    if total != ZERO:
        raise UnbalancedEntry(f"{draft.key}: the lines sum to {total}")


def _check_same(drafts: Sequence[EntryDraft], booked: dict[str, Entry]) -> None:
    """RuleViolation when a key that is booked comes again with other lines."""
    booked_lines: dict[int, Counter[tuple[str, int | None, Decimal]]] = {
        booked[d.key].pk: Counter() for d in drafts
    }
    rows = Posting.objects.filter(entry_id__in=list(booked_lines))
    for entry_id, account, instalment_id, amount in rows.values_list(
        "entry_id", "account", "instalment_id", "amount"
    ):
        booked_lines[entry_id][account, instalment_id, amount] += 1
    for draft in drafts:
        draft_lines = Counter((str(x.account), x.instalment_id, x.amount) for x in draft.lines)
        if draft_lines != booked_lines[booked[draft.key].pk]:
            raise RuleViolation(
                "同一笔记账编号已用于另一笔金额，未重复记账。请刷新后核对。", code="KEY_REUSED"
            )
