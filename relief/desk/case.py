"""The relief desk: queue, case page and its acts; every act calls one service as the person logged in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import FileResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url

from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.errors import NotYourTurn, RuleViolation, StaleWrite, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import RANK_LABELS
from portal.core.web.drafting import keeps_draft, sent
from portal.core.web.htmx import say, trigger, wants_part
from relief.cases import review
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.people import missing_ranks
from relief.cases.permissions import Task
from relief.cases.queries import sent_back
from relief.cases.timing.deadlines import chinese
from relief.cases.urgency import MOST_URGENT_FIRST, ranking
from relief.cases.workflow import Action, State
from relief.desk import papers, talk
from relief.desk.acts import ACTS, DeskAct
from relief.desk.base import case_of, desk_context, may_decide, require_rank, staff_user, who_did
from relief.desk.builder import builder_for, picked
from relief.desk.forms import DeskForm, JudgeForm, RejectForm, SayForm
from relief.desk.offer_form import OfferForm
from relief.desk.page import Forms, case_page, trail_of, words_of
from relief.desk.queue import PER_PAGE, QueueQuery, queue, takeable_by
from relief.desk.reassign import reassign_view
from relief.evidence.access_log import open_evidence, open_thumbnail
from relief.evidence.models import Evidence
from relief.presenters.case import event_label

DIRTY = (NotYourTurn, StaleWrite, TermsChanged)


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Replaces the change list by the queue and the change form by the page of one case."""

    def get_urls(self) -> list[URLPattern]:
        def desk(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        page_urls = [
            path("next/", desk(next_view), name="relief_case_next"),
            path("reassign/", desk(reassign_view), name="relief_case_reassign"),
            path("<int:pk>/preview/", desk(preview_view), name="relief_case_preview"),
            path("<int:pk>/words/", desk(words_view), name="relief_case_words"),
            path("<int:pk>/talk/", desk(talk_view), name="relief_case_talk"),
            path("<int:pk>/files/<slug:evidence>/", desk(file_view), name="relief_case_file"),
        ]
        act_urls = [
            path(f"<int:pk>/{slug}/", desk(act_view), {"slug": slug}, name=f"relief_case_{slug}")
            for slug in ACTS
        ]
        return [*page_urls, *act_urls, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        viewer = staff_user(request)
        part = wants_part(request)
        now = clock.now()
        since = _since(request, now)
        shown = queue(viewer, QueueQuery.of(request.GET), now, since)
        if part and request.GET.get("seen") == shown.version:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        context: dict[str, Any] = {
            "queue": shown,
            "title": "减免申请",
            "may_claim": may_decide(viewer),
        }
        context |= {"since": since.isoformat(), "now": now}
        if part:
            return _news(request, context)
        context["missing"] = [RANK_LABELS[rank] for rank in missing_ranks()]
        return render(request, "admin/relief/case/queue.html", desk_context(request, **context))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        case = case_of(request, _number(object_id))
        if wants_part(request):
            choices = _choices(request)
            context = papers.papers_of(case, staff_user(request), clock.now(), choices)
            return _papers_part(request, context)
        return case_response(request, case, {})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The audit trail is the history: it is on the case's own page."""
        case = case_of(request, _number(object_id))
        return redirect(f"{reverse('admin:relief_case_change', args=[case.pk])}#trail")


def _news(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The part for a poll; more applications than it last told of are announced."""
    response = render(request, "admin/relief/case/_queue.html", context)
    patch_vary_headers(response, ["HX-Request"])
    fresh = context["queue"].fresh
    if fresh > _number(request.GET.get("told", "")):
        say(response, f"有 {fresh} 件新申请")
    return response


def _since(request: HttpRequest, now: datetime) -> datetime:
    """When the page was opened, as a poll says; an unreadable or later instant is now."""
    try:
        opened_at = datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError:
        return now
    return min(opened_at, now) if opened_at.tzinfo else now


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _choices(request: HttpRequest) -> dict[str, str]:
    """What of the page is chosen: a file, a page and words to find in it, a ready answer.

    HTMX turns pages without a new page, so an act goes by the address that it was pressed at.
    """
    chosen: Mapping[str, str] = request.GET
    if request.method == "POST":
        pressed_at = request.headers.get("Referer", "").partition("#")[0].partition("?")[2]
        pressed_on = dict(parse_qsl(pressed_at))
        chosen = pressed_on if "file" in pressed_on else request.GET
    return {name: chosen.get(name, "") for name in (*papers.PLACE, "say")}


def _papers_part(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The viewer alone, for HTMX; the cursor goes where the keys turn pages."""
    context = context | {"is_part": True}
    response = render(request, "admin/relief/case/_papers.html", context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def case_response(
    request: HttpRequest, case: Case, forms: Forms, status: int = 200
) -> HttpResponse:
    """The page of a case, with a refused form in it if there is one."""
    context = case_page(case, staff_user(request), clock.now(), _choices(request), forms)
    full = desk_context(request, title=case.number, is_nav_sidebar_enabled=False, **context)
    return render(request, "admin/relief/case/page.html", full, status=status)


@require_POST
@keeps_draft
def act_view(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    """One act: the wrong rank gets 403, a bad form 422, a refusal 409 with who did what when."""
    act = ACTS[slug]
    actor, now = require_rank(request, act.needed), clock.now()
    case = case_of(request, pk)
    form = act.form(request.POST, case=case)
    status = 422
    if form.is_valid():
        try:
            _check_seen(act, form, case)
            result = act.run(case, form, actor, now)
        except (RuleViolation, InvalidInput) as refusal:
            status = 409 if isinstance(refusal, RuleViolation) else 422
            _refuse(form, refusal, case)
        else:
            sent(request)
            return _after(request, act, case, form, result)
    if isinstance(form, SayForm) and wants_part(request):
        context = {"say": form, **talk.addresses("case", pk)}
        return render(request, "admin/relief/case/_reply.html", context, status=status)
    if isinstance(form, JudgeForm) and wants_part(request):
        viewed = papers.papers_of(case_of(request, pk), actor, now, _choices(request), form)
        return _papers_part(request, viewed, status)
    return case_response(request, case_of(request, pk), {slug: form}, status)


def _check_seen(act: DeskAct, form: DeskForm, case: Case) -> None:
    """StaleWrite for a move decided on an older version of the case; InvalidInput without a version."""
    seen = form.cleaned_data.get("seen")
    if not act.is_move:
        return
    if seen is None:
        raise InvalidInput("seen", "提交的内容不完整（缺少页面版本 seen），请刷新页面后再决定。")
    if seen != case.version:
        raise StaleWrite("页面打开之后申请有了新的进展，请看过最新内容再决定。", code="stale")


def _refuse(form: DeskForm, refusal: RuleViolation | InvalidInput, case: Case) -> None:
    """The sentence at its field; where somebody was faster, with who did what and when."""
    text = refusal.message
    latest_event = case.events.select_related("actor").order_by("-pk").first()
    if isinstance(refusal, DIRTY) and latest_event is not None:
        text += f"（最近一次：{who_did(latest_event)}，{chinese(latest_event.at)}，{event_label(latest_event)}）"
    form.add_error(getattr(refusal, "field", ""), text)


def _after(
    request: HttpRequest, act: DeskAct, case: Case, form: DeskForm, result: object
) -> HttpResponse:
    """Back to the page, or the emptied reply for HTMX."""
    if act.slug == "say" and wants_part(request):
        context = {"say": SayForm(case=case), **talk.addresses("case", case.pk)}
        return trigger(render(request, "admin/relief/case/_reply.html", context), "sent")
    done = act.done
    if act.slug in {"offer", "accept-counter"}:
        waits = getattr(result, "status", "") == "pending"
        done = "已提交复核，通过后发给借款人" if waits else "方案已发给借款人"
    if act.slug == "judge":
        assert isinstance(result, Evidence)
        return _after_verdict(request, case, result)
    if act.slug != "say":
        messages.success(request, f"{case.number}：{done}")
    address = reverse("admin:relief_case_change", args=[case.pk])
    address += papers.place(_choices(request))
    return redirect(address + ("#talk" if act.slug == "say" else ""))


def _after_verdict(request: HttpRequest, case: Case, judged: Evidence) -> HttpResponse:
    """On to the next file without a verdict; behind the last one, the same file stays."""
    following = papers.next_to_judge(papers.shelf(case), judged)
    said = f"{judged.original_name}：{'需更换' if judged.problem else '已采信'}。"
    said += f"下一份：{following.original_name}" if following else "全部材料都已评定"
    shown = following or judged
    if not wants_part(request):
        messages.success(request, said)
        return redirect(papers.address_of(case, shown))
    viewed = papers.papers_of(case, staff_user(request), clock.now(), {"file": shown.public_id})
    response = _papers_part(request, viewed | {"trail": trail_of(case), "has_verdict": True})
    push_url(response, papers.address_of(case, shown))
    return say(response, said, shown=True)


@require_POST
def next_view(request: HttpRequest) -> HttpResponse:
    """领取下一件: the most urgent waiting case that this person may decide.

    Who has one under review gets that one again, and a second only where `more` asks for it.
    """
    actor, now = require_rank(request), clock.now()
    visible = Case.objects.visible_to(actor)
    in_hand = visible.filter(state=State.IN_REVIEW, assigned_to=actor).order_by("pk").first()
    if in_hand is not None and "more" not in request.POST:
        messages.info(
            request,
            f"你正在审核 {in_hand.number}，还没有结果；要再领一件，请在工作队列按“再领一件”。",
        )
        return redirect("admin:relief_case_change", in_hand.pk)
    waiting = ranking(now, load_calendar())(visible.filter(takeable_by(actor)))
    for case in waiting.for_lists().order_by(*MOST_URGENT_FIRST)[:PER_PAGE]:
        if why_not(Task.TAKE_NEXT, case, Actor.of(actor), now):
            continue
        try:
            review.claim_case(case=case, actor=actor, now=now)
        except RuleViolation:
            continue  # a colleague was faster
        messages.success(request, f"{case.number}：已领取")
        return redirect(reverse("admin:relief_case_change", args=[case.pk]))
    messages.info(request, "现在没有等待领取的申请")
    return redirect(reverse("admin:relief_case_changelist"))


@require_POST
def preview_view(request: HttpRequest, pk: int) -> HttpResponse:
    """试算: nothing is stored; the part for HTMX, the whole page otherwise."""
    actor, now = require_rank(request), clock.now()
    case = case_of(request, pk)
    data = request.POST.copy()
    if request.POST.get("terms"):
        data["term_count"] = request.POST["terms"]
    for name, value in picked(case, now, request.POST.get("pick", "")).items():
        data[name] = value
    form = OfferForm(data, case=case)
    if not wants_part(request):
        return case_response(request, case, {"offer": form})
    debt = load_debt(case.loan, business_date(now))
    is_whole = request.headers.get("HX-Target") == "builder"
    context = {
        "case": case,
        "builder": builder_for(case, actor, debt, now, form),
        "builder_why_not": why_not(Action.OFFER, case, Actor.of(actor), now),
        "sent_back": sent_back(case),
        "is_part": not is_whole,
    }
    template = "_builder.html" if is_whole else "_preview.html"
    return render(request, f"admin/relief/case/{template}", context)


@require_POST
def words_view(request: HttpRequest, pk: int) -> HttpResponse:
    """What the borrower would read of this 不通过: nothing is stored; the part, or the whole page."""
    actor, now = require_rank(request), clock.now()
    case = case_of(request, pk)
    form = RejectForm(request.POST, case=case)
    if not wants_part(request):
        return case_response(request, case, {"reject": form})
    context = {"words": words_of(case, actor, form, now)}
    return render(request, "admin/relief/case/_words.html", context)


@require_GET
def talk_view(request: HttpRequest, pk: int) -> HttpResponse:
    """What was said since `?after=`; 204 when nothing was."""
    viewer = staff_user(request)
    case = case_of(request, pk)
    conversation = talk.conversation_for(case)
    return talk.news(request, conversation, viewer, "case", pk, case.borrower.masked_name)


@require_GET
def file_view(request: HttpRequest, pk: int, evidence: str) -> HttpResponseBase:
    """One page of a file with the viewer stamped on it, small for the strip, or the checked PDF.

    The access is logged; that of a small one was when the file was opened.
    """
    viewer, now = staff_user(request), clock.now()
    case = case_of(request, pk)
    paper = get_object_or_404(Evidence.objects.filter(case=case), public_id=evidence)
    page = _number(request.GET.get("page", "1")) or 1
    whole = request.GET.get("whole") == "1"
    if request.GET.get("small") == "1":
        opened = open_thumbnail(
            evidence=paper, actor=viewer, now=now, real=clock.real_now(), page=page
        )
    else:
        opened = open_evidence(evidence=paper, actor=viewer, now=now, page=page, whole=whole)
    response = FileResponse(
        opened.stream,
        as_attachment=whole,
        filename=opened.file_name,
        content_type=opened.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
