"""The house at the staff desk: outbox, notices, calls, people and calendar; deeds go through services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator

from portal.core import clock
from portal.core.accounts import watch
from portal.core.desk import calendar as desk_calendar
from portal.core.desk import calls as desk_calls
from portal.core.desk.columns import filled
from portal.core.errors import RuleViolation
from portal.core.kernel.phones import mask_phone, search_words
from portal.core.kernel.roles import Rank
from portal.core.kernel.security import KIND_LABELS
from portal.core.models import (
    Delivery,
    DemoClock,
    Notice,
    PhoneTask,
    SecurityEvent,
    User,
    WorkDay,
)
from portal.core.notifications import calls, deliveries
from portal.core.web.drafting import keeps_draft

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Shown to every member of staff, changed by nobody here.

    ``own_pages`` are pages beside Django's: the page ``approve`` is the method ``approve_view`` and is
    called ``admin:loans_proposal_approve``.
    """

    own_pages: Mapping[str, str] = {}  # the page's word: its address below the list's

    def get_urls(self) -> list[URLPattern]:
        app, model = self.opts.app_label, self.opts.model_name
        own_urls = [
            path(
                route,
                self.admin_site.admin_view(getattr(self, f"{word}_view")),
                name=f"{app}_{model}_{word}",
            )
            for word, route in self.own_pages.items()
        ]
        return [*own_urls, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Headed by what is listed, instead of Django's 选择…查看."""
        title = {"title": self.opts.verbose_name_plural}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """As everywhere, what was pasted is cleaned first."""
        return super().get_search_results(request, queryset, search_words(search_term))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_staff(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _is_staff(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_staff_member", False)) and request.user.is_active


def _has_rank(request: HttpRequest, rank: Rank) -> bool:
    return isinstance(request.user, User) and request.user.has_rank(rank)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["what", "created_at", "channel", "masked_to", "state", "attempts", "error"]
    list_filter = ["status", "channel", "failure"]
    list_select_related = ["notice"]
    search_fields = ["public_id", "about", "code"]
    search_help_text = "核对码或编号"
    fields = [
        *("what", "channel", "masked_to", "text", "code", "state", "error"),
        *("attempts", "next_attempt_at", "created_at", "submitted_at", "finished_at"),
        *("public_id", "provider_reference"),
    ]
    readonly_fields = ["what", "masked_to", "state"]
    actions = ["resend"]
    date_hierarchy = "created_at"
    change_form_template = "admin/portal/delivery_change_form.html"
    own_pages = {"resend": "<int:pk>/resend/"}

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if isinstance(row, Delivery):
            failed_sms = row.status == Delivery.Status.FAILED and row.channel == "sms"
            may = failed_sms and not row.exempt and self.has_resend_permission(request)
            page_context = {"subtitle": self.what(row), "may_resend": may}
            extra_context = {**page_context, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    def resend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """重发 one message from its own page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_resend_permission(request):
            raise PermissionDenied
        self.resend(request, Delivery.objects.filter(pk=pk))
        return redirect("admin:portal_delivery_change", pk)

    @admin.display(description="内容")
    def what(self, row: Delivery) -> str:
        return row.notice.title if row.notice else "登录验证码" if row.exempt else row.event

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return _has_rank(request, Rank.REVIEWER)

    @admin.display(description="号码")
    def masked_to(self, row: Delivery) -> str:
        return mask_phone(row.to)

    @admin.display(description="状态", ordering="status")
    def state(self, row: Delivery) -> str:
        return row.status_label

    @admin.action(description="重发所选的未送达短信", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        assert isinstance(request.user, User)
        for row in queryset:
            try:
                deliveries.resend(delivery_id=row.pk, actor=request.user, now=clock.now())
            except RuleViolation as refusal:
                self.message_user(request, f"{self.what(row)}：{refusal.message}", messages.ERROR)
            else:
                self.message_user(request, f"{self.what(row)}：已放回待发送", messages.SUCCESS)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "person", "category", "title", "code", "read_at"]
    list_filter = ["category"]
    search_fields = ["public_id", "code", "title"]
    search_help_text = "标题或核对码"
    list_select_related = ["user"]
    exclude = ["user", "key"]
    readonly_fields = ["person"]

    @admin.display(description="用户")
    def person(self, row: Notice) -> str:
        return str(row.user)


@admin.register(PhoneTask)
class PhoneTaskAdmin(ReadOnlyAdmin):
    """The queue of calls; the page of one has the script and records what came of it."""

    list_display = ["task", "created_at", "person", "number", "when", "attempts", "outcome"]
    list_filter = [filled("done_at", "进度", no="待拨打", yes="已完成"), "outcome"]
    list_select_related = ["delivery__user", "delivery__notice"]
    own_pages = {"record": "<int:pk>/record/"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhoneTask]:
        """Open ones first, on every database."""
        rows = calls.with_calls_today(super().get_queryset(request), now=clock.now())
        return rows.order_by(F("done_at").asc(nulls_first=True), "created_at")

    @admin.display(description="电话任务")
    def task(self, row: PhoneTask) -> str:
        return desk_calls.title_of(row)

    @admin.display(description="借款人")
    def person(self, row: PhoneTask) -> str:
        return row.delivery.user.masked_name if row.delivery.user else ""

    @admin.display(description="号码")
    def number(self, row: PhoneTask) -> str:
        return mask_phone(row.delivery.to)

    @admin.display(description="拨打时间")
    def when(self, row: PhoneTask) -> str:
        if row.done_at:
            return "已完成"
        calls_today = getattr(row, "calls_today", 0)
        return (
            calls.when_to_call(row.delivery.user, calls=calls_today, now=clock.now()) or "现在可拨"
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if not isinstance(row, PhoneTask):
            return super().change_view(request, object_id, form_url, extra_context)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        return desk_calls.call_page(request, row, self.admin_site.each_context(request))

    def record_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record one call that was made."""
        return desk_calls.record_call(request, pk, self.admin_site.each_context(request))


class ByKind(admin.SimpleListFilter):
    """What happened, in the words of the trail."""

    title = "事件"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, words) for kind, words in KIND_LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """登录与安全记录: everybody at the desk reads their own, auditors everybody's."""

    list_display = ["at", "what", "whose", "who", "address", "device", "detail"]
    list_filter = [ByKind]
    list_select_related = ["user", "actor"]
    search_fields = ["=user__phone", "=user__username", "=address"]
    search_help_text = "完整的手机号、用户名或地址"
    date_hierarchy = "at"
    fields = ["at", "what", "whose", "who", "address", "device", "detail"]
    readonly_fields = ["what", "whose", "who"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SecurityEvent]:
        rows, reader = SecurityEvent.objects.all(), request.user
        reads_all = isinstance(reader, User) and reader.rank == Rank.AUDITOR
        return rows if reads_all else rows.about(reader)

    @admin.display(description="事件", ordering="kind")
    def what(self, row: SecurityEvent) -> str:
        return row.label

    @admin.display(description="账户")
    def whose(self, row: SecurityEvent) -> str:
        if row.kind in watch.PROOFS:
            return "所有账户"
        return f"{row.user}" if row.user else "没有这个账户"

    @admin.display(description="由谁操作")
    def who(self, row: SecurityEvent) -> str:
        """Only where it was somebody else: a login may be anybody's."""
        return f"{row.actor or ''}"


@admin.register(WorkDay)
class WorkDayAdmin(ReadOnlyAdmin):
    """The calendar: supervisors correct it when the State Council publishes or changes a year."""

    list_display = ["date", "kind", "name", "source"]
    list_filter = ["source", "kind"]
    date_hierarchy = "date"
    own_pages = {"import": "import/"}

    @method_decorator(keeps_draft)
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A year's notice, pasted."""
        return desk_calendar.import_notice(request, site=self.admin_site)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        calendar_context = desk_calendar.list_context(request)
        return super().changelist_view(request, {**calendar_context, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _has_rank(request, Rank.SUPERVISOR)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _has_rank(request, Rank.SUPERVISOR)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["date"] if obj else []


def security_board(request: HttpRequest) -> dict[str, Any]:
    """For the desk's front page: what a manager or an auditor must see at once."""
    reader = request.user
    assert isinstance(reader, User)
    return {
        "security_warnings": watch.warnings(reader, clock.real_now()),
        "reads_security": reader.rank == Rank.AUDITOR,
    }


for board in (security_board, desk_calendar.board):
    admin.site.show_on_index(board)  # type: ignore[attr-defined]  # our own AdminSite, set in apps


class DemoClockAdmin(ReadOnlyAdmin):
    """Only looked at here; the demo page moves it."""


if settings.DEMO:
    admin.site.register(DemoClock, DemoClockAdmin)

admin.site.unregister(Group)  # ranks decide, not groups
