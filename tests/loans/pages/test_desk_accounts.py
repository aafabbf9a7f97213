"""The books for accountants at the desk: who reads them, what a file holds, that each one is noted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.desk import accounts
from loans.models import Account, BookExport, ChartVersion, Loan, Posting
from loans.queries.chart import chart_of_accounts
from loans.queries.journal import Period, journal, trial_balance
from portal.core.accounts.throttles import Limit
from portal.core.kernel.roles import Rank
from portal.core.web import access
from tests import factories
from tests.loans.pages.marks import figures
from tests.loans.test_journal import read_csv, read_xlsx

TODAY = date(2026, 3, 2)
JOURNAL = "admin:loans_bookexport_changelist"
CHART = "admin:loans_chartversion_changelist"
WHOLE = {"from_on": "2025-01-01", "to_on": "2026-03-02", "number": ""}


def desk(rank: Rank) -> Client:
    client = Client()
    client.force_login(factories.staff(rank))
    return client


def take(client: Client, **changes: str) -> Any:
    asked = {**WHOLE, "content": "journal", "format": "csv", **changes}
    return client.post(reverse("admin:loans_bookexport_file"), asked)


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.SUPERVISOR])
def test_the_ledger_is_not_for_every_rank(loan: Loan, rank: Rank) -> None:
    client = desk(rank)

    for name in (JOURNAL, CHART, "admin:loans_bookexport_log"):
        assert client.get(reverse(name)).status_code == 403
    assert take(client).status_code == 403
    assert "总账与导出" not in client.get(reverse("admin:index")).content.decode()
    assert not BookExport.objects.exists()


@pytest.mark.parametrize("rank", [Rank.MANAGER, Rank.AUDITOR])
def test_totals_on_the_page_are_the_ledger_s(loan: Loan, rank: Rank) -> None:
    client = desk(rank)

    page = client.get(reverse(JOURNAL), WHOLE)

    assert page.status_code == 200
    period = Period(date(2025, 1, 1), TODAY)
    debit = sum(moved.debit for moved in trial_balance(period))
    assert figures(page, "balance-total")[2:4] == [debit, debit]
    amounts = [line.debit or line.credit for line in journal(period)]
    assert figures(page, "journal-amount") == amounts[: accounts.PREVIEW_LINES]
    assert "借贷相等" in page.content.decode()
    assert "总账与导出" in client.get(reverse("admin:index")).content.decode()


def test_without_a_period_it_is_this_month_so_far(loan: Loan) -> None:
    page = desk(Rank.MANAGER).get(reverse(JOURNAL))

    assert 'value="2026-03-01"' in page.content.decode()
    assert 'value="2026-03-02"' in page.content.decode()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_holds_every_posting_and_is_noted(loan: Loan, kind: str) -> None:
    client = desk(Rank.AUDITOR)

    answer = take(client, format=kind)

    content = b"".join(answer.streaming_content)
    rows = read_csv(content) if kind == "csv" else read_xlsx(content)[1:]
    assert len(rows) == Posting.objects.count()
    assert f'filename="journal-2025-01-01-2026-03-02.{kind}"' in answer["Content-Disposition"]
    noted = BookExport.objects.get()
    assert (noted.content, noted.format, noted.row_count) == ("journal", kind, len(rows))
    assert noted.actor == factories.staff(Rank.AUDITOR)
    page = client.get(reverse(JOURNAL))
    assert noted.actor.name in page.content.decode()
    assert client.get(reverse("admin:loans_bookexport_log")).status_code == 200
    one = client.get(reverse("admin:loans_bookexport_change", args=[noted.pk]))
    assert "总账明细" in one.content.decode()


def test_the_trial_balance_and_one_loan_as_files(loan: Loan) -> None:
    client = desk(Rank.MANAGER)

    balance = take(client, content="trial_balance")
    ledger = take(client, number=loan.number)

    totals = read_csv(b"".join(balance.streaming_content))[-1]
    assert totals["科目名称"] == "合计"
    assert Decimal(totals["本期借方（元）"]) == Decimal(totals["本期贷方（元）"]) > 0
    rows = read_csv(b"".join(ledger.streaming_content))
    assert {row["借据编号"] for row in rows} == {loan.number}
    told = list(BookExport.objects.order_by("pk").values_list("content", "loan"))
    assert told == [("trial_balance", None), ("loan_ledger", loan.pk)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from_on": "2026-13-01"}, "开始日期：请按"),
        ({"to_on": ""}, "结束日期：请按"),
        ({"from_on": "2026-03-02", "to_on": "2026-03-01"}, "不能早于开始日期"),
        ({"number": "没有"}, "没有这笔借款"),
        ({"content": "all"}, "导出内容"),
        ({"format": "pdf"}, "文件格式"),
    ],
)
def test_a_wrong_value_is_told_by_its_field(loan: Loan, changes: dict[str, str], said: str) -> None:
    answer = take(desk(Rank.MANAGER), **changes)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not BookExport.objects.exists()


def test_what_is_too_large_for_a_page_names_the_command(
    loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_ROWS", 1)

    answer = take(desk(Rank.MANAGER))

    assert answer.status_code == 409
    assert "export_journal --from 2025-01-01 --to 2026-03-02" in answer.content.decode()
    assert not BookExport.objects.exists()


def test_files_are_counted_among_the_costly_pages(
    loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "COSTLY", Limit(1, access.COSTLY.window))
    client = desk(Rank.MANAGER)

    first, second = take(client), take(client)
    first.close()

    assert (first.status_code, second.status_code) == (200, 429)


# --- The chart --------------------------------------------------------------------------------


def chart_values(**changes: str) -> dict[str, str]:
    now = chart_of_accounts()
    values = {f"code_{a.value}": now[a.value].code for a in Account}
    values |= {f"name_{a.value}": now[a.value].name for a in Account}
    return {**values, "reason": "按我行科目表", **changes}


def test_a_manager_maps_an_account_and_files_follow(loan: Loan) -> None:
    client = desk(Rank.MANAGER)

    done = client.post(reverse(CHART), chart_values(code_cash="1002.08"))
    rows = read_csv(b"".join(take(client).streaming_content))

    assert done.status_code == 302
    assert "1002.08" in {row["科目代码"] for row in rows}
    page = client.get(reverse(CHART)).content.decode()
    assert "按我行科目表" in page
    version = ChartVersion.objects.get()
    shown = client.get(reverse("admin:loans_chartversion_change", args=[version.pk]))
    assert "现金 1002.08" in shown.content.decode()


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"code_cash": "=1+1"}, 422, "科目代码请用"),
        ({"code_cash": ""}, 422, "现金的科目代码：请填写"),
        ({"code_cash": "1303.01"}, 422, "同一代码请用同一名称"),
        ({"code_cash": "1002.08", "reason": ""}, 422, "原因"),
        ({}, 409, "没有变化"),
    ],
)
def test_a_wrong_chart_is_not_kept(
    loan: Loan, changes: dict[str, str], status: int, said: str
) -> None:
    answer = desk(Rank.MANAGER).post(reverse(CHART), chart_values(**changes))

    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not ChartVersion.objects.exists()


def test_an_auditor_reads_the_chart_and_changes_nothing(loan: Loan) -> None:
    client = desk(Rank.AUDITOR)

    assert "1303.01" in client.get(reverse(CHART)).content.decode()
    assert client.post(reverse(CHART), chart_values(code_cash="9")).status_code == 403
    assert not ChartVersion.objects.exists()
