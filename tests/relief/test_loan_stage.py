"""How a loan stands is told once: every page that shows it says the same, on every day of it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.presenters.loan import plan_lines
from loans.queries.debt import load_debt
from loans.queries.stage import WORDS, Stage, stage_of
from loans.services.acceleration import accelerate
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from relief.cases.collection import sentence_for
from relief.cases.models import Case
from relief.cases.notices import RULES
from relief.cases.workflow import Action, State
from relief.presenters.comparison import compare
from relief.presenters.cost import PlanSums, plan_sums
from relief.presenters.relief_status import TO_REOPEN
from tests import factories
from tests.factories import NOW
from tests.relief.desk.desk import at_desk, page_of

pytestmark = pytest.mark.django_db
STAGE = re.compile(r'data-field="loan-stage" data-value="(\w+)"')
CASE_STATE = re.compile(r'data-field="case-state" data-value="(\w+)">([^<]+)<')
FIRST = 28  # days from NOW to the plan's first date
PLAN_DAYS = [
    (State.PLAN_ACTIVE, 1, Stage.PLAN_ON_TIME),
    (State.PLAN_ACTIVE, FIRST - 2, Stage.PLAN_DUE_SOON),
    (State.PLAN_ACTIVE, FIRST, Stage.PLAN_DUE_TODAY),
    (State.PLAN_ACTIVE, FIRST + 1, Stage.PLAN_LATE),
    (State.PLAN_ACTIVE, FIRST + 3, Stage.PLAN_PAST_GRACE),  # the worker was off: no warning yet
    (State.WARNED, FIRST + 4, Stage.PLAN_WARNED),
    (State.WARNED, FIRST + 14, Stage.PLAN_ENDING),
    (State.BREACHED, FIRST + 15, Stage.PLAN_BROKEN),  # the day it breaks
    (State.BREACHED, FIRST + 20, Stage.PLAN_BROKEN),
]
LIES_OF_A_BROKEN_PLAN = (
    "正常还款中",
    "还款正常",
    "不会产生罚息",
    "无罚息",
    "没有逾期",
    "暂无进行中",
)


def browser(case: Case) -> Client:
    client = Client()
    client.force_login(case.borrower)
    return client


def pages(case: Case, at: datetime) -> dict[str, str]:
    """Every page on which the borrower sees the loan, as it is on a day."""
    loan = case.loan.public_id
    names = {
        "me": reverse("portal:me"),
        "home": reverse("loans:home"),
        "detail": reverse("loans:detail", args=[loan]),
        "penalty": reverse("loans:penalty", args=[loan]),
        "repay": reverse("loans:repay", args=[loan]),
        "case": reverse("relief:case", args=[case.public_id]),
        "plan": reverse("relief:plan", args=[case.public_id]),
    }
    client = browser(case)
    with clock.frozen(at):
        return {name: client.get(url).content.decode() for name, url in names.items()}


@pytest.mark.parametrize(("state", "days", "stage"), PLAN_DAYS)
def test_every_page_tells_the_same_stage_of_a_plan(state: State, days: int, stage: Stage) -> None:
    case = factories.case_at(state)
    at = NOW + timedelta(days=days)

    shown = pages(case, at)

    quiet = {"me"} if stage is Stage.PLAN_ON_TIME else set()  # nothing wants the borrower there
    told = {name: set(STAGE.findall(text)) for name, text in shown.items() if name not in quiet}
    assert told == {name: {stage.value} for name in shown.keys() - quiet}
    words = stage_of(case.loan, load_debt(case.loan, business_date(at)))
    with clock.frozen(at):
        shown["cases"] = browser(case).get(reverse("relief:cases")).content.decode()
        shown["desk"] = at_desk(Rank.SUPERVISOR).get(page_of(case)).content.decode()
    for name in ("case", "cases", "desk"):
        assert set(CASE_STATE.findall(shown[name])) == {(state.value, words.badge)}, name
    assert words.text in shown["case"]
    for name in ("plan", *(["me"] if not quiet else [])):  # the amount stands beside it in large
        assert words.text_beside_amount in shown[name]


@pytest.mark.parametrize("state", [State.IN_REVIEW, State.PLAN_ACTIVE, State.WARNED])
def test_what_stops_of_collection_has_one_sentence_on_every_page(state: State) -> None:
    case = factories.case_at(state)
    client = browser(case)
    addresses = [
        reverse("portal:me"),
        reverse("loans:home"),
        reverse("relief:case", args=[case.public_id]),
        reverse("portal:help"),
    ]
    at = NOW + timedelta(days=FIRST + 4 if state is State.WARNED else 1)

    with clock.frozen(at):
        me, home, of_case, answers = (client.get(url).content.decode() for url in addresses)

    sentence = sentence_for(state)
    assert sentence in of_case
    assert sentence in answers
    if state is not State.PLAN_ACTIVE:  # nothing wants the borrower there
        assert sentence in me
    if state is State.IN_REVIEW:
        assert sentence in home
    for text in (me, home, of_case):
        assert text.replace(sentence, "").count("催收") == 0


def test_an_expired_application_has_one_next_step_on_every_page() -> None:
    case = factories.case_at(State.EXPIRED)
    at = NOW + timedelta(days=30)
    with clock.frozen(at):
        offer = browser(case).get(reverse("relief:offer", args=[case.public_id, 1]))

    shown = pages(case, at)

    of_case = reverse("relief:case", args=[case.public_id])
    for name, text in {**shown, "offer": offer.content.decode()}.items():
        if name in ("me", "home", "penalty", "offer"):
            assert re.search(rf'href="{of_case}"[^>]*>{TO_REOPEN}<', text), name
        assert ">申请减免</a>" not in text, name
        assert "重新协商" not in text, name
    assert "<span>已过期</span>" in shown["home"]


def test_the_page_of_the_loans_calls_a_broken_case_by_the_word_of_its_plan() -> None:
    case = factories.case_at(State.BREACHED)

    home = pages(case, NOW + timedelta(days=FIRST + 15))["home"]

    assert "<span>新计划已终止</span>" in home


def test_a_warning_goes_by_the_ways_that_the_sentence_on_collection_names() -> None:
    (rule,) = RULES[Action.WARN]

    assert rule.channels == {"sms", "phone"}
    assert "违约预警的短信和电话" in sentence_for(State.WARNED)


def test_a_plan_about_to_end_has_one_word_on_the_page_of_the_loans() -> None:
    """The case is still warned (有违约风险); its plan's stage has gone on."""
    case = factories.case_at(State.WARNED)
    (days,) = [days for _, days, stage in PLAN_DAYS if stage is Stage.PLAN_ENDING][:1]

    home = pages(case, NOW + timedelta(days=days))["home"]

    assert "新计划即将终止" in home
    assert "有违约风险" not in home


