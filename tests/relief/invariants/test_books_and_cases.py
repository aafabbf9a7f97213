"""Books, cases, offers: each planted violation is named."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from loans.models import Entry, Instalment, Loan, Posting
from portal.core.kernel.roles import Rank
from relief.cases.models import Case, Deadline, Event
from relief.cases.workflow import State
from tests.factories import NOW, accept, case_at, offer_made, staff
from tests.relief.invariants.planting import (
    LATER,
    Deed,
    Planted,
    change,
    deliver,
    drop,
    found,
    planter,
    without_check,
    without_index,
)

pytestmark = pytest.mark.django_db
DEEDS: list[Planted] = []
plants = planter(DEEDS)


@plants("I1", "zero-sum")
def a_posting_grew(case: Case) -> None:
    change(Posting.objects.filter(account="principal").first(), amount=12345)


@plants("I2", "status")
def a_loan_settled_by_hand(case: Case) -> None:
    change(case.loan, status="settled", settled_on="2026-03-02")


@plants("I3", "without a waiting deadline", State.IN_REVIEW)
def a_deadline_vanished(case: Case) -> None:
    for row in case.deadlines.waiting():
        drop(row)


@plants("I3", "says no date", State.IN_REVIEW)
def a_date_vanished(case: Case) -> None:
    change(case, next_due_at=None)


@plants("I3", "a deadline is left", State.WITHDRAWN)
def a_deadline_stayed(case: Case) -> None:
    Deadline.objects.create(case=case, kind="REVIEW_DUE", due_at=NOW)


@plants("I3", "handled and cancelled", State.NEGOTIATING)
def a_deadline_ended_twice(case: Case) -> None:
    change(case.deadlines.filter(cancelled_at__isnull=False).first(), handled_at=LATER)


@plants("I3", "handled 20", State.NEGOTIATING)
def a_deadline_came_early(case: Case) -> None:
    change(case.deadlines.waiting().first(), handled_at=NOW)


@plants("I4", "trail:")
def a_state_was_set_by_hand(case: Case) -> None:
    change(case, state="WARNED")


@plants("I4", "the case stood at")
def a_line_of_the_trail_vanished(case: Case) -> None:
    drop(Event.objects.get(case=case, action="CLAIM"))


@plants("I4", "may not ACCEPT")
def somebody_else_accepted(case: Case) -> None:
    change(Event.objects.get(case=case, action="ACCEPT"), role="STAFF")


@plants("I4", "is no move")
def a_reminder_moved_the_case(case: Case) -> None:
    change(Event.objects.get(case=case, action="OFFER_OPENED"), to_state="DECLINED")


@plants("I5", "terms, figures or rows")
def an_offer_was_rewritten(case: Case) -> None:
    change(case.offers.get(), rows="[]")


@plants("I4", "COMPLETED, but the loan is not settled", State.COMPLETED)
def a_loan_was_opened_by_hand(case: Case) -> None:
    change(case.loan, status="active", settled_on=None)


@plants("I4", "BREACHED, but the loan is settled", State.BREACHED)
def a_settlement_nobody_heard_of(case: Case) -> None:
    change(case.loan, status="settled", settled_on="2026-04-30")


@plants("I5", "snapshot, text or offer")
def an_agreement_was_rewritten(case: Case) -> None:
    change(case.agreements.get(), text="欠款全部免除")


@plants("I5", "the paper differs")
def a_paper_was_rewritten(case: Case) -> None:
    change(case.agreements.get().document, text="欠款全部免除")


@plants("I8", "was waived")
def principal_was_waived(case: Case) -> None:
    entry = Entry.objects.get(kind="waiver")
    change(entry.postings.filter(account="penalty").first(), account="principal")


@plants("I9", "plan-sum")
def an_instalment_grew(case: Case) -> None:
    change(Instalment.objects.filter(schedule__kind="plan").first(), principal=999_999)


@plants("I9", "signed is not booked: row 2 principal")
def another_row_was_booked(case: Case) -> None:
    rows = Instalment.objects.filter(schedule__kind="plan")
    second, third = rows.get(number=2), rows.get(number=3)
    for row, less in ((second, Decimal("-1.00")), (third, Decimal("1.00"))):
        change(row, principal=int((row.principal + less) * 100))


@plants("I9", "signed is not booked: waive_penalty")
def another_waiver_was_booked(case: Case) -> None:
    plan = case.agreements.get().plan
    terms = {**(plan.terms or {}), "waive_penalty": "0.01"}
    change(plan, terms=json.dumps(terms))


@plants("I9", "due no later than the one before")
def two_instalments_on_one_day(case: Case) -> None:
    first = Instalment.objects.get(schedule__kind="plan", number=1)
    second = Instalment.objects.get(schedule__kind="plan", number=2)
    change(second, start_on=str(first.start_on), due_on=str(first.due_on))


@plants("I10", "2 open cases")
def two_open_cases(case: Case) -> None:
    without_index("case_one_open_per_loan")
    other = Loan.objects.get(pk=case.loan_id)
    Case.objects.create(
        number="JM-TWICE", loan=other, borrower=other.borrower, policy=case.policy, created_at=NOW
    )


@plants("I10", "2 agreements in force", State.OFFERED)
def two_agreements(case: Case) -> None:
    without_index("agreement_one_in_force_per_case")
    accept(case, now=NOW)
    other = case_at(State.PLAN_ACTIVE)
    change(other.agreements.get(), case_id=case.pk)


@plants("I11", "outside the offer's validity")
def accepted_too_late(case: Case) -> None:
    row = case.agreements.get()
    change(row, accepted_at=row.offer.valid_until)


@plants("I11", "its offer is superseded")
def accepted_what_was_superseded(case: Case) -> None:
    change(case.offers.get(), status="superseded")


@plants("I11", "there is no agreement", State.OFFERED)
def accepted_without_agreement(case: Case) -> None:
    change(case.offers.get(), status="accepted")


@plants("I12", "the maker is the checker")
def one_person_twice(case: Case) -> None:
    offer = case.offers.get()
    without_check("relief_offer", "offer_checker_is_not_maker")
    change(offer, approved_by_id=offer.made_by_id)


@plants("I12", "the borrower decided")
def their_own_loan(case: Case) -> None:
    change(staff(), same_person_as_id=case.borrower_id)


@plants("I12", "nobody behind it", State.NEGOTIATING)
def beyond_their_rank(case: Case) -> None:
    offer_made(case, maker=staff(Rank.SUPERVISOR), penalty_percent=Decimal(80))
    change(staff(Rank.SUPERVISOR), rank="REVIEWER")


@plants("I12", "asked for REVIEWER only", State.AWAITING_APPROVAL)
def asked_for_too_little(case: Case) -> None:
    change(case.offers.get(), needs_rank="REVIEWER")


@plants("I13", "payment:", State.COMPLETED)
def a_receipt_was_changed(case: Case) -> None:
    change(case.loan.payments.get(), amount=100)


@pytest.mark.parametrize(
    ("rule", "words", "state", "deed"), DEEDS, ids=[d[3].__name__ for d in DEEDS]
)
def test_a_planted_violation_is_named(rule: str, words: str, state: State, deed: Deed) -> None:
    case = case_at(state)
    deliver()

    deed(case)

    assert any(line.startswith(f"{rule} | ") and words in line for line in found()), found()
