"""科目调整: so much of what is due of one part is owed as another part from today; the sum stays."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from loans.domain.components import Components
from loans.models import Account, Entry, Schedule
from loans.queries.debt import debt_of
from loans.services import observers
from loans.services.acts.beside import Other, open_beside
from loans.services.booking import Books, open_books
from loans.services.ledger import PostingLine
from loans.services.notices import notify_act
from loans.services.observers import DebtChange
from loans.services.refusals import check_open
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import ZERO
from portal.core.models import User

PARTS: dict[str, tuple[Account, ...]] = {  # by name, in the order in which they are taken
    "principal": (Account.PRINCIPAL,),
    "interest": (Account.INTEREST, Account.KEPT_INTEREST),
    "penalty": (Account.FEE, Account.COMPOUND, Account.PENALTY, Account.KEPT_PENALTY),
}
LABELS = {"principal": "本金", "interest": "利息", "penalty": "罚息和费用"}


def adjust(
    *,
    loan_id: int,
    amount: Decimal,
    from_part: str,
    to_part: str,
    reason: str,
    key: str,
    actor: User,
    now: datetime,
) -> Schedule:
    """Owe ``amount`` yuan less of ``from_part`` and more of ``to_part``, from today.

    Taken from what is due, oldest first; owed as an instalment of its own beside the others, where
    principal bears penalty from today and the other parts bear nothing. Errors: RuleViolation for
    the same part twice, or above what is due of it. Example: 100.00 of 161.50 penalty become principal.
    """
    if from_part == to_part:
        raise RuleViolation("调出和调入不能是同一科目，请重新选择。", field="to_part")
    with open_books(loan_id, actor=actor, now=now) as books:
        check_open(books.loan)
        today = business_date(now)
        books.bring_to(today)
        due = sum((line.amount for line in _due(books, from_part, today)), ZERO)
        if amount > due:
            raise RuleViolation(
                f"到期的{LABELS[from_part]}只有 {due:,.2f} 元，请改为不超过这个金额。",
                code="OVER_DUE",
                field="amount",
            )
        terms = {"from_part": from_part, "to_part": to_part, "amount": str(amount)}
        schedule = move(books, terms, today, reason, key=key)
        assert schedule is not None
        books.close()
        entry = Entry.objects.get(key=key)
        notify_act(books, entry, title="欠款科目已调整", text=f"{schedule.source}，总待还不变。")
        observers.notify_changed(books.loan, DebtChange.ADJUSTED, now)
    return schedule


def move(
    books: Books, terms: dict[str, str], on: date, reason: str, *, key: str
) -> Schedule | None:
    """Post an adjustment on open books: at most what is due of the part, None where nothing is.

    A correction does it again so: what was paid or waived of the part meanwhile is not moved.
    """
    from_part, to_part = terms["from_part"], terms["to_part"]
    rest, lines = Decimal(terms["amount"]), []
    for line in _due(books, from_part, on):
        part = min(rest, line.amount)
        if part:
            lines.append(PostingLine(line.account, -part, line.instalment_id))
            rest -= part
    moved = -sum((line.amount for line in lines), ZERO)
    if not moved:
        return None
    source = f"{LABELS[from_part]} {moved:,.2f} 元调为{LABELS[to_part]}"
    source += f"：{reason}" if reason else ""
    other = Other(Entry.Kind.ADJUSTMENT, key, lines, terms={**terms, "reason": reason})
    return open_beside(books, Components(**{to_part: moved}), on, source, other)


def _due(books: Books, part: str, on: date) -> list[PostingLine]:
    """What is due of a part on the books, oldest first, as lines (yuan)."""
    rows = [row for row in debt_of(books.position, on).instalments if row.due_on <= on]
    places = [(row.id, account) for row in rows for account in PARTS[part]]
    balances = ((pk, account, books.position.balance(pk, account)) for pk, account in places)
    return [PostingLine(account, owed, pk) for pk, account, owed in balances if owed > ZERO]
