"""借呗, 还款计划, 对账单, due dates and the staff desk."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar

from loans import queries
from loans.domain.restructure import ReliefTerms
from loans.models import Loan
from loans.presenters.exports import safe_cell
from loans.services.payment import pay
from loans.services.restructure import apply_relief
from portal.kernel.roles import Rank
from tests import factories
from tests.loans.views.marks import by_instalment, figures

TODAY = date(2026, 3, 2)


def relieved(loan: Loan) -> Loan:
    """All penalty waived, 12 terms from April."""
    penalty = queries.debt(loan, TODAY).penalty
    terms = ReliefTerms(
        figures_as_of=TODAY,
        waive_penalty=penalty,
        term_count=12,
        first_due_on=date(2026, 4, 2),
    )
    apply_relief(loan_id=loan.pk, terms=terms, on=TODAY, key="t", actor=None, now=factories.NOW)
    return Loan.objects.get(pk=loan.pk)


def test_home_overdue_adds_up(lin: Client, loan: Loan) -> None:
    owed = queries.debt(loan, TODAY)

    response = lin.get(reverse("loans:home"))

    assert figures(response, "total-due") == [owed.total]
    assert figures(response, "due-now") == [owed.due_now]
    assert figures(response, "penalty-total") == [owed.penalty]
    assert response.content.decode().count("<h1") == 1


def test_home_clear_praises_payments_in_time(client: Client) -> None:
    loan = factories.overdue_loan(drawdown_on=date(2026, 1, 5), due_day=20)
    client.force_login(loan.borrower)
    due = queries.debt(loan, date(2026, 2, 20)).due_now
    pay(
        loan_id=loan.pk,
        amount=due,
        paid_on=date(2026, 2, 20),
        reference="in time",
        actor=None,
        now=factories.NOW,
    )

    text = client.get(reverse("loans:home")).content.decode()

    assert "没有逾期，继续保持" in text
    assert "连续 1 期按时还款" in text


def test_home_without_a_loan_offers_no_sample_outside_the_demo(client: Client) -> None:
    client.force_login(factories.borrower())

    text = client.get(reverse("loans:home")).content.decode()

    assert "还没有借款" in text
    assert "演示借款" not in text


def test_home_takes_the_same_queries_for_many_loans(lin: Client, loan: Loan) -> None:
    with CaptureQueriesContext(connection) as one:
        lin.get(reverse("loans:home"))
    for _ in range(3):
        factories.overdue_loan(loan.borrower)

    with CaptureQueriesContext(connection) as many:
        lin.get(reverse("loans:home"))

    assert len(one) == len(many) <= 10


def test_plan_shows_new_rows_and_the_old_schedule_struck_through(lin: Client, loan: Loan) -> None:
    loan = relieved(loan)
    rows = queries.debt(loan, TODAY).instalments

    response = lin.get(reverse("loans:detail", args=[loan.public_id]))

    text = response.content.decode()
    assert by_instalment(response, "plan-instalment") == {row.number: row.total for row in rows}
    assert "协商方案 · 执行中" in text
    assert "已被替代" in text
    assert "<del>" in text


def test_statement_ends_with_the_books_balance(lin: Client, loan: Loan) -> None:
    loan = relieved(loan)
    told = queries.statement(loan)

    response = lin.get(reverse("loans:statement", args=[loan.public_id]))
    content = lin.get(reverse("loans:statement-csv", args=[loan.public_id])).content
    paper = lin.get(reverse("loans:statement-pdf", args=[loan.public_id])).content

    assert figures(response, "statement-closing") == [told.closing]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]
    moved = sum((Decimal(row[4]) for row in rows if row[4]), Decimal(0))
    assert Decimal(rows[0][5]) + moved == Decimal(rows[-1][5]) == told.closing
    assert paper.startswith(b"%PDF-")


def test_due_dates_are_a_calendar(lin: Client, loan: Loan) -> None:
    ahead = [row for row in queries.debt(loan, TODAY).instalments if row.due_on >= TODAY]

    content = lin.get(reverse("loans:calendar", args=[loan.public_id])).content

    events = Calendar.from_ical(content).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [row.due_on for row in ahead]


def test_settled_page_before_the_end_names_the_payoff(lin: Client, loan: Loan) -> None:
    response = lin.get(reverse("loans:settled", args=[loan.public_id]))

    assert figures(response, "payoff") == [queries.payoff_amount(loan, TODAY)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("正常", "正常"),
        (Decimal("-64.24"), "-64.24"),
    ],
)
def test_csv_cells_are_never_formulas(text: Any, cell: str) -> None:
    assert safe_cell(text) == cell


# --- The staff desk -------------------------------------------------------------------------


def desk(client: Client, rank: Rank) -> Client:
    client.force_login(factories.staff(rank))
    return client


def test_loan_is_read_only_for_staff(client: Client, loan: Loan) -> None:
    address = reverse("admin:loans_loan_change", args=[loan.pk])

    response = desk(client, Rank.MANAGER).get(address)

    text = response.content.decode()
    assert figures(response, "penalty-total") == [queries.debt(loan, TODAY).penalty]
    assert loan.borrower.phone not in text
    assert client.post(address, {"principal": "1"}).status_code == 403
    assert client.get(reverse("admin:loans_loan_add")).status_code == 403


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.AUDITOR])
def test_low_ranks_read_and_do_not_act(client: Client, loan: Loan, rank: Rank) -> None:
    desk(client, rank)

    assert client.get(reverse("admin:loans_loan_change", args=[loan.pk])).status_code == 200
    assert client.post(reverse("admin:loans_loan_accelerate", args=[loan.pk])).status_code == 403


def test_acceleration_needs_a_reason(client: Client, loan: Loan) -> None:
    address = reverse("admin:loans_loan_accelerate", args=[loan.pk])
    desk(client, Rank.SUPERVISOR)

    refused = client.post(address, {"reason": ""})
    done = client.post(address, {"reason": "连续三期未还，联系不上"})
    again = client.post(address, {"reason": "连续三期未还，联系不上"})

    assert (refused.status_code, done.status_code, again.status_code) == (422, 302, 409)
    assert Loan.objects.get(pk=loan.pk).accelerated_on == TODAY


def test_reversal_is_a_counter_posting(client: Client, loan: Loan) -> None:
    payment = pay(
        loan_id=loan.pk,
        amount=Decimal("100.00"),
        paid_on=TODAY,
        reference="r",
        actor=None,
        now=factories.NOW,
    )
    desk(client, Rank.SUPERVISOR)

    done = client.post(
        reverse("admin:loans_payment_reverse", args=[payment.pk]), {"reason": "渠道重复入账"}
    )

    payment.refresh_from_db()
    assert done.status_code == 302
    assert payment.is_reversed


def test_nobody_acts_on_a_loan_of_their_own(client: Client, loan: Loan) -> None:
    boss = factories.staff(Rank.MANAGER, "boss", same_person_as=loan.borrower)
    client.force_login(boss)

    assert client.get(reverse("admin:loans_loan_accelerate", args=[loan.pk])).status_code == 403


@pytest.mark.parametrize("model", ["loan", "payment", "entry", "schedule"])
def test_lists_open(client: Client, loan: Loan, model: str) -> None:
    response = desk(client, Rank.AUDITOR).get(reverse(f"admin:loans_{model}_changelist"))

    assert response.status_code == 200
    assert loan.borrower.phone not in response.content.decode()
