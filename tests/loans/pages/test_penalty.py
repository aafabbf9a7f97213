"""查看罚息 shows the rules' own figures, as page, part, CSV and PDF."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.models import Loan
from loans.presenters import origins, papers
from loans.queries.debt import debt_of, load_debt
from loans.queries.penalty import penalty_story
from loans.queries.position import load_position
from loans.services.payments.payment import pay
from tests import factories
from tests.loans.pages.marks import by_instalment, figures

FEN = Decimal("0.01")


def page(loan: Loan, name: str = "penalty") -> str:
    return reverse(f"loans:{name}", args=[loan.public_id])


def part_payment(loan: Loan) -> None:
    pay(
        loan_id=loan.pk,
        amount=Decimal("300.00"),
        paid_on=date(2026, 2, 1),
        reference="part",
        actor=None,
        now=factories.NOW,
    )


def pay_first_instalment(loan: Loan) -> None:
    """Two months late, so that its penalty is history."""
    first = load_debt(loan, date(2026, 2, 10)).instalments[0]
    pay(
        loan_id=loan.pk,
        amount=first.total,
        paid_on=date(2026, 2, 10),
        reference="first",
        actor=None,
        now=factories.NOW,
    )


def csv_rows(content: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]


def test_total_is_the_sum_of_the_instalments(lin: Client, loan: Loan) -> None:
    owed = load_debt(loan, date(2026, 3, 2))

    response = lin.get(page(loan))

    assert figures(response, "penalty-total") == [owed.penalty]
    assert by_instalment(response, "penalty-instalment") == {
        row.number: row.penalty for row in owed.instalments if row.overdue_days
    }
    assert sum(by_instalment(response, "penalty-instalment").values()) == owed.penalty


def test_part_payment_shows_segments_and_what_is_left(lin: Client, loan: Loan) -> None:
    part_payment(loan)
    owed = load_debt(loan, date(2026, 3, 2))

    response = lin.get(page(loan))

    assert figures(response, "penalty-total") == [owed.penalty]
    assert "分段计算后相加" in response.content.decode()
    assert "已还或已减免" in response.content.decode()


def test_ceiling_shows_what_it_took_away(client: Client) -> None:
    loan = factories.overdue_loan(product="daily_005_capped")
    client.force_login(loan.borrower)

    response = client.get(page(loan))

    story = penalty_story(loan, date(2026, 3, 2))
    assert figures(response, "penalty-capped-total") == [story.capped_part]
    assert story.capped_part > 0
    assert "封顶减少" in response.content.decode()


def test_nothing_overdue_says_so(client: Client) -> None:
    loan = factories.overdue_loan(drawdown_on=date(2026, 2, 20))
    client.force_login(loan.borrower)

    response = client.get(page(loan))

    assert figures(response, "penalty-total") == [Decimal("0.00")]
    assert "没有罚息" in response.content.decode()


@pytest.mark.parametrize(
    ("asked", "on"),
    [
        ({}, date(2026, 3, 9)),
        ({"days": "7"}, date(2026, 3, 9)),
        ({"days": "15"}, date(2026, 3, 17)),
        ({"on": "2026-04-01"}, date(2026, 4, 1)),
        ({"days": "91"}, date(2026, 5, 31)),
        ({"days": "0"}, date(2026, 3, 3)),
        ({"on": "2020-01-01"}, date(2026, 3, 3)),
    ],
)
def test_what_if_is_computed_for_its_day(
    lin: Client, loan: Loan, asked: dict[str, str], on: date
) -> None:
    then = load_debt(loan, on)

    response = lin.get(page(loan), asked)

    assert response.status_code == 200
    assert figures(response, "what-if-then") == [then.due_now]
    now = load_debt(loan, date(2026, 3, 2))
    assert figures(response, "what-if-more") == [then.penalty - now.penalty]


@pytest.mark.parametrize("asked", [{"days": "abc"}, {"on": "昨天"}, {"on": "2026-02-30"}])
def test_unreadable_day_is_422_with_a_sentence(
    lin: Client, loan: Loan, asked: dict[str, str]
) -> None:
    response = lin.get(page(loan), asked)

    assert response.status_code == 422
    assert f'id="what-if-{next(iter(asked))}-error"' in response.content.decode()


def test_htmx_gets_the_card_alone(lin: Client, loan: Loan) -> None:
    response = lin.get(page(loan), {"days": "15"}, headers={"HX-Request": "true"})

    text = response.content.decode().strip()
    assert "<html" not in text
    assert text.startswith('<section class="card" id="what-if"')
    assert "HX-Request" in response["Vary"]


def test_csv_can_be_recomputed(lin: Client, loan: Loan) -> None:
    part_payment(loan)
    owed = load_debt(loan, date(2026, 3, 2))

    content = lin.get(page(loan, "penalty-csv")).content

    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    exact: dict[str, Decimal] = defaultdict(Decimal)
    told: dict[str, Decimal] = {}
    for row in rows[1:]:
        if len(row) == 12:
            exact[row[1]] += Decimal(row[6]) * Decimal(row[8]) * int(row[5])
        elif row[:1] == ["罚息"]:
            told[row[1]] = Decimal(row[3])
    assert told == {number: amount.quantize(FEN, ROUND_HALF_UP) for number, amount in exact.items()}
    assert [row[5] for row in rows if row[:1] == ["当前罚息"]] == [f"{owed.penalty}"]


def test_pdf_is_a_pdf(lin: Client, loan: Loan) -> None:
    response = lin.get(page(loan, "penalty-pdf"))

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")


def test_every_loan_page_takes_the_same_queries_whatever_happened(lin: Client, loan: Loan) -> None:
    def count(name: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert lin.get(page(loan, name)).status_code == 200
        return len(seen)

    names = ("penalty", "detail", "statement", "repay")
    before = [count(name) for name in names]
    part_payment(loan)
    factories.overdue_loan(loan.borrower)

    after = [count(name) for name in names]

    assert before == after
    assert max(after) <= 12


def test_each_amount_of_the_head_opens_to_parts_that_add_up(lin: Client, loan: Loan) -> None:
    part_payment(loan)
    books, today = load_position(loan), date(2026, 3, 2)
    owed = debt_of(books, today)

    told = origins.origins(books, owed, without=origins.ON_PENALTY)
    text = lin.get(page(loan)).content.decode()

    assert {one.field: one.amount for one in told} == {
        "principal-outstanding": owed.principal,
        "interest-outstanding": owed.interest,
        "total-due": owed.total,
        "accrued-interest": owed.accrued_interest,
        "payoff": owed.payoff,
        "due-now": owed.due_now,
    }
    for one in told:
        assert sum(part.amount for part in one.parts) == one.amount
        assert all(part.label in text for part in one.parts)


def test_page_csv_and_pdf_tell_the_same_segments_and_why(lin: Client, loan: Loan) -> None:
    part_payment(loan)
    whole = factories.overdue_loan(loan.borrower)
    pay_first_instalment(whole)

    for one in (loan, whole):
        story = penalty_story(one, date(2026, 3, 2))
        parts = [(line, part) for line in story.instalments for part in line.segments]
        text = lin.get(page(one)).content.decode()
        rows = csv_rows(lin.get(page(one, "penalty-csv")).content)
        told = [(int(row[1]), row[10], row[11]) for row in rows[1:] if len(row) == 12]
        paper = papers.penalty_paper(one, one.terms, story, load_debt(one, date(2026, 3, 2))).rows

        assert parts
        assert told == [(line.number, part.reason, part.end_reason) for line, part in parts]
        assert [row[4] for row in paper if "至" in row[1]] == [
            f"起：{part.reason}；止：{part.end_reason}" for _, part in parts
        ]
        for _, part in parts:
            assert f"起：{part.reason}" in text
            assert f"止：{part.end_reason}" in text


def test_csv_names_ordinary_part_surcharge_and_what_the_ceiling_took(client: Client) -> None:
    loan = factories.overdue_loan(product="daily_005_capped")
    client.force_login(loan.borrower)

    rows = csv_rows(client.get(page(loan, "penalty-csv")).content)

    sums = [
        [Decimal(cell) for cell in row[3:]] for row in rows if row[0] == "罚息" and len(row) == 9
    ]
    assert sums
    for total, _, _, ordinary, surcharge, capped in sums:
        assert capped > 0
        assert ordinary + surcharge - capped == total