@pytest.mark.parametrize(
    ("state", "days", "is_there"),
    [
        (State.PLAN_ACTIVE, FIRST - 2, True),
        (State.PLAN_ACTIVE, FIRST, True),
        (State.WARNED, FIRST + 4, True),
        (State.BREACHED, FIRST + 15, False),
    ],
)
def test_the_next_instalment_is_the_same_on_both_pages_and_never_due_today(
    state: State, days: int, is_there: bool
) -> None:
    case = factories.case_at(state)
    at = NOW + timedelta(days=days)
    owed = load_debt(case.loan, business_date(at))

    shown = pages(case, at)

    foot = re.findall(r'下一期 <time datetime="([\d-]+)"', shown["home"])
    tagged = [line.due_on for line in plan_lines(owed) if line.tag == "下一期"]
    assert foot == [f"{on}" for on in tagged]
    assert bool(foot) is is_there
    assert all(on > owed.as_of for on in tagged)
    assert ("下一期</span>" in shown["detail"]) is is_there


@pytest.mark.parametrize("days", [FIRST + 15, FIRST + 16])
def test_a_broken_plan_is_told_everywhere_and_nothing_calls_it_regular(days: int) -> None:
    case = factories.case_at(State.BREACHED)

    shown = pages(case, NOW + timedelta(days=days))

    for name, text in shown.items():
        assert "新计划已终止" in text, name
        assert [lie for lie in LIES_OF_A_BROKEN_PLAN if lie in text] == [], name
    assert "随方案终止，现已到期" in shown["detail"]
    assert shown["detail"].count("并入新计划") == 1  # what the plan itself replaced
    assert "还不上请联系客服" in shown["me"]
    assert "还不上请联系客服" in shown["home"]


def test_a_late_instalment_is_never_asked_for_by_a_day_gone_by() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    due = case.agreements.get().plan.instalments.first().due_on
    gone = f"请在 {due.month}月{due.day}日"

    shown = pages(case, factories.noon(due + timedelta(days=1)))
    with clock.frozen(factories.noon(due + timedelta(days=1))):
        listed = browser(case).get(reverse("relief:cases")).content.decode()

    for name, text in (*shown.items(), ("cases", listed)):
        assert gone not in text, name


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (1, Stage.UP_TO_DATE),
        (29, Stage.DUE_SOON),
        (30, Stage.DUE_TODAY),
        (31, Stage.OVERDUE),
    ],
)
def test_a_loan_without_a_plan(days: int, stage: Stage) -> None:
    loan = factories.overdue_loan(drawdown_on=date(2026, 3, 10))
    on = date(2026, 3, 11) + timedelta(days=days)

    told = stage_of(loan, load_debt(loan, on))

    assert told.stage is stage


