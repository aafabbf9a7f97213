"""For accountants at the desk: journal, trial balance and chart; managers and auditors only.

Every file that is taken leaves a row. What is too large for a page is named with its command.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from loans.domain.chart import MAX_NAME, STANDARD
from loans.models import Account, BookExport, ChartVersion, Loan
from loans.pages.forms import ActReasonForm
from loans.presenters.accounts import (
    BALANCE_HEAD,
    JOURNAL_HEAD,
    balance_lines,
    balance_table,
    balance_totals,
    is_balanced,
    journal_table,
)
from loans.presenters.exports import ExportTable, Format, write
from loans.queries.chart import chart_of_accounts, chart_versions
from loans.queries.journal import Period, journal, journal_size, trial_balance
from loans.services.acts.accounting import log_export, map_accounts
from portal.core import clock
from portal.core.desk.columns import column
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.errors import RuleViolation
from portal.core.fields import DayField
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.kernel.typed import plain
from portal.core.models import User
from portal.core.snapshot import snapshot
from portal.core.web.access import costly
from portal.core.web.drafting import keeps_draft, restore, sent

PREVIEW_LINES = 50
RECENT = 10
MOST_ROWS = 100_000  # of one file at the desk, some 10 s as XLSX; more is a command's work
TOO_MANY = (
    "共 {count:,} 行，超过页面导出的上限 {most:,} 行。请缩短期间，或在服务器上运行：{command}"
)


def reads_books(user: object) -> bool:
    """Managers and auditors: the whole ledger is not every reviewer's business."""
    return isinstance(user, User) and user.is_staff_member and user.rank in READERS


READERS = frozenset({Rank.MANAGER.value, Rank.AUDITOR.value})


def reader_of(request: HttpRequest) -> User:
    """Who is logged in, if the books are theirs to read; else 403."""
    user = request.user
    if not isinstance(user, User) or not reads_books(user):
        raise PermissionDenied
    return user


