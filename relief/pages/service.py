"""我的客服: the one conversation with bot and staff, with cards for what happens to the application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import reswap, retarget

from loans.queries.debt import borrower_debts
from portal.core import clock
from portal.core.accounts.drafts import Typed
from portal.core.calendar.days import load_calendar
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.models import User
from portal.core.publicids import new_public_id
from portal.core.web.access import borrower_only
from portal.core.web.bodies import takes_files
from portal.core.web.drafting import keeps_draft, restore, sent
from portal.core.web.htmx import trigger, wants_part
from portal.core.web.visitor import REFUSALS, address
from relief.cases import application
from relief.cases.models import Case
from relief.cases.queries import loan_stages
from relief.cases.workflow import BEFORE_PLAN, State
from relief.conversation import answers as bot_rules
from relief.conversation import bot, messages
from relief.conversation.models import Conversation, Message
from relief.evidence import consents
from relief.evidence.consent_texts import CONSENT_FOR
from relief.evidence.files import add_evidence
from relief.evidence.kinds import ACCEPT_ATTRIBUTE, LIMITS, EvidenceKind, clean_name
from relief.evidence.models import Evidence
from relief.pages._own import borrower
from relief.pages._panel import as_upload
from relief.pages.forms.message import WHICH, MessageForm
from relief.presenters import chat as present

CHOOSE = "你有几笔逾期借款（{numbers}），请先点「申请罚息减免」选好一笔，再上传证明材料。"
NO_LOAN = "你目前没有逾期的借款，不需要上传证明材料。"
CLOSED = "新还款计划正在执行，不需要再上传材料；有问题可以直接留言。"


@require_http_methods(["GET", "HEAD"])
@borrower_only
def conversation(request: HttpRequest) -> HttpResponse:
    """The whole conversation; the bot greets once a day, from the borrower's own figures."""
    user = borrower(request)
    talk = messages.conversation_of(borrower=user, now=clock.now())
    bot.greet(actor=user, now=clock.now(), conversation=talk)
    applications = _applications_of(user)
    form = MessageForm(cases=_taking_files(applications))
    draft = restore(request, form, path=reverse("relief:service-send"))
    return _page(request, form, applications, talk=talk, draft=draft)


@require_safe
@borrower_only
def since(request: HttpRequest, message: int) -> HttpResponse:
    """What was said after a message; nothing new is 204, so that the next question comes later."""
    user = borrower(request)
    if not wants_part(request):
        return redirect("relief:service")
    if not Message.objects.visible_to(user).after(message).exists():
        return HttpResponse(status=204)
    return render(request, "relief/conversation/_messages.html", _stream(user, after=message))


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@takes_files
@keeps_draft
def send(request: HttpRequest) -> HttpResponse:
    """A text, a quick question or files; a refusal leaves the text where it was typed."""
    if request.method != "POST":  # the address that a refusal leaves in the bar, asked for again
        return redirect("relief:service")
    user = borrower(request)
    applications = _applications_of(user)
    cases = _taking_files(applications)
    form = MessageForm(request.POST, cases=cases)
    form.is_valid()
    text = form.cleaned_data.get("text", "")
    files = request.FILES.getlist("file")
    topic = request.POST.get("topic", "")
    try:
        if files and not topic:
            _take_files(request, user, files, _case_for_files(user, cases, form))
        if topic or text.strip() or not files:
            once = form.cleaned_data.get("once", "")
            bot.converse(actor=user, text=text, topic=topic, once=once, now=clock.now())
            text = text if topic else ""
            if not topic:
                sent(request)
    except REFUSALS as problem:
        field = getattr(problem, "field", "")
        form.add_error(field if field == "case" else "text", problem.message)
        return _refused(
            request, form, applications, 422 if isinstance(problem, InvalidInput) else 409
        )
    if wants_part(request):
        response = render(
            request, "relief/conversation/_messages.html", _stream(user, after=form.seen)
        )
        return response if text.strip() else trigger(response, "sent")
    if text.strip():  # a chip was pressed while something else was being typed
        return _page(request, MessageForm(initial={"text": text}, cases=cases), applications)
    return redirect("relief:service")


def _refused(
    request: HttpRequest, form: MessageForm, applications: Sequence[Case], status: int
) -> HttpResponse:
    if not wants_part(request):
        return _page(request, form, applications, status=status)
    response = render(
        request, "relief/conversation/_composer.html", _composer(form, applications), status=status
    )
    return reswap(retarget(response, "#composer"), "outerHTML")


