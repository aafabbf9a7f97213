"""The conversation: what borrower, bot, staff and system say; nothing said is changed or removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from portal.core.calendar.days import load_calendar
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import in_shanghai
from portal.core.kernel.digests import digest_of
from portal.core.kernel.roles import Rank, Role
from portal.core.models import User
from portal.core.notifications import outbox
from relief.cases.models import Case
from relief.cases.permissions import Person, staff_refusal
from relief.cases.timing.deadlines import chinese
from relief.conversation import answers as bot
from relief.conversation.models import Card, Conversation, Message, Sender, Visibility
from relief.evidence.models import Evidence
from relief.offers.models import Offer

MOST_PER_MINUTE = 20
PAGE = 200


def conversation_of(*, borrower: User, now: datetime) -> Conversation:
    """The borrower's one conversation, begun when first needed."""
    conversation = Conversation.objects.filter(borrower=borrower).first()
    if conversation is not None:
        return conversation
    try:
        with transaction.atomic():
            return Conversation.objects.create(borrower=borrower, created_at=now)
    except IntegrityError:
        return Conversation.objects.get(borrower=borrower)


def heard(*, borrower: User, content: str, once: str) -> tuple[str, Message | None]:
    """The key of what a page sends under its one-time word `once`, and the message if it is said already.

    The same word with other content, as after a step back in the browser, is another message.
    Holds the conversation until the transaction ends, so that in it one is heard at a time.
    """
    if not once:
        return "", None
    key = f"said:{digest_of([once, content])}"
    talk = Conversation.objects.select_for_update().filter(borrower=borrower).first()
    return key, talk.messages.filter(key=key).first() if talk else None


def say(*, text: str, actor: User, now: datetime, key: str = "") -> Message:
    """The borrower says something; InvalidInput("text") when empty or over 1,000 characters.

    The bot's answer is `services.bot.answer`. More than 20 in a minute are refused.
    """
    if not actor.is_borrower:
        raise RuleViolation("只有借款人可以在这里发言。", code="not-borrower")
    plain = bot.clean_text(text)
    conversation = conversation_of(borrower=actor, now=now)
    recent = conversation.messages.filter(
        sender=Sender.BORROWER, created_at__gt=now - timedelta(minutes=1)
    )
    if recent.count() >= MOST_PER_MINUTE:
        raise RuleViolation("发送太频繁，请一分钟后再试。", code="too-fast", field="text")
    return _post(conversation, Sender.BORROWER, now, text=plain, author=actor, key=key)


def bot_say(*, conversation: Conversation, text: str, now: datetime, **values: Any) -> Message:
    """The bot says something; `values` may hold card, case, loan."""
    return _post(conversation, Sender.BOT, now, text=text, **values)


def system_say(*, case: Case, text: str, now: datetime, key: str = "") -> Message:
    """A line in the middle of the conversation; the same `key` twice is once."""
    conversation = conversation_of(borrower=case.borrower, now=now)
    return _post(conversation, Sender.SYSTEM, now, text=text, case=case, key=key)


def post_card(
    *,
    case: Case,
    card: str,
    now: datetime,
    actor: User | None = None,
    text: str = "",
    offer: Offer | None = None,
    evidence: Evidence | None = None,
    key: str = "",
) -> Message:
    """Show an application, offer, file or agreement in the conversation, said by `actor`."""
    sender = Sender.SYSTEM
    if actor is not None:
        sender = Sender.BORROWER if actor.is_borrower else Sender.STAFF
    return _post(
        conversation_of(borrower=case.borrower, now=now),
        sender,
        now,
        text=text,
        author=actor,
        card=Card(card),
        case=case,
        offer=offer,
        evidence=evidence,
        key=key,
    )


def staff_say(
    *,
    conversation: Conversation,
    text: str,
    actor: User,
    now: datetime,
    internal: bool = False,
    once: str = "",
    case: Case | None = None,
) -> Message:
    """Staff answer, or leave a note that only staff read; answering takes the conversation.

    The borrower hears of an answer in the app. Sent again under the same one-time word it is the same
    message (`heard`). RuleViolation for auditors and one's own account.
    """
    _check_speaker(actor, conversation)
    plain = bot.clean_text(text)
    with transaction.atomic():
        content = f"{actor.pk} {internal} {plain}"
        key, said = heard(borrower=conversation.borrower, content=content, once=once)
        if said is not None:
            return said
        message = _post(
            conversation,
            Sender.STAFF,
            now,
            key=key,
            text=plain,
            author=actor,
            case=case,
            visibility=Visibility.INTERNAL if internal else Visibility.ALL,
        )
        if not internal:
            Conversation.objects.filter(pk=conversation.pk).update(
                taken_by=actor, human_wanted_at=None
            )
            outbox.notify(
                event="chat_reply",
                key=f"chat:{message.public_id}",
                user=conversation.borrower,
                channels=(),
                context={"staff": actor.public_name},
                link="/service/",
                now=now,
            )
    return message


