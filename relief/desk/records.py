"""Read-only lists of the desk: offers, agreements, audit trail, policies, papers, evidence access, consents."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join

from portal.core.desk.columns import column, filled, yes_no
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.kernel.roles import ROLE_LABELS, Role
from relief.cases import labels
from relief.cases.models import Event, Policy
from relief.cases.notices import AUDIT_EVENT_LABELS
from relief.desk.base import staff_user, who_did
from relief.evidence.models import Consent, Evidence, EvidenceAccess
from relief.offers.models import Agreement, Offer
from relief.presenters.case import event_label


class OwnHiddenAdmin(ReadOnlyAdmin):
    """Hides rows of the staff user's own loans; `borrower_path` leads from a row to its borrower."""

    borrower_path = "case__borrower"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own_borrower = staff_user(request).same_person_as_id or 0
        return super().get_queryset(request).exclude(**{self.borrower_path: own_borrower})


CASE = column("case.number", "申请编号")


class ByAction(admin.SimpleListFilter):
    """What happened, in the words of the trail."""

    title = "动作"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = (*labels.ACTION_LABELS.items(), *AUDIT_EVENT_LABELS.items())
        return [(f"{value}", label) for value, label in named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ByRole(admin.SimpleListFilter):
    """Who did it: a borrower, staff, or the system."""

    title = "操作人"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(f"{role}", label) for role, label in ROLE_LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(role=self.value()) if self.value() else queryset


@admin.register(Offer)
class OfferAdmin(OwnHiddenAdmin):
    """Every version ever proposed; none is edited."""

    list_display = ["case", "number", "side", "status", "figures_on", "maker", "valid_until"]
    list_filter = ["status", "side"]
    list_select_related = ["case", "made_by"]
    search_fields = ["case__number", "digest"]
    date_hierarchy = "made_at"
    fields = [
        *(CASE, "number", "side", "status", "maker", "checker", "made_at", "sent_at"),
        *("valid_until", "first_read_at", "agreed", "plan", "note", "note_internal", "digest"),
    ]
    readonly_fields = [CASE, "maker", "checker", "agreed", "plan"]

    @admin.display(description="拟定人")
    def maker(self, row: Offer) -> str:
        return row.made_by.masked_name if row.made_by else "系统"

    @admin.display(description="复核人")
    def checker(self, row: Offer) -> str:
        return row.approved_by.masked_name if row.approved_by else ""

    @admin.display(description="条款")
    def agreed(self, row: Offer) -> str:
        figures = row.figures
        lines = [
            ("欠款日期", date_format(row.figures_on)),
            ("当日欠款（元）", figures.get("total", "")),
            ("减免合计（元）", figures.get("waived", "")),
            ("新计划合计（元）", figures.get("plan_total", "")),
        ]
        return format_html_join("", "<div>{} {}</div>", lines)

    @admin.display(description="新还款计划")
    def plan(self, row: Offer) -> str:
        lines = (
            (one["number"], date_format(date.fromisoformat(one["due_on"])), one["total"])
            for one in row.rows
        )
        return format_html_join("", "<div>第 {} 期 · {} · {} 元</div>", lines)


@admin.register(Agreement)
class AgreementAdmin(OwnHiddenAdmin):
    """What was accepted, as it was accepted."""

    list_display = ["number", CASE, "accepted_at", "method", "standing", "ended_at"]
    list_filter = ["method", filled("ended_at", "效力", no="生效中", yes="已结束")]
    list_select_related = ["case"]
    search_fields = ["number", "code", "case__number"]
    date_hierarchy = "accepted_at"
    fields = [
        *("number", CASE, "accepted_at", "method", "standing", "ended_at"),
        *("text", "digest", "code"),
    ]
    readonly_fields = [CASE, "standing"]

    @admin.display(description="效力", ordering="end_kind")
    def standing(self, row: Agreement) -> str:
        return row.get_end_kind_display() if row.end_kind else "生效中"


@admin.register(Event)
class EventAdmin(OwnHiddenAdmin):
    """The audit trail."""

    list_display = ["at", CASE, "what", "who", "note_public", "moved"]
    list_filter = [ByAction, ByRole]
    list_select_related = ["case", "actor"]
    search_fields = ["case__number"]
    date_hierarchy = "at"
    fields = ["at", CASE, "what", "who", "moved", "note_public", "note_internal"]
    readonly_fields = [CASE, "what", "who", "moved"]

    @admin.display(description="动作", ordering="action")
    def what(self, row: Event) -> str:
        return event_label(row)

    @admin.display(description="操作人")
    def who(self, row: Event) -> str:
        return who_did(row)

    @admin.display(description="状态")
    def moved(self, row: Event) -> str:
        if row.from_state == row.to_state:
            return ""
        before, after = (labels.label(s, Role.STAFF) for s in (row.from_state, row.to_state))
        return f"{before} → {after}"


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    """The versions of the relief policy; a new one is a decision of the operator, not of the desk."""

    list_display = ["version", "note", "created_at"]
    exclude = ["made_by"]


@admin.register(Evidence)
class EvidenceAdmin(OwnHiddenAdmin):
    """Papers without their content: that is opened, and logged, on the case's page."""

    list_display = ["case", "kind", "state", "size_shown", "created_at", "purge_on"]
    list_filter = ["kind", "state"]
    list_select_related = ["case"]
    search_fields = ["case__number", "public_id"]
    exclude = ["stored_key", "clean_key", "uploaded_by", "judged_by", "replaces"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(case__state="DRAFT")

    @admin.display(description="大小", ordering="size")
    def size_shown(self, row: Evidence) -> str:
        return row.size_label


@admin.register(EvidenceAccess)
class EvidenceAccessAdmin(OwnHiddenAdmin):
    """The access log of papers, as the borrower reads it too."""

    borrower_path = "evidence__case__borrower"
    list_display = [
        "at",
        "viewer_label",
        column("evidence", "材料"),
        "page",
        yes_no("whole", "下载整份"),
    ]
    list_select_related = ["evidence", "evidence__case"]
    search_fields = ["evidence__case__number", "viewer_label"]
    date_hierarchy = "at"
    exclude = ["viewer"]


@admin.register(Consent)
class ConsentAdmin(OwnHiddenAdmin):
    """Separate consents, with the text's version."""

    borrower_path = "user"
    list_display = ["person", "kind", "version", "given_at", "withdrawn_at"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    exclude = ["user"]
    readonly_fields = ["person"]

    @admin.display(description="借款人")
    def person(self, row: Consent) -> str:
        return str(row.user)
