"""资产组合 at the desk: order a report for a date, watch it being counted, and go down to each loan."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from loans.desk.accounts import BookFile, BooksAdmin, day_field, hand_over, reader_of
from loans.domain.risk import BUCKETS, CLASS_LABELS
from loans.models import BookExport, PortfolioReport
from loans.presenters.exports import Format
from loans.presenters.portfolio import (
    LOANS_HEAD,
    SUMS_HEAD,
    PortfolioView,
    kept_cells,
    loans_table,
    portfolio_table,
    sums_cells,
    view_of,
)
from loans.queries.journal import Period
from loans.queries.portfolio import cell_lines, progress, report_cells
from loans.services.portfolio import order_report
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.models import User
from portal.core.web.access import costly
from portal.core.web.htmx import wants_part

PER_PAGE = 50
NEWEST = 20
CELLS = {"bucket": dict.fromkeys(BUCKETS, ""), "risk_class": {c.value: "" for c in CLASS_LABELS}}


class AsOfForm(forms.Form):
    """The date of a report."""

    as_of = day_field("截止日期", "2026-06-30")


class PortfolioFileForm(forms.Form):
    """What to take of a report: the sums, or its loans (of a cell)."""

    content = forms.ChoiceField(choices=[("portfolio", ""), ("portfolio_loans", "")])
    format = forms.ChoiceField(choices=[(kind.value, kind.name) for kind in Format])
    bucket = forms.ChoiceField(choices=[("", ""), *((b, b) for b in BUCKETS)], required=False)
    risk_class = forms.ChoiceField(
        choices=[("", ""), *((c.value, w) for c, w in CLASS_LABELS.items())], required=False
    )


@admin.register(PortfolioReport)
class PortfolioReportAdmin(BooksAdmin):
    """The list is the page that orders; a report's own page shows its tables."""

    own_pages = {"loans": "<int:pk>/loans/", "file": "<int:pk>/file/"}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Order a report; what is being counted, and what is kept. A part alone for htmx."""
        user = reader_of(request)
        form = AsOfForm(request.POST if request.method == "POST" else None)
        form.fields["as_of"].initial = clock.today()
        status = 200
        if request.method == "POST":
            status = self._ordered(form, user)
            if status == 302:
                return redirect("admin:loans_portfolioreport_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "资产组合",
            "form": form,
            "reports": _reports(),
        }
        if wants_part(request):
            return render(request, "admin/loans/books/_reports.html", context)
        return render(request, "admin/loans/books/reports.html", context, status=status)

    def _ordered(self, form: AsOfForm, actor: User) -> int:
        """Order what was asked for; the status of the answer."""
        if not form.is_valid():
            return 422
        try:
            order_report(
                as_of=form.cleaned_data["as_of"],
                today=clock.today(),
                actor=actor,
                now=clock.now(),
            )
        except RuleViolation as refusal:
            form.add_error(refusal.field or None, refusal.message)
            return 409
        return 302

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The tables of a finished report; back to the list while it is counted."""
        reader_of(request)
        report = self.get_object(request, object_id)
        if report is None or report.finished_at is None:
            return redirect("admin:loans_portfolioreport_changelist")
        view = _view(report)
        context = {
            **self.admin_site.each_context(request),
            "title": f"资产组合 {report.as_of}",
            "report": report,
            "head": SUMS_HEAD,
            "adds_up": view.adds_up,
            "total": sums_cells(view.total),
            "tables": [
                ("逾期分档", "bucket", _rows(view.by_bucket)),
                ("五级分类", "risk_class", _rows(view.by_class)),
            ],
            "formats": _formats(),
            "has_loans": report.lines.exists(),
        }
        return render(request, "admin/loans/books/report.html", context)

    def loans_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The loans behind one figure, each with the way to its own page."""
        reader_of(request)
        report = get_object_or_404(PortfolioReport, pk=pk)
        cell = {
            name: chosen
            for name, choices in CELLS.items()
            if (chosen := request.GET.get(name, "")) in choices
        }
        lines = cell_lines(report, **cell)
        page = Paginator(lines, PER_PAGE).get_page(request.GET.get("p"))
        shown = list(page.object_list)
        rows = [
            (line.loan_id, list(cells))
            for line, cells in zip(shown, kept_cells(shown), strict=True)
        ]
        words = [
            cell.get("bucket", ""),
            *(w for c, w in CLASS_LABELS.items() if c.value == cell.get("risk_class")),
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": f"资产组合 {report.as_of} 借款清单 {' '.join(words)}".strip(),
            "report": report,
            "cell": cell,
            "query": urlencode(cell),
            "head": LOANS_HEAD,
            "rows": rows,
            "page": page,
            "formats": _formats(),
        }
        return render(request, "admin/loans/books/report_loans.html", context)

    @method_decorator(require_POST)
    @method_decorator(costly)
    def file_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The sums or the loans of a report as a file; anything else goes back to the report."""
        actor = reader_of(request)
        report = get_object_or_404(PortfolioReport, pk=pk, finished_at__isnull=False)
        form = PortfolioFileForm(request.POST)
        if not form.is_valid():
            return redirect("admin:loans_portfolioreport_change", pk)
        asked, period = form.cleaned_data, Period(report.as_of, report.as_of)
        if asked["content"] == BookExport.Content.PORTFOLIO:
            table = portfolio_table(_view(report), report.as_of)
            file = BookFile(table, asked["content"], len(BUCKETS) + len(CLASS_LABELS) + 2)
        else:
            lines = cell_lines(report, bucket=asked["bucket"], risk_class=asked["risk_class"])
            table = loans_table(kept_cells(lines.iterator(chunk_size=2000)), report.as_of)
            file = BookFile(table, asked["content"], lines.count())
        command = f"python manage.py portfolio --loans --as-of {report.as_of}"
        try:
            return hand_over(file, Format(asked["format"]), period, actor=actor, command=command)
        except RuleViolation as refusal:
            self.message_user(request, refusal.message, "ERROR")
            return redirect("admin:loans_portfolioreport_change", pk)


def _formats() -> list[tuple[str, str]]:
    return [(kind.value, kind.name) for kind in Format]


def _view(report: PortfolioReport) -> PortfolioView:
    return view_of(report_cells(report), report.rules)


def _rows(rows: Any) -> list[tuple[str, str, Any]]:
    return [(row.key, row.label, sums_cells(row.sums)) for row in rows]


def _reports() -> list[dict[str, Any]]:
    """The newest reports: how far those are that are counted, what the others found."""
    newest = PortfolioReport.objects.select_related("ordered_by")[:NEWEST]
    return [
        {
            "report": report,
            "progress": None if report.finished_at else progress(report),
            "total": _view(report).total if report.finished_at else None,
        }
        for report in newest
    ]
