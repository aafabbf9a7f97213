"""核销: a loss on our side of the books; the borrower's claim stays whole. And 非应计 beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from loans.models import Account, Entry
from loans.queries.carrying import claim, is_non_accruing, off_balance, written_off
from loans.services.booking import Books, open_books
from loans.services.ledger import PostingLine
from loans.services.notices import notify_act
from loans.services.refusals import check_open
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import ZERO
from portal.core.models import User

PARTS = {  # by the name in a proposal's terms
    "principal": Account.OFF_PRINCIPAL,
    "interest": Account.OFF_INTEREST,
    "charges": Account.OFF_CHARGES,
}
LABELS = {"principal": "本金", "interest": "利息", "charges": "罚息和费用"}


def write_off(
    *,
    loan_id: int,
    parts: Mapping[str, Decimal] | None,
    reason: str,
    key: str,
    actor: User,
    now: datetime,
) -> Entry:
    """Write off ``parts`` (principal, interest, charges; yuan), or with None all that is left.

    The claim does not change: penalty runs on, payments are split as ever, and what of them meets
    a written-off part is booked as recovered. Errors: RuleViolation naming the part that is more than
    what is owed of it and not written off yet. Example: 2,000.00 of 6,000.00 principal: at most
    4,000.00 more.
    """
    with open_books(loan_id, actor=actor, now=now) as books:
        check_open(books.loan)
        books.bring_to(business_date(now))
        left = {name: _left(books, group) for name, group in PARTS.items()}
        chosen = left if parts is None else parts
        for name, amount in chosen.items():
            if amount > left[name]:
                raise RuleViolation(
                    f"{LABELS[name]}还可以核销 {left[name]:,.2f} 元，请改为不超过这个金额。",
                    code="OVER_CLAIM",
                    field=name,
                )
        total = sum(chosen.values(), ZERO)
        if not total:
            raise RuleViolation("没有可以核销的金额。", code="NOTHING_LEFT")
        lines = [PostingLine(PARTS[name], -amount) for name, amount in chosen.items()]
        named_parts = "，".join(f"{LABELS[n]} {a:,.2f}" for n, a in chosen.items() if a)
        source = f"核销 {total:,.2f} 元（{named_parts}），欠款不变。{reason}"[:300]
        lines.append(PostingLine(Account.LOSS, total))
        books.post(Entry.Kind.WRITE_OFF, books.booked_on, source, lines, key=key)
        books.close()
        entry = Entry.objects.get(key=key)
        notify_act(
            books,
            entry,
            title="借款已作核销处理",
            text=f"核销 {total:,.2f} 元（{named_parts}）。这是我们内部的账务处理，"
            "欠款不因此减少，仍需归还，罚息照常计收；随时可以还款或联系客服协商。",
        )
    return entry


def _left(books: Books, group: Account) -> Decimal:
    return claim(books.position, group) - written_off(books.position, group)


def put_off_balance(*, loan_id: int, actor: User, now: datetime) -> Entry:
    """Book today's interest and penalty and, past ``npl_days``, put them off the balance.

    Every other act does the same by itself; this one is for a loan on which nothing happens. Errors:
    RuleViolation while the loan is not overdue long enough. The borrower owes what they owed.
    """
    today = business_date(now)
    with open_books(loan_id, actor=actor, now=now) as books:
        check_open(books.loan)
        books.bring_to(today)
        days = books.position.profile.npl_days
        if not is_non_accruing(books.position, today):
            raise RuleViolation(
                f"这笔借款最早一期逾期没有超过 {days} 天，利息和罚息仍在表内核算。",
                code="ACCRUING",
            )
        before = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        books.close()
        new_entries = Entry.objects.filter(
            loan_id=loan_id, kind=Entry.Kind.NON_ACCRUAL, pk__gt=before
        )
        entry = new_entries.first()
        if entry is None:
            raise RuleViolation("利息和罚息已经在表外核算，没有变化。", code="DONE")
        notify_act(
            books,
            entry,
            title="利息和罚息转表外核算",
            text=f"最早一期逾期超过 {days} 天，已产生的利息和罚息 {off_balance(books.position):,.2f} 元"
            "转为表外核算。这是我们内部的账务处理，应还金额不变；还清逾期后转回。",
        )
    return entry
