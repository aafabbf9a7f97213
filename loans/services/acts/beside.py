"""A claim put beside the instalments in force: one more of them, due on the day it arose.

It replaces nothing and changes nothing that was signed. Its principal bears penalty from its own
day; what was interest or a charge before is kept and bears nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from loans.domain.components import Components
from loans.models import Account, Entry, Instalment, Payment, Schedule
from loans.services.booking import Books
from loans.services.ledger import PostingLine
from loans.services.plans.plan_books import opening
from portal.core.kernel.money import ZERO


class Other(NamedTuple):
    """What else one entry says beside the new claim: its kind, key and lines, of what payment or terms."""

    kind: str
    key: str
    lines: Iterable[PostingLine]
    payment: Payment | None = None
    terms: dict[str, str] | None = None


def open_beside(
    books: Books, parts: Components, on: date, source: str, balancing: Other
) -> Schedule:
    """Open a schedule with one instalment of ``parts`` (yuan) due ``on``, balanced by ``balancing``.

    Interest and charges join the kept columns: 64.24 penalty, 54.00 interest, 1,981.76 principal
    that bounced are kept penalty 64.24, kept interest 54.00 and principal 1,981.76.
    """
    numbers = [row.number for row in books.position.live()]
    row = Instalment(
        number=max(numbers, default=0) + 1,
        start_on=on,
        due_on=on,
        principal=parts.principal,
        interest=ZERO,
        kept_interest=parts.interest + parts.kept_interest,
        kept_penalty=parts.charges,
    )
    schedule = books.open_schedule(
        Schedule.Kind.ADDED, on, source[:200], [row], terms=balancing.terms
    )
    lines = [*balancing.lines, *opening([row])]
    books.post(
        balancing.kind,
        on,
        source[:300],
        lines,
        key=balancing.key,
        payment=balancing.payment,
        schedule=schedule,
    )
    return schedule


def bounce_beside(books: Books, payment: Payment, on: date, source: str, *, key: str) -> Schedule:
    """Take back a payment from before a plan: the plan stays as signed, the money is owed again."""
    recovered = payment.entries.filter(kind=Entry.Kind.RECOVERY, reversed_by__isnull=True)
    books.reverse(list(recovered.prefetch_related("postings")), source[:300])
    parts = Components.from_json(payment.split_now["totals"])
    back = [PostingLine(Account.CASH, -payment.amount)]
    return open_beside(books, parts, on, source, Other(Entry.Kind.BOUNCE, key, back, payment))


def claim_overdrawn(books: Books, on: date, *, key: str) -> Schedule | None:
    """What was refunded and is no longer covered is owed again, as principal due ``on``.

    20.00 of a payment were refunded as overpaid; the payment bounces: 20.00 are lent without cover.
    """
    overdrawn = -books.position.credit
    if overdrawn <= ZERO:
        return None
    lines = [PostingLine(Account.CREDIT, -overdrawn)]
    source = f"已退还的溢缴款 {overdrawn:,.2f} 元不再有对应的还款，重新应还"
    other = Other(Entry.Kind.CLAIM, key, lines)
    return open_beside(books, Components(principal=overdrawn), on, source, other)
