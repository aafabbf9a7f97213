"""The books at the staff desk: everything to read, nothing to edit; three acts go through services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from loans import queries
from loans.forms import LatePaymentForm, ReasonForm
from loans.models import Entry, Instalment, Loan, Payment, Posting, Schedule
from loans.services.acceleration import accelerate
from loans.services.payment import pay, reverse_payment
from portal import clock
from portal.admin import ReadOnlyAdmin
from portal.errors import RuleViolation
from portal.kernel.roles import Rank
from portal.models import User


class ReadOnlyInline(admin.TabularInline):
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
    fields = ["paid_on", "amount", "kind", "reference", "reversed"]
    readonly_fields = ["reversed"]

    @admin.display(description="已冲正", boolean=True)
    def reversed(self, payment: Payment) -> bool:
        return payment.is_reversed


class EntryInline(ReadOnlyInline):
    model = Entry
    fk_name = "loan"
    fields = ["value_date", "kind", "source", "at"]


class PostingInline(ReadOnlyInline):
    model = Posting
    fields = ["account", "instalment", "amount"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        return super().get_queryset(request).select_related("instalment")


class InstalmentInline(ReadOnlyInline):
    model = Instalment
    fields = ["number", "due_on", "principal", "interest", "kept_interest", "kept_penalty"]


def _may_act(user: User, loan: Loan) -> bool:
    """Supervisors and above; nobody on a loan of their own."""
    return user.has_rank(Rank.SUPERVISOR) and user.same_person_as_id != loan.borrower_id


def _split_words(split: dict[str, Any]) -> str:
    """第 1 期罚息 64.24，第 1 期利息 54.00 …"""
    return "，".join(
        (f"第 {line['instalment']} 期" if line["instalment"] else "提前还")
        + f"{line['label']} {line['amount']}"
        for line in split["lines"]
    )


def act_page(
    request: HttpRequest,
    *,
    title: str,
    warning: str,
    loan: Loan,
    back: str,
    act: Callable[[dict[str, Any], User], Any],
    form_class: type[Form] = ReasonForm,
) -> HttpResponse:
    """A form that asks (for the reason), then calls one service; refusals are shown, not lost."""
    user = request.user
    if not isinstance(user, User) or not _may_act(user, loan):
        raise PermissionDenied
    form = form_class(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                act(form.cleaned_data, user)
            except RuleViolation as refusal:
                form.add_error(None, refusal.message)
                status = 409
            else:
                messages.success(request, f"{title}：已完成")
                return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": title,
        "warning": warning,
        "form": form,
        "back": back,
    }
    return render(request, "admin/loans/act.html", context, status=status)


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    """One loan: contract, schedules, payments, entries, and what is owed today."""

    change_form_template = "admin/loans/loan_change_form.html"
    list_display = ["number", "person", "product_name", "principal", "drawdown_on", "status"]
    list_filter = ["status", "product"]
    list_select_related = ["borrower"]
    search_fields = ["number", "public_id", "borrower__phone"]
    date_hierarchy = "drawdown_on"
    exclude = ["borrower"]
    readonly_fields = ["person"]
    inlines = [ScheduleInline, PaymentInline, EntryInline]

    @admin.display(description="借款人")
    def person(self, loan: Loan) -> str:
        return str(loan.borrower)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/accelerate/", wrap(self.accelerate_view), name="loans_loan_accelerate"),
            path(
                "<int:pk>/late-payment/",
                wrap(self.late_payment_view),
                name="loans_loan_late_payment",
            ),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        loan = self.get_object(request, object_id)
        if isinstance(loan, Loan):
            books, today = queries.load_position(loan), clock.today()
            may_act = isinstance(request.user, User) and _may_act(request.user, loan)
            extra_context = {
                **(extra_context or {}),
                "debt": queries.debt_of(books, today),
                "corrections": queries.corrections(loan),
                "may_act": may_act,
                "may_accelerate": may_act and loan.accelerated_on is None,
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def accelerate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """宣布提前到期, as of today."""
        loan = get_object_or_404(Loan, pk=pk)
        return act_page(
            request,
            title=f"宣布提前到期：{loan.number}",
            warning="全部未到期本金从今天起到期，未到期利息不再收取。会通知借款人，不能撤销。",
            loan=loan,
            back=reverse("admin:loans_loan_change", args=[pk]),
            act=lambda told, actor: accelerate(
                loan_id=pk, on=clock.today(), reason=told["reason"], actor=actor, now=clock.now()
            ),
        )

    def late_payment_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """补记还款: money that came in on an earlier day."""
        loan = get_object_or_404(Loan, pk=pk)
        return act_page(
            request,
            title=f"补记还款：{loan.number}",
            warning=(
                "按实际到账日入账：罚息从那天起重新计算，之后的还款重新分配，"
                "之后的违约和提前到期按原日期、原原因重新计算。更正前后的数字都会记下来。"
            ),
            loan=loan,
            back=reverse("admin:loans_loan_change", args=[pk]),
            act=lambda told, actor: pay(loan_id=pk, actor=actor, now=clock.now(), **told),
            form_class=LatePaymentForm,
        )


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Receipts; taking one back is a counter-posting with a reason."""

    change_form_template = "admin/loans/payment_change_form.html"
    list_display = ["paid_on", "loan", "amount", "kind", "reference", "reversed"]
    list_filter = ["kind", ("reversed_by", admin.EmptyFieldListFilter)]
    list_select_related = ["loan"]
    exclude = ["actor", "reversed_by", "split", "split_now"]
    readonly_fields = ["reversed", "split_first", "split_corrected"]
    search_fields = ["reference", "public_id", "loan__number"]
    date_hierarchy = "paid_on"

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.reverse_view)
        own = [path("<int:pk>/reverse/", act, name="loans_payment_reverse")]
        return [*own, *super().get_urls()]

    @admin.display(description="已冲正", boolean=True)
    def reversed(self, payment: Payment) -> bool:
        return payment.is_reversed

    @admin.display(description="入账明细（回单）")
    def split_first(self, payment: Payment) -> str:
        return _split_words(payment.split)

    @admin.display(description="入账明细（更正后）")
    def split_corrected(self, payment: Payment) -> str:
        return _split_words(payment.split_now) if payment.is_corrected else "未更正"

    def reverse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """冲正还款."""
        payment = get_object_or_404(Payment.objects.select_related("loan"), pk=pk)
        return act_page(
            request,
            title=f"冲正还款：{payment.amount:,.2f} 元（{payment.paid_on}）",
            warning=(
                "用反向分录冲回这笔还款，原记录保留；之后的还款会重新分配，"
                "之后的违约和提前到期按原日期、原原因重新计算。"
            ),
            loan=payment.loan,
            back=reverse("admin:loans_payment_change", args=[pk]),
            act=lambda told, actor: reverse_payment(
                payment_id=pk, reason=told["reason"], actor=actor, now=clock.now()
            ),
        )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Double entries with their postings."""

    list_display = ["value_date", "loan", "kind", "source", "at"]
    list_filter = ["kind"]
    list_select_related = ["loan"]
    search_fields = ["loan__number", "key"]
    date_hierarchy = "value_date"
    exclude = ["actor"]
    inlines = [PostingInline]


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Schedules, superseded ones too."""

    list_display = ["loan", "number", "kind", "opened_on", "superseded_on"]
    list_filter = ["kind"]
    list_select_related = ["loan"]
    search_fields = ["loan__number"]
    inlines = [InstalmentInline]
