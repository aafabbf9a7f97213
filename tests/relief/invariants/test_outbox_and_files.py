"""Outbox, quiet hours, files, claims: each planted violation is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loans.services.payments.payment import reverse_payment
from portal.core.models import Delivery, Notice, PhoneTask
from portal.core.notifications import dispatch
from relief.cases.models import Case
from relief.cases.workflow import State
from tests.factories import NOW, case_at, staff
from tests.relief.invariants.planting import (
    LATER,
    Deed,
    Planted,
    change,
    deliver,
    drop,
    found,
    planter,
    stored,
    without_check,
)

pytestmark = pytest.mark.django_db
DEEDS: list[Planted] = []
plants = planter(DEEDS)


@plants("I6", "failed without a class")
def a_failure_was_not_classed(case: Case) -> None:
    without_check("portal_delivery", "delivery_failure_is_classed")
    change(Delivery.objects.first(), status="failed", finished_at=NOW)


@plants("I6", "ended without a time")
def an_end_without_a_time(case: Case) -> None:
    without_check("portal_delivery", "delivery_finished_iff_ended")
    change(Delivery.objects.first(), status="delivered", finished_at=None)


@plants("I6", "waits for a day or longer")
def a_notice_put_off_for_ever(case: Case) -> None:
    change(
        Delivery.objects.first(),
        status="pending",
        finished_at=None,
        next_attempt_at=LATER + timedelta(days=9),
    )


@plants("I6", "a status nobody knows")
def a_notice_neither_here_nor_there(case: Case) -> None:
    change(Delivery.objects.first(), status="lost", finished_at=None)


@plants("I6", "submitted without a time")
def a_notice_submitted_never(case: Case) -> None:
    change(Delivery.objects.first(), status="submitted", submitted_at=None, finished_at=None)


@plants("I6", "nobody was asked to make", State.WARNED)
def a_call_was_forgotten(case: Case) -> None:
    deliver(LATER)
    drop(PhoneTask.objects.get())


@plants("I6", "nobody was asked to call")
def a_message_failed_in_silence(case: Case) -> None:
    row = Delivery.objects.first()
    change(row, status="failed", failure="permanent", finished_at=NOW)


@plants("I7", "was never written")
def a_notice_vanished(case: Case) -> None:
    notice = Notice.objects.get(event="review_passed", user=case.borrower)
    for row in notice.deliveries.all():
        drop(row)
    drop(notice)


@plants("I7", "no event tells of it")
def a_notice_out_of_nothing(case: Case) -> None:
    notice = Notice.objects.get(event="review_passed", user=case.borrower)
    change(notice, key=f"case:{case.public_id}:offer_made:999:{case.borrower_id}")


@plants("I7", "the call was never written", State.WARNED)
def a_call_vanished(case: Case) -> None:
    drop(Delivery.objects.get(event="plan_warned", channel="phone"))


@plants("I7", "tells of no notice")
def a_message_out_of_nothing(case: Case) -> None:
    change(Delivery.objects.first(), notice_id=None)


@plants("I16", "sent at night")
def disturbed_at_night(case: Case) -> None:
    change(Delivery.objects.first(), submitted_at=NOW.replace(hour=23))


@plants("I16", "call", State.WARNED)
def called_four_times(case: Case) -> None:
    deliver(LATER)
    task = PhoneTask.objects.get()
    for _ in range(4):
        task.calls.create(outcome="no_answer", by=staff(), at=NOW)


@plants("I7", "was never written", State.COMPLETED)
def a_correction_nobody_was_told_of(case: Case) -> None:
    reverse_payment(payment_id=case.loan.payments.get().pk, reason="退票", actor=None, now=LATER)
    change(Notice.objects.get(event="loan_corrected"), event="plan_cured")


@plants("I7", "no correction tells of it")
def a_correction_out_of_thin_air(case: Case) -> None:
    change(Notice.objects.filter(key__startswith="case:").first(), event="loan_corrected")


@plants("I16", "made at night", State.WARNED)
def called_at_night(case: Case) -> None:
    deliver(LATER)
    PhoneTask.objects.get().calls.create(outcome="no_answer", by=staff(), at=NOW.replace(hour=5))


@plants("I17", "it is gone")
def a_file_was_lost(case: Case) -> None:
    stored(case).unlink()


@plants("I17", "not what was uploaded")
def a_file_was_exchanged(case: Case) -> None:
    stored(case).write_bytes(b"something else")


@plants("I17", "no row names it")
def a_file_without_a_row(case: Case) -> None:
    change(case.evidence.get(), stored_key="")


@plants("I18", "claimed until")
def a_claim_was_never_given_back(case: Case) -> None:
    lease = LATER - 3 * dispatch.LEASE
    change(Delivery.objects.first(), status="claimed", lease_until=lease, finished_at=None)


@pytest.mark.parametrize(
    ("rule", "words", "state", "deed"), DEEDS, ids=[d[3].__name__ for d in DEEDS]
)
def test_a_planted_violation_is_named(rule: str, words: str, state: State, deed: Deed) -> None:
    case = case_at(state)
    deliver()

    deed(case)

    assert any(line.startswith(f"{rule} | ") and words in line for line in found()), found()
