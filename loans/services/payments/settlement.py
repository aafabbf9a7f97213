"""A loan that is fully paid: its status and its 结清证明, in the transaction of the last payment."""

from __future__ import annotations

from datetime import date

from django.db.models import Max, Sum

from loans.models import Loan, Payment
from loans.queries.papers import about
from loans.services.booking import Books
from portal.core.documents import papers as documents
from portal.core.kernel.money import ZERO
from portal.core.lender import lender
from portal.core.models.document import Document, DocumentKind

TEXT = """结清证明

编号：{number}
出借人：{lender_words}
借款人：{name}
借据编号：{loan}
借款产品：{product}
借款本金：{principal:,.2f} 元
放款日期：{drawdown}
结清日期：{settled}
累计还款：{paid:,.2f} 元

兹证明上述借款的本金、利息、罚息及其他费用已于结清日期全部结清，双方债权债务关系终止。
本证明只说明这笔借款已经结清。此前的逾期记录按规定保留，不因结清或减免而删除。
"""


def settle(books: Books, on: date) -> Document:
    """Mark the loan settled on ``on`` and issue its certificate, e.g. JQ20271126-0093."""
    loan = books.loan
    books.changes |= {"status": Loan.Status.SETTLED, "settled_on": on}
    received = Payment.objects.filter(loan=loan, reversed_by__isnull=True)
    sums = received.aggregate(paid=Sum("amount"), last=Max("paid_on"))
    number = _free_number(loan, on)
    facts = {
        "number": number,
        "lender": lender().as_json(),
        "name": loan.borrower.name,
        "loan": loan.number,
        "product": loan.product_name,
        "principal": loan.principal,
        "drawdown": loan.drawdown_on.isoformat(),
        "settled": on.isoformat(),
        "paid": sums["paid"] or ZERO,
    }
    return documents.issue(
        kind=DocumentKind.CERTIFICATE,
        number=number,
        user=loan.borrower,
        about=about(loan),
        title="结清证明",
        snapshot=facts,
        text=TEXT.format(lender_words=lender().words, **facts),
        now=books.now,
    )


def reopen(books: Books) -> None:
    """A payment was reversed after all: the loan is active again, its certificate is void."""
    if books.loan.is_settled:
        documents.revoke(kind=DocumentKind.CERTIFICATE, about=about(books.loan), now=books.now)
        books.changes |= {"status": Loan.Status.ACTIVE, "settled_on": None}


def _free_number(loan: Loan, on: date) -> str:
    prefix = f"JQ{on:%Y%m%d}-"
    used_numbers = set(
        Document.objects.filter(
            kind=DocumentKind.CERTIFICATE, number__startswith=prefix
        ).values_list("number", flat=True)
    )
    serial = loan.pk % 10000
    while f"{prefix}{serial:04d}" in used_numbers:
        serial += 1
    return f"{prefix}{serial:04d}"
