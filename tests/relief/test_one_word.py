"""One word for each amount, on screens and in documents; a sum is printed only where it adds."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from loans.domain.breach import PENALTY_AFTER_BREACH
from loans.domain.components import Components
from loans.domain.restructure import OF_WHICH
from loans.models import Payment
from loans.presenters.amounts import interest_column, penalty_column
from loans.presenters.loan import plan_lines
from loans.presenters.repay import receipt
from loans.queries import stage
from loans.queries.debt import load_debt
from loans.queries.plan import booked_breaches
from loans.queries.position import load_position
from loans.queries.stage import Stage
from loans.queries.types import Debt
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from relief.cases import labels
from relief.cases.models import Case
from relief.cases.workflow import Action, State
from relief.offers import agreement_text
from relief.offers.agreement import is_untouched
from relief.offers.models import Agreement, Offer
from relief.offers.terms import offer_digest
from tests import factories
from tests.factories import NOW
from tests.past_guards import past_the_guards

pytestmark = pytest.mark.django_db
AT = NOW + timedelta(days=1)


def page(case: Case, name: str, *args: object, at: object = AT) -> str:
    client = Client()
    client.force_login(case.borrower)
    with clock.frozen(at):  # type: ignore[arg-type]
        return client.get(reverse(name, args=args)).content.decode()


def test_a_column_has_the_word_of_its_only_part_and_a_sum_of_several() -> None:
    one = penalty_column(Components(kept_penalty=Decimal("1.47")))
    two = penalty_column(Components(penalty=Decimal("1.79"), kept_penalty=Decimal("1.47")))
    none = interest_column(Components())

    assert (one.word, one.amount, one.parts) == ("保留罚息", Decimal("1.47"), "")
    assert (two.word, two.amount, two.parts) == (
        "罚息合计",
        Decimal("3.26"),
        "罚息 1.79 + 保留罚息 1.47",
    )
    assert (none.word, none.amount, none.parts) == ("利息", Decimal("0.00"), "")


def test_a_row_of_a_plan_names_kept_interest_apart_from_interest() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    owed = load_debt(case.loan, AT.date())
    (row, *_) = owed.instalments
    assert row.kept_interest
    assert row.kept_penalty

    note = plan_lines(owed)[0].note

    assert f"保留利息\N{NO-BREAK SPACE}{row.kept_interest:,.2f}" in note
    assert f"保留罚息\N{NO-BREAK SPACE}{row.kept_penalty:,.2f}" in note
    assert " 利息\N{NO-BREAK SPACE}" not in note


def test_paying_a_plan_says_that_what_it_pays_was_kept() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)

    text = page(case, "loans:repay", case.loan.public_id)
    with clock.frozen(AT):
        factories.pay_plan(case)
    done = receipt(Payment.objects.latest("pk"))

    assert re.search(r'保留罚息<b><data value="[\d.]+" data-field="split-penalty"', text)
    assert re.search(r'保留利息<b><data value="[\d.]+" data-field="split-interest"', text)
    assert [line.label for line in done.lines] == ["还保留罚息", "还保留利息", "还本金"]


def test_no_sum_is_printed_where_only_one_part_is_there() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    loan = case.loan.public_id

    for name, args in (
        ("portal:me", ()),
        ("loans:home", ()),
        ("loans:detail", (loan,)),
        ("loans:penalty", (loan,)),
        ("loans:repay", (loan,)),
        ("relief:plan", (case.public_id,)),
    ):
        text = page(case, name, *args)
        assert "罚息合计" not in text, name
        assert "+ 罚息 0.00" not in text, name


def test_the_penalty_file_names_what_runs_what_is_kept_and_their_sum() -> None:
    case = factories.case_at(State.BREACHED)
    at = NOW + timedelta(days=60)
    owed = load_debt(case.loan, at.date())
    assert owed.penalty
    assert owed.kept_penalty

    text = page(case, "loans:penalty-csv", case.loan.public_id, at=at)

    for word, amount in (
        ("当前罚息", owed.penalty),
        ("保留罚息", owed.kept_penalty),
        ("罚息合计", owed.penalty + owed.kept_penalty),
    ):
        assert f'"{word}","","{owed.as_of}","","","{amount}"' in text


def test_an_ended_plan_is_called_one_thing_everywhere() -> None:
    case = factories.case_at(State.BREACHED)
    at = NOW + timedelta(days=60)

    for name, args in (
        ("portal:me", ()),
        ("relief:cases", ()),
        ("relief:case", (case.public_id,)),
        ("relief:plan", (case.public_id,)),
        ("relief:service", ()),
    ):
        text = page(case, name, *args, at=at)
        assert "新计划已终止" in text, name
        assert "已违约" not in text, name


def test_the_ended_plan_is_told_once_in_a_sentence() -> None:
    case = factories.case_at(State.BREACHED)

    text = page(case, "loans:home", at=NOW + timedelta(days=60))

    assert text.count("新还款计划已") == 1


def second_offer(case: Case) -> tuple[Case, Offer, Debt]:
    """A second plan proposed for a loan whose first one broke: some penalty is kept, some runs."""
    at, manager = NOW + timedelta(days=60), factories.staff(Rank.MANAGER)
    again = factories.case_at(State.NEGOTIATING, loan=case.loan, now=at)
    offer = factories.offer_made(again, now=at, maker=manager, waive_interest=Decimal("1.00"))
    owed = load_debt(case.loan, at.date())
    assert owed.kept_penalty > 0 < owed.penalty
    assert owed.kept_interest
    return again, offer, owed


def test_a_second_offer_names_what_the_first_plan_kept() -> None:
    again, offer, owed = second_offer(factories.case_at(State.BREACHED))
    at = NOW + timedelta(days=60, hours=1)

    text = page(again, "relief:offer", again.public_id, offer.number, at=at)

    kept, running = f"{owed.kept_penalty:,.2f}", f"{owed.penalty:,.2f}"
    assert (
        f"<td>{owed.penalty_all:,.2f}<small>= 保留罚息 {kept}<br>+ 罚息 {running}</small>" in text
    )
    rows = re.search(r"<table class=\"tb plan-tb\">.*?</thead>", text, re.S)
    assert rows is not None
    heads = re.findall(r'<th scope="col">(.*?)</th>', rows[0])
    assert heads == ["期", "到期日", "本金", "保留利息", "保留罚息", "应还"]


def test_a_second_agreement_says_what_its_sums_consist_of() -> None:
    again, offer, owed = second_offer(factories.case_at(State.BREACHED))
    at = NOW + timedelta(days=60, hours=1)

    text = page(again, "relief:offer-draft", again.public_id, offer.number, at=at)
    text = re.sub(r'<span class="keep">(.*?)</span>', r"\1", text)

    (total, *parts) = amounts(re.search(r"共欠[^。]+。", text)[0])  # type: ignore[index]
    assert total == sum(parts) == owed.payoff
    for word, amount in (
        ("剩余本金", owed.principal),
        ("罚息", owed.penalty),
        ("保留利息", owed.kept_interest),
        ("保留罚息", owed.kept_penalty),
    ):
        assert f"，{word} ¥{amount:,.2f}" in text or f"：{word} ¥{amount:,.2f}" in text, word
    waived = offer.offer_terms.waive_penalty
    whole, left = f"{owed.penalty_all:,.2f}", f"{owed.penalty_all - waived:,.2f}"
    assert f"合计 ¥{whole}；减免罚息 ¥{waived:,.2f}，保留 ¥{left}。" in text
    assert "<span>保留罚息 ¥" in text
    assert "　罚息 ¥" not in text


def amounts(text: str) -> list[Decimal]:
    return [Decimal(one.replace(",", "")) for one in re.findall(r"¥([\d,]+\.\d{2})", text)]


def test_an_agreement_signed_before_the_parts_were_stored_keeps_its_text_and_digest() -> None:
    case = factories.case_at(State.OFFERED)
    offer = case.offers.get()
    old = {name: value for name, value in offer.figures.items() if name != OF_WHICH}
    digest = offer_digest(
        case_number=case.number,
        offer_number=offer.number,
        terms=offer.offer_terms,
        figures=old,
        rows=offer.rows,
    )
    with past_the_guards():
        Offer.objects.filter(pk=offer.pk).update(figures=old, digest=digest)

    factories.accept(case, now=NOW)
    signed = case.agreements.get()

    assert "其中：本金 ¥" in signed.text
    assert is_untouched(signed)
    again = agreement_text.write(signed.snapshot | {"accepted_at": signed.accepted_at})
    assert again == signed.text


def test_offer_agreement_and_stage_begin_the_penalty_of_a_breach_on_the_day_of_the_books() -> None:
    case = factories.case_at(State.OFFERED)
    offer = page(case, "relief:offer", case.public_id, case.offers.get().number)
    factories.accept(case, now=AT + timedelta(minutes=1))  # it was read first
    agreement = case.agreements.get().text
    broken = factories.case_at(State.BREACHED)
    breached_on = business_date(broken.events.get(action=Action.BREACH).at)

    told = stage.stage_of(broken.loan, load_debt(broken.loan, breached_on)).text
    penalties = [
        load_debt(broken.loan, breached_on + timedelta(days=days)).penalty for days in (0, 1)
    ]

    assert penalties[0] < penalties[1]
    first_day = re.compile(r"[从自][^，。]{1,4}起计收罚息，不[^，。<]*")
    for text in (offer, agreement, told):
        assert first_day.findall(text) == [PENALTY_AFTER_BREACH]


def test_the_page_of_a_broken_plan_leaves_the_loan_to_the_plan_after_it() -> None:
    first = factories.case_at(State.BREACHED)
    again, _, _ = second_offer(first)
    at = NOW + timedelta(days=60)
    factories.accept(again, now=at)
    (broken,) = booked_breaches(load_position(first.loan))

    old = page(first, "relief:plan", first.public_id, at=at)
    new = page(again, "relief:plan", again.public_id, at=at)

    assert "这笔借款已有后来的方案" in old
    assert f'<data value="{broken.returned}" data-field="breach-returned"' in old
    assert old.count('data-field="breach-returned"') == 1
    assert "plan-standing" not in old
    assert reverse("relief:plan", args=[again.public_id]) in old
    assert 'data-field="plan-standing" data-value="kept"' in new


# Every state of a plan, as the case calls it to either side and as the stage of its loan does.
STATES = {
    State.PLAN_ACTIVE: Stage.PLAN_ON_TIME,
    State.WARNED: Stage.PLAN_WARNED,
    State.BREACHED: Stage.PLAN_BROKEN,
    State.COMPLETED: Stage.PLAN_COMPLETED,
    State.SETTLED: Stage.SETTLED,
}


@pytest.mark.parametrize("state", STATES)
def test_case_and_loan_call_a_plan_the_same_to_everybody(state: State) -> None:
    words = labels.WORDS[state]

    assert {words.borrower, words.staff} == {stage.WORDS[STATES[state]].badge}


def test_an_agreement_ends_by_the_word_of_its_plan() -> None:
    ends = dict(Agreement._meta.get_field("end_kind").flatchoices)

    assert ends["breached"] == labels.WORDS[State.BREACHED].borrower
    assert ends["completed"] == labels.WORDS[State.COMPLETED].borrower


# A word that is not used, because the same thing has another one (given behind it).
OTHER_WORDS = {
    "现在应付": "当前罚息",
    "现在应还": "本期应还",
    "逾期利息(?!的复利|按罚息)": "已到期利息",
    "未到期应计|应计利息": "未到期利息",
    "还款总额": "合计应还",
    "欠款总额|总欠款|欠款合计": "总待还",
    "方案(会|将|即将)?失效|方案继续有效": "新计划终止, 新计划继续有效",
    "(?<!新)(?<!还款)计划继续有效": "新计划继续有效",
    "计划执行中|方案执行中|执行中的方案": "按新计划还款中",
    "已违约": "新计划已终止",
    "兑现|归属": "保留",
    "债务豁免|免债|停息挂账": "罚息减免",
}
ROOT = Path(__file__).parents[2]
SHOWN = [
    *(ROOT / "templates").rglob("*.*"),
    *(path for part in ("loans", "relief", "portal") for path in (ROOT / part).rglob("*.py")),
]


@pytest.mark.parametrize("other", OTHER_WORDS)
def test_nothing_is_told_under_another_word(other: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in SHOWN
        if "migrations" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(other, line)
    ]

    assert not found, f"say {OTHER_WORDS[other]} instead of {other}:\n" + "\n".join(found)


def test_the_first_look_at_a_case_is_called_审核_everywhere() -> None:
    """The glossary: review is 审核; 初审 was a second word for it."""
    root = Path(__file__).parents[2]
    texts = [
        path
        for package in ("portal", "loans", "relief", "templates")
        for path in (root / package).rglob("*")
        if path.suffix in {".py", ".html", ".txt"}
    ]

    assert len(texts) > 500
    assert [str(path) for path in texts if "初审" in path.read_text()] == []
