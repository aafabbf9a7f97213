"""What a move of the case looks like in the conversation: a card or a line, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import in_shanghai
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.timing.deadlines import chinese
from relief.cases.workflow import Action as A
from relief.conversation import answers as bot
from relief.conversation import messages
from relief.conversation.models import Card
from relief.offers.models import Offer, OfferStatus


@dataclass(frozen=True)
class Shown:
    """How one action appears; {name} in the text is filled from the move's context."""

    card: Card = Card.NONE
    text: str = ""


SHOWN: dict[A, Shown] = {
    A.SUBMIT: Shown(Card.APPLICATION),
    A.SUPPLY: Shown(text="我已补充材料，请查看。"),
    A.ASK_PROOF: Shown(text="还需要您补充：{kinds}。{note}"),
    A.PASS: Shown(text="您的申请已通过审核，我们正在拟定协商方案。"),
    A.REJECT: Shown(Card.APPLICATION, "很抱歉，这次申请未通过：{note}"),
    A.APPEAL: Shown(Card.APPLICATION, "我对审核结果提出申诉。"),
    A.OFFER: Shown(Card.OFFER, "结合您的情况，我们拟了一个方案，请您看看。"),
    A.APPROVE: Shown(Card.OFFER, "结合您的情况，我们拟了一个方案，请您看看。"),
    A.REISSUE: Shown(Card.OFFER, "欠款有变化，已按同样的条件更新方案，有效期不变。"),
    A.WITHDRAW_OFFER: Shown(text="上一个方案已撤回，我们会尽快给您新的方案。"),
    A.COUNTER: Shown(Card.OFFER, "我提出了还款建议。"),
    A.ACCEPT_COUNTER: Shown(Card.OFFER, "我们同意您的还款建议，请您确认。"),
    A.ACCEPT: Shown(Card.AGREEMENT, "我已接受方案。"),
    A.DECLINE: Shown(Card.APPLICATION, "我决定不接受方案，不再协商。"),
    A.WITHDRAW: Shown(Card.APPLICATION, "我撤回了申请。"),
    A.EXPIRE: Shown(Card.APPLICATION, "已过期限，申请已关闭；可以随时重新打开。"),
    A.BREACH: Shown(text="新还款计划已终止，详情请看消息。"),
    A.COMPLETE: Shown(text="新还款计划已全部还清，谢谢你按约还款。"),
    A.REOPEN: Shown(text="{note}"),
    A.UNSETTLE: Shown(text="{note}剩余欠款仍为已到期，可随时还款。"),
}


def show_move(
    case: Case,
    action: A,
    *,
    key: str,
    actor: User | None,
    now: datetime,
    context: Mapping[str, Any],
) -> None:
    """Put a move into the borrower's conversation; actions without an entry say nothing.

    Said by whoever acted, by the system otherwise; the same `key` twice is once.
    """
    appearance = SHOWN.get(action)
    if appearance is None:
        return
    text = _filled(appearance.text, context)
    if appearance.card == Card.NONE and not text:
        return
    offer = context.get("offer")
    messages.post_card(
        case=case,
        card=appearance.card,
        text=text,
        offer=offer if isinstance(offer, Offer) and offer.status != OfferStatus.PENDING else None,
        actor=actor,
        now=now,
        key=f"move:{key}",
    )
    if action is A.SUBMIT:
        _say_when_taken_up(case, key, now)


def _filled(text: str, context: Mapping[str, Any]) -> str:
    """The text with the words of the context; a missing one is left out."""
    words = {name: str(context.get(name, "")) for name in ("kinds", "note")}
    return text.format(**words) if text else ""


def _say_when_taken_up(case: Case, key: str, now: datetime) -> None:
    """Out of hours: 已过受理时间，11月24日 09:00 受理."""
    opening = bot.next_opening(in_shanghai(now), load_calendar())
    if opening is not None:
        text = f"已过受理时间，{chinese(opening)} 受理"
        messages.system_say(case=case, text=text, key=f"taken-up:{key}", now=now)
