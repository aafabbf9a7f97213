"""我的: what needs attention comes first; nothing of anybody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.models import User
from relief.cases.collection import sentence_for
from relief.cases.workflow import State
from tests import factories
from tests.portal.site.pages.conftest import headings

pytestmark = pytest.mark.django_db
ME = reverse("portal:me")
LogIn = Callable[[User], Client]


def page(client: Client) -> str:
    with clock.frozen(factories.NOW):
        return client.get(ME).content.decode()


def test_overdue_borrower_sees_the_exact_sum_first(lin: User, as_user: LogIn) -> None:
    loan = factories.overdue_loan(lin)
    owed = load_debt(loan, factories.NOW.date())

    text = page(as_user(lin))

    assert len(re.findall("<h1[ >]", text)) == 1
    assert f'<data value="{owed.due_now}" data-field="due-now"' in text
    assert f'<data value="{owed.penalty}" data-field="penalty-total"' in text
    assert f"已逾期 {owed.overdue_days} 天" in text
    assert "暂无进行中" in text
    assert "林*云" in text
    assert "林晓云" not in text
    assert lin.phone not in text


def test_nothing_overdue_shows_no_card(lin: User, as_user: LogIn) -> None:
    factories.overdue_loan(lin, drawdown_on=date(2026, 2, 20))

    text = page(as_user(lin))

    assert "已逾期" not in text
    assert "下期 3月10日" in text
    assert "已还 0/12 期" in text


def test_no_loan_at_all(lin: User, as_user: LogIn) -> None:
    text = page(as_user(lin))

    assert "无待还" in text
    assert "还款计划</span>" not in text


def test_instalment_due_soon_is_told(lin: User, as_user: LogIn) -> None:
    factories.overdue_loan(lin, drawdown_on=date(2026, 2, 4), due_day=4)

    text = page(as_user(lin))

    assert "还有 2 天到期" in text


@pytest.mark.parametrize(
    ("state", "sentence", "label"),
    [
        (State.OFFERED, "协商方案等你答复", "待你确认方案"),
        (State.NEED_MORE, "请补充证明材料", "待补充材料"),
    ],
)
def test_case_that_waits_for_the_borrower_comes_first(
    lin: User, as_user: LogIn, state: State, sentence: str, label: str
) -> None:
    factories.case_at(state, loan=factories.overdue_loan(lin))

    text = page(as_user(lin))

    assert text.index(sentence) < text.index("已逾期")
    assert label in text
    assert "催收电话已停止" in text


def test_case_in_review_says_how_long(lin: User, as_user: LogIn) -> None:
    factories.case_at(State.IN_REVIEW, loan=factories.overdue_loan(lin))

    assert "审核中 · 剩 2 个工作日" in page(as_user(lin))


def test_nothing_of_another_borrower_is_shown(lin: User, as_user: LogIn) -> None:
    factories.case_at(State.OFFERED)

    text = page(as_user(lin))

    assert "协商方案等你答复" not in text
    assert "已逾期" not in text


def test_queries_stay_constant(
    lin: User, as_user: LogIn, django_assert_max_num_queries: Callable
) -> None:
    for months in range(3):
        day = date(2025, 11, 10) - timedelta(days=30 * months)
        factories.overdue_loan(lin, drawdown_on=day)
    client = as_user(lin)

    with django_assert_max_num_queries(12):
        page(client)


@pytest.mark.parametrize("name", ["me", "badges", "notices", "settings", "evidence-access"])
def test_staff_and_strangers_stay_outside(client: Client, name: str) -> None:
    address = reverse(f"portal:{name}")
    assert client.get(address)["Location"].startswith(reverse("portal:login"))

    client.force_login(factories.staff())

    assert client.get(address).status_code == 403


def test_badges_are_a_part(lin: User, as_user: LogIn) -> None:
    text = as_user(lin).get(reverse("portal:badges")).content.decode()

    assert 'id="badges"' in text
    assert 'id="tab-badge" hx-swap-oob="true"' in text
    assert "<html" not in text


def test_page_is_kept_by_no_cache(lin: User, as_user: LogIn) -> None:
    answer = as_user(lin).get(ME)

    assert "no-store" in answer["Cache-Control"]
    assert headings(answer) == 1


def test_plan_at_risk_says_until_when(lin: User, as_user: LogIn) -> None:
    case = factories.case_at(State.WARNED, loan=factories.overdue_loan(lin))
    assert case.next_due_at is not None

    with clock.frozen(case.next_due_at - timedelta(days=2)):
        text = as_user(lin).get(ME).content.decode()

    cure_by = business_date(case.next_due_at)
    assert f"请在 {cure_by.month}月{cure_by.day}日 24:00 前还清逾期，" in text
    assert 'data-field="loan-stage" data-value="plan_warned"' in text
    assert sentence_for(State.WARNED) in text


def test_everything_paid_is_told(lin: User, as_user: LogIn) -> None:
    factories.case_at(State.SETTLED, loan=factories.overdue_loan(lin))

    with clock.frozen(factories.NOW + timedelta(days=2)):
        text = as_user(lin).get(ME).content.decode()

    assert "已结清" in text
    assert "已逾期" not in text


@pytest.mark.parametrize(
    ("state", "days", "word"),
    [
        (State.PLAN_ACTIVE, 28, "本期保留罚息"),  # due today: what is kept in that instalment
        (State.WARNED, 32, "本期罚息合计"),  # late: that and what runs
        (State.BREACHED, 43, "本期保留罚息"),  # the day of the breach: all that is kept
    ],
)
def test_the_penalty_in_what_is_due_is_that_of_the_rows_due(
    lin: User, as_user: LogIn, state: State, days: int, word: str
) -> None:
    case = factories.case_at(state, loan=factories.overdue_loan(lin))
    at = factories.NOW + timedelta(days=days)
    owed = load_debt(case.loan, business_date(at))
    kept = sum(row.kept_penalty for row in owed.due_rows)
    assert kept
    assert (kept == owed.kept_penalty) is (state is State.BREACHED)

    with clock.frozen(at):
        me = as_user(lin).get(ME).content.decode()
        repay = as_user(lin).get(reverse("loans:repay", args=[case.loan.public_id]))

    told = re.findall(r'其中(\S+) <span class="cd m"><data value="([\d.]+)" data-field="(.+?)"', me)
    assert told == [(word, str(kept + owed.penalty), "penalty-due")]
    split = re.findall(r'<data value="([\d.]+)" data-field="split-penalty"', repay.content.decode())
    assert split == [told[0][1]]
    assert "penalty-all" not in me + repay.content.decode()
