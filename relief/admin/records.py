"""What the desk only reads: offers, agreements, trail, rules, papers, looks, consents, conversations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.kernel.roles import Role
from relief.admin.base import ReadOnlyAdmin, deskman, who_did
from relief.domain import labels
from relief.models import (
    Agreement,
    Consent,
    Event,
    Evidence,
    EvidenceLook,
    Offer,
    Policy,
)
from relief.presenters.case import event_label


class OwnHiddenAdmin(ReadOnlyAdmin):
    """Rows of one's own loans are not there; `borrower_path` leads from a row to its borrower."""

    borrower_path = "case__borrower"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own = deskman(request).same_person_as_id or 0
        return super().get_queryset(request).exclude(**{self.borrower_path: own})


@admin.register(Offer)
class OfferAdmin(OwnHiddenAdmin):
    """Every version ever proposed; none is edited."""

    list_display = ["case", "number", "side", "status", "figures_on", "maker", "valid_until"]
    list_filter = ["status", "side"]
    list_select_related = ["case", "made_by"]
    search_fields = ["case__number", "digest"]
    date_hierarchy = "made_at"
    exclude = ["made_by", "approved_by", "supersedes"]
    readonly_fields = ["maker"]

    @admin.display(description="拟定人")
    def maker(self, row: Offer) -> str:
        return row.made_by.masked_name if row.made_by else "系统"


@admin.register(Agreement)
class AgreementAdmin(OwnHiddenAdmin):
    """What was accepted, as it was accepted."""

    list_display = ["number", "case", "accepted_at", "method", "end_kind", "ended_at"]
    list_filter = ["end_kind", "method"]
    list_select_related = ["case"]
    search_fields = ["number", "code", "case__number"]
    date_hierarchy = "accepted_at"
    exclude = ["accepted_by", "document", "plan"]


@admin.register(Event)
class EventAdmin(OwnHiddenAdmin):
    """The audit trail."""

    list_display = ["at", "case", "what", "who", "note_public", "moved"]
    list_filter = ["action", "role"]
    list_select_related = ["case", "actor"]
    search_fields = ["case__number"]
    date_hierarchy = "at"
    exclude = ["actor"]
    readonly_fields = ["who"]

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

    list_display = ["case", "kind", "state", "size_label", "created_at", "purge_on"]
    list_filter = ["kind", "state"]
    list_select_related = ["case"]
    search_fields = ["case__number", "public_id"]
    exclude = ["stored_key", "clean_key", "uploaded_by", "judged_by", "replaces"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(case__state="DRAFT")


@admin.register(EvidenceLook)
class LookAdmin(OwnHiddenAdmin):
    """Who looked at which paper, as the borrower reads it too."""

    borrower_path = "evidence__case__borrower"
    list_display = ["at", "viewer_label", "evidence", "page", "whole"]
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
