"""The books at the staff desk: everything to read, nothing to edit; acts are proposed to a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join

from loans.desk.acts import ActPage, split_words
from loans.desk.proposals import PROPOSE, loan_act_page, loan_acts, proposals_of, propose_page
from loans.models import Account, Entry, Instalment, Loan, Payment, Posting, Proposal, Schedule
from loans.presenters.amounts import desk_parts
from loans.presenters.rules import penalty_rules
from loans.queries.carrying import ever_written_off, off_balance
from loans.queries.debt import debt_of
from loans.queries.penalty_basis import LOAN
from loans.queries.position import load_position
from loans.queries.statement import corrections_of
from loans.services.acts.proposals import ProposedAct, may_propose
from portal.core import clock
from portal.core.desk.columns import column, filled, money
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.models import User
from portal.core.web.drafting import keeps_draft

CONTRACT = column("loan.number", "借据编号")
AMOUNT = money("amount", "金额（元）")
LENT = money("principal", "借款本金（元）")

if TYPE_CHECKING:  # generic for the type checker only
    _TabularInline = admin.TabularInline[Any, Any]
else:
    _TabularInline = admin.TabularInline


class ReadOnlyInline(_TabularInline):
    """Rows of the books under their owner, newest last."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_staff_member", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScheduleInline(ReadOnlyInline):
    model = Schedule
    fields = ["number", "kind", "opened_on", "superseded_on", "source"]


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ["paid_on", AMOUNT, "kind", "reference", "stands"]
    readonly_fields = [AMOUNT, "stands"]

    @admin.display(description="状态")
    def stands(self, payment: Payment) -> str:
        return "已冲正" if payment.is_reversed else "有效"


class EntryInline(ReadOnlyInline):
    model = Entry
    fk_name = "loan"
    fields = ["value_date", "kind", "source", "at"]


class PostingInline(ReadOnlyInline):
    model = Posting
    fields = ["account", "term", AMOUNT]
    readonly_fields = ["term", AMOUNT]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        return super().get_queryset(request).select_related("instalment")

    @admin.display(description="期")
    def term(self, row: Posting) -> str:
        return f"第 {row.instalment.number} 期" if row.instalment else "–"


