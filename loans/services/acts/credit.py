"""The credit balance of a loan: paid out under a reference, and back again when that money bounces."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from loans.models import Account, Entry, Loan
from loans.services.booking import Books, open_books
from loans.services.ledger import PostingLine
from loans.services.notices import notify_act
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.models import User

SENT, RETURNED = "refund:", "refund-back:"  # keys: then the reference of the pay-out


def refund(
    *, loan_id: int, amount: Decimal, reference: str, reason: str, actor: User, now: datetime
) -> Entry:
    """Pay ``amount`` yuan of the credit balance back under ``reference``, today; the borrower is told.

    Errors: RuleViolation above the credit balance, naming it, or for a reference that is known.
    Example: 120.00 paid where 100.00 were owed: at most 20.00.
    """
    with open_books(loan_id, actor=actor, now=now) as books:
        if Entry.objects.filter(key=SENT + reference).exists():
            raise RuleViolation(
                f"付款流水号 {reference} 已用于另一笔退款，请核对或更换。",
                code="REFERENCE_REUSED",
                field="reference",
            )
        credit = books.position.credit
        if amount > credit:
            raise RuleViolation(
                f"退款金额超过溢缴款余额 {credit:,.2f} 元，请改为不超过这个金额。",
                code="OVER_CREDIT",
                field="amount",
            )
        lines = [PostingLine(Account.CREDIT, amount), PostingLine(Account.CASH, -amount)]
        source = f"退还溢缴款，付款流水号 {reference}。{reason}"
        entry = _post(books, Entry.Kind.REFUND, source, lines, SENT + reference)
        notify_act(
            books,
            entry,
            title="溢缴款已退还",
            text=f"已退还多还的 {amount:,.2f} 元，付款流水号 {reference}。请留意到账。",
        )
    return entry


def sent(loan_id: int, reference: str) -> Entry:
    """The pay-out with this reference; RuleViolation where there is none, or it came back already."""
    entries = Entry.objects.filter(loan_id=loan_id, kind=Entry.Kind.REFUND)
    entry = entries.filter(key=SENT + reference).first()
    if entry is None:
        raise RuleViolation(
            f"这笔借款没有付款流水号为 {reference} 的退款，请核对流水号。",
            code="UNKNOWN_REFERENCE",
            field="reference",
        )
    if Entry.objects.filter(key=RETURNED + reference).exists():
        raise RuleViolation(
            f"付款流水号 {reference} 的退款已登记退回，不能重复登记。",
            code="RETURNED",
            field="reference",
        )
    return entry


def has_refunds(loan: Loan) -> bool:
    """Was anything ever paid out of the loan's credit balance?"""
    return Entry.objects.filter(loan=loan, kind=Entry.Kind.REFUND).exists()


def amount_of(refunded: Entry) -> Decimal:
    """How much a pay-out was (yuan)."""
    return refunded.postings.get(account=Account.CREDIT).amount


def return_refund(
    *, loan_id: int, reference: str, reason: str, actor: User, now: datetime
) -> Entry:
    """A pay-out that bounced: the money is the borrower's credit again, to be paid out anew."""
    with open_books(loan_id, actor=actor, now=now) as books:
        amount = amount_of(sent(loan_id, reference))
        lines = [PostingLine(Account.CASH, amount), PostingLine(Account.CREDIT, -amount)]
        source = f"退款退回，付款流水号 {reference}。{reason}"
        entry = _post(books, Entry.Kind.REFUND_BACK, source, lines, RETURNED + reference)
        notify_act(
            books,
            entry,
            title="溢缴款没有退成",
            text=f"{amount:,.2f} 元的退款（付款流水号 {reference}）被退回，仍是你的溢缴款；"
            "请联系客服核对收款账户，我们会重新退还。",
        )
    return entry


def _post(books: Books, kind: str, source: str, lines: list[PostingLine], key: str) -> Entry:
    books.post(kind, business_date(books.now), source[:300], lines, key=key)
    (entry,) = books.flush()
    books.close()
    return entry
