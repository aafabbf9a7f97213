"""The settlement certificate of a loan, once there is one."""

from __future__ import annotations

from loans.models import Loan
from portal.core.models.document import Document, DocumentKind


def about(loan: Loan) -> str:
    """How a document or a delivery names this loan."""
    return f"loan:{loan.public_id}"


def certificate_of(loan: Loan) -> Document | None:
    """The valid 结清证明 of a settled loan; None while something is owed."""
    if not loan.is_settled:
        return None
    papers = Document.objects.valid().filter(kind=DocumentKind.CERTIFICATE, about=about(loan))
    return papers.order_by("-issued_at", "-pk").first()
