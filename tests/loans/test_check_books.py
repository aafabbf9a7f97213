"""The checker can fail: each rule of the books is broken once by raw SQL and must be named."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from loans import proofs
from loans.models import (
    Entry,
    Instalment,
    Loan,
    Payment,
    PortfolioReport,
    Posting,
    Proposal,
    Schedule,
)
from loans.proofs import violations
from loans.services.acts.proposals import ProposedAct, approve, propose
from loans.services.payments.payment import reverse_payment
from loans.services.portfolio import count_chunks, order_report
from portal.core.fields import money_value
from portal.core.kernel.roles import Rank
from portal.core.models import User
from tests import factories
from tests.loans.books import (
    D,
    assert_clean,
    at,
    day,
    example_loan,
    make_borrower,
    paid,
    relief_terms,
    relieved,
)
from tests.past_guards import past_the_guards

pytestmark = pytest.mark.django_db


@pytest.fixture
def loan() -> Loan:
    """A loan with a reversed payment, a payment, a plan and a plan payment."""
    made = example_loan()
    wrong = paid(made, "70.00", "09-20", "wrong")
    paid(made, "100.00", "09-21", "right")
    reverse_payment(payment_id=wrong.pk, reason="退票", actor=None, now=at(day("09-25")))
    relieved(made, relief_terms("10-09", "60.00"), "10-12")
    paid(made, "600.00", "2023-11-20", "plan")
    assert_clean()
    return made


def break_it(sql: str, *parameters: object) -> None:
    with past_the_guards() as cursor:
        cursor.execute(sql, parameters)


def posting(account: str, kind: str) -> int:
    found = Posting.objects.filter(account=account, entry__kind=kind)
    return found.order_by("pk").values_list("pk", flat=True)[0]


def plant(rule: str) -> None:  # noqa: C901, PLR0915 - one branch a rule
    amount = "UPDATE loans_posting SET amount = amount + %s WHERE id = %s"
    plan = Schedule.objects.get(kind=Schedule.Kind.PLAN)
    match rule:
        case "zero-sum":
            break_it(amount, 1, posting("cash", "payment"))
        case "trial-balance":
            if connection.vendor == "postgresql":  # rolled back with the test
                break_it("ALTER TABLE loans_posting DROP CONSTRAINT posting_account_known")
            change = "UPDATE loans_posting SET account = 'gold' WHERE id = %s"
            break_it(change, posting("interest_income", "interest"))
        case "own-loan":
            other = example_loan(make_borrower("13900000002"))
            row = Instalment.objects.filter(schedule__loan=other).first()
            assert row is not None
            change = "UPDATE loans_posting SET instalment_id = %s WHERE id = %s"
            break_it(change, row.pk, posting("penalty", "payment"))
        case "reversal":
            break_it(amount, 1, posting("penalty", "reversal"))
        case "payment":
            break_it("UPDATE loans_payment SET amount = amount + 1 WHERE reference = 'right'")
        case "split":
            Payment.objects.filter(reference="right").update(split_now={"lines": []})
        case "one-live-schedule":
            break_it(
                "UPDATE loans_schedule SET superseded_on = %s WHERE id = %s",
                "2023-12-01",
                plan.pk,
            )
        case "schedule-sum":
            break_it("UPDATE loans_loan SET principal = principal + 1")
        case "opening":
            change = "UPDATE loans_instalment SET kept_penalty = kept_penalty + 1"
            break_it(change + " WHERE schedule_id = %s AND number = 2", plan.pk)
        case "balance":
            break_it(amount, -10_000_000, posting("principal", "payment"))
        case "superseded":
            break_it(amount, 1, posting("principal", "drawdown"))
        case "explanation":
            entry = Entry.objects.filter(kind="penalty").first()
            assert entry is not None
            break_it(amount, 1, posting("penalty", "penalty"))
            break_it(amount, -1, posting("penalty_income", "penalty"))
        case "interest":
            break_it(amount, 1, posting("interest", "interest"))
            break_it(amount, -1, posting("interest_income", "interest"))
        case "waiver":
            break_it(amount, -100_000, posting("penalty", "waiver"))
            break_it(amount, 100_000, posting("waiver", "waiver"))
        case "plan-sum":
            terms = (plan.terms or {}) | {"waived": "60.01"}
            change = "UPDATE loans_schedule SET terms = %s WHERE id = %s"
            break_it(change, json.dumps(terms), plan.pk)
        case "credit":
            change = "UPDATE loans_posting SET account = 'credit' WHERE id = %s"
            break_it(change, posting("cash", "payment"))
        case "write-off" | "non-accrual":  # of 600.00 that came in as if it had been a loss
            account = "off_principal" if rule == "write-off" else "off_balance"
            change = "UPDATE loans_posting SET account = %s WHERE id = %s"
            break_it(change, account, posting("cash", "payment"))
        case "status":
            break_it("UPDATE loans_loan SET status = 'settled', settled_on = '2023-12-01'")


@pytest.mark.parametrize(
    "rule",
    [
        "zero-sum",
        "trial-balance",
        "own-loan",
        "reversal",
        "payment",
        "split",
        "one-live-schedule",
        "schedule-sum",
        "opening",
        "balance",
        "superseded",
        "explanation",
        "interest",
        "waiver",
        "plan-sum",
        "credit",
        "write-off",
        "non-accrual",
        "status",
    ],
)
def test_each_violation_is_named(loan: Loan, rule: str) -> None:
    plant(rule)

    assert rule in {violation.rule for violation in violations()}
    with pytest.raises(SystemExit) as stopped:
        call_command("check_books", stderr=StringIO())
    assert stopped.value.code == 1


def test_clean_books_exit_0(loan: Loan) -> None:
    out = StringIO()

    call_command("check_books", stdout=out)

    assert out.getvalue() == "check_books: no violation\n"


def test_number_of_queries_does_not_depend_on_the_books(loan: Loan) -> None:
    with CaptureQueriesContext(
        connection,
    ) as one:
        violations()
    for n in range(3):
        paid(example_loan(make_borrower(f"1390000001{n}")), "100.00", "09-20")

    with CaptureQueriesContext(connection) as four:
        violations()

    assert len(four) == len(one)


def test_a_journal_that_leaves_out_a_line_is_named(
    loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = proofs.journal
    monkeypatch.setattr(proofs, "journal", lambda period: list(whole(period))[:-1])

    assert {violation.rule for violation in violations()} == {"journal"}


@pytest.mark.parametrize("planted", ["sums", "line", "missing", "days"])
def test_a_portfolio_that_is_not_the_sum_of_its_loans_is_named(loan: Loan, planted: str) -> None:
    later = day("2024-03-05")
    report = order_report(
        as_of=later, today=later, actor=factories.staff(Rank.MANAGER), now=at(later)
    )
    count_chunks(now=at(later), real_now=at(later))
    assert_clean()
    report.refresh_from_db()

    match planted:
        case "sums":
            figures = [{**report.figures[0], "interest": "0.01"}]
            PortfolioReport.objects.update(figures=figures)
        case "line":
            report.lines.update(penalty=F("penalty") + money_value(D("0.01")))
        case "days":
            report.lines.update(overdue_days=F("overdue_days") + 1)
        case "missing":
            example_loan(make_borrower("13900000002"))
            report.lines.filter(loan=loan).update(loan=Loan.objects.latest("pk"))

    assert {violation.rule for violation in violations()} == {"portfolio"}
    if planted in ("line", "days"):  # the books moved on: what differs now is no fault of a report
        paid(loan, "10.00", "2024-03-05")
        assert {v.where for v in violations()} <= {f"report {report.pk}"}


@pytest.mark.parametrize("planted", ["alone", "own", "maker's own", "rank", "auditor"])
def test_a_proposal_that_the_wrong_person_decided_is_named(loan: Loan, planted: str) -> None:
    maker, checker = factories.staff(Rank.REVIEWER), factories.staff(Rank.MANAGER)
    now = at(day("2024-03-05"))
    draft = ProposedAct(Proposal.Kind.WRITE_OFF, loan.pk, D("5000.01"), "按批复核销")
    proposal = approve(proposal_id=propose(draft, actor=maker, now=now).pk, actor=checker, now=now)
    assert (proposal.decided_rank, proposal.needs_rank) == (Rank.MANAGER, Rank.MANAGER)
    assert_clean()

    match planted:
        case "alone":
            if connection.vendor == "postgresql":  # rolled back with the test
                break_it("ALTER TABLE loans_proposal DROP CONSTRAINT proposal_maker_is_not_checker")
            break_it("UPDATE loans_proposal SET decided_by_id = made_by_id")
        case "own":
            User.objects.filter(pk=checker.pk).update(same_person_as=loan.borrower)
        case "maker's own":
            break_it("UPDATE loans_proposal SET made_by_id = %s", loan.borrower_id)
        case "rank":
            break_it("UPDATE loans_proposal SET decided_rank = %s", Rank.SUPERVISOR.value)
        case "auditor":
            break_it("UPDATE loans_proposal SET decided_rank = %s", Rank.AUDITOR.value)

    assert [violation.rule for violation in violations()] == ["approval"]