def test_due_today_is_not_called_late() -> None:
    loan = factories.overdue_loan(drawdown_on=date(2026, 2, 2), due_day=2)
    client = Client()
    client.force_login(loan.borrower)

    with clock.frozen(NOW):
        texts = {
            name: client.get(url).content.decode()
            for name, url in {
                "me": reverse("portal:me"),
                "home": reverse("loans:home"),
                "custom": reverse("loans:repay", args=[loan.public_id]) + "?scope=custom",
                "penalty": reverse("loans:penalty", args=[loan.public_id]),
            }.items()
        }

    assert "还本期需要" in texts["custom"]
    for name, text in texts.items():
        assert "还清逾期" not in text, name
        assert "还逾期" not in text, name
        assert set(STAGE.findall(text)) == {"due_today"}, name


def test_accelerated_and_settled_have_their_own_words() -> None:
    loan = factories.overdue_loan()
    on = NOW.date()
    accelerate(loan_id=loan.pk, on=on, reason="久未还款", actor=None, now=NOW)
    loan.refresh_from_db()
    assert stage_of(loan, load_debt(loan, on)).stage is Stage.ACCELERATED

    factories.pay_amount(loan, load_debt(loan, on).payoff, on)
    loan.refresh_from_db()

    assert stage_of(loan, load_debt(loan, on)).stage is Stage.SETTLED


def test_a_plan_paid_off_is_completed_and_a_broken_one_is_not() -> None:
    kept = factories.case_at(State.COMPLETED)
    broken = factories.case_at(State.BREACHED)
    on = business_date(NOW + timedelta(days=50))
    factories.pay_amount(broken.loan, load_debt(broken.loan, on).payoff, on)

    stages = []
    for case in (kept, broken):
        case.loan.refresh_from_db()
        stages.append(stage_of(case.loan, load_debt(case.loan, on)).stage)

    assert stages == [Stage.PLAN_COMPLETED, Stage.BROKEN_SETTLED]


def test_every_stage_has_words_of_its_own() -> None:
    assert set(WORDS) == set(Stage)
    for mine in (lambda words: words.text, lambda words: (words.badge, words.headline, words.text)):
        assert len({mine(words) for words in WORDS.values()}) == len(Stage)


def test_nothing_due_under_a_plan_offers_the_next_instalment() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    at = NOW + timedelta(days=1)
    ahead = load_debt(case.loan, business_date(at)).next_due
    assert ahead is not None

    with clock.frozen(at):
        page = browser(case).get(reverse("loans:repay", args=[case.loan.public_id]))

    text = page.content.decode()
    assert f'<data value="{ahead.total}" data-field="repay-amount"' in text
    assert f"可以提前还新计划第 {ahead.number} 期" in text
    shares = re.findall(
        r'<data value="([\d.]+)" data-field="split-(?:penalty|interest|principal)"', text
    )
    assert sum(map(Decimal, shares)) == ahead.total


@pytest.mark.parametrize("state", [State.EXPIRED, State.REJECTED])
def test_me_tells_how_the_application_ended(state: State) -> None:
    case = factories.case_at(state)

    with clock.frozen(NOW + timedelta(days=9)):
        text = browser(case).get(reverse("portal:me")).content.decode()

    assert "暂无进行中" not in text
    assert {State.EXPIRED: "已过期", State.REJECTED: "未通过"}[state] in text
    if state is State.EXPIRED:
        assert reverse("relief:case", args=[case.public_id]) in text


def test_where_kept_and_running_penalty_are_added_the_sum_is_printed() -> None:
    case = factories.case_at(State.BREACHED)
    at = NOW + timedelta(days=FIRST + 25)
    owed = load_debt(case.loan, business_date(at))
    assert owed.kept_penalty > 0 < owed.penalty

    shown = pages(case, at)
    charges = {row.key: row for row in compare(owed, _any_plan(case), None)}["charges"]

    for name in ("detail", "penalty", "plan"):
        assert f'<data value="{owed.penalty_all}" data-field="penalty-all"' in shown[name], name
        assert f'<data value="{owed.kept_penalty}" data-field="kept-penalty"' in shown[name], name
        assert f'+ 罚息 <data value="{owed.penalty}"' in shown[name], name
    kept, running = f"{owed.kept_penalty:,.2f}", f"{owed.penalty:,.2f}"
    for name, field in (("me", "penalty-due"), ("repay", "split-penalty")):  # all of it is due
        assert f'<data value="{owed.penalty_all}" data-field="{field}"' in shown[name], name
    assert f"{owed.penalty_all:,.2f} = 保留罚息 {kept} + 罚息 {running}" in shown["home"]
    assert charges.now == owed.penalty_all
    assert charges.before_note == f"= 保留罚息 {kept} + 罚息 {running}"


def _any_plan(case: Case) -> PlanSums:
    offer = case.offers.get(status="accepted")
    return plan_sums(offer.rows, offer.figures)
