"""Offers: made, checked, countered, reissued, accepted exactly as seen; one agreement."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from loans.models import Schedule
from loans.proofs import violations
from loans.queries.debt import load_debt
from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, User
from relief.cases.collection import sentence_for
from relief.cases.workflow import State
from relief.offers import agreement, approval, negotiate, revoke
from relief.offers.accept import accept_offer
from relief.offers.models import Agreement, Offer
from tests import factories
from tests.conftest import at
from tests.factories import NOW, accept, case_at, open_offer, staff
from tests.past_guards import past_the_guards

pytestmark = pytest.mark.django_db
ON = business_date(NOW)


@pytest.fixture(autouse=True)
def _books_stay_whole() -> object:
    yield
    assert list(violations()) == []


def tamper(offer: Offer, terms: dict[str, object]) -> None:
    """What somebody with the database's password could do; others a trigger refuses."""
    versions = Offer.objects.filter(pk=offer.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        versions.update(terms=terms)
    with past_the_guards():
        versions.update(terms=terms)


def test_an_offer_locks_the_debt_and_is_valid_for_seven_days() -> None:
    case = case_at(State.OFFERED)
    offer = open_offer(case)

    owed = load_debt(case.loan, ON).figures
    assert offer.figures["penalty"] == str(owed.penalty)
    assert offer.figures["total"] == str(owed.total)
    assert offer.valid_until == case.next_due_at == at("2026-03-09 18:00")
    total = sum(Decimal(row["total"]) for row in offer.rows)
    assert total + offer.offer_terms.waived == owed.total
    assert len(offer.rows) == 12
    sms = Delivery.objects.get(event="offer_made", channel="sms")
    assert "¥" not in sms.text


def test_accepting_executes_once_and_the_second_click_gets_the_same_agreement() -> None:
    case = case_at(State.OFFERED)
    offer = open_offer(case)

    first = accept(case, now=NOW, offer=offer)
    second = accept(case, now=NOW + timedelta(minutes=5), offer=offer)

    case.refresh_from_db()
    assert first == second
    assert Agreement.objects.count() == 1
    assert case.state == State.PLAN_ACTIVE
    assert load_debt(case.loan, ON).is_plan
    assert first.plan.instalments.count() == 12
    assert first.accepted_from == "203.0.113.7"
    assert agreement.is_untouched(first)
    assert first.number in first.text
    assert "催收电话已停止" in sentence_for(case.state)


def test_the_penalty_that_ran_on_meanwhile_is_waived_too() -> None:
    case = case_at(State.OFFERED)

    made = accept(case, now=NOW + timedelta(days=5))

    assert Decimal(made.snapshot["penalty_waived_since"]) > 0
    assert "一并减免" in made.text
    promised = sum(Decimal(row["total"]) for row in made.offer.rows)
    assert load_debt(case.loan, ON + timedelta(days=5)).payoff == promised


def test_reading_takes_ten_seconds() -> None:
    case = case_at(State.OFFERED)
    offer = open_offer(case)
    who = case.borrower

    def try_at(seconds: int) -> Agreement:
        return accept_offer(
            case=case,
            number=offer.number,
            seen=offer.digest,
            method="code",
            actor=who,
            now=NOW + timedelta(seconds=seconds),
        )

    with pytest.raises(RuleViolation, match="10 秒后"):
        try_at(60)
    negotiate.open_offer(case=case, number=offer.number, actor=who, now=NOW)
    negotiate.open_offer(case=case, number=offer.number, actor=who, now=NOW + timedelta(seconds=8))
    with pytest.raises(RuleViolation, match="1 秒后"):
        try_at(9)
    assert try_at(10).method == "code"


def test_an_altered_expired_or_superseded_offer_is_refused() -> None:
    case = case_at(State.OFFERED)
    offer = open_offer(case)
    with pytest.raises(TermsChanged, match="与你看到的不一致"):
        accept_offer(
            case=case,
            number=offer.number,
            seen="0" * 64,
            method="code",
            actor=case.borrower,
            now=NOW,
        )
    tamper(offer, {**offer.terms, "waive_penalty": "0.01"})
    with pytest.raises(TermsChanged, match="摘要不一致"):
        accept(case, now=NOW, offer=offer)
    with pytest.raises(TermsChanged, match="有效期"):
        accept(case, now=at("2026-03-09 18:00"), offer=offer)
    assert not Agreement.objects.exists()


def test_expiry_ends_the_offer_and_reminds_before() -> None:
    case = case_at(State.EXPIRED)

    offer = case.offers.get()
    assert offer.status == "expired"
    assert Delivery.objects.filter(event="offer_reminder", channel="sms").count() == 1
    with pytest.raises(TermsChanged, match="有效期"):
        accept(case, now=NOW, offer=offer)


def test_above_the_makers_authority_another_one_checks() -> None:
    case = case_at(State.NEGOTIATING)
    offer = factories.offer_made(case, penalty_percent=Decimal(80))
    supervisor = staff(Rank.SUPERVISOR)

    case.refresh_from_db()
    assert (offer.status, offer.needs_rank) == ("pending", "SUPERVISOR")
    assert case.state == State.AWAITING_APPROVAL
    assert list(case.offers.shown()) == []
    assert not Notice.objects.filter(event="offer_made").exists()
    for actor in (staff(), staff(username="other")):
        with pytest.raises(RuleViolation, match="需要主管"):
            approval.approve_offer(case=case, number=1, actor=actor, now=NOW)
    approval.send_back_offer(case=case, number=1, reason="比例偏高", actor=supervisor, now=NOW)
    assert Notice.objects.filter(event="staff_sent_back", user=staff()).exists()
    factories.offer_made(case, penalty_percent=Decimal(70))
    sent = approval.approve_offer(case=case, number=2, actor=supervisor, now=NOW)
    assert (sent.status, sent.approved_by) == ("open", supervisor)
    assert accept(case, now=NOW).offer == sent


def test_a_maker_never_checks_their_own() -> None:
    case = case_at(State.NEGOTIATING)
    supervisor = staff(Rank.SUPERVISOR)
    first = factories.offer_made(case, maker=supervisor, waive_interest=Decimal("1.00"))

    assert first.needs_rank == "MANAGER"
    User.objects.filter(pk=supervisor.pk).update(rank=Rank.MANAGER)  # promoted meanwhile
    supervisor.refresh_from_db()
    with pytest.raises(RuleViolation, match="不能复核自己"):
        approval.approve_offer(case=case, number=1, actor=supervisor, now=NOW)


def test_taking_an_offer_back() -> None:
    case = case_at(State.OFFERED)
    negotiate.withdraw_offer(case=case, number=1, reason="金额有误", actor=staff(), now=NOW)

    case.refresh_from_db()
    assert case.state == State.NEGOTIATING
    with pytest.raises(TermsChanged):
        accept(case, now=NOW, offer=case.offers.get())


def test_only_the_borrower_answers() -> None:
    case = case_at(State.OFFERED)
    offer = open_offer(case)
    for actor in (factories.borrower(), staff()):
        with pytest.raises(RuleViolation, match="本人"):
            accept_offer(
                case=case, number=1, seen=offer.digest, method="code", actor=actor, now=NOW
            )
    with pytest.raises(NotYourTurn):
        factories.offer_made(case)


def test_a_manager_revokes_before_the_first_payment() -> None:
    case = case_at(State.PLAN_ACTIVE)
    before = load_debt(case.loan, ON + timedelta(days=1))
    assert before.is_plan
    with pytest.raises(RuleViolation, match="需要经理"):
        revoke.revoke_agreement(case=case, reason="条款有误", actor=staff(Rank.SUPERVISOR), now=NOW)

    revoke.revoke_agreement(case=case, reason="条款有误", actor=staff(Rank.MANAGER), now=NOW)

    case.refresh_from_db()
    case.loan.refresh_from_db()
    assert case.state == State.NEGOTIATING
    assert not load_debt(case.loan, ON).is_plan
    assert case.agreements.get().end_kind == "revoked"
    factories.offer_made(case, now=NOW + timedelta(hours=1))
    accept(case, now=NOW + timedelta(hours=2))
    assert Schedule.objects.filter(loan=case.loan, kind="plan").count() == 2


def test_a_second_plan_needs_a_manager() -> None:
    first = case_at(State.BREACHED)
    case = factories.draft_case(first.loan, now=NOW + timedelta(days=60))
    later = NOW + timedelta(days=60)
    for step in factories.PATHS[State.NEGOTIATING]:
        step(case, later)
        case.refresh_from_db()

    offer = factories.offer_made(case, now=later)

    assert (offer.needs_rank, offer.status) == ("MANAGER", "pending")
