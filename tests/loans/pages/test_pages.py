"""借呗, 还款计划 and due dates."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar, Event

from loans.domain.restructure import ReliefTerms
from loans.models import Loan, Posting
from loans.presenters.exports import safe_cell
from loans.queries.debt import load_debt
from loans.services.payments.payment import pay
from loans.services.plans.restructure import apply_relief
from portal.core import clock
from relief.cases.workflow import State
from tests import factories
from tests.loans.domain.support import PLAN_RULES
from tests.loans.pages.marks import by_instalment, figures

TODAY = date(2026, 3, 2)


def relieved(loan: Loan) -> Loan:
    """All penalty waived, 12 terms from April."""
    penalty = load_debt(loan, TODAY).penalty
    terms = ReliefTerms(
        figures_as_of=TODAY,
        waive_penalty=penalty,
        term_count=12,
        first_due_on=date(2026, 4, 2),
    )
    apply_relief(
        loan_id=loan.pk,
        terms=terms,
        rules=PLAN_RULES,
        on=TODAY,
        key="t",
        actor=None,
        now=factories.NOW,
    )
    return Loan.objects.get(pk=loan.pk)


def test_home_overdue_adds_up(lin: Client, loan: Loan) -> None:
    owed = load_debt(loan, TODAY)

    response = lin.get(reverse("loans:home"))

    assert figures(response, "total-due") == [owed.total]
    assert figures(response, "due-now") == [owed.due_now]
    assert figures(response, "penalty-total") == [owed.penalty]
    assert response.content.decode().count("<h1") == 1


def test_home_clear_praises_payments_in_time(client: Client) -> None:
    loan = factories.overdue_loan(drawdown_on=date(2026, 1, 5), due_day=20)
    client.force_login(loan.borrower)
    due = load_debt(loan, date(2026, 2, 20)).due_now
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
    assert "按时还清。" in text
    assert "连续 1 期" not in text


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
    rows = load_debt(loan, TODAY).instalments

    response = lin.get(reverse("loans:detail", args=[loan.public_id]))

    text = response.content.decode()
    assert by_instalment(response, "plan-instalment") == {row.number: row.total for row in rows}
    assert 'data-field="loan-stage" data-value="plan_on_time">按新计划还款中</span>' in text
    assert "已被替代" in text
    assert "<del>" in text


def test_pages_of_a_loan_lead_to_the_request_that_runs_on_it(lin: Client, loan: Loan) -> None:
    addresses = [reverse("loans:home"), reverse("loans:penalty", args=[loan.public_id])]

    before = [lin.get(address).content.decode() for address in addresses]
    case = factories.case_at(State.IN_REVIEW, loan=loan)
    after = [lin.get(address).content.decode() for address in addresses]

    assert "申请罚息减免" in before[0]
    assert ">申请减免</a>" in before[1]
    for text in after:
        assert reverse("relief:case", args=[case.public_id]) in text
        assert ">申请减免</a>" not in text
        assert "催收提醒和催收电话已停止" in text


def test_broken_plan_says_what_came_back(lin: Client, loan: Loan) -> None:
    case = factories.case_at(State.BREACHED, loan=loan)
    day = case.events.latest("at").at
    moves = Posting.objects.filter(entry__loan=loan, entry__kind="breach", account="waiver")
    back = -sum((posting.amount for posting in moves), Decimal(0))

    with clock.frozen(day):
        response = lin.get(reverse("loans:detail", args=[loan.public_id]))

    assert "因违约终止" in response.content.decode()
    assert figures(response, "breach-restored") == [back]


def events_of(lin: Client, loan: Loan) -> dict[str, Event]:
    """The entries of the calendar by their UID, as another program reads them; none is there twice."""
    content = lin.get(reverse("loans:calendar", args=[loan.public_id])).content
    assert content.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    calendar = Calendar.from_ical(content)
    assert (calendar["version"], calendar["method"]) == ("2.0", "PUBLISH")
    events = calendar.walk("VEVENT")
    assert not [error for event in events for error in event.errors]
    by_uid = {str(event["uid"]): event for event in events}
    assert len(by_uid) == len(events)
    return by_uid


def test_due_dates_are_a_calendar(lin: Client, loan: Loan) -> None:
    ahead = [row for row in load_debt(loan, TODAY).instalments if row.due_on >= TODAY]

    events = list(events_of(lin, loan).values())

    assert [event.decoded("dtstart") for event in events] == [row.due_on for row in ahead]
    assert {str(event["status"]) for event in events} == {"CONFIRMED"}
    for event in events:
        assert type(event.decoded("dtstart")) is date  # a whole day: the same in every zone
        assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(days=1)
        (alarm,) = event.walk("VALARM")
        begins = datetime.combine(event.decoded("dtstart"), time())
        reminder = begins + alarm.decoded("trigger")
        assert reminder.time() == time(9)
        assert begins.date() - reminder.date() == timedelta(days=1)


def test_another_plan_takes_the_old_entries_off_the_calendar(lin: Client, loan: Loan) -> None:
    before = events_of(lin, loan)
    loan = relieved(loan)

    after = events_of(lin, loan)

    assert before
    assert len(after) == len(before) + 12
    for uid, event in after.items():
        is_old = uid in before
        assert event["status"] == ("CANCELLED" if is_old else "CONFIRMED")
        assert bool(event.walk("VALARM")) is not is_old
        if is_old:
            assert event["sequence"] > before[uid]["sequence"]
            assert event.decoded("dtstart") == before[uid].decoded("dtstart")


def test_a_settled_loan_leaves_nothing_on_the_calendar(lin: Client, loan: Loan) -> None:
    before = events_of(lin, loan)
    pay(
        loan_id=loan.pk,
        amount=load_debt(loan, TODAY).payoff,
        paid_on=TODAY,
        reference="all",
        actor=None,
        now=factories.NOW,
    )

    after = events_of(lin, loan)

    assert before.keys() <= after.keys()
    assert {str(event["status"]) for event in after.values()} == {"CANCELLED"}
    assert all(after[uid]["sequence"] > before[uid]["sequence"] for uid in before)


def test_settled_page_before_the_end_names_the_payoff(lin: Client, loan: Loan) -> None:
    response = lin.get(reverse("loans:settled", args=[loan.public_id]))

    assert figures(response, "payoff") == [load_debt(loan, TODAY).payoff]


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