class InstalmentInline(ReadOnlyInline):
    model = Instalment
    fields = ["number", "due_on", "principal", "interest", "kept_interest", "kept_penalty"]


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    """One loan: contract, schedules, payments, entries, and what is owed today."""

    change_form_template = "admin/loans/loan_change_form.html"
    list_display = [
        *("number", "person", "product_name"),
        *(LENT, "drawdown_on", "status"),
    ]
    list_filter = ["status", "product_name"]
    list_select_related = ["borrower"]
    search_fields = ["number", "public_id", "borrower__phone"]
    search_help_text = "借据编号或手机号"
    date_hierarchy = "drawdown_on"
    fields = [
        *("number", "person", "product_name", "rules", LENT),
        *("drawdown_on", "term_months", "due_day", "status", "settled_on", "accelerated_on"),
    ]
    readonly_fields = ["person", "rules", LENT]
    inlines = [ScheduleInline, PaymentInline, EntryInline]
    own_pages = {"propose": "<int:pk>/propose/<slug:act>/"}

    @admin.display(description="借款人")
    def person(self, loan: Loan) -> str:
        return str(loan.borrower)

    @admin.display(description="罚息规则（放款时固定）")
    def rules(self, loan: Loan) -> str:
        lines = ((rule.title, rule.text) for rule in penalty_rules(loan.terms))
        return format_html_join("", "<div>{}：{}</div>", lines)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        loan = self.get_object(request, object_id)
        if isinstance(loan, Loan):
            books = load_position(loan)
            debt = debt_of(books, clock.today())
            extra_context = {
                **(extra_context or {}),
                "debt": debt,
                "debt_parts": desk_parts(debt),
                "corrections": corrections_of(loan),
                "proposals": proposals_of(Proposal.objects.filter(loan=loan)),
                "credit": books.credit,
                "written_off": ever_written_off(books),
                "recovered": -books.total(LOAN, Account.RECOVERED),
                "off_balance": off_balance(books),
                "loan_acts": loan_acts(request.user, loan, books),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    @method_decorator(keeps_draft)
    def propose_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """Any act that somebody else has to approve."""
        return loan_act_page(request, get_object_or_404(Loan, pk=pk), act)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Receipts; taking one back is a counter-posting with a reason."""

    change_form_template = "admin/loans/payment_change_form.html"
    list_display = ["paid_on", CONTRACT, AMOUNT, "kind", "reference", "stands"]
    list_filter = ["kind", filled("reversed_by", "状态", no="有效", yes="已冲正")]
    list_select_related = ["loan"]
    fields = [
        *(CONTRACT, "paid_on", AMOUNT, "kind", "reference", "at", "stands"),
        *("split_first", "split_corrected"),
    ]
    readonly_fields = [CONTRACT, AMOUNT, "stands", "split_first", "split_corrected"]
    search_fields = ["reference", "public_id", "loan__number"]
    search_help_text = "流水号或借据编号"
    own_pages = {"reverse": "<int:pk>/reverse/"}
    date_hierarchy = "paid_on"

    @admin.display(description="状态")
    def stands(self, payment: Payment) -> str:
        return "已冲正" if payment.is_reversed else "有效"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        payment = self.get_object(request, object_id)
        if isinstance(payment, Payment):
            extra_context = {
                **(extra_context or {}),
                "may_reverse": isinstance(request.user, User)
                and may_propose(request.user, payment.loan)
                and not payment.is_reversed,
                "proposals": proposals_of(Proposal.objects.filter(payment=payment)),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="入账明细（回单）")
    def split_first(self, payment: Payment) -> str:
        return split_words(payment.split)

    @admin.display(description="入账明细（更正后）")
    def split_corrected(self, payment: Payment) -> str:
        return split_words(payment.split_now) if payment.is_corrected else "未更正"

    @method_decorator(keeps_draft)
    def reverse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """冲正还款: proposed here, booked when somebody else approves it."""
        payment = get_object_or_404(Payment.objects.select_related("loan"), pk=pk)
        page = ActPage(
            title=f"冲正还款：{payment.amount:,.2f} 元（{payment.paid_on}）",
            warning=(
                "用反向分录冲回这笔还款，原记录保留；之后的还款会重新分配，之后的违约和提前到期"
                "按原日期、原原因重新计算。还款之后签过协商协议的，协议的数字不变，款项从今天起另行应还。"
            ),
            back=reverse("admin:loans_payment_change", args=[pk]),
            may=lambda user: may_propose(user, payment.loan),
            button=PROPOSE,
        )
        return propose_page(
            request,
            page,
            lambda data: ProposedAct(
                kind=Proposal.Kind.REVERSAL,
                loan_id=payment.loan_id,
                payment=payment,
                amount=payment.amount,
                reason=data["reason"],
            ),
        )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Double entries with their postings."""

    list_display = ["value_date", CONTRACT, "kind", "source", "at"]
    list_filter = ["kind"]
    list_select_related = ["loan"]
    search_fields = ["loan__number", "key"]
    search_help_text = "借据编号"
    date_hierarchy = "value_date"
    fields = [CONTRACT, "kind", "value_date", "source", "at", "key"]
    readonly_fields = [CONTRACT]
    inlines = [PostingInline]


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Schedules, superseded ones too."""

    list_display = [CONTRACT, "number", "kind", "opened_on", "superseded_on"]
    list_filter = ["kind"]
    list_select_related = ["loan"]
    search_fields = ["loan__number"]
    search_help_text = "借据编号"
    fields = [CONTRACT, "number", "kind", "opened_on", "superseded_on", "undone_on", "source"]
    readonly_fields = [CONTRACT]
    inlines = [InstalmentInline]
