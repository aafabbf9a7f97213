"""Conversations at the desk: who waits for a person, answering borrowers who have no case yet."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from loans.queries.debt import borrower_debts
from portal.core import clock
from portal.core.accounts import drafts
from portal.core.accounts.sessions import last_used
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.web.drafting import keeps_draft, sent
from portal.core.web.htmx import trigger, wants_part
from relief.cases import labels
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages as talks
from relief.conversation.models import Conversation
from relief.desk import talk
from relief.desk.base import desk_context, may_decide, require_rank, staff_user
from relief.desk.forms import SayForm


class WaitingFilter(admin.SimpleListFilter):
    """Who asked for a person and has none yet."""

    title = "接待"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "等待人工"), ("mine", "我接待的")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(human_wanted_at__isnull=False, taken_by=None)
        if self.value() == "mine":
            return queryset.filter(taken_by=staff_user(request).pk)
        return queryset


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """The list, and a page to read, take, answer and hand back one conversation."""

    list_display = ["person", "human_wanted_at", "taken_by", "created_at"]
    list_filter = [WaitingFilter]
    list_select_related = ["borrower", "taken_by"]
    search_fields = ["=borrower__phone", "borrower__name"]
    ordering = ["taken_by", "-human_wanted_at", "-pk"]

    @admin.display(description="借款人")
    def person(self, row: Conversation) -> str:
        return str(row.borrower)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Conversation.objects.visible_to(staff_user(request)).order_by(*self.ordering)

    def get_urls(self) -> list[URLPattern]:
        def desk(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        page_urls = [
            path("<int:pk>/talk/", desk(news_view), name="relief_conversation_talk"),
            path("<int:pk>/say/", desk(say_view), name="relief_conversation_say"),
            path("<int:pk>/take/", desk(take_view), name="relief_conversation_take"),
            path("<int:pk>/close/", desk(close_view), name="relief_conversation_close"),
        ]
        return [*page_urls, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        number = object_id if object_id.isascii() and object_id.isdigit() else "0"
        return page(request, conversation_of(request, int(number[:18])))


def conversation_of(request: HttpRequest, pk: int) -> Conversation:
    """The conversation, or 404; one's own is not there."""
    visible = Conversation.objects.visible_to(staff_user(request))
    row = visible.select_related("borrower", "taken_by").filter(pk=pk).first()
    if row is None:
        raise Http404("没有这个对话")
    return row


def page(
    request: HttpRequest, row: Conversation, form: SayForm | None = None, status: int = 200
) -> HttpResponse:
    """The talk, the borrower's loans and cases, and who serves."""
    viewer = staff_user(request)
    cases = Case.objects.visible_to(viewer).for_borrower(row.borrower).for_lists()
    at = talk.addresses("conversation", row.pk)
    draft = drafts.find(user=viewer, path=at["say_url"])
    context = {
        "title": f"{row.borrower.masked_name} 的对话",
        "is_nav_sidebar_enabled": False,
        "borrower": row.borrower,
        "loans": borrower_debts(row.borrower, business_date(clock.now())),
        "cases": [(case, labels.WORDS[State(case.state)].staff) for case in cases],
        "may_decide": may_decide(viewer),
        "face": row.borrower.masked_name,
        "last_seen": last_used(row.borrower),
        **talk.talk_of(row, viewer, {"say": request.GET.get("say", "")}, form, draft),
        **at,
    }
    template = "admin/relief/conversation/page.html"
    return render(request, template, desk_context(request, **context), status=status)


@require_GET
def news_view(request: HttpRequest, pk: int) -> HttpResponse:
    """What came since `?after=`."""
    row = conversation_of(request, pk)
    face = row.borrower.masked_name
    return talk.news(request, row, staff_user(request), "conversation", pk, face)


@require_POST
@keeps_draft
def say_view(request: HttpRequest, pk: int) -> HttpResponse:
    """An answer, or a note that only staff read."""
    actor, now = require_rank(request), clock.now()
    row = conversation_of(request, pk)
    form = SayForm(request.POST)
    status = 422
    if form.is_valid():
        values = form.cleaned_data
        try:
            talks.staff_say(
                conversation=row,
                text=values["text"],
                internal=values["internal"],
                once=values["once"],
                actor=actor,
                now=now,
            )
        except (RuleViolation, InvalidInput) as refusal:
            status = 409 if isinstance(refusal, RuleViolation) else 422
            form.add_error("text" if refusal.field == "text" else None, refusal.message)
        else:
            sent(request)
            if not wants_part(request):
                return _back(pk)
            form, status = SayForm(), 200
    if wants_part(request):
        context = {"say": form, **talk.addresses("conversation", pk)}
        answer = render(request, "admin/relief/case/_reply.html", context, status=status)
        return trigger(answer, "sent") if status == 200 else answer
    return page(request, conversation_of(request, pk), form, status)


@require_POST
def take_view(request: HttpRequest, pk: int) -> HttpResponse:
    """接待."""
    return _serve(request, pk, talks.take_conversation, "已接待，借款人会看到由你服务")


@require_POST
def close_view(request: HttpRequest, pk: int) -> HttpResponse:
    """结束人工服务: the bot answers again."""
    return _serve(request, pk, talks.close_conversation, "人工服务已结束")


def _serve(request: HttpRequest, pk: int, service: Any, done: str) -> HttpResponse:
    actor = require_rank(request)
    try:
        service(conversation=conversation_of(request, pk), actor=actor, now=clock.now())
    except RuleViolation as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, done)
    return _back(pk)


def _back(pk: int) -> HttpResponse:
    return redirect(reverse("admin:relief_conversation_change", args=[pk]) + "#talk")
