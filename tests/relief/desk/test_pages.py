"""Queue, case page, builder, records and board: what they show, to whom, in a constant number of queries."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.models import Case, Event
from relief.cases.workflow import State
from tests import factories
from tests.bench.backlog import open_cases
from tests.conftest import at
from tests.relief.desk.desk import at_desk, client_of, offer_values, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
QUEUE = "/admin/relief/case/"
NOW = factories.NOW


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_queue_shows_masked_names_urgency_and_counts_without_drafts() -> None:
    draft = factories.draft_case()
    late = factories.case_at(State.SUBMITTED, now=NOW - timedelta(days=6))
    paused = factories.case_at(State.NEED_MORE)

    text = at_desk().get(QUEUE).content.decode()

    assert draft.number not in text
    assert "林*云" in text
    assert "林晓云" not in text
    assert text.index(late.number) < text.index(paused.number)
    assert "超时" in text
    assert "已暂停" in text


def test_queue_filters_and_searches() -> None:
    mine = factories.case_at(State.IN_REVIEW)
    free = factories.case_at(State.SUBMITTED)
    over = factories.case_at(State.REJECTED)
    client = at_desk()

    def numbers(query: str) -> set[str]:
        text = client.get(QUEUE + query).content.decode()
        return set(re.findall(r">(JM\d{8}-\d{4})</a>", text))

    assert numbers("") == {mine.number, free.number}
    assert numbers("?who=me") == {mine.number}
    assert numbers("?who=none") == {free.number}
    assert numbers("?state=SUBMITTED") == {free.number}
    assert numbers("?state=closed") == {over.number}
    assert numbers(f"?q={over.number}") == {over.number}
    assert numbers(f"?q={mine.borrower.phone[-4:]}") == {mine.number}
    pasted_phone = quote(f"\u202d+86 {mine.borrower.phone[:3]}–{mine.borrower.phone[3:]}\u202c")
    assert numbers(f"?q={pasted_phone}") == {mine.number}
    assert numbers("?q=没有这个人") == set()
    assert numbers("?due=nonsense&p=abc&state=%00") == set()


def test_filters_hold_together_and_every_count_is_what_its_link_finds() -> None:
    small = factories.overdue_loan(principal=Decimal("4000.00"))
    mine = factories.case_at(State.IN_REVIEW)
    old = factories.case_at(State.SUBMITTED, loan=small, now=NOW - timedelta(days=8))
    warned = factories.case_at(State.WARNED)
    Case.objects.filter(pk=old.pk).update(reasons=["disaster", "family"])
    client = at_desk()
    everything = {mine.number, old.number, warned.number}

    def read(query: str) -> tuple[list[str], str]:
        text = client.get(QUEUE + query).content.decode()
        return re.findall(r">(JM\d{8}-\d{4})</a>", text), text

    for query, found in {
        "?reason=family": {old.number},
        "?reason=illness": everything - {old.number},
        "?amount=small": {old.number},
        "?amount=middle": everything - {old.number},
        "?age=week": {old.number},
        "?age=new": everything - {old.number},
        "?reason=family&who=me": set(),
        "?state=WARNED": {warned.number},
        f"?who={mine.assigned_to_id}&state=IN_REVIEW": {mine.number},
        "?reason=nonsense&amount=9&age=x&who=x&state=DRAFT&sort=pk": everything,
    }.items():
        numbers, text = read(query)
        assert set(numbers) == found, query
        links = re.findall(
            r'<a id="(?:due|who|state)-\d+" href="([^"]+)"[^>]*>[^<]+<span class="num">(\d+)', text
        )
        assert len(links) > 10
        for link, count in links:
            assert len(read(link.replace("&amp;", "&"))[0]) == int(count), (query, link)
    assert re.search(r"补救至 \d+月\d+日", read("?state=WARNED")[1])


def test_columns_sort_both_ways() -> None:
    cases = [
        factories.case_at(State.SUBMITTED, loan=factories.overdue_loan(principal=Decimal(amount)))
        for amount in ("5000.00", "9000.00", "7000.00")
    ]
    client = at_desk()

    def numbers(query: str) -> list[str]:
        return re.findall(r">(JM\d{8}-\d{4})</a>", client.get(QUEUE + query).content.decode())

    low, high, middle = (case.number for case in cases)
    assert numbers("?sort=amount") == [low, middle, high]
    assert numbers("?sort=-amount") == [high, middle, low]
    assert numbers("?sort=number") == sorted([low, high, middle])
    for column in ("state", "who", "due", "age"):
        assert len(numbers(f"?sort={column}")) == len(numbers(f"?sort=-{column}")) == 3
    assert 'aria-sort="descending"' in client.get(f"{QUEUE}?sort=-amount").content.decode()


def test_a_poll_says_how_many_applications_are_new() -> None:
    factories.case_at(State.SUBMITTED)
    client, address = at_desk(), f"{QUEUE}?since={quote(NOW.isoformat())}"
    with clock.frozen(NOW + timedelta(minutes=5)):
        factories.case_at(State.SUBMITTED, now=clock.now())

        first = client.get(f"{address}&told=0", headers={"HX-Request": "true"})
        again = client.get(f"{address}&told=1", headers={"HX-Request": "true"})
        odd = client.get(f"{QUEUE}?since=nonsense&told=-1", headers={"HX-Request": "true"})

    assert "有 1 件新申请" in first.content.decode()
    assert "announce" in first.headers["HX-Trigger"]
    assert "HX-Trigger" not in again.headers
    assert "件新申请" not in odd.content.decode()


def test_an_agreed_plan_is_not_compared_with_its_own_offer() -> None:
    agreed, open_offer = factories.case_at(State.PLAN_ACTIVE), factories.case_at(State.OFFERED)
    client = at_desk()

    shown = [client.get(page_of(case)).content.decode() for case in (agreed, open_offer)]

    assert [("协商方案" in text, "对比(元)" in text) for text in shown] == [
        (True, False),
        (True, True),
    ]


def test_a_deadline_on_days_not_yet_published_is_marked_on_the_case() -> None:
    sure, unsure = (
        factories.case_at(State.SUBMITTED, now=at(f"2026-12-{day} 10:00")) for day in (28, 31)
    )
    client = at_desk()

    with clock.frozen(at("2026-12-31 11:00")):
        assert "期限按暂定日历计算" not in client.get(page_of(sure)).content.decode()
        assert (
            "期限按暂定日历计算（2027年1月1日起未公布）"
            in client.get(page_of(unsure)).content.decode()
        )


def test_queue_refreshes_only_its_own_part() -> None:
    factories.case_at(State.SUBMITTED)

    part = at_desk().get(QUEUE, headers={"HX-Request": "true"}).content.decode()

    assert part.lstrip().startswith('<div id="queue"')
    assert "<html" not in part


@pytest.mark.slow
def test_lists_take_ten_queries_and_sixty_kilobytes_however_many_cases_are_open() -> None:
    paths = [QUEUE, f"{QUEUE}?p=3&sort=-amount", f"{QUEUE}?q=BENCH", "/admin/"]
    client = at_desk()
    for state in (State.SUBMITTED, State.IN_REVIEW, State.OFFERED, State.PLAN_ACTIVE, State.WARNED):
        factories.case_at(state)
    open_cases(95, now=NOW)
    for path in paths:
        client.get(path)  # fills what a process keeps: the calendar, content types
    few = {path: queries(client, path) for path in paths}
    open_cases(9900, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself after so many new rows

    many = {path: queries(client, path) for path in paths}
    sizes = [len(client.get(path).content) for path in paths]

    assert many == few
    assert max(many.values()) <= 10
    assert max(sizes) < 60_000


def test_a_poll_is_answered_only_when_something_on_the_page_is_another() -> None:
    """Every fact that is printed, changed alone, brings the page again; running time does not."""
    case, other = factories.case_at(State.IN_REVIEW), factories.case_at(State.SUBMITTED)
    client, colleague = at_desk(), factories.staff(username="other")
    address = f"{QUEUE}?who=me"

    def poll(seen: str) -> tuple[int, str]:
        answer = client.get(f"{address}&seen={seen}", headers={"HX-Request": "true"})
        found = re.search(r'name="seen" value="(\w+)"', answer.content.decode())
        return answer.status_code, found[1] if found else seen

    def changed(**values: Any) -> None:
        Case.objects.filter(pk=case.pk).update(**values)

    _, seen = poll("")
    assert poll(seen) == (204, seen)
    with clock.frozen(NOW + timedelta(minutes=7)):
        assert poll(seen) == (204, seen)

    acts: list[Any] = [
        lambda: changed(next_due_at=NOW + timedelta(days=1), state=State.NEGOTIATING),
        lambda: changed(escalated_at=NOW, missed_promises=1),
        lambda: changed(next_due_at=NOW + timedelta(days=3)),
        lambda: changed(reasons=["disaster"]),
        lambda: User.objects.filter(pk=case.borrower_id).update(name="王强"),
        lambda: User.objects.filter(pk=case.assigned_to_id).update(name="周敏"),
        lambda: factories.pay_amount(case.loan, Decimal("100.00"), NOW.date()),
        lambda: Case.objects.filter(pk=other.pk).update(assigned_to=colleague),
        lambda: factories.case_at(State.OFFERED),  # not on this page, but in the counts beside it
        lambda: changed(assigned_to=colleague),
    ]
    for act in acts:
        act()
        status, now_seen = poll(seen)
        assert (status, now_seen != seen) == (200, True)
        seen = now_seen
        assert poll(seen) == (204, seen)
    with clock.frozen(NOW + timedelta(days=2)):  # another day: debts, urgency
        assert poll(seen)[0] == 200


@pytest.mark.parametrize("state", [state for state in State if state != State.DRAFT])
@pytest.mark.parametrize("rank", [Rank.MANAGER, Rank.AUDITOR])
def test_case_page_opens_in_every_state(state: State, rank: Rank) -> None:
    case = factories.case_at(state)

    answer = at_desk(rank).get(page_of(case))

    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.count("<h1") == 1
    assert f'data-value="{state.value}"' in text
    assert 'data-field="penalty-total"' in text or "没有正在计收的罚息" in text
    assert case.borrower.name not in text
    assert re.search(r"<script(?![^>]*src=)|style=|\son\w+=|hx-on", text) is None
    if rank == Rank.AUDITOR:
        acts = re.findall(r'action="/admin/relief/case/\d+/', text)
        assert acts == []


def test_drafts_and_unknown_cases_are_not_there() -> None:
    draft = factories.draft_case()
    client = at_desk(Rank.MANAGER)

    assert client.get(page_of(draft)).status_code == 404
    assert client.get("/admin/relief/case/99999/change/").status_code == 404
    assert client.get("/admin/relief/case/abc/change/").status_code == 404


def test_preview_shows_figures_and_authority_without_storing() -> None:
    case = factories.case_at(State.NEGOTIATING)
    address = reverse("admin:relief_case_preview", args=[case.pk])
    client = at_desk()

    within = client.post(address, offer_values(), headers={"HX-Request": "true"}).content.decode()
    above = client.post(address, offer_values(penalty_percent="80")).content.decode()
    wrong = client.post(address, offer_values(term_count="0")).content.decode()
    unknown = client.post(address, offer_values(period="daily")).content.decode()
    weekly = client.post(address, offer_values(period="weekly")).content.decode()

    assert within.lstrip().startswith('<div id="preview"')
    assert "发送方案" in within
    assert 'data-field="offer-instalment"' in within
    assert "超出你的权限，需主管复核" in above
    assert "提交主管复核" in above
    assert "期数要在 1 到 60 之间" in wrong
    assert "请选择每月、每半月或每周" in unknown
    assert 'value="weekly"' in weekly
    assert "每月最高" in weekly
    assert case.offers.count() == 0
    assert at_desk(Rank.AUDITOR).post(address, offer_values()).status_code == 403


def test_suggestions_and_usual_terms_fill_the_builder() -> None:
    case = factories.case_at(State.NEGOTIATING)
    address = reverse("admin:relief_case_preview", args=[case.pk])
    client = at_desk()

    def terms(**more: str) -> str:
        text = client.post(address, offer_values(**more)).content.decode()
        found = re.search(r'name="term_count" value="(\d+)"', text)
        return found[1] if found else ""

    assert terms(terms="18") == "18"
    assert int(terms(pick="slower")) > int(terms(pick="closest"))
    assert terms(pick="nonsense") == "12"


def test_board_counts_and_draws() -> None:
    factories.case_at(State.SUBMITTED, now=NOW - timedelta(days=6))
    factories.case_at(State.PLAN_ACTIVE)

    text = at_desk().get("/admin/").content.decode()

    waived = Case.objects.get(state=State.PLAN_ACTIVE).offers.get().offer_terms.waive_penalty
    assert waived > Decimal(0)
    assert f"¥{waived:,.2f}" in text
    assert text.count('role="img"') >= 2
    assert "<desc" in text
    assert "审核按时率" in text


def request_of(user: User) -> Any:
    request: Any = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.mark.parametrize("rank", list(Rank))
def test_no_model_can_be_written_past_the_services(rank: Rank) -> None:
    request = request_of(factories.staff(rank))
    calendar = {"WorkDay"} if rank in {Rank.SUPERVISOR, Rank.MANAGER} else set()

    for model, desk in admin.site._registry.items():
        name = model.__name__
        assert not desk.has_delete_permission(request), name
        assert desk.has_change_permission(request) is (name in calendar), name
        assert desk.has_add_permission(request) is (name in calendar), name
        assert set(desk.get_actions(request)) <= {"resend"}, name


@pytest.mark.parametrize("name", ["offer", "agreement", "event", "policy", "evidence", "evidenceaccess",
                                  "consent", "conversation"])  # fmt: skip
def test_records_open_read_only(name: str) -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    checked = Event.objects.filter(case=case).first()
    client = at_desk(Rank.AUDITOR)

    assert client.get(f"/admin/relief/{name}/").status_code == 200
    assert client.get(f"/admin/relief/{name}/add/").status_code == 403
    assert checked is not None
    page = client.get(f"/admin/relief/event/{checked.pk}/change/")
    assert page.status_code == 200
    assert client.post(f"/admin/relief/event/{checked.pk}/change/", {}).status_code == 403


def test_own_records_are_hidden() -> None:
    case = factories.case_at(State.OFFERED)
    own = User.objects.create_staff("twin", "林", Rank.AUDITOR, "x", same_person_as=case.borrower)
    client = client_of(own)

    assert case.number not in client.get("/admin/relief/event/").content.decode()
    assert case.number not in client.get(QUEUE).content.decode()
    assert clock.now() == NOW
