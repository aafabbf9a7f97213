"""What must hold of the whole database at any moment, one small function per rule (read only).

Names are those of the project's reliability rules (I1 … I18). `loans.proofs` is the part that
concerns the books. A checker that cannot fail proves nothing: tests plant each violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from portal.core.snapshot import snapshot
from relief.invariants import books, cases, files, offers, outbox, server
from relief.invariants.violation import Violation

Rule = Callable[[datetime, datetime], Iterator[Violation]]

RULES: dict[str, Rule] = {
    "books balance, sums, splits and waivers (I1 I2 I8 I9 I13)": books.proofs,
    "dates of a schedule rise (I9)": books.rising_dates,
    "every open case has a deadline, no ended one has (I3)": cases.deadlines,
    "a deadline ends once (I3)": cases.deadline_ends,
    "the audit trail replays to the present state (I4)": cases.trail,
    "the trail is sealed and chained, nothing changed, dropped or added (I5)": cases.chained,
    "offers, agreements and papers match their digests (I5)": offers.digests,
    "what was signed is what was booked (I9)": offers.signed_is_booked,
    "a case ends as paid exactly when its loan does (I4)": cases.paid_off,
    "one open case a loan, one agreement a case, one execution each (I10)": cases.only_one,
    "nothing accepted late or superseded (I11)": offers.in_time,
    "maker, checker and borrower are three people, within authority (I12)": offers.authority,
    "every delivery has ended visibly or goes on (I6)": outbox.visible_ends,
    "a message that failed became a call (I6)": outbox.fallbacks,
    "each event has its notices, each notice its event (I7)": outbox.events_and_notices,
    "each correction of the books was told to its borrower (I7)": outbox.corrections,
    "nobody was disturbed at night or too often (I16)": outbox.quiet,
    "claims are given back (I18)": outbox.leases,
    "files and rows agree (I17)": files.files_and_rows,
    "no transaction sits idle (I18)": server.idle_transactions,
}


def violations(*, now: datetime, real_now: datetime) -> list[Violation]:
    """All violations, in one snapshot of the database; `now` is business time."""
    with snapshot():
        return [violation for rule in RULES.values() for violation in rule(now, real_now)]
