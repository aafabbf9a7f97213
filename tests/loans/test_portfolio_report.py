"""Reports of the portfolio: chunks claimed once, sums of the loans, old loans forgotten, commands."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test.utils import override_settings

from loans import tasks
from loans.models import BookExport, Loan, PortfolioChunk, PortfolioLine, PortfolioReport
from loans.presenters.portfolio import view_of
from loans.queries.portfolio import (
    PortfolioSums,
    each_loan,
    line_sums,
    progress,
    report_cells,
    running_report,
)
from loans.services import portfolio
from loans.services.portfolio import count_chunks, order_report
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import User
from portal.site.celery import app
from tests import factories
from tests.loans.books import at, day, example_loan, make_borrower
from tests.loans.test_journal import read_csv
from tests.loans.test_portfolio_figures import lived_portfolio

pytestmark = pytest.mark.django_db
ON = day("2024-03-05")
NOW = at(ON)


@pytest.fixture
def manager() -> User:
    return factories.staff(Rank.MANAGER)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "CHUNK_LOANS", 3)


def ordered(manager: User, as_of: date = ON) -> PortfolioReport:
    return order_report(as_of=as_of, today=ON, actor=manager, now=NOW)


def counted(manager: User, as_of: date = ON) -> PortfolioReport:
    report = ordered(manager, as_of)
    count_chunks(now=NOW, real_now=NOW)
    return PortfolioReport.objects.get(pk=report.pk)


@pytest.mark.parametrize("on", ["2023-07-11", "2023-12-20", "2024-03-05"])
def test_a_report_is_the_sum_of_single_loans(manager: User, small_chunks: None, on: str) -> None:
    lived_portfolio()
    as_of = day(on)

    report = counted(manager, as_of)

    alone = {one.loan_id: one for one in each_loan(as_of)}
    lines = {line.loan_id: line for line in report.lines.all()}
    assert set(lines) == set(alone)
    for pk, line in lines.items():
        assert line_sums(line) == alone[pk].sums
        assert (line.bucket, line.risk_class) == (
            alone[pk].bucket,
            alone[pk].class_by(report.rules),
        )
    view = view_of(report_cells(report), report.rules)
    assert view.total == PortfolioSums.summed(one.sums for one in alone.values())
    assert view.adds_up
    assert report.finished_at == NOW
    assert not report.chunks.exists()


def test_chunks_cover_every_loan_once(manager: User, small_chunks: None) -> None:
    lived_portfolio()
    report = ordered(manager)

    ranges = list(report.chunks.order_by("pk").values_list("first_loan", "last_loan"))

    ids = sorted(one.loan_id for one in each_loan(ON))
    assert ranges == [(ids[n], ids[min(n + 2, len(ids) - 1)]) for n in range(0, len(ids), 3)]


def test_a_claimed_chunk_is_left_alone_until_its_lease_ends(
    manager: User, small_chunks: None
) -> None:
    lived_portfolio()
    report = ordered(manager)
    chunks = report.chunks.count()
    first = portfolio._claim(NOW)
    assert first is not None

    assert count_chunks(now=NOW, real_now=NOW) == chunks - 1
    assert (progress(report).done, progress(report).chunks) == (chunks - 1, chunks)
    later = NOW + portfolio.LEASE + timedelta(seconds=1)
    assert count_chunks(now=NOW, real_now=later) == 1

    assert not portfolio._count(first, NOW)  # the first worker wakes up: nothing is written twice
    assert PortfolioLine.objects.count() == len(list(each_loan(ON)))


def test_a_chunk_that_fails_again_and_again_is_told(
    manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    example_loan()
    report = ordered(manager)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(portfolio, "each_loan", broken)
    for n in range(portfolio.MAX_ATTEMPTS):
        with pytest.raises(ZeroDivisionError):
            count_chunks(now=NOW, real_now=NOW + n * 2 * portfolio.LEASE)

    assert count_chunks(now=NOW, real_now=NOW + timedelta(days=1)) == 0
    assert progress(report).stuck
    assert running_report() is None  # another may be ordered


def test_time_over_leaves_the_rest_to_the_next_task(manager: User, small_chunks: None) -> None:
    lived_portfolio()
    report = ordered(manager)

    assert count_chunks(now=NOW, real_now=NOW, seconds=0) == 1

    assert progress(report).done == 1
    assert PortfolioReport.objects.get().finished_at is None


def test_the_task_and_its_sweep(manager: User, small_chunks: None) -> None:
    lived_portfolio()
    ordered(manager)

    assert tasks.count_portfolio() > 0
    assert tasks.count_portfolio() == 0
    assert "loans.tasks.count_portfolio" in {x["task"] for x in app.conf.beat_schedule.values()}


def test_orders_that_cannot_be(manager: User) -> None:
    with pytest.raises(RuleViolation, match="没有未结清的借款"):
        ordered(manager)
    example_loan()
    with pytest.raises(RuleViolation, match="不能晚于今天"):
        ordered(manager, ON + timedelta(days=1))
    ordered(manager)
    with pytest.raises(RuleViolation, match="还在计算"):
        ordered(manager)
    assert PortfolioReport.objects.count() == 1


def test_loans_of_old_reports_are_forgotten_and_their_sums_kept(
    manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portfolio, "KEPT", 2)
    example_loan()

    reports = [counted(manager) for _ in range(3)]

    assert [report.lines.count() for report in reports] == [0, 1, 1]
    assert reports[0].figures == reports[2].figures


def test_a_report_keeps_the_days_it_was_made_with(manager: User) -> None:
    example_loan()  # 239 days overdue on the date
    with override_settings(RISK_CLASS_DAYS=(1, 91, 121, 181)):
        cards = counted(manager)

    general = counted(manager)

    assert report_cells(cards)[0].risk_class == "loss"
    assert report_cells(general)[0].risk_class == "substandard"
    assert PortfolioReport.objects.get(pk=cards.pk).rules.loss_days == 181


# --- The command ------------------------------------------------------------------------------


def test_the_command_writes_sums_and_loans(tmp_path: Path) -> None:
    lived_portfolio()
    sums, loans = tmp_path / "sums.csv", tmp_path / "loans.csv"
    said = io.StringIO()

    with clock.frozen(NOW):
        call_command("portfolio", "--output", str(sums), stdout=said)
        call_command("portfolio", "--loans", "--output", str(loans), stdout=said)

    alone = list(each_loan(ON))
    whole = sum(one.sums.total for one in alone)
    totals = [row for row in read_csv(sums.read_bytes()) if row["分类"] == "合计"]
    assert [Decimal(row["合计（元）"]) for row in totals] == [whole, whole]
    rows = read_csv(loans.read_bytes())
    assert {row["借据编号"] for row in rows} == {
        loan.number for loan in Loan.objects.filter(pk__in=[one.loan_id for one in alone])
    }
    assert sum(Decimal(row["合计（元）"]) for row in rows) == whole
    told = BookExport.objects.order_by("pk").values_list("content", "from_on", "to_on")
    assert list(told) == [("portfolio", ON, ON), ("portfolio_loans", ON, ON)]
    assert not PortfolioReport.objects.exists()
    assert not PortfolioChunk.objects.exists()


def test_a_date_to_come_is_refused() -> None:
    example_loan(make_borrower())
    with clock.frozen(NOW), pytest.raises(CommandError, match="after today"):
        call_command("portfolio", "--as-of", "2024-03-06")
