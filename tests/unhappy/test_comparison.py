"""What the comparison is for: each kind of contradiction, planted, is found; the truth is not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from tests.conftest import at
from tests.unhappy.comparison import contradictions
from tests.unhappy.reader import read, read_words
from tests.unhappy.visits import Reading

NOW = at("2026-12-10 10:00")
LOAN, CASE = "aaaaaaaaaaaa", "cccccccccccc"
DETAIL, PENALTY, PLAN = f"/jiebei/{LOAN}/", f"/jiebei/{LOAN}/penalty/", f"/relief/{CASE}/plan/"
STATE = '<span data-field="case-state" data-value="{0}">{0}</span>'


def data(field: str, value: str, extra: str = "") -> str:
    return f'<data value="{value}" data-field="{field}"{extra}>{value}</data>'


def reading(pages: Mapping[str, str], *, sms: str = "", restored: str = "0.00") -> Reading:
    """A look at pages given as the inside of their <main>."""
    today = NOW.date()
    messages = [read_words("短信", sms, today, CASE)] if sms else []
    for one in messages:
        one.written_at = NOW
    return Reading(
        at=NOW,
        title="",
        pages=[read(path, f"<main>{html}</main>", today) for path, html in pages.items()],
        messages=messages,
        loan_of={LOAN: LOAN, CASE: LOAN},
        loans=[LOAN],
        restored={LOAN: Decimal(restored)},
        numbers={LOAN: "JB1"},
    )


ROW = "<li>12月3日 第 2 期 · 本金 100.00 利息 2.00 {}</li>".format(
    data("plan-instalment", "103.00", ' data-instalment="2"')
)
PLANTED: dict[str, dict[str, str]] = {
    "same_field_same_value": {
        DETAIL: f"<p>罚息 {data('penalty-total', '526.64')}</p>",
        PENALTY: f"<p>罚息 {data('penalty-total', '420.18')}</p>",
    },
    "same_word_same_value": {
        DETAIL: f"<p>罚息 {data('penalty-total', '1.00')}</p>",
        PLAN: f"<p>罚息 {data('kept-penalty', '2.00')}</p>",
    },
    "parts_add_up": {DETAIL: f"<ol>{ROW}</ol>"},
    "one_sum_of_penalty_on_a_page": {
        f"/jiebei/{LOAN}/repay/": f"<p>罚息合计 {data('penalty-all', '24.55')} = 22.71 + 1.84</p>"
        f"<ul><li>罚息合计<small>1.84 + 2.06</small><b>{data('split-penalty', '3.90')}</b></li></ul>"
    },
    "an_amount_once_in_a_card": {
        "/me/": f"<section>{data('due-now', '10473.24')}<p>本期应还 10,473.24 元。</p></section>"
    },
    "an_amount_that_grows_says_so": {
        PENALTY: f"<p>再过一天增加 {data('penalty-per-day', '0.62')}</p>",
        PLAN: '<p>请在 <time datetime="2026-12-20">12月20日</time> 24:00 前还清逾期的 1,055.46 元</p>',
    },
    "one_figure_one_word": {PLAN: f"<p>新计划剩余应还 {data('plan-total', '1.00')}</p>"},
    "the_last_case_has_one_word": {
        "/me/": '<ul><li class="cell-li">减免申请 <span>未通过</span></li></ul>',
        "/jiebei/": '<ul><li class="cell-li">减免申请</li></ul>',
    },
    "one_promise_one_time": {
        PLAN: '<p>请在 <time datetime="2026-12-20">12月20日</time> 24:00 前还清</p>',
        DETAIL: '<p>请在 <time datetime="2027-01-07">1月7日</time> 24:00 前还清</p>',
    },
    "no_promise_in_the_past": {
        DETAIL: '<p>请在 <time datetime="2026-12-09">12月9日</time> 24:00 前还清</p>'
    },
    "no_penalty_beside_a_penalty": {
        DETAIL: "<p>到期前还款，不会产生罚息。</p>",
        PENALTY: f"<p>罚息 {data('penalty-total', '100.10')}</p>",
    },
    "late_words_when_late": {DETAIL: "<p>还清逾期</p>"},
    "plan_words_when_a_plan": {
        DETAIL: "<section><h2>协商方案</h2><p>未还部分已并入新计划</p></section>",
        PLAN: STATE.format("BREACHED"),
    },
    "ends_are_told": {"/me/": "<p>减免申请 暂无进行中</p>", PLAN: STATE.format("EXPIRED")},
    "replaced_by_something": {f"/relief/{CASE}/offers/2/": "<p>已被新方案替代</p>"},
    "repayment_offers_something": {
        f"/jiebei/{LOAN}/repay/": "<p>填写金额</p>",
        PLAN: STATE.format("PLAN_ACTIVE"),
    },
    "one_state_one_word": {
        f"/relief/{CASE}/": STATE.format("OFFERED"),
        PLAN: STATE.format("EXPIRED"),
    },
    "one_count_one_number": {DETAIL: "<p>已还 1/12 期</p>", PLAN: "<p>已还 2/12 期</p>"},
    "nothing_paid_all_comes_back": {
        PLAN: f"<p>已还 0/12 期</p>{STATE.format('PLAN_ACTIVE')}"
        f"<p>恢复 {data('breach-returned', '24.34')}</p>",
        f"/relief/{CASE}/agreement/": "<p>其余恢复（一期未还时恢复 ¥22.71）；</p>",
    },
}


SUMS = {
    "a cell and its parts": "<table><tr><td>132.57<small>= 保留罚息 110.57 + 罚息 21.00</small></td></tr></table>",
    "a debt in an agreement": "<div data-signed>共欠 ¥132.57，其中：保留罚息 ¥110.57，罚息 ¥21.00。</div>",
    "an instalment in an agreement": "<div data-signed>第 1 期　2026-12-24　本金 ¥10.00　保留罚息 ¥1.00　应还 ¥12.00</div>",
}


@pytest.mark.parametrize("kind", SUMS)
def test_a_planted_sum_that_does_not_add_up_is_found(kind: str) -> None:
    found = contradictions([reading({f"/relief/{CASE}/agreement/": SUMS[kind]})])

    assert {one.rule for one in found} == {"parts_add_up"}


PAPERS = {
    f"/jiebei/{LOAN}/penalty.pdf": "借据编号JB1剩余本金100.00元罚息4.91元",
    f"/relief/{CASE}/agreement.pdf": "共欠¥100.00，其中：剩余本金¥100.01。",
}


@pytest.mark.parametrize("path", PAPERS)
def test_a_paper_that_prints_another_amount_than_its_page_is_found(path: str) -> None:
    told = reading(
        {
            DETAIL: f"<p>罚息 {data('penalty-total', '4.92')}</p>",
            f"/relief/{CASE}/agreement/": "<div data-signed>共欠 ¥100.00，其中：剩余本金 ¥100.00。</div>",
        }
    )
    told.papers = {path: PAPERS[path]}

    assert [one.rule for one in contradictions([told])] == ["papers_say_what_pages_say"]


def test_a_dialogue_of_the_desk_that_tells_another_amount_is_found() -> None:
    dialogue = f"<details><dl><dt>恢复的减免</dt><dd>{data('breach-returned', '24.34')}</dd></dl></details>"
    told = reading(
        {
            PLAN: f"<p>恢复 {data('breach-returned', '22.71')}</p>",
            f"/relief/{CASE}/desk/": dialogue,
        }
    )

    assert [one.rule for one in contradictions([told])] == ["same_field_same_value"]


def test_instalments_counted_of_what_a_breach_made_due_are_found() -> None:
    told = {DETAIL: "<p>已还 0/1 期</p>", PLAN: STATE.format("BREACHED")}

    assert [one.rule for one in contradictions([reading(told)])] == ["plan_words_when_a_plan"]


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_contradiction_is_found(rule: str) -> None:
    found = contradictions([reading(PLANTED[rule])])

    assert rule in {one.rule for one in found}, found


def test_a_reminder_that_comes_too_late_is_found() -> None:
    found = contradictions([reading({}, sms="协商方案将于12月9日 18:00到期，请登录宽息答复。")])

    assert {one.rule for one in found} == {"no_promise_in_the_past"}


def test_what_the_books_restore_is_held_against_what_was_told() -> None:
    told = {PLAN: f"<p>恢复 {data('breach-returned', '24.34')}</p>"}

    found = contradictions([reading(told), reading({}, restored="22.71")])

    assert [one.rule for one in found] == ["what_comes_back_comes_back"]


def test_a_promise_that_moves_without_a_word_is_found() -> None:
    promise = '<p>客服会在 <time datetime="2026-12-{}T18:00:00+08:00">x</time> 前给出审核结果。</p>'
    before, after = (reading({f"/relief/{CASE}/": promise.format(day)}) for day in (11, 14))

    assert [one.rule for one in contradictions([before, after])] == [
        "promises_do_not_move_silently"
    ]


def test_several_loans_say_which() -> None:
    total = f"<section>待还 {data('total-due', '100.00')}</section>"
    one = reading({"/me/": total, DETAIL: data("total-due", "70.00")})
    one.loans.append("bbbbbbbbbbbb")
    one.numbers["bbbbbbbbbbbb"] = "JB2"
    one.loan_of["bbbbbbbbbbbb"] = "bbbbbbbbbbbb"

    assert [c.rule for c in contradictions([one])] == ["all_loans_is_the_sum"] * 2


def test_the_truth_is_no_contradiction() -> None:
    pages = {
        "/me/": f"<section><p>已逾期 7 天，罚息 {data('penalty-total', '4.92')}</p>"
        f'<a href="{DETAIL}">去处理</a></section>',
        DETAIL: '<p>已逾期 7 天。</p><p>请在 <time datetime="2026-12-16">12月16日</time> 24:00 前还清。</p>'
        f"<ol><li>本金 100.00 利息 2.00 {data('plan-instalment', '102.00')}</li></ol>",
        PENALTY: f"<p>罚息 {data('penalty-total', '4.92')}</p>",
    }
    sms = "您的新还款计划有一期待还，请于12月16日前登录宽息处理，处理后计划继续有效。"

    assert contradictions([reading(pages, sms=sms)]) == []