class BooksAdmin(ReadOnlyAdmin):
    """Shown to whoever reads the books, changed by nobody."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and reads_books(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and reads_books(request.user)


def day_field(label: str, example: str) -> DayField:
    """A date that must be given; what is wrong with it is told in a sentence."""
    advice = f"{label}：请按“年-月-日”填写，例如 {example}。"
    return DayField(
        label=label,
        error_messages={"invalid": advice, "required": advice},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class PeriodOfBooksForm(forms.Form):
    """A period of the books, both days included, and perhaps one loan by its number."""

    from_on = day_field("开始日期", "2026-06-01")
    to_on = day_field("结束日期", "2026-06-30")
    number = forms.CharField(
        label="借据编号",
        required=False,
        max_length=24,
        error_messages={"max_length": "借据编号：最多 24 个字，请核对。"},
    )

    def clean_number(self) -> Loan | None:
        number = plain(self.cleaned_data["number"])
        if not number:
            return None
        loan = Loan.objects.filter(number=number).first()
        if loan is None:
            raise forms.ValidationError("借据编号：没有这笔借款，请核对编号。")
        return loan

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        from_on, to_on = asked.get("from_on"), asked.get("to_on")
        if from_on is not None and to_on is not None and from_on > to_on:
            self.add_error("to_on", "结束日期：不能早于开始日期。")
        return asked

    @property
    def period(self) -> Period:
        asked = self.cleaned_data
        return Period(asked["from_on"], asked["to_on"], asked["number"])


class BookFileForm(PeriodOfBooksForm):
    """The same with what to take: which content, as which file."""

    content = forms.ChoiceField(
        choices=[("journal", "总账明细"), ("trial_balance", "试算平衡表")],
        error_messages={
            "required": "导出内容：请选择总账明细或试算平衡表。",
            "invalid_choice": "导出内容：请选择总账明细或试算平衡表。",
        },
    )
    format = forms.ChoiceField(
        choices=[(kind.value, kind.name) for kind in Format],
        error_messages={
            "required": "文件格式：请选择 CSV 或 XLSX。",
            "invalid_choice": "文件格式：请选择 CSV 或 XLSX。",
        },
    )


@dataclass(frozen=True, slots=True)
class BookFile:
    """A table that may be taken, what it is called in the log, and how many rows it has."""

    table: ExportTable
    content: str
    row_count: int


def book_file(content: str, period: Period) -> BookFile:
    chart = chart_of_accounts()
    if content == BookExport.Content.TRIAL_BALANCE:
        lines = balance_lines(trial_balance(period), chart)
        return BookFile(balance_table(lines, period), content, len(lines) + 1)
    kind = BookExport.Content.LOAN_LEDGER if period.loan else BookExport.Content.JOURNAL
    table = journal_table(journal(period), period, chart)
    return BookFile(table, kind, journal_size(period))


def hand_over(
    file: BookFile, kind: Format, period: Period, *, actor: User, command: str
) -> FileResponse:
    """Write the file aside, note it, and send it; a refusal when it is too large for a page."""
    if file.row_count > MOST_ROWS:
        raise RuleViolation(
            TOO_MANY.format(count=file.row_count, most=MOST_ROWS, command=command),
            code="TOO_MANY",
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    with snapshot():
        row_count = write(file.table, kind, out)
    log_export(
        content=file.content,
        format=kind,
        period=period,
        row_count=row_count,
        actor=actor,
        now=clock.now(),
    )
    out.seek(0)
    return FileResponse(
        out,
        as_attachment=True,
        filename=file.table.file_name(kind),
        content_type=kind.content_type,
    )


@admin.register(BookExport)
class BookExportAdmin(BooksAdmin):
    """总账与导出: the page of the journal; the log of every file is one link further."""

    list_display = ["at", "content", "format", "from_on", "to_on", "rows", "who"]
    list_filter = ["content", "format"]
    list_select_related = ["actor", "loan"]
    date_hierarchy = "at"
    fields = [
        *("at", "content", "format", "from_on", "to_on", column("loan", "借据编号"), "rows"),
        *("who",),
    ]
    readonly_fields = [column("loan", "借据编号"), "rows", "who"]
    own_pages = {"log": "log/", "file": "file/"}

    @admin.display(description="行数", ordering="row_count")
    def rows(self, row: BookExport) -> str:
        return f"{row.row_count:,}"

    @admin.display(description="导出人")
    def who(self, row: BookExport) -> str:
        return row.actor.name if row.actor else "服务器命令"

    def log_view(self, request: HttpRequest) -> HttpResponseBase:
        """Every file that was ever taken."""
        page: HttpResponseBase = super().changelist_view(request, {"title": "导出记录"})
        return page

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Trial balance and the first lines of a period; this month so far where none is asked."""
        reader_of(request)
        today = clock.today()
        this_month = {"from_on": today.replace(day=1), "to_on": today, "number": ""}
        form = PeriodOfBooksForm(request.GET if "from_on" in request.GET else this_month)
        return self._page(request, form)

    def _page(
        self, request: HttpRequest, form: PeriodOfBooksForm, refused: str = ""
    ) -> HttpResponse:
        """The page with what it tells of a good period; 422 for a wrong one, 409 for a refusal."""
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "总账与导出",
            "form": form,
            "refused": refused,
            "formats": [(kind.value, kind.name) for kind in Format],
            "recent": BookExport.objects.select_related("actor")[:RECENT],
        }
        status = (409 if refused else 200) if form.is_valid() else 422
        if status != 422:
            context |= _of_period(form.period)
        return render(request, "admin/loans/books/journal.html", context, status=status)

    @method_decorator(require_POST)
    @method_decorator(costly)
    def file_view(self, request: HttpRequest) -> HttpResponseBase:
        """Journal, loan ledger or trial balance as a file."""
        actor, form = reader_of(request), BookFileForm(request.POST)
        if not form.is_valid():
            return self._page(request, form)
        period, asked = form.period, form.cleaned_data
        command = (
            f"python manage.py export_journal --from {period.from_on} --to {period.to_on}"
            f" --format {asked['format']}"
        )
        try:
            file = book_file(asked["content"], period)
            return hand_over(file, Format(asked["format"]), period, actor=actor, command=command)
        except RuleViolation as refusal:
            return self._page(request, form, refusal.message)


