"""Every act of the desk: it works, the wrong rank gets 403, auditors and own loans are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from loans.proofs import violations
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Draft, User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.desk.acts import ACTS
from tests import factories
from tests.relief.desk.desk import act, at_desk, client_of, offer_values, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
OFFER = {"number": 1}
UNREAD = {"unread_reason": "同事已核对原件"}
# act, from, rank, what is typed, to
HAPPY: list[tuple[str, State, Rank, dict[str, Any], State]] = [
    ("claim", State.SUBMITTED, Rank.REVIEWER, {}, State.IN_REVIEW),
    ("release", State.IN_REVIEW, Rank.REVIEWER, {"note": "请别人看"}, State.SUBMITTED),
    (
        "ask",
        State.IN_REVIEW,
        Rank.REVIEWER,
        {"kinds": ["income"], "text": "三个月"},
        State.NEED_MORE,
    ),
    ("pass", State.IN_REVIEW, Rank.REVIEWER, {"note": ""}, State.NEGOTIATING),
    ("reject", State.IN_REVIEW, Rank.REVIEWER, {"reason": "NOT_OVERDUE"}, State.REJECTED),
    ("offer", State.NEGOTIATING, Rank.REVIEWER, offer_values(), State.OFFERED),
    (
        "offer",
        State.NEGOTIATING,
        Rank.REVIEWER,
        offer_values(penalty_percent="80"),
        State.AWAITING_APPROVAL,
    ),
    ("approve", State.AWAITING_APPROVAL, Rank.SUPERVISOR, {**OFFER, "note": "同意"}, State.OFFERED),
    (
        "send-back",
        State.AWAITING_APPROVAL,
        Rank.SUPERVISOR,
        {**OFFER, "reason": "期数太长"},
        State.NEGOTIATING,
    ),
    (
        "withdraw-offer",
        State.OFFERED,
        Rank.REVIEWER,
        {**OFFER, "reason": "金额有误"},
        State.NEGOTIATING,
    ),
    ("accept-counter", State.COUNTERED, Rank.SUPERVISOR, {"number": 2, **UNREAD}, State.OFFERED),
    (
        "accept-counter",
        State.COUNTERED,
        Rank.REVIEWER,
        {"number": 2, **UNREAD},
        State.AWAITING_APPROVAL,
    ),
    ("revoke", State.PLAN_ACTIVE, Rank.MANAGER, {"reason": "录入有误"}, State.NEGOTIATING),
    ("revoke", State.WARNED, Rank.MANAGER, {"reason": "录入有误"}, State.NEGOTIATING),
]


@pytest.mark.parametrize(("slug", "start", "rank", "typed", "end"), HAPPY)
def test_act_moves_the_case(
    slug: str, start: State, rank: Rank, typed: dict[str, Any], end: State
) -> None:
    case = factories.case_at(start)

    answer = act(at_desk(rank), case, slug, **typed)

    case.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, page_of(case))
    assert case.state == end
    assert violations() == []


def test_breach_is_confirmed_by_a_supervisor_after_the_cure_time() -> None:
    case = factories.case_at(State.WARNED)
    late = case.next_due_at + timedelta(hours=1)

    with clock.frozen(late):
        early = act(at_desk(), case, "breach", reason="未还")
        done = act(at_desk(Rank.SUPERVISOR), case, "breach", reason="未还")

    case.refresh_from_db()
    assert (early.status_code, done.status_code) == (403, 302)
    assert case.state == State.BREACHED


def test_handing_over_changes_who_is_in_charge() -> None:
    case = factories.case_at(State.IN_REVIEW)
    other = factories.staff(Rank.REVIEWER, "agent-b")

    answer = act(at_desk(), case, "assign", to=other.pk, note="请接手")

    case.refresh_from_db()
    assert (answer.status_code, case.assigned_to) == (302, other)


@pytest.mark.parametrize(
    "slug", [slug for slug, one in ACTS.items() if one.needed != Rank.REVIEWER]
)
def test_lower_rank_gets_403(slug: str) -> None:
    case = factories.case_at(State.AWAITING_APPROVAL)

    assert act(at_desk(), case, slug, number=1, reason="x").status_code == 403
    if ACTS[slug].needed == Rank.MANAGER:
        assert act(at_desk(Rank.SUPERVISOR), case, slug, reason="x").status_code == 403


@pytest.mark.parametrize("slug", list(ACTS))
def test_auditor_and_borrower_may_nothing_and_get_shows_nothing(slug: str) -> None:
    case = factories.case_at(State.IN_REVIEW)
    before = list(Case.objects.values())

    assert act(at_desk(Rank.AUDITOR), case, slug, text="x").status_code == 403
    assert act(client_of(case.borrower), case, slug).status_code == 302  # to the login
    manager = at_desk(Rank.MANAGER)
    assert manager.get(page_of(case).replace("change", slug)).status_code == 405
    assert list(Case.objects.values()) == before


def own_case() -> tuple[Case, User]:
    case = factories.case_at(State.IN_REVIEW)
    own = User.objects.create_staff(
        "twin", "林经理", Rank.MANAGER, "x", same_person_as=case.borrower
    )
    return case, own


@pytest.mark.parametrize("slug", list(ACTS))
def test_nobody_acts_on_their_own_loan(slug: str) -> None:
    case, own = own_case()

    assert act(client_of(own), case, slug, text="x").status_code == 403
    assert client_of(own).get(page_of(case)).status_code == 403


def test_maker_is_never_checker() -> None:
    case = factories.case_at(State.NEGOTIATING)
    maker = at_desk(Rank.SUPERVISOR)
    act(maker, case, "offer", **offer_values(waive_interest="1.00"))

    answer = act(maker, case, "approve", number=1)
    page = maker.get(page_of(case)).content.decode()

    assert answer.status_code == 409
    assert "超出你的权限" in page or "拟定人不能复核" in page
    assert case.offers.get().status == "pending"


def test_maker_of_the_right_rank_is_told_why() -> None:
    case = factories.case_at(State.AWAITING_APPROVAL)
    User.objects.filter(pk=factories.staff().pk).update(rank=Rank.SUPERVISOR)

    answer = act(client_of(User.objects.get(pk=factories.staff().pk)), case, "approve", number=1)

    assert answer.status_code == 409
    assert "拟定人不能复核自己的方案" in answer.content.decode()


def test_somebody_faster_is_named_with_the_time() -> None:
    case = factories.case_at(State.SUBMITTED)
    seen = case.version
    act(at_desk(Rank.REVIEWER, "agent-b"), case, "claim")

    answer = act(at_desk(), case, "claim", seen=seen)

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "员工REVIEWER，3月2日 10:00，领取" in text


def test_decision_on_an_older_page_is_refused_and_what_was_typed_stays() -> None:
    case = factories.case_at(State.IN_REVIEW)
    seen = case.version
    client = at_desk()
    act(client, case, "pass")

    answer = act(client, case, "reject", seen=seen, reason="OTHER", text="写了很久的说明")

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "申请有了新的进展" in text
    assert "写了很久的说明" in text
    assert "审核通过" in text


BAD: list[tuple[str, State, dict[str, Any], str]] = [
    ("ask", State.IN_REVIEW, {"text": "三个月"}, "请选择需要补充的材料类型"),
    ("ask", State.IN_REVIEW, {"kinds": ["income"], "text": ""}, "请填写给借款人的说明"),
    ("ask", State.IN_REVIEW, {"kinds": ["gold"], "text": "x"}, "请从列表中选择材料类型"),
    ("ask", State.IN_REVIEW, {"kinds": ["income"], "text": "字" * 501}, "最多 500 字"),
    ("reject", State.IN_REVIEW, {"reason": ""}, "请选择不通过的原因"),
    ("reject", State.IN_REVIEW, {"reason": "OTHER"}, "请写明借款人会读到的说明"),
    ("assign", State.IN_REVIEW, {"to": "999"}, "请从列表中选择同事"),
    ("withdraw-offer", State.OFFERED, {"number": 1, "reason": " "}, "请填写撤回原因"),
    ("offer", State.NEGOTIATING, offer_values(penalty_percent="120"), "0 到 100"),
    ("offer", State.NEGOTIATING, offer_values(penalty_percent="五十"), "0 到 100"),
    ("offer", State.NEGOTIATING, offer_values(term_count="abc"), "请填写整数"),
    ("offer", State.NEGOTIATING, offer_values(term_count="61"), "期数要在 1 到 60 之间"),
    ("offer", State.NEGOTIATING, offer_values(first_due_on="2027-01-01"), "首期日期要在"),
    ("offer", State.NEGOTIATING, offer_values(first_due_on="明天"), "年-月-日"),
    ("offer", State.NEGOTIATING, offer_values(by="amount", waive_penalty="-1"), "减免金额"),
    ("offer", State.NEGOTIATING, offer_values(by="amount", waive_penalty="99999"), "最多 "),
    ("offer", State.NEGOTIATING, offer_values(plan_annual_rate="90"), "原合同利率"),
]


@pytest.mark.parametrize(("slug", "state", "typed", "sentence"), BAD)
def test_bad_input_is_a_sentence_and_stays(
    slug: str, state: State, typed: dict[str, Any], sentence: str
) -> None:
    case = factories.case_at(state)

    answer = act(at_desk(), case, slug, **typed)

    text = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in text
    if slug == "offer":
        assert "材料真实" in text
    case.refresh_from_db()
    assert case.state == state


def test_claiming_the_next_takes_the_most_urgent_waiting_case() -> None:
    later = factories.case_at(State.SUBMITTED)
    first = factories.case_at(State.SUBMITTED, now=factories.NOW - timedelta(days=3))
    client = at_desk()

    answer = client.post("/admin/relief/case/next/")

    first.refresh_from_db()
    later.refresh_from_db()
    assert answer["Location"] == page_of(first)
    assert (first.state, later.state) == (State.IN_REVIEW, State.SUBMITTED)
    assert at_desk(Rank.AUDITOR).post("/admin/relief/case/next/").status_code == 403
    # with one under review: that one, and a second only when it is asked for
    assert client.post("/admin/relief/case/next/")["Location"] == page_of(first)
    assert client.post("/admin/relief/case/next/", {"more": "1"})["Location"] == page_of(later)
    assert (
        client.post("/admin/relief/case/next/", {"more": "1"})["Location"] == "/admin/relief/case/"
    )


def test_ticked_cases_are_handed_over_together_each_by_the_one_door() -> None:
    mine, others = factories.case_at(State.IN_REVIEW), factories.case_at(State.IN_REVIEW)
    colleague = factories.staff(username="other")
    Case.objects.filter(pk=others.pk).update(assigned_to=colleague)
    third = factories.staff(username="third")
    client, address = at_desk(), "/admin/relief/case/reassign/"
    ticked = {"cases": [mine.pk, others.pk], "back": "?who=me&p=2"}

    asked = client.get(address, ticked).content.decode()
    missing = client.post(address, ticked)
    answer = client.post(address, {**ticked, "to": third.pk, "note": "我明天休假"}, follow=True)

    assert "可以转交" in asked
    assert "可请主管转交" in asked  # a reviewer's colleague has that one in hand
    assert (missing.status_code, "请选择同事" in missing.content.decode()) == (422, True)
    assert answer.redirect_chain == [("/admin/relief/case/?who=me&p=2", 302)]
    told = answer.content.decode()
    assert f"已把 1 件申请转交给{third.name}。" in told
    assert f"{others.number} 没有转交" in told
    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.assigned_to, others.assigned_to) == (third, colleague)
    trail = mine.events.get(action="ASSIGNED")
    assert (trail.note_internal, trail.data) == ("我明天休假", {"to": third.pk})
    assert client.get(address)["Location"] == "/admin/relief/case/?"
    assert at_desk(Rank.AUDITOR).post(address, ticked).status_code == 403


def test_a_decision_without_the_version_of_its_page_is_incomplete() -> None:
    """Left out, `seen` would skip the check that nobody was faster."""
    case = factories.case_at(State.SUBMITTED)

    answer = act(at_desk(), case, "claim", seen="")

    case.refresh_from_db()
    assert answer.status_code == 422
    assert "缺少页面版本 seen" in answer.content.decode()
    assert case.state == State.SUBMITTED


DRAFTS = {
    "say": {"text": "您好，材料收到了"},
    "reject": {"reason": "OTHER", "text": "收入证明没有盖章", "note_internal": "电话里确认过"},
    "ask": {"kinds": ["income", "medical"], "text": "请补近三个月"},
}


@pytest.mark.parametrize("slug", DRAFTS)
def test_what_staff_began_to_write_is_found_again_until_it_is_sent(slug: str) -> None:
    case = factories.case_at(State.IN_REVIEW)
    desk, colleague = at_desk(), at_desk(Rank.MANAGER)
    path, page = reverse(f"admin:relief_case_{slug}", args=[case.pk]), page_of(case)
    before = Case.objects.values().get()

    saved = desk.post(path, DRAFTS[slug], headers={"HX-Request": "true", "X-Draft": "1"})

    assert saved.content.decode().strip().startswith("已保存 ")
    assert Case.objects.values().get() == before
    for name, typed in DRAFTS[slug].items():
        assert in_form(desk.get(page), slug, name) == typed
        assert not in_form(colleague.get(page), slug, name)

    act(desk, case, slug, **DRAFTS[slug])
    assert not Draft.objects.exists()


def in_form(page: Any, slug: str, name: str) -> Any:
    """What the field of an act has on the case's page."""
    panels = {panel.act.slug: panel.form for panel in page.context["panels"]}
    form = page.context["say"] if slug == "say" else panels[slug]
    return form[name].value()
