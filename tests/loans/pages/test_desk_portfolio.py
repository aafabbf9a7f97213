"""资产组合 at the desk: ordered, watched, read by bucket and class, followed to the loan, taken away."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import BookExport, Loan, PortfolioReport
from loans.queries.debt import load_debt
from loans.services.portfolio import count_chunks
from portal.core import clock
from portal.core.kernel.roles import Rank
from tests import factories
from tests.loans.pages.marks import figures
from tests.loans.test_journal import read_csv

TODAY = date(2026, 3, 2)
LIST = "admin:loans_portfolioreport_changelist"


def desk(rank: Rank = Rank.MANAGER) -> Client:
    client = Client()
    client.force_login(factories.staff(rank))
    return client


def order(client: Client, as_of: str = "2026-03-02") -> Any:
    return client.post(reverse(LIST), {"as_of": as_of})


def report_of(client: Client) -> PortfolioReport:
    order(client)
    count_chunks(now=clock.now(), real_now=clock.real_now())
    return PortfolioReport.objects.get()


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.SUPERVISOR])
def test_the_portfolio_is_not_for_every_rank(loan: Loan, rank: Rank) -> None:
    report = report_of(desk())
    client = desk(rank)

    assert client.get(reverse(LIST)).status_code == 403
    assert order(client).status_code == 403
    for name in ("change", "loans", "file"):
        address = reverse(f"admin:loans_portfolioreport_{name}", args=[report.pk])
        assert client.post(address).status_code == 403


def test_a_report_is_watched_until_it_is_there(loan: Loan) -> None:
    client = desk(Rank.AUDITOR)

    assert order(client).status_code == 302
    waiting = client.get(reverse(LIST)).content.decode()
    count_chunks(now=clock.now(), real_now=clock.real_now())
    part = client.get(reverse(LIST), headers={"HX-Request": "true"})

    assert "计算中：0 / 1 批" in waiting
    assert "data-poll" in waiting
    assert part.content.decode().lstrip().startswith("<section")
    assert "data-poll" not in part.content.decode()
    assert figures(part, "portfolio-total") == [load_debt(loan, TODAY).total]


def test_tables_add_up_and_lead_to_the_loan(loan: Loan) -> None:
    client = desk()
    report = report_of(client)
    page = client.get(reverse("admin:loans_portfolioreport_change", args=[report.pk]))
    text = page.content.decode()
    owed = load_debt(loan, TODAY)

    totals = figures(page, "portfolio-total")
    assert len(totals) == 20
    assert totals[:10] == totals[10:]
    assert totals[4] == owed.total == sum(totals[:4])
    assert "两个口径合计一致" in text
    bucket = report.lines.get().bucket
    cell = reverse("admin:loans_portfolioreport_loans", args=[report.pk])
    assert f"{cell}?bucket={bucket}" in text
    loans = client.get(cell, {"bucket": bucket})
    assert reverse("admin:loans_loan_change", args=[loan.pk]) in loans.content.decode()
    assert owed.total in figures(loans, "portfolio-amount")
    empty = client.get(cell, {"bucket": "M6+"})
    assert "没有借款" in empty.content.decode()
    assert client.get(cell, {"bucket": "x", "p": "y"}).status_code == 200


@pytest.mark.parametrize("content", ["portfolio", "portfolio_loans"])
def test_a_file_of_the_report_is_noted(loan: Loan, content: str) -> None:
    client = desk()
    report = report_of(client)
    address = reverse("admin:loans_portfolioreport_file", args=[report.pk])

    answer = client.post(address, {"content": content, "format": "csv"})
    wrong = client.post(address, {"content": "all", "format": "csv"})

    rows = read_csv(b"".join(answer.streaming_content))
    assert Decimal(rows[-1]["合计（元）"]) == load_debt(loan, TODAY).total
    noted = BookExport.objects.get()
    assert (noted.content, noted.row_count) == (content, len(rows))
    assert wrong.status_code == 302


@pytest.mark.parametrize(
    ("as_of", "status", "said"),
    [
        ("", 422, "截止日期：请按"),
        ("2026-02-30", 422, "截止日期：请按"),
        ("2026-03-03", 409, "不能晚于今天"),
        ("2020-01-01", 409, "没有未结清的借款"),
    ],
)
def test_a_wrong_date_is_told(loan: Loan, as_of: str, status: int, said: str) -> None:
    answer = order(desk(), as_of)

    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not PortfolioReport.objects.exists()


def test_one_report_at_a_time_and_an_unfinished_one_leads_back(loan: Loan) -> None:
    client = desk()
    order(client)

    again = order(client)
    page = client.get(
        reverse("admin:loans_portfolioreport_change", args=[PortfolioReport.objects.get().pk])
    )

    assert again.status_code == 409
    assert "还在计算" in again.content.decode()
    assert page.status_code == 302


def test_the_days_of_the_classes_are_told(loan: Loan) -> None:
    client = desk()
    report = report_of(client)

    text = client.get(
        reverse("admin:loans_portfolioreport_change", args=[report.pk])
    ).content.decode()

    for words in ("M0 未逾期", "M1 1–30 天", "M6+ 180 天以上", "次级（逾期 91 天起）"):
        assert words in text
    assert report.ordered_at <= report.finished_at + timedelta(seconds=1)