def take_conversation(*, conversation: Conversation, actor: User, now: datetime) -> Conversation:
    """Staff take a waiting conversation; RuleViolation when a colleague was first."""
    _check_speaker(actor, conversation)
    with transaction.atomic():
        updated = Conversation.objects.filter(pk=conversation.pk, taken_by=None).update(
            taken_by=actor, human_wanted_at=None
        )
        conversation.refresh_from_db()
        if not updated and conversation.taken_by_id != actor.pk:
            name = conversation.taken_by.name if conversation.taken_by else "同事"
            raise RuleViolation(f"{name}已接待这位借款人。", code="taken")
        if updated:
            _post(conversation, Sender.SYSTEM, now, text=f"{actor.public_name} 为你服务")
    return conversation


def close_conversation(*, conversation: Conversation, actor: User, now: datetime) -> Conversation:
    """Staff hand the conversation back to the bot."""
    _check_speaker(actor, conversation)
    with transaction.atomic():
        updated = Conversation.objects.filter(pk=conversation.pk, taken_by__isnull=False).update(
            taken_by=None, human_wanted_at=None
        )
        if updated:
            _post(conversation, Sender.SYSTEM, now, text="人工服务已结束，有问题可以继续问小宽")
    conversation.refresh_from_db()
    return conversation


def let_wait_again(*, taken_by: User, now: datetime) -> int:
    """Whom this colleague was talking with waits for another person; returns how many."""
    return Conversation.objects.filter(taken_by=taken_by).update(taken_by=None, human_wanted_at=now)


def ask_human(*, actor: User, now: datetime) -> Message | None:
    """The borrower asks for a person: queued, told how long, staff are noticed; twice is once."""
    conversation = conversation_of(borrower=actor, now=now)
    with transaction.atomic():
        updated = Conversation.objects.filter(
            pk=conversation.pk, human_wanted_at=None, taken_by=None
        ).update(human_wanted_at=now)
        if not updated:
            return None
        opening = bot.next_opening(in_shanghai(now), load_calendar())
        ahead = Conversation.objects.waiting().filter(human_wanted_at__lt=now).count()
        text = bot.queue_text(ahead, chinese(opening) if opening else "")
        message = _post(conversation, Sender.SYSTEM, now, text=text)
        _notify_staff(conversation, message, now)
    return message


def messages_since(
    *, conversation: Conversation, reader: User, after: int = 0, limit: int = PAGE
) -> list[Message]:
    """What `reader` may see after message id `after`, oldest first, at most the latest `limit`."""
    newest = (
        Message.objects.visible_to(reader)
        .filter(conversation=conversation)
        .after(after)
        .for_lists()
        .order_by("-pk")[:limit]
    )
    return list(newest)[::-1]


def mark_read(*, conversation: Conversation, reader: User, upto: int) -> None:
    """`reader` has seen everything up to message id `upto`; never backwards."""
    field = "borrower_read" if reader.is_borrower else "staff_read"
    Conversation.objects.visible_to(reader).filter(
        pk=conversation.pk, **{f"{field}__lt": upto}
    ).update(**{field: upto})


def _post(
    conversation: Conversation, sender: str, now: datetime, *, key: str = "", **values: Any
) -> Message:
    """Write one message; a known key returns the message already there."""
    if key:
        existing = conversation.messages.filter(key=key).first()
        if existing is not None:
            return existing
    return Message.objects.create(
        conversation=conversation, sender=sender, created_at=now, key=key, **values
    )


def _check_speaker(actor: User, conversation: Conversation) -> None:
    who = Person(Role.STAFF, actor.pk, actor.rank, actor.same_person_as_id)
    refused = staff_refusal(who, conversation.borrower_id)
    if refused is not None:
        raise RuleViolation(refused.sentence, code=refused.code)


def _notify_staff(conversation: Conversation, message: Message, now: datetime) -> None:
    for user in _desk(conversation):
        outbox.notify(
            event="staff_chat_wanted",
            key=f"chat-wanted:{message.public_id}:{user.pk}",
            user=user,
            channels=(),
            context={"borrower": conversation.borrower},
            now=now,
        )


def _desk(conversation: Conversation) -> Sequence[User]:
    """Reviewers who may answer: never the borrower's own staff account."""
    staff = User.objects.filter(role="STAFF", is_active=True, rank=Rank.REVIEWER)
    return list(staff.exclude(same_person_as=conversation.borrower_id).order_by("pk"))