def _page(
    request: HttpRequest,
    form: MessageForm,
    applications: Sequence[Case],
    *,
    talk: Conversation | None = None,
    draft: Typed | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _stream(borrower(request), after=0, talk=talk) | _composer(form, applications)
    context |= {"now": clock.now(), "draft": draft}
    return render(request, "relief/conversation/service.html", context, status=status)


def _composer(form: MessageForm, applications: Sequence[Case]) -> dict[str, Any]:
    """Where one types, with the quick questions that fit what waits for the borrower."""
    waits = bot.waits_in(bot.latest_of(applications))
    return {
        "form": form,
        "once": new_public_id(),
        "quick": bot_rules.labels(bot_rules.quick(waits=waits)),
        "accept": ACCEPT_ATTRIBUTE,
        "limits": LIMITS,
    }


def _stream(user: User, *, after: int, talk: Conversation | None = None) -> dict[str, Any]:
    """Messages after one, as lines; reading them is noted."""
    now = clock.now()
    talk = talk or messages.conversation_of(borrower=user, now=now)
    thread = messages.messages_since(conversation=talk, reader=user, after=after)
    last = thread[-1].pk if thread else after
    if last > talk.borrower_read:
        messages.mark_read(conversation=talk, reader=user, upto=last)
    before = _time_of(talk, after) if after and thread else None
    return {
        "lines": present.lines(
            thread,
            now=now,
            papers=_papers(thread),
            stages=loan_stages(_applications(thread), business_date(now)),
            read_up_to=talk.staff_read,
            before=before,
        ),
        "last": last,
        "desk": _desk(talk, now),
        "after": after,
    }


def _time_of(talk: Conversation, message_id: int) -> datetime | None:
    return (
        Message.objects.filter(conversation=talk, pk__lte=message_id)
        .order_by("-pk")
        .values_list("created_at", flat=True)
        .first()
    )


def _applications(thread: Sequence[Message]) -> list[Case]:
    """The applications that are shown on cards, each once."""
    cards = [message.case for message in thread if message.card == "application"]
    return list({case.pk: case for case in cards if case is not None}.values())


def _papers(thread: Sequence[Message]) -> dict[int, list[Evidence]]:
    """The current files of the applications that are shown, in one query."""
    cases = _applications(thread)
    files_by_case: dict[int, list[Evidence]] = {}
    for file in Evidence.objects.current().filter(case__in=cases) if cases else []:
        files_by_case.setdefault(file.case_id, []).append(file)
    return files_by_case


def _desk(talk: Conversation, now: datetime) -> present.Desk:
    ahead = 0
    if talk.human_wanted_at is not None and talk.taken_by_id is None:
        waiting = Conversation.objects.waiting()
        ahead = waiting.filter(human_wanted_at__lt=talk.human_wanted_at).count()
    return present.desk(talk, ahead=ahead, now=now, calendar=load_calendar())


# --- Files in the conversation ----------------------------------------------------------------------


def _take_files(
    request: HttpRequest, user: User, files: Iterable[UploadedFile[bytes]], case: Case
) -> None:
    """Each file becomes evidence of the case."""
    kind = _kind_for(case)
    for file in files:
        try:
            added = add_evidence(
                case=case,
                kind=kind.value,
                upload=as_upload(file),
                actor=user,
                now=clock.now(),
                ip=address(request) or None,
            )
        except REFUSALS as problem:
            problem.message = f"「{clean_name(file.name or '')}」{problem.message}"
            raise
        if case.state == State.DRAFT:  # later the service shows the card itself
            messages.post_card(case=case, card="file", evidence=added, actor=user, now=clock.now())


def _applications_of(user: User) -> list[Case]:
    """The borrower's applications, newest first."""
    return list(user.cases.of_visitor().order_by("-created_at"))


def _taking_files(applications: Sequence[Case]) -> list[Case]:
    """Those of the applications that still take files."""
    return [case for case in applications if State(case.state) in BEFORE_PLAN]


def _case_for_files(user: User, cases: Sequence[Case], form: MessageForm) -> Case:
    """The case that was chosen, or the only one that takes files.

    Without any: a draft for the overdue loan, if there is only one to choose.
    """
    if len(cases) > 1:
        chosen = form.cleaned_data.get("case", "")
        chosen_case = next((case for case in cases if case.public_id == chosen), None)
        if chosen_case is None:
            form.errors.pop("case", None)  # a choice that is none is told once
            raise InvalidInput("case", WHICH)
        return chosen_case
    if cases:
        return cases[0]
    if Case.objects.for_borrower(user).open().exists():
        raise RuleViolation(CLOSED, code="in-plan", field="text")
    debts = borrower_debts(user, clock.today())
    overdue = [(loan, debt) for loan, debt in debts if debt.overdue_days > 0]
    if not overdue:
        raise RuleViolation(NO_LOAN, code="not-overdue", field="text")
    if len(overdue) > 1:
        numbers = "、".join(loan.number for loan, _ in overdue)
        raise RuleViolation(CHOOSE.format(numbers=numbers), code="choose-loan", field="text")
    loan, _debt = overdue[0]
    return application.open_case(loan=loan, actor=user, now=clock.now())


def _kind_for(case: Case) -> EvidenceKind:
    """What staff asked for and still miss; else 其他材料, which needs no consent.

    A sensitive paper is taken here only when its consent is in force: the page of the papers asks
    for it.
    """
    if case.state == State.NEED_MORE:
        supplied = set(
            case.evidence.usable()
            .filter(created_at__gte=case.clock_stopped_at)
            .values_list("kind", flat=True)
        )
        for name in case.asked_kinds:
            kind = EvidenceKind(name)
            is_allowed = kind not in CONSENT_FOR or consents.has_consent(
                user=case.borrower, kind=kind
            )
            if name not in supplied and is_allowed:
                return kind
    return EvidenceKind.OTHER