def _of_period(period: Period) -> dict[str, Any]:
    """What the page says of a period: totals of every account, and the first lines."""
    chart = chart_of_accounts()
    lines = balance_lines(trial_balance(period), chart)
    totals = balance_totals(lines)
    preview = journal_table(journal(period, limit=PREVIEW_LINES), period, chart)
    return {
        "period": period,
        "balance_head": BALANCE_HEAD[2:],
        "balance": lines,
        "totals": totals,
        "balanced": is_balanced(totals),
        "journal_head": JOURNAL_HEAD,
        "journal": [list(row) for row in preview.rows],
        "journal_size": journal_size(period),
    }


class ChartForm(ActReasonForm):
    """Code and name of every account of the ledger, and why they are changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = chart_of_accounts()
        for account in Account:
            label = str(account.label)
            self.fields[f"code_{account.value}"] = forms.CharField(
                label=f"{label}的科目代码", initial=now[account.value].code, max_length=40,
                error_messages=_field_errors(f"{label}的科目代码"),
            )  # fmt: skip
            self.fields[f"name_{account.value}"] = forms.CharField(
                label=f"{label}的科目名称", initial=now[account.value].name, max_length=MAX_NAME,
                error_messages=_field_errors(f"{label}的科目名称"),
            )  # fmt: skip

    @property
    def rows(self) -> list[tuple[str, Any, Any, Any]]:
        """(account, standard, field of the code, field of the name), in the ledger's order."""
        return [
            (
                str(account.label),
                STANDARD[account.value],
                self[f"code_{account.value}"],
                self[f"name_{account.value}"],
            )
            for account in Account
        ]

    @property
    def codes(self) -> dict[str, tuple[str, str]]:
        asked = self.cleaned_data
        return {
            account.value: (asked[f"code_{account.value}"], asked[f"name_{account.value}"])
            for account in Account
        }


def _field_errors(label: str) -> dict[str, str]:
    return {"required": f"{label}：请填写。", "max_length": f"{label}：内容过长，请缩短。"}


@admin.register(ChartVersion)
class ChartVersionAdmin(BooksAdmin):
    """会计科目: what each account is called in the lender's books; managers change it."""

    fields = ["at", "reason", "who", "differences"]
    readonly_fields = ["who", "differences"]

    @admin.display(description="修改人")
    def who(self, row: ChartVersion) -> str:
        return row.actor.name

    @admin.display(description="与标准科目不同")
    def differences(self, row: ChartVersion) -> str:
        changed_accounts = (
            f"{Account(a).label} {code} {name}" for a, (code, name) in row.codes.items()
        )
        return "；".join(changed_accounts) or "无，全部用标准科目"

    @method_decorator(keeps_draft)
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The chart in force, its history, and for managers the form that makes the next version."""
        user = reader_of(request)
        may_change = user.has_rank(Rank.MANAGER)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        form = ChartForm(request.POST if request.method == "POST" else None)
        draft = None if form.is_bound else restore(request, form)
        status = 200
        if request.method == "POST":
            status = self._mapped(form, user)
            if status == 302:
                sent(request)
                messages.success(request, "会计科目已保存为新版本，之后的导出按新代码。")
                return redirect("admin:loans_chartversion_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "会计科目",
            "form": form,
            "draft": draft,
            "may_change": may_change,
            "chart": [(str(Account(a).label), *one) for a, one in chart_of_accounts().items()],
            "versions": chart_versions(),
        }
        return render(request, "admin/loans/books/chart.html", context, status=status)

    def _mapped(self, form: ChartForm, actor: User) -> int:
        """Keep what was typed as a version; the status of the answer."""
        if not form.is_valid():
            return 422
        try:
            map_accounts(
                codes=form.codes,
                reason=form.cleaned_data["reason"],
                actor=actor,
                now=clock.now(),
            )
        except InvalidInput as wrong:
            form.add_error(f"code_{wrong.field}", wrong.message)
            return 422
        except RuleViolation as refusal:
            form.add_error(None, refusal.message)
            return 409
        return 302
