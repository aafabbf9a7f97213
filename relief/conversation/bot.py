"""Lets the bot greet and answer, from the borrower's own loans and applications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.queries.penalty import penalty_story
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role
from portal.core.models import User
from relief.cases import labels
from relief.cases.models import Case
from relief.cases.queries import label_of, loan_stages, rules_for
from relief.cases.timing.deadlines import chinese
from relief.cases.workflow import State
from relief.conversation import answers as bot
from relief.conversation import messages
from relief.conversation.answers import BotFacts, LatestCase, LoanFacts, Topic
from relief.conversation.models import Card, Conversation, Message


def facts_of(*, borrower: User, now: datetime) -> BotFacts:
    """What the bot may know: the loans that are not settled and the latest application."""
    on = business_date(now)
    loans = []
    for loan in Loan.objects.for_borrower(borrower).active():
        owed = load_debt(loan, on)
        loans.append(
            LoanFacts(
                number=loan.number,
                penalty=owed.penalty,
                per_day=owed.penalty_per_day,
                overdue_days=owed.overdue_days,
                overdue_count=sum(row.overdue_days > 0 for row in owed.instalments),
                story=penalty_story(loan, on) if owed.overdue_days > 0 else None,
            )
        )
    case = latest_case(borrower)
    return BotFacts(
        name=borrower.masked_name,
        hour=in_shanghai(now).hour,
        loans=tuple(loans),
        case=_case_facts(case, now),
        rules=rules_for(case if case and case.is_open else None),
    )


def latest_case(borrower: User) -> Case | None:
    """The application that a talk is about first (latest_of)."""
    return latest_of(borrower.cases.of_visitor())


def latest_of(newest_first: Iterable[Case]) -> Case | None:
    """The newest application under way, else the newest open one, else the last."""
    return min(
        newest_first, key=lambda case: (not is_under_way(case), not case.is_open), default=None
    )


def is_under_way(case: Case | None) -> bool:
    """Whether the application is submitted and not ended."""
    return case is not None and case.is_open and case.state != State.DRAFT


def waits_in(case: Case | None) -> bool:
    """Whether something waits there before one applies anew: under way, or expired and to be reopened."""
    if case is None or case.state != State.EXPIRED:
        return is_under_way(case)
    return not case.loan.is_settled


def _case_facts(case: Case | None, now: datetime) -> LatestCase | None:
    if case is None:
        return None
    due = chinese(case.next_due_at) if case.next_due_at else ""
    is_past = case.next_due_at is not None and case.next_due_at <= now
    stage = loan_stages([case], business_date(now)).get(case.pk)
    return LatestCase(
        number=case.number,
        state_label=label_of(case, Role.BORROWER, stage),
        next_step=stage.text
        if stage
        else labels.next_step(case.state, Role.BORROWER, due, rules_for(case), is_past=is_past),
        is_open=case.is_open,
        waits=waits_in(case),
    )


def greet(
    *, actor: User, now: datetime, conversation: Conversation | None = None
) -> Message | None:
    """The bot's greeting with the quick questions, once a business day; None when already said.

    `conversation`: the actor's, where it is at hand.
    """
    conversation = conversation or messages.conversation_of(borrower=actor, now=now)
    today = business_date(now)
    if conversation.has_person or conversation.greeted_on == today:
        return None
    first = Conversation.objects.filter(pk=conversation.pk).exclude(greeted_on=today)
    if not first.update(greeted_on=today):
        return None
    case = latest_case(actor)
    return messages.bot_say(
        conversation=conversation,
        text=bot.greeting(facts_of(borrower=actor, now=now)),
        now=now,
        card=Card.QUICK,
        case=case if waits_in(case) else None,
    )


def converse(*, actor: User, text: str, now: datetime, topic: str = "", once: str = "") -> None:
    """A text, or a quick question, is said and answered; both or nothing.

    What a page sends again under the same one-time word is heard once (`messages.heard`).
    """
    with transaction.atomic():
        messages.conversation_of(borrower=actor, now=now)
        key, said = messages.heard(borrower=actor, content=topic or text, once=once)
        if said is not None:
            return
        if topic:
            quick_reply(actor=actor, topic=topic, now=now, key=key)
        else:
            messages.say(text=text, actor=actor, now=now, key=key)
            answer(actor=actor, text=text, now=now)


def answer(*, actor: User, text: str, now: datetime) -> Message | None:
    """The bot's answer to a free text; None when a person is there or was asked for."""
    conversation = messages.conversation_of(borrower=actor, now=now)
    if conversation.has_person:
        return None
    return _answer(conversation, bot.topic_of(text), actor, now)


def quick_reply(*, actor: User, topic: str, now: datetime, key: str = "") -> Message | None:
    """A quick question was pressed: said by the borrower, answered by the bot at once.

    Works also while a person is there. InvalidInput("topic") for an unknown one.
    """
    try:
        known_topic = Topic(topic)
    except ValueError:
        raise InvalidInput("topic", "没有这个快捷问题，请直接输入") from None
    messages.say(text=bot.TOPIC_LABELS[known_topic], actor=actor, now=now, key=key)
    conversation = messages.conversation_of(borrower=actor, now=now)
    return _answer(conversation, known_topic, actor, now)


def _answer(
    conversation: Conversation, topic: Topic | None, actor: User, now: datetime
) -> Message | None:
    if topic is Topic.HUMAN:
        return messages.ask_human(actor=actor, now=now)
    facts = facts_of(borrower=actor, now=now)
    case = latest_case(actor)
    choice = _choice(actor, facts) if topic in {Topic.APPLY, Topic.QUALIFY} else []
    card_values: dict[str, object] = {}
    if (topic in {Topic.PROGRESS, Topic.DURATION} and case is not None) or (
        topic is Topic.APPLY and case is not None and case.is_open
    ):
        card_values = {"card": Card.APPLICATION, "case": case}
    elif len(choice) == 1:
        card_values = {"card": Card.APPLY, "loan": choice.pop()[0]}
    elif topic is None:
        card_values = {"card": Card.QUICK}
    answer = messages.bot_say(
        conversation=conversation, text=bot.reply(topic, facts), now=now, **card_values
    )
    for loan, loan_facts in choice:
        messages.bot_say(
            conversation=conversation,
            text=bot.choice_text(loan_facts),
            now=now,
            card=Card.APPLY,
            loan=loan,
        )
    return answer


def _choice(actor: User, facts: BotFacts) -> list[tuple[Loan, LoanFacts]]:
    """The overdue loans without an open application, most penalty first."""
    facts_by_number = {loan.number: loan for loan in facts.overdue}
    busy = Case.objects.for_borrower(actor).open().values("loan")
    loans = Loan.objects.for_borrower(actor).filter(number__in=facts_by_number).exclude(pk__in=busy)
    pairs = [(loan, facts_by_number[loan.number]) for loan in loans]
    return sorted(pairs, key=lambda pair: (-pair[1].penalty, pair[0].number))
