"""对账单 as page, CSV and PDF: between two balances, of any period, down to every posting."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from loans.presenters import booked, papers
from loans.presenters.exports import ExportTable, Format, write
from loans.queries.debt import load_debt
from loans.queries.statement import load_statement
from portal.core.kernel.money import signed
from tests.loans.pages.marks import figures
from tests.loans.pages.test_pages import relieved

TODAY = date(2026, 3, 2)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
EXCEL_BEGAN = date(1899, 12, 30)  # day 0 of a sheet


def test_statement_ends_with_the_books_balance(lin: Client, loan: Loan) -> None:
    loan = relieved(loan)
    told = load_statement(loan)

    response = lin.get(reverse("loans:statement", args=[loan.public_id]))
    content = lin.get(reverse("loans:statement-csv", args=[loan.public_id])).content
    paper = lin.get(reverse("loans:statement-pdf", args=[loan.public_id])).content

    assert figures(response, "statement-closing") == [told.closing]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]
    moved = sum((Decimal(row[4]) for row in rows if row[4]), Decimal(0))
    assert Decimal(rows[0][5]) + moved == Decimal(rows[-1][5]) == told.closing
    assert paper.startswith(b"%PDF-")


def test_statement_of_a_period_opens_with_what_was_owed_before(lin: Client, loan: Loan) -> None:
    loan = relieved(loan)
    whole = load_statement(loan)
    asked = {"from_on": "2026-01-01", "to_on": "2026-02-28"}

    response = lin.get(reverse("loans:statement", args=[loan.public_id]), asked)
    content = lin.get(reverse("loans:statement-csv", args=[loan.public_id]), asked).content

    before = [line for line in whole.lines if line.on < date(2026, 1, 1)]
    within = [line for line in whole.lines if date(2026, 1, 1) <= line.on <= date(2026, 2, 28)]
    opening, closing = before[-1].balance, (within or before)[-1].balance
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]
    assert figures(response, "statement-opening") == [opening]
    assert figures(response, "statement-closing") == [closing]
    assert [Decimal(rows[0][5]), Decimal(rows[-1][5])] == [opening, closing]
    assert [row[0] for row in rows] == ["2026-01-01", *(f"{x.on}" for x in within), "2026-02-28"]


def test_statement_page_keeps_every_posting_under_its_event(lin: Client, loan: Loan) -> None:
    loan = relieved(loan)
    told = load_statement(loan)
    rows = booked.events(told)

    text = lin.get(reverse("loans:statement", args=[loan.public_id])).content.decode()

    assert [line for row in rows for line in row.lines] == list(told.lines)
    assert told.opening + sum(row.amount for row in rows) == told.closing
    assert len(rows) < len(told.lines)
    assert all(f"{len(row.lines)} 条记账" in text for row in rows if len(row.lines) > 1)
    for line in told.lines:
        assert signed(line.amount) in text


def test_statement_on_paper_has_a_row_an_event_as_a_bank_prints_it(loan: Loan) -> None:
    """No split postings: increase, decrease, the balance that the next row starts from, and the sums."""
    loan = relieved(loan)
    told = load_statement(loan)
    first, *rows, last = papers.statement_paper(loan, told, load_debt(loan, TODAY)).rows

    balance = told.opening
    sums = [Decimal(0), Decimal(0)]
    assert first[2:5] == ["", "", f"{balance:,.2f}"]
    for _, _, up, down, after, _ in rows:
        assert not (up and down)
        moved = [Decimal(cell.replace(",", "") or 0) for cell in (up, down)]
        sums = [before + now for before, now in zip(sums, moved, strict=True)]
        balance += moved[0] - moved[1]
        assert f"{balance:,.2f}" == after
    assert last[2:5] == [f"{amount:,.2f}" for amount in (*sums, balance)]
    assert (len(rows), balance) == (len(booked.events(told)), told.closing)


def test_statement_of_today_leads_from_the_books_to_todays_debt(lin: Client, loan: Loan) -> None:
    response = lin.get(reverse("loans:statement", args=[loan.public_id]))

    closing, unbooked = (figures(response, f"statement-{name}") for name in ("closing", "unbooked"))
    assert closing[0] + unbooked[0] == load_debt(loan, TODAY).total
    assert figures(response, "total-due") == [load_debt(loan, TODAY).total]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"from_on": "昨天"}, "开始日期：请按"),
        ({"to_on": "2026-02-30"}, "结束日期：请按"),
        ({"from_on": "2026-02-10", "to_on": "2026-02-01"}, "结束日期：不能早于开始日期"),
        ({"from_on": "2027-01-01"}, "开始日期：不能晚于今天"),
        ({"to_on": "2020-01-01"}, "结束日期：不能早于借款发放"),
    ],
)
def test_wrong_period_is_a_sentence_at_its_field(
    lin: Client, loan: Loan, asked: dict[str, str], sentence: str
) -> None:
    response = lin.get(reverse("loans:statement", args=[loan.public_id]), asked)
    files = [
        lin.get(reverse(f"loans:statement-{kind}", args=[loan.public_id]), asked)
        for kind in ("csv", "pdf")
    ]

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert all(sentence in lin.get(file["Location"]).content.decode() for file in files)


def read_sheet(content: bytes) -> list[list[str | Decimal]]:
    """The cells of the first sheet: text as text, numbers (days are numbers there) as Decimal."""
    book = zipfile.ZipFile(io.BytesIO(content))
    tree = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(tree.iter(f"{SHEET}f"))  # formulas
    return [
        [
            "".join(cell.itertext()) if cell.get("t") else Decimal("".join(cell.itertext()))
            for cell in row.iter(f"{SHEET}c")
        ]
        for row in tree.iter(f"{SHEET}row")
    ]


def test_the_sheet_has_the_rows_of_the_statement(lin: Client, loan: Loan) -> None:
    """Amounts are numbers and days are days; a cell with nothing is not written."""
    loan = relieved(loan)
    rows = papers.statement_rows(load_statement(loan))

    response = lin.get(reverse("loans:statement-xlsx", args=[loan.public_id]))

    head, *cells = read_sheet(response.content)
    assert response["Content-Disposition"].endswith('.xlsx"')
    assert head == list(papers.STATEMENT_HEAD)
    assert cells == [
        [
            (cell - EXCEL_BEGAN).days if isinstance(cell, date) else cell
            for cell in row
            if cell != ""
        ]
        for row in rows
    ]


def test_long_digits_and_formulas_stay_text_in_a_sheet() -> None:
    row = ["0012", "2026112600012345678", "=1+1", "@SUM(A1)", Decimal("0.000657534247")]
    out = io.BytesIO()

    write(ExportTable("x", "表", ["甲"] * len(row), [row]), Format.XLSX, out)

    assert read_sheet(out.getvalue())[1] == row
    styles = zipfile.ZipFile(out).read("xl/styles.xml").decode()
    assert 'formatCode="#,##0.000000000000"' in styles  # a rate is not shown as 0.00
