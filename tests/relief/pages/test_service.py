"""我的客服: one's own conversation, with and without script, and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from portal.core import clock
from relief.cases.workflow import State
from relief.conversation import messages
from relief.conversation.answers import QUICK_WHERE_ONE_WAITS
from relief.conversation.models import Conversation, Message
from tests import factories
from tests.conftest import at
from tests.relief.pages.desk import HTMX, errors, text_of

pytestmark = pytest.mark.usefixtures("now")

PAGE = "/service/"
SEND = "/service/send/"


def since(message: int) -> str:
    return reverse("relief:service-since", args=[message])


def last() -> int:
    return Message.objects.latest("pk").pk


def test_the_bot_greets_once_a_day_from_ones_own_figures(lin: Client) -> None:
    first, second = text_of(lin.get(PAGE)), text_of(lin.get(PAGE))

    assert "林*云，早上好。你的借呗有 3 期逾期" in first
    assert "罚息怎么算" in first
    assert second.count("早上好") == 1
    assert first.count("<h1") == 1
    assert 'role="log"' in first


@pytest.mark.parametrize(
    ("state", "days", "badge", "step"),
    [
        (State.OFFERED, 1, "待你确认方案", "前接受方案"),
        (State.EXPIRED, 20, "已过期", "可以重新打开后再提交"),
        (State.WARNED, 32, "有违约风险", "24:00 前还清"),
        (State.WARNED, 42, "新计划即将终止", "在确认之前还清"),
    ],
)
def test_the_greeting_says_what_waits_and_asks_for_the_progress_first(
    lin: Client, loan: Loan, state: State, days: int, badge: str, step: str
) -> None:
    case = factories.case_at(state, loan=loan)

    with clock.frozen(factories.NOW + timedelta(days=days)):
        page = text_of(lin.get(PAGE))

    greeting = page[page.index("好。") : page.index("我可以帮你")]
    assert f"申请 {case.number}：{badge}" in greeting
    assert step in greeting
    asked = re.findall(r'name="topic" value="(\w+)"', page)
    assert (
        asked == [topic.value for topic in QUICK_WHERE_ONE_WAITS] * 2
    )  # under it, and where one types
    assert asked[0] == "progress"


def test_one_talks_without_script(lin: Client) -> None:
    sent_one = lin.post(SEND, {"text": "罚息怎么算的？"})

    page = text_of(lin.get(PAGE))

    assert sent_one["Location"] == PAGE
    assert "罚息怎么算的？" in page
    assert "罚息 = 逾期本金 × 罚息日利率 × 逾期天数" in page


def test_one_talks_with_htmx_and_gets_what_is_new(lin: Client) -> None:
    lin.get(PAGE)
    seen = last()

    answer = lin.post(SEND, {"text": "多久有结果", "after": seen}, headers=HTMX)

    part = text_of(answer)
    assert "sent" in answer["HX-Trigger"]
    assert "早上好" not in part
    assert part.count('<li class="msg') == 2
    assert f'hx-get="{since(last())}"' in part
    assert f'name="after" value="{last()}"' in part


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize("content", [{"text": "多久有结果"}, {"topic": "penalty"}])
def test_a_message_that_is_sent_again_is_said_and_answered_once(
    lin: Client, content: dict[str, str], htmx: dict[str, str]
) -> None:
    lin.get(PAGE)
    before = Message.objects.count()

    answers = [lin.post(SEND, content | {"once": "a1b2c3"}, headers=htmx) for _ in range(3)]

    assert len({answer.status_code for answer in answers}) == 1
    assert Message.objects.count() == before + 2
    assert Message.objects.filter(sender="borrower").count() == 1


def test_other_words_or_another_person_under_the_same_word_are_another_message(
    lin: Client,
) -> None:
    other = Client()
    other.force_login(factories.borrower())

    for who, text in [(lin, "第一句"), (lin, "第二句"), (other, "第一句"), (other, "第一句")]:
        who.post(SEND, {"text": text, "once": "a1b2c3"})

    said = Message.objects.filter(sender="borrower").order_by("pk").values_list("text", flat=True)
    assert list(said) == ["第一句", "第二句", "第一句"]


def test_every_page_and_every_refusal_has_a_new_word_to_send_under(lin: Client) -> None:
    shown = [lin.get(PAGE), lin.get(PAGE), lin.post(SEND, {"text": ""}, headers=HTMX)]

    words = [set(re.findall(r'name="once" value="(\w+)"', text_of(page))) for page in shown]
    assert [len(of_page) for of_page in words] == [1, 1, 1]
    assert len(set.union(*words)) == 3


def test_polling_is_quiet_until_something_comes(lin: Client, loan: Loan) -> None:
    lin.get(PAGE)
    seen = last()
    assert lin.get(since(seen), headers=HTMX).status_code == 204
    talk = Conversation.objects.get(borrower=loan.borrower)
    messages.staff_say(
        conversation=talk, text="您好，我来看看。", actor=factories.staff(), now=factories.NOW
    )
    messages.staff_say(
        conversation=talk,
        text="此人可疑",
        actor=factories.staff(),
        now=factories.NOW,
        internal=True,
    )

    part = text_of(lin.get(since(seen), headers=HTMX))

    assert "您好，我来看看。" in part
    assert "此人可疑" not in part
    assert 'id="desk" hx-swap-oob="true"' in part
    assert "为你服务 · 在线" in part
    assert lin.get(since(seen))["Location"] == PAGE
    assert lin.get(since(2**63), headers=HTMX).status_code == 204


def test_a_quiet_poll_is_three_queries(lin: Client, django_assert_max_num_queries: Any) -> None:
    lin.get(PAGE)
    seen = last()
    with django_assert_max_num_queries(4):  # session, user, clock of the demo, messages
        lin.get(since(seen), headers=HTMX)


def test_a_quick_question_is_asked_and_answered(lin: Client, loan: Loan) -> None:
    lin.post(SEND, {"topic": "apply"})

    page = text_of(lin.get(PAGE))

    assert "申请罚息减免</div>" in page  # said
    assert f'href="{reverse("relief:apply", args=[loan.public_id])}"' in page
    unknown = lin.post(SEND, {"topic": "lottery"}, headers=HTMX)
    assert unknown.status_code == 422
    assert "没有这个快捷问题" in errors(unknown)[0]


def test_a_chip_does_not_lose_what_is_being_typed(lin: Client) -> None:
    page = lin.post(SEND, {"topic": "penalty", "text": "我正在写"})
    part = lin.post(SEND, {"topic": "penalty", "text": "我正在写"}, headers=HTMX)

    assert page.status_code == 200
    assert "我正在写</textarea>" in text_of(page)
    assert "HX-Trigger" not in part
    assert not Message.objects.filter(text="我正在写").exists()


def test_an_open_case_is_shown_instead_of_a_new_one(lin: Client, loan: Loan) -> None:
    case = factories.case_at(State.IN_REVIEW, loan=loan)

    lin.post(SEND, {"topic": "apply"})

    page = text_of(lin.get(PAGE))
    assert f'href="{reverse("relief:case", args=[case.public_id])}"' in page
    assert 'data-value="IN_REVIEW"' in page


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "请先输入内容再发送"),
        (" \u3000\n", "请先输入内容再发送"),
        ("字" * 20_000, "消息最多 1000 字，现在有 20000 字"),
    ],
)
def test_a_refused_text_stays_in_its_field(
    lin: Client, text: str, sentence: str, htmx: dict[str, str]
) -> None:
    answer = lin.post(SEND, {"text": text}, headers=htmx)

    assert answer.status_code == 422
    assert sentence in errors(answer)[0]
    assert text.strip() in text_of(answer)
    if htmx:
        assert answer["HX-Retarget"] == "#composer"
    assert Message.objects.filter(sender="borrower").count() == 0


def test_too_many_in_a_minute_are_refused(lin: Client) -> None:
    for number in range(20):
        lin.post(SEND, {"text": f"第 {number} 句"}, headers=HTMX)

    answer = lin.post(SEND, {"text": "再来一句"}, headers=HTMX)

    assert answer.status_code == 409
    assert "发送太频繁" in errors(answer)[0]
    assert "再来一句" in text_of(answer)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{7*7}}{% debug %}",
        '<b hx-get="/logout/" hx-trigger="load">x</b>',
        "=HYPERLINK(1)\x00",
    ],
)
def test_any_text_is_text(lin: Client, text: str) -> None:
    lin.post(SEND, {"text": text})

    page = text_of(lin.get(PAGE))

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b hx-get" not in page
    assert Message.objects.get(sender="borrower").text == text.replace("\x00", "")


def test_a_person_is_asked_for_with_a_place_in_the_queue(lin: Client) -> None:
    earlier = factories.borrower()
    messages.ask_human(actor=earlier, now=factories.NOW - timedelta(minutes=5))

    lin.post(SEND, {"topic": "human"})

    page = text_of(lin.get(PAGE))
    assert "已转人工，排队中，前面 1 人" in page
    assert '<span class="sub" id="desk">排队中，前面 1 人</span>' in page


def test_out_of_hours_is_said(lin: Client) -> None:
    with clock.frozen(at("2026-03-02 20:08")):
        lin.post(SEND, {"topic": "human"})
        page = text_of(lin.get(PAGE))

    assert "已过受理时间，3月3日 09:00 起" in page


def test_staff_serve_and_their_answer_is_read(lin: Client, loan: Loan) -> None:
    lin.post(SEND, {"text": "你好"})
    talk = Conversation.objects.get(borrower=loan.borrower)
    agent = factories.staff()
    messages.take_conversation(conversation=talk, actor=agent, now=factories.NOW)
    messages.mark_read(conversation=talk, reader=agent, upto=last())

    page = text_of(lin.get(PAGE))

    assert f"{agent.public_name} 为你服务 · 在线" in page
    assert "· 已读" in page
    assert _fresh(talk).borrower_read == last()


def _fresh(talk: Conversation) -> Conversation:
    talk.refresh_from_db()
    return talk


def test_days_are_divided(lin: Client) -> None:
    lin.post(SEND, {"text": "第一天"})
    with clock.frozen(at("2026-03-04 09:30")):
        page = text_of(lin.get(PAGE))

    times = re.findall(r'<li class="time"><time datetime="(\d{4}-\d\d-\d\d)', page)
    assert times == ["2026-03-02", "2026-03-04"]


# --- Cards and strangers ------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
def test_the_conversation_shows_every_state_without_more_queries(
    client: Client, state: State, django_assert_max_num_queries: Any
) -> None:
    case = factories.case_at(state)
    client.force_login(case.borrower)
    client.get(PAGE)

    with django_assert_max_num_queries(14):
        page = client.get(PAGE)

    assert page.status_code == 200
    if state == State.OFFERED:
        offer = reverse("relief:offer", args=[case.public_id, 1])
        assert f'href="{offer}">查看方案并确认' in text_of(page)


def test_a_stranger_hears_nothing(client: Client, loan: Loan) -> None:
    other = Client()
    other.force_login(loan.borrower)
    other.post(SEND, {"text": "我的秘密"})
    client.force_login(factories.borrower())

    assert client.get(since(0), headers=HTMX).status_code == 204
    client.post(SEND, {"text": "你好", "after": "0"}, headers=HTMX)
    assert "我的秘密" not in text_of(client.get(since(0), headers=HTMX))
    assert "我的秘密" not in text_of(client.get(PAGE))


def test_staff_and_nobody_stay_outside(client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.get(since(0), headers=HTMX).status_code == 401
    client.force_login(factories.staff())
    assert client.get(PAGE).status_code == 403
    assert client.post(SEND, {"text": "你好"}).status_code == 403


def test_sending_needs_the_token(loan: Loan) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(loan.borrower)

    assert strict.post(SEND, {"text": "你好"}).status_code == 403
    assert strict.get(SEND)["Location"] == PAGE
