"""我的减免申请: the list, one case in every state, leaving, reopening, appealing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.models import Delivery
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.retention import purge_expired_evidence
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def own(case: Case) -> Client:
    """The borrower's own browser."""
    client = Client()
    client.force_login(case.borrower)
    return client


def stranger() -> Client:
    client = Client()
    client.force_login(factories.borrower())
    return client


def page(case: Case, at: datetime = NOW) -> str:
    with clock.frozen(at):
        response = own(case).get(reverse("relief:case", args=[case.public_id]))
    assert response.status_code == 200
    return response.content.decode()


def state_of(html: str) -> str:
    found = re.findall(r'data-field="case-state" data-value="(\w+)"', html)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_page_with_one_heading_and_its_mark(state: State) -> None:
    case = factories.case_at(state)

    html = page(case, max(NOW, case.closed_at or NOW))

    assert state_of(html) == state.value
    assert html.count("<h1") == 1
    assert "<script>" not in html
    assert " style=" not in html


def test_the_list_is_mine_alone_and_says_what_is_next() -> None:
    mine, other = factories.case_at(State.OFFERED), factories.case_at(State.SUBMITTED)

    with clock.frozen(NOW):
        html = own(mine).get("/relief/").content.decode()

    assert mine.number in html
    assert other.number not in html
    assert "需要你处理" in html
    assert "还没有减免申请" in stranger().get("/relief/").content.decode()


def test_stranger_404_staff_403_anonymous_login(client: Client) -> None:
    case = factories.case_at(State.SUBMITTED)
    desk = Client()
    desk.force_login(factories.staff())
    for name in ("case", "withdraw", "appeal", "reopen", "agreement", "agreement-pdf", "plan"):
        address = reverse(f"relief:{name}", args=[case.public_id])

        assert stranger().get(address).status_code == 404
        assert desk.get(address).status_code == 403
        assert "/login/" in client.get(address)["Location"]


def test_review_deadline_is_marked_and_counted_in_working_days() -> None:
    case = factories.case_at(State.SUBMITTED)

    html = page(case)

    assert (
        '<time datetime="2026-03-04T18:00:00+08:00" data-field="review-deadline">3月4日 18:00</time>'
        in html
    )
    assert "<b>2</b><span>个工作日</span><b>8</b><span>小时</span>" in html
    assert "催收提醒和催收电话已停止" in html


def test_a_stopped_clock_says_so_and_what_is_asked() -> None:
    html = page(factories.case_at(State.NEED_MORE))

    assert "已暂停" in html
    assert "银行流水" in html
    assert "近三个月" in html


def test_a_missed_deadline_brings_apology_new_promise_and_our_waiver() -> None:
    case = factories.case_at(State.IN_REVIEW)
    late = NOW + timedelta(days=3, hours=1)
    factories.sweep_through(case, late)

    html = page(case, late)

    assert "很抱歉，我们没能按时完成审核" in html
    assert "新的承诺" in html
    assert re.search(r'data-field="delay-waived"', html)


def test_the_timeline_says_of_a_message_only_what_is_known() -> None:
    case = factories.case_at(State.SUBMITTED)
    assert "短信待发送" in page(case)

    Delivery.objects.filter(about=f"case:{case.public_id}").update(
        status="delivered", finished_at=NOW
    )

    assert "短信已送达" in page(case)


def test_a_poll_is_silent_until_something_happens() -> None:
    case = factories.case_at(State.SUBMITTED)
    mark = re.search(r"\?v=([\d-]+)", page(case))
    assert mark
    client, address = own(case), reverse("relief:case", args=[case.public_id])

    assert client.get(address, {"v": mark[1]}, headers=HTMX).status_code == 204
    factories._claim(case, NOW)

    assert client.get(address, {"v": mark[1]}, headers=HTMX)["HX-Refresh"] == "true"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_withdrawing_asks_first_and_then_ends_the_case(headers: dict[str, str]) -> None:
    case = factories.case_at(State.OFFERED)
    client, address = own(case), reverse("relief:withdraw", args=[case.public_id])
    with clock.frozen(NOW):
        assert "确认撤回" in client.get(address).content.decode()
        assert Case.objects.get(pk=case.pk).state == State.OFFERED

        response = client.post(address, {"reason": "已借到钱"}, headers=headers)

    assert response.status_code == (200 if headers else 302)
    assert Case.objects.get(pk=case.pk).state == State.WITHDRAWN


def test_withdrawing_out_of_turn_and_too_long_a_reason() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    client, address = own(case), reverse("relief:withdraw", args=[case.public_id])
    with clock.frozen(NOW):
        assert client.post(address, {"reason": ""}).status_code == 409
        wrong = client.post(address, {"reason": "长" * 501})

    assert wrong.status_code == 422
    assert "撤回原因最多 500 字" in wrong.content.decode()


def test_a_refusal_is_explained_and_can_be_appealed_once() -> None:
    case = factories.case_at(State.REJECTED)
    html = page(case)
    for words in ("材料不足", "现有材料还不能说明", "补充能说明", "可重新申请", "申诉"):
        assert words in html
    client, address = own(case), reverse("relief:appeal", args=[case.public_id])
    with clock.frozen(NOW):
        empty = client.post(address, {"text": " "})
        long = client.post(address, {"text": "长" * 20_000})
        done = client.post(address, {"text": "住院证明已附上，请再看一次。"})
        again = client.post(address, {"text": "再来一次"})

    assert empty.status_code == long.status_code == 422
    assert "长长长" in long.content.decode()
    assert done.status_code == 302
    assert Case.objects.get(pk=case.pk).state == State.SUBMITTED
    assert again.status_code == 409
    assert "再来一次" in again.content.decode()


def test_an_expired_case_opens_again_with_its_files() -> None:
    case = factories.case_at(State.EXPIRED)
    client, address = own(case), reverse("relief:reopen", args=[case.public_id])
    with clock.frozen(case.closed_at or NOW):
        assert client.get(address).status_code == 302
        assert Case.objects.get(pk=case.pk).state == State.EXPIRED
        assert client.post(address).status_code == 302
        again = client.post(address)

    assert Case.objects.get(pk=case.pk).state == State.DRAFT
    assert case.evidence.current().count() == 1
    assert again.status_code == 409


def test_each_file_has_its_date_from_the_day_the_case_ends_until_it_is_gone() -> None:
    case = factories.case_at(State.REJECTED)

    assert page(case).count("2026年5月31日</time> 删除") == 1
    assert "材料保存到" in page(case)

    purge_expired_evidence(now=NOW + timedelta(days=90))

    gone = page(case, NOW + timedelta(days=91))
    assert "5月31日 10:00</time> 已删除" in gone
    assert "材料保存到" not in gone
