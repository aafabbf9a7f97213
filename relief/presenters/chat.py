"""The conversation as the borrower reads it: who speaks, when, and what a card shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loans.queries.stage import LoanStage
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.roles import Role
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.queries import label_of
from relief.cases.reasons import reason_names
from relief.cases.timing.deadlines import chinese
from relief.cases.workflow import State
from relief.conversation import answers as bot
from relief.conversation.models import Card, Conversation, Message, Sender
from relief.evidence.models import Evidence
from relief.offers.models import OfferStatus
from relief.presenters.offer import OfferView, offer_view

PAUSE = timedelta(minutes=30)
SHOWN_FILES = 3
NOBODY = "小宽为你服务 · 人工 9:00–18:00"


@dataclass(frozen=True, slots=True)
class CaseCard:
    """The application as it stands now, whatever it was when the card was shown."""

    number: str
    state: str
    label: str
    tone: str  # of the stage of its loan; "" where the state's own colour holds
    reasons: str
    files: tuple[Evidence, ...]
    count: int
    is_draft: bool


@dataclass(frozen=True, slots=True)
class ChatLine:
    """One message with everything its bubble and card need."""

    message: Message
    is_mine: bool
    is_bot: bool
    who: str
    divider: datetime | None
    is_read: bool
    case: CaseCard | None = None
    offer: OfferView | None = None
    chips: tuple[tuple[str, str], ...] = ()

    @property
    def is_line(self) -> bool:
        """A plain word of the system, in the middle."""
        return self.message.sender == Sender.SYSTEM and not self.message.card


def lines(
    messages: Sequence[Message],
    *,
    now: datetime,
    papers: Mapping[int, Sequence[Evidence]],
    stages: Mapping[int, LoanStage],
    read_up_to: int,
    before: datetime | None = None,
) -> list[ChatLine]:
    """Messages in order; `before` is the time of the one ahead, `papers` the files by case.

    `stages` are those of the loans of the cases (relief.cases.queries.loan_stages).
    """
    chat_lines = []
    for message in messages:
        chat_lines.append(_line(message, now, papers, stages, read_up_to, before))
        before = message.created_at
    return chat_lines


def _line(
    message: Message,
    now: datetime,
    papers: Mapping[int, Sequence[Evidence]],
    stages: Mapping[int, LoanStage],
    read_up_to: int,
    before: datetime | None,
) -> ChatLine:
    if message.evidence is not None and message.case is not None:
        message.evidence.case = message.case
    pause = before is None or message.created_at - before > PAUSE
    new_day = before is not None and business_date(before) != business_date(message.created_at)
    is_mine = message.sender == Sender.BORROWER
    return ChatLine(
        message=message,
        is_mine=is_mine,
        is_bot=message.sender == Sender.BOT,
        who=_who(message),
        divider=message.created_at if pause or new_day else None,
        is_read=is_mine and message.pk <= read_up_to,
        case=_case_card(message, papers, stages) if message.card == Card.APPLICATION else None,
        offer=_offer_card(message, now) if message.card == Card.OFFER else None,
        chips=_chips(message),
    )


def _who(message: Message) -> str:
    """小宽 · 智能客服, or 客服 K1001."""
    if message.sender == Sender.BOT:
        return bot.BOT_NAME
    if message.sender == Sender.STAFF:
        return message.author.public_name if message.author else "客服"
    return "宽息" if message.sender == Sender.SYSTEM else ""


def _case_card(
    message: Message,
    papers: Mapping[int, Sequence[Evidence]],
    stages: Mapping[int, LoanStage],
) -> CaseCard | None:
    case = message.case
    if case is None:
        return None
    files, stage = papers.get(case.pk, ()), stages.get(case.pk)
    return CaseCard(
        number=case.number,
        state=case.state,
        label=label_of(case, Role.BORROWER, stage),
        tone=stage.tone if stage else "",
        reasons=reason_names(case.reasons),
        files=tuple(files[:SHOWN_FILES]),
        count=len(files),
        is_draft=case.state == State.DRAFT,
    )


def _offer_card(message: Message, now: datetime) -> OfferView | None:
    offer, case = message.offer, message.case
    if offer is None or case is None:
        return None
    offer.case = case
    is_public = offer.status not in {OfferStatus.PENDING, OfferStatus.SENT_BACK}
    return offer_view(offer, now) if is_public else None


def _chips(message: Message) -> tuple[tuple[str, str], ...]:
    """The questions under a greeting; under "I cannot answer that" those of the FAQ too."""
    if message.card != Card.QUICK:
        return ()
    if "我可以帮你" not in message.text:
        return tuple(bot.labels((*bot.FAQ, bot.Topic.HUMAN)))
    return tuple(bot.labels(bot.quick(waits=message.case_id is not None)))


@dataclass(frozen=True, slots=True)
class Desk:
    """Who serves the borrower now, in one line."""

    text: str
    is_waiting: bool = False


def desk(conversation: Conversation, *, ahead: int, now: datetime, calendar: WorkCalendar) -> Desk:
    """客服 K1001 为你服务 · 在线; 排队中，前面 2 人; or the bot and the hours of the people."""
    opening = bot.next_opening(in_shanghai(now), calendar)
    if conversation.taken_by is not None:
        hours = "为你服务 · 在线" if opening is None else f"· {chinese(opening)} 起回复"
        return Desk(f"{conversation.taken_by.public_name} {hours}")
    if conversation.human_wanted_at is None:
        return Desk(NOBODY)
    if opening is not None:
        return Desk(f"已过受理时间，{chinese(opening)} 起受理", is_waiting=True)
    return Desk(f"排队中，前面 {ahead} 人" if ahead else "排队中，马上轮到你", is_waiting=True)
