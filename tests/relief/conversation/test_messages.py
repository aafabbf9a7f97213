"""The conversation: the bot answers from the borrower's own data, staff take over, notes stay in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from relief.cases import application, review
from relief.cases.workflow import State
from relief.conversation import bot, messages
from relief.conversation.answers import FAQ, QUICK, Topic, topic_of
from relief.conversation.models import Conversation, Message, Sender, Visibility
from tests.conftest import at
from tests.relief.people import (
    NOW,
    added_and_checked,
    borrower,
    draft,
    in_state,
    overdue_loan,
    staff,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, settings) -> None:
    settings.PRIVATE_ROOT = tmp_path


def talk(user, now=NOW) -> Conversation:
    return messages.conversation_of(borrower=user, now=now)


def test_the_bot_greets_once_a_day_with_the_figures_of_today() -> None:
    user = borrower()
    overdue_loan(user)
    facts = bot.facts_of(borrower=user, now=NOW)

    said = bot.greet(actor=user, now=NOW)

    assert said is not None
    assert said.text == (
        f"林*云，晚上好。你的借呗有 5 期逾期，当前罚息 ¥{facts.penalty:,.2f}。我可以帮你："
    )
    assert said.card == "quick"
    assert bot.greet(actor=user, now=NOW) is None
    assert bot.greet(actor=user, now=NOW + timedelta(days=1)) is not None


def test_without_a_loan_the_bot_says_so() -> None:
    user = borrower()

    said = bot.greet(actor=user, now=NOW)

    assert said is not None
    assert "没有未结清的借款" in said.text


def test_how_the_penalty_is_computed_adds_up() -> None:
    user = borrower()
    overdue_loan(user)
    facts = bot.facts_of(borrower=user, now=NOW)

    said = bot.quick_reply(actor=user, topic="penalty", now=NOW)

    assert said is not None
    assert said.text.count("第 ") == 5
    assert "0.06% × " in said.text
    assert f"¥{facts.penalty:,.2f}" in said.text
    assert [one.text for one in Message.objects.filter(sender="borrower")] == ["罚息怎么算"]


@pytest.mark.parametrize("topic", [*QUICK, *FAQ])
def test_every_quick_question_has_an_answer_in_every_situation(topic: Topic) -> None:
    clear, owing, asking = (borrower(f"1390000000{n}", "林小云") for n in range(1, 4))
    overdue_loan(owing)
    case = in_state(draft(asking), State.SUBMITTED, next_due_at=at("2026-11-26 18:00"))

    answers = [
        bot.quick_reply(actor=user, topic=topic.value, now=NOW) for user in (clear, owing, asking)
    ]

    assert all(answer is not None and answer.text for answer in answers)
    assert len({answer.conversation_id for answer in answers}) == 3
    if topic is Topic.PROGRESS:
        assert case.number in answers[2].text
        assert "11月26日 18:00" in answers[2].text
        assert (answers[2].card, answers[2].case) == ("application", case)
    if topic is Topic.APPLY:
        assert answers[1].card == "apply"
        assert answers[1].loan == owing.loans.get()


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("请问罚息怎么算的？", Topic.PENALTY),
        ("转人工", Topic.HUMAN),
        ("我失业了还不上", Topic.APPLY),
        ("多久能有结果", Topic.DURATION),
        ("减免后还要还钱吗", Topic.STILL_REPAY),
        ("今天天气", None),
    ],
)
def test_free_text_is_understood_by_its_words(text: str, topic: Topic | None) -> None:
    assert topic_of(text) == topic


def test_what_the_bot_does_not_know_it_says() -> None:
    user = borrower()
    messages.say(text="今天天气", actor=user, now=NOW)

    said = bot.answer(actor=user, text="今天天气", now=NOW)

    assert said is not None
    assert "转人工" in said.text


@pytest.mark.parametrize(
    ("text", "word"), [("", "先输入"), (" \u3000\n", "先输入"), ("长" * 20_000, "最多 1000 字")]
)
def test_empty_and_endless_messages_are_refused_at_the_field(text: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word) as refused:
        messages.say(text=text, actor=borrower(), now=NOW)

    assert refused.value.field == "text"
    assert not Message.objects.exists()


def test_a_flood_is_stopped() -> None:
    user = borrower()
    for number in range(20):
        messages.say(text=f"第 {number} 条", actor=user, now=NOW)

    with pytest.raises(RuleViolation, match="太频繁"):
        messages.say(text="再来", actor=user, now=NOW)
    messages.say(text="再来", actor=user, now=NOW + timedelta(minutes=2))


def test_asking_for_a_person_queues_once_and_tells_when() -> None:
    first, second = borrower(), borrower("13900000002", "赵强")
    agent = staff()
    day = at("2026-11-24 10:00")

    late = messages.ask_human(actor=first, now=NOW)
    inside = messages.ask_human(actor=second, now=day)

    assert late is not None
    assert late.text == "已过受理时间，11月24日 09:00 起由人工客服回复；你可以先留言"
    assert inside is not None
    assert inside.text == "已转人工，排队中，前面 1 人"
    assert messages.ask_human(actor=first, now=day) is None
    assert list(Conversation.objects.waiting()) == [talk(first), talk(second)]
    assert Notice.objects.filter(user=agent, event="staff_chat_wanted").count() == 2
    assert bot.answer(actor=first, text="罚息怎么算", now=day) is None


def test_staff_answer_notes_stay_inside_and_unread_is_counted() -> None:
    user, agent = borrower(), staff()
    messages.say(text="请问今天能有结果吗？", actor=user, now=NOW)
    conversation = talk(user)

    messages.staff_say(
        conversation=conversation, text="内部：先看流水", actor=agent, now=NOW, internal=True
    )
    said = messages.staff_say(conversation=conversation, text="审核通过了", actor=agent, now=NOW)
    conversation.refresh_from_db()

    def texts(reader, after=0) -> list[str]:
        found = messages.messages_since(conversation=conversation, reader=reader, after=after)
        return [message.text for message in found]

    assert texts(user) == ["请问今天能有结果吗？", "审核通过了"]
    assert texts(agent) == ["请问今天能有结果吗？", "内部：先看流水", "审核通过了"]
    assert texts(user, after=said.pk) == []
    assert texts(borrower("13900000002", "赵强")) == []
    assert conversation.taken_by == agent
    assert Notice.objects.filter(user=user, event="chat_reply").count() == 1
    messages.mark_read(conversation=conversation, reader=user, upto=said.pk)
    messages.mark_read(conversation=conversation, reader=user, upto=said.pk - 1)
    conversation.refresh_from_db()
    assert (conversation.borrower_read, conversation.staff_read) == (said.pk, 0)


def test_who_may_not_answer() -> None:
    user = borrower()
    conversation = talk(user)
    auditor = staff("auditor", Rank.AUDITOR)
    own = staff("own", same_person_as=user)

    for actor in (user, auditor, own):
        with pytest.raises(RuleViolation):
            messages.staff_say(conversation=conversation, text="好", actor=actor, now=NOW)
    assert not Conversation.objects.visible_to(own).exists()


def test_a_conversation_is_taken_by_one_and_given_back() -> None:
    user, first, second = borrower(), staff(), staff("agent2")
    messages.ask_human(actor=user, now=NOW)
    conversation = talk(user)

    messages.take_conversation(conversation=conversation, actor=first, now=NOW)
    with pytest.raises(RuleViolation, match="已接待"):
        messages.take_conversation(conversation=conversation, actor=second, now=NOW)
    messages.close_conversation(conversation=conversation, actor=first, now=NOW)

    assert not conversation.has_person
    assert bot.answer(actor=user, text="罚息怎么算", now=NOW) is not None


def test_a_key_makes_a_card_once() -> None:
    case = in_state(draft(borrower()), State.SUBMITTED)

    one = messages.post_card(case=case, card="application", now=NOW, actor=case.borrower, key="k")
    two = messages.post_card(case=case, card="application", now=NOW, actor=case.borrower, key="k")

    assert one == two


def test_submitting_shows_a_card_and_when_it_is_taken_up() -> None:
    user = borrower()
    case = draft(user)
    added_and_checked(case)
    application.save_step(
        case=case,
        draft=application.ApplicationDraft(
            reasons=["illness"], statement="因为住院，两个月没有收入。"
        ),
        actor=user,
        now=NOW,
    )

    application.submit_case(case=case, actor=user, now=at("2026-11-23 20:08"))
    application.submit_case(case=case, actor=user, now=at("2026-11-23 20:09"))

    card, line = Message.objects.order_by("pk")
    assert (card.sender, card.card, card.case) == ("borrower", "application", case)
    assert (line.sender, line.text) == ("system", "已过受理时间，11月24日 09:00 受理")


def test_asking_for_proof_is_said_by_the_one_who_asks() -> None:
    agent = staff()
    case = in_state(draft(borrower()), State.IN_REVIEW, assigned_to=agent, review_due_at=NOW)

    review.ask_for_proof(
        case=case, kinds=["bank_flow"], text="近 3 个月", actor=agent, now=at("2026-11-23 11:05")
    )

    said = Message.objects.get()
    assert (said.sender, said.author) == ("staff", agent)
    assert said.text == "还需要您补充：银行流水。近 3 个月"


def test_an_answer_sent_twice_by_its_page_is_stored_once() -> None:
    agent, conversation = staff(), talk(borrower())

    def answer(text: str, *, once: str, internal: bool = False) -> None:
        messages.staff_say(
            conversation=conversation,
            text=text,
            actor=agent,
            now=NOW,
            once=once,
            internal=internal,
        )

    for _ in range(2):
        answer("材料已收到", once="k1")
        answer("材料已收到", once="k1", internal=True)
    answer("材料已收到", once="k2")
    answer("请再补充", once="k1")

    said = conversation.messages.filter(sender=Sender.STAFF).order_by("pk")
    assert [(m.text, m.visibility == Visibility.INTERNAL) for m in said] == [
        ("材料已收到", False),
        ("材料已收到", True),
        ("材料已收到", False),
        ("请再补充", False),
    ]
