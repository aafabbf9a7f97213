"""Submission, review, more evidence, missed deadlines, rejection and appeal."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from loans.queries.debt import load_debt
from portal.core.calendar.days import load_calendar
from portal.core.errors import NotYourTurn, RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice
from relief.cases import application, review
from relief.cases.collection import sentence_for
from relief.cases.timing import sweep
from relief.cases.workflow import State
from relief.presenters.case import calendar_warning
from tests import factories
from tests.conftest import at
from tests.factories import NOW, case_at, staff

pytestmark = pytest.mark.django_db


def test_submitting_promises_a_review_and_tells_both_sides() -> None:
    reviewer = staff()
    case = case_at(State.DRAFT)

    case = application.submit_case(case=case, actor=case.borrower, now=NOW)

    assert case.review_target_at == at("2026-03-03 18:00")
    assert case.review_due_at == case.next_due_at == at("2026-03-04 18:00")
    assert Notice.objects.get(user=reviewer).event == "staff_new_case"
    sms = Delivery.objects.get(event="case_submitted", channel="sms")
    assert "3月4日 18:00" in sms.text
    assert "催收电话已停止" in sentence_for(case.state)


@pytest.mark.parametrize(
    ("submitted", "due", "warned"),
    [
        ("2026-12-29 10:00", "2026-12-31 18:00", ""),
        ("2026-12-31 10:00", "2027-01-05 18:00", "2027年1月1日起未公布"),
        ("2027-02-04 10:00", "2027-02-16 18:00", "2027年2月5日起未公布"),
        ("2029-03-01 10:00", "2029-03-05 18:00", "2029年3月2日起未公布"),
    ],
)
def test_staff_are_warned_of_a_deadline_on_provisional_days(
    submitted: str, due: str, warned: str
) -> None:
    case = case_at(State.DRAFT)

    case = application.submit_case(case=case, actor=case.borrower, now=at(submitted))

    said = case.events.get(action="SUBMIT").note_internal
    assert case.review_due_at == at(due)
    assert (warned in said) if warned else said == ""
    assert calendar_warning(case, at(submitted), load_calendar()) == said


def test_submitting_twice_is_once() -> None:
    case = case_at(State.SUBMITTED)

    again = application.submit_case(case=case, actor=case.borrower, now=NOW)

    assert again.version == case.version
    assert case.events.filter(action="SUBMIT").count() == 1


def test_opening_a_second_application_finds_the_first() -> None:
    case = case_at(State.SUBMITTED)

    assert application.open_case(loan=case.loan, actor=case.borrower, now=NOW) == case


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("reasons", {"reasons": []}),
        ("reasons", {"reasons": ["because"]}),
        ("statement", {"statement": "字" * 2001}),
        ("monthly_income", {"monthly_income": Decimal("-1.00")}),
    ],
)
def test_a_wrong_step_names_its_field(field: str, changes: dict[str, object]) -> None:
    case = case_at(State.DRAFT)

    with pytest.raises(InvalidInput) as refused:
        application.save_step(
            case=case, draft=application.ApplicationDraft(**changes), actor=case.borrower, now=NOW
        )

    assert refused.value.field == field


def test_submitting_without_evidence_or_story_is_refused() -> None:
    loan = factories.overdue_loan()
    case = application.open_case(loan=loan, actor=loan.borrower, now=NOW)
    for field, draft in (
        ("reasons", application.ApplicationDraft()),
        ("statement", application.ApplicationDraft(reasons=["illness"])),
        ("evidence", application.ApplicationDraft(statement="住院手术，休病假两个月。")),
    ):
        case = application.save_step(case=case, draft=draft, actor=loan.borrower, now=NOW)
        with pytest.raises(InvalidInput) as refused:
            application.submit_case(case=case, actor=loan.borrower, now=NOW)
        assert refused.value.field == field


def test_the_other_reviewer_is_told_who_has_it() -> None:
    case = case_at(State.IN_REVIEW)
    other = staff(username="other")

    with pytest.raises(NotYourTurn, match="由员工REVIEWER处理"):
        review.pass_review(case=case, actor=other, now=NOW)
    moved = review.assign_case(case=case, to=other, actor=staff(Rank.SUPERVISOR), now=NOW)

    assert review.pass_review(case=moved, actor=other, now=NOW).state == State.NEGOTIATING


def test_nobody_decides_on_their_own_loan_and_auditors_on_none() -> None:
    case = case_at(State.SUBMITTED)
    own = staff(Rank.MANAGER, "own", same_person_as=case.borrower)

    for actor, code in ((own, "own-loan"), (staff(Rank.AUDITOR), "auditor")):
        with pytest.raises(RuleViolation) as refused:
            review.claim_case(case=case, actor=actor, now=NOW)
        assert refused.value.code == code
    assert not Notice.objects.filter(user=own).exists()


def test_asking_for_proof_stops_the_clock_and_the_rest_runs_on() -> None:
    case = case_at(State.IN_REVIEW)
    asked_at = at("2026-03-03 11:00")

    case = review.ask_for_proof(
        case=case, kinds=["bank_flow"], text="近三个月", actor=staff(), now=asked_at
    )

    assert (case.state, case.remaining_workdays) == (State.NEED_MORE, 1)
    assert case.next_due_at == at("2026-03-10 18:00")
    with pytest.raises(InvalidInput):
        application.supply_proof(case=case, actor=case.borrower, now=at("2026-03-06 20:00"))
    factories.add_file(case, kind="bank_flow", now=at("2026-03-06 20:00"))
    case = application.supply_proof(case=case, actor=case.borrower, now=at("2026-03-06 20:05"))
    assert case.state == State.IN_REVIEW
    assert case.review_due_at == case.next_due_at == at("2026-03-09 18:00")


def test_proof_that_does_not_come_is_reminded_of_and_expires_with_files_kept() -> None:
    case = case_at(State.NEED_MORE)

    factories.sweep_through(case, NOW + timedelta(days=8))

    case.refresh_from_db()
    assert (case.state, case.expired_from) == (State.EXPIRED, State.NEED_MORE)
    assert Delivery.objects.filter(event="proof_reminder", channel="sms").count() == 1
    case = application.reopen_case(case=case, actor=case.borrower, now=NOW + timedelta(days=9))
    again = application.submit_case(case=case, actor=case.borrower, now=NOW + timedelta(days=9))
    assert again.state == State.SUBMITTED


def test_amber_once_then_missed_once_with_apology_and_a_new_promise() -> None:
    supervisor = staff(Rank.SUPERVISOR)
    case = case_at(State.IN_REVIEW)

    for moment in ("2026-03-03 18:00", "2026-03-03 18:01", "2026-03-04 18:00", "2026-03-04 19:00"):
        sweep.sweep(now=at(moment))

    case.refresh_from_db()
    assert Notice.objects.filter(event="staff_amber").count() == 1
    assert Notice.objects.filter(event="staff_missed", user=supervisor).count() == 1
    assert Delivery.objects.filter(event="review_delayed").count() == 2  # SMS and call
    assert case.review_due_at == at("2026-03-04 18:00")
    assert case.next_due_at == at("2026-03-05 18:00")
    assert case.escalated_at == at("2026-03-04 18:00")
    sweep.sweep(now=at("2026-03-05 18:00"))  # there is no manager: the supervisor hears again
    assert Notice.objects.filter(event="staff_missed", user=supervisor).count() == 2


def test_our_delay_is_waived_in_the_next_offer_and_counts_against_nobody() -> None:
    case = case_at(State.IN_REVIEW)
    sweep.sweep(now=at("2026-03-04 18:00"))
    late = at("2026-03-09 10:00")
    case.refresh_from_db()
    case = review.pass_review(case=case, actor=staff(), now=late)

    offer = factories.offer_made(case, now=late, penalty_percent=Decimal(50))

    ran = (
        load_debt(case.loan, late.date()).penalty
        - load_debt(case.loan, datetime(2026, 3, 4).date()).penalty  # noqa: DTZ001 - a date
    )
    terms = offer.offer_terms
    assert terms.delay_waiver == ran > 0
    assert offer.status == "open"  # 50 % of the rest: still the reviewer's authority
    assert terms.waive_penalty > terms.granted


def test_a_rejection_says_why_what_would_change_it_and_from_when() -> None:
    case = case_at(State.REJECTED)

    assert case.reject_code == "EVIDENCE_INSUFFICIENT"
    assert case.reject_text
    assert case.reject_advice
    assert case.reapply_on == (NOW + timedelta(days=7)).date()
    told = Notice.objects.get(event="case_rejected")
    assert "2026年3月9日" in told.body
    assert sentence_for(case.state) == ""


def test_other_needs_a_sentence_and_fraud_a_supervisor() -> None:
    case = case_at(State.IN_REVIEW)

    with pytest.raises(InvalidInput):
        review.reject_case(case=case, code="OTHER", text=" ", actor=staff(), now=NOW)
    with pytest.raises(InvalidInput):
        review.reject_case(case=case, code="NOPE", text="x", actor=staff(), now=NOW)
    with pytest.raises(RuleViolation, match="需要主管"):
        review.reject_case(case=case, code="FRAUD_SUSPECTED", text="", actor=staff(), now=NOW)


def test_without_new_files_one_applies_again_after_the_cooldown() -> None:
    refused = case_at(State.REJECTED)
    case = application.open_case(
        loan=refused.loan, actor=refused.borrower, now=NOW + timedelta(days=1)
    )
    case = application.save_step(
        case=case,
        draft=application.ApplicationDraft(
            reasons=["illness"], statement="住院手术，休病假两个月。"
        ),
        actor=case.borrower,
        now=NOW,
    )
    factories.add_file(case, now=NOW + timedelta(days=1))

    done = application.submit_case(case=case, actor=case.borrower, now=NOW + timedelta(days=1))

    assert done.state == State.SUBMITTED  # a new file: at once


def test_one_appeal_to_a_different_reviewer() -> None:
    case = case_at(State.REJECTED)
    case = application.appeal_case(case=case, text="材料齐全", actor=case.borrower, now=NOW)

    assert case.state == State.SUBMITTED
    with pytest.raises(RuleViolation, match="另一位审核人员"):
        review.claim_case(case=case, actor=staff(), now=NOW)
    other = staff(username="other")
    case = review.claim_case(case=case, actor=other, now=NOW)
    case = review.reject_case(case=case, code="DUPLICATE", text="", actor=other, now=NOW)
    assert case.next_due_at is None
    with pytest.raises(RuleViolation, match="只有一次"):
        application.appeal_case(case=case, text="再来", actor=case.borrower, now=NOW)


def test_an_appeal_after_fifteen_days_is_too_late() -> None:
    case = case_at(State.REJECTED)

    with pytest.raises(RuleViolation, match="申诉期已过"):
        application.appeal_case(
            case=case, text="材料齐全", actor=case.borrower, now=at("2026-03-17 18:00")
        )
