"""What every loan page begins with: the loan of this borrower, or 404."""

from __future__ import annotations

import io

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from loans.models import Loan
from loans.presenters.exports import ExportTable, Format, write
from portal.core.models import User


def borrower(request: HttpRequest) -> User:
    """Who is logged in; @borrower_only has seen to it that there is somebody."""
    assert isinstance(request.user, User)
    return request.user


def own_loan(request: HttpRequest, public_id: str) -> Loan:
    """The user's loan; a stranger's is 404, not 403."""
    return get_object_or_404(Loan.objects.for_borrower(borrower(request)), public_id=public_id)


def spreadsheet(table: ExportTable, kind: Format) -> HttpResponse:
    """A table to keep, as CSV or XLSX."""
    out = io.BytesIO()
    write(table, kind, out)
    return download(out.getvalue(), kind=kind.content_type, name=table.file_name(kind))


def download(content: bytes, *, kind: str, name: str) -> HttpResponse:
    """A file to keep; `name` is ASCII."""
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
