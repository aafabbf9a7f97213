"""The conversation at the desk: what was said, what is new, a reply that keeps what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from portal.core.accounts.drafts import Typed
from portal.core.models import User
from portal.core.web.drafting import put_into
from relief.cases.models import Case
from relief.conversation import messages
from relief.conversation.models import Conversation, Message
from relief.desk.base import may_decide
from relief.desk.forms import DeskForm, SayForm

READY = (
    "您好，您的申请已经收到，正在审核，有结果会第一时间用短信和消息告诉您。",
    "您好，材料有一份看不清，请按页面提示重新拍摄后上传，只需更换那一份。",
    "您好，方案已经发给您，请在有效期内查看；不合适可以提出您的还款建议。",
    "您好，为了确认每月能还的金额，请补充近 3 个月的银行流水。",
)


def conversation_for(case: Case) -> Conversation | None:
    """The borrower's conversation, if anything was ever said."""
    conversations = Conversation.objects.select_related("taken_by", "borrower")
    return conversations.filter(borrower=case.borrower_id).first()


def addresses(model: str, pk: int) -> dict[str, Any]:
    """Where the talk of a case or of a conversation is read, answered and shown."""
    return {
        "talk_url": reverse(f"admin:relief_{model}_talk", args=[pk]),
        "say_url": reverse(f"admin:relief_{model}_say", args=[pk]),
        "page_url": reverse(f"admin:relief_{model}_change", args=[pk]),
        "ready": list(enumerate(READY, start=1)),
    }


def talk_of(
    conversation: Conversation | None,
    viewer: User,
    choices: Mapping[str, str],
    typed: DeskForm | None,
    draft: Typed | None,
) -> dict[str, Any]:
    """Messages and the reply form; `?say=2` starts the reply with a ready sentence instead of the draft."""
    thread = messages_after(conversation, viewer, 0)
    choice = choices.get("say", "")
    chosen = int(choice) - 1 if choice.isascii() and choice.isdigit() and len(choice) < 3 else -1
    text = READY[chosen] if 0 <= chosen < len(READY) else ""
    reply = typed or SayForm(initial={"text": text})
    if typed is None and not text:
        put_into(reply, draft)
    return {
        "conversation": conversation,
        "said": thread,
        "last_said": thread[-1].pk if thread else 0,
        "say": reply,
        "draft": draft,
    }


def messages_after(conversation: Conversation | None, viewer: User, after: int) -> list[Message]:
    """What came after a message; whoever may answer has thereby read it."""
    if conversation is None:
        return []
    thread = messages.messages_since(conversation=conversation, reader=viewer, after=after)
    if thread and may_decide(viewer) and thread[-1].pk > conversation.staff_read:
        messages.mark_read(conversation=conversation, reader=viewer, upto=thread[-1].pk)
    return thread


def news(
    request: HttpRequest,
    conversation: Conversation | None,
    viewer: User,
    model: str,
    pk: int,
    face: str,
) -> HttpResponse:
    """What was said since `?after=`; 204 when nothing was."""
    text = request.GET.get("after", "")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    thread = messages_after(conversation, viewer, after)
    if not thread:
        return HttpResponse(status=204)
    context = {"said": thread, "last_said": thread[-1].pk, "face": face, **addresses(model, pk)}
    return render(request, "admin/relief/case/_said.html", context)
