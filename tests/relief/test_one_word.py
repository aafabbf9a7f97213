"""One word for each amount, on screens and in documents; a sum is printed only where it adds."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.domain.components import Components
from loans.models import Payment
from loans.presenters.amounts import interest_column, penalty_column
from loans.presenters.loan import plan_lines
from loans.presenters.repay import receipt
from loans.queries.debt import load_debt
from portal.core import clock
from relief.cases.models import Case
from relief.cases.workflow import State
from tests import factories
from tests.factories import NOW

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

    assert f"保留利息 {row.kept_interest:,.2f}" in note
    assert f"保留罚息 {row.kept_penalty:,.2f}" in note
    assert " 利息 " not in note


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
        ("现在应付罚息", owed.penalty),
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
