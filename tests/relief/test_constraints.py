"""What the database and the one writer keep by themselves, whatever a service might forget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from loans.models import Schedule
from portal.core.documents import papers as documents
from portal.core.errors import StaleWrite
from portal.core.kernel.roles import Rank, Role
from portal.core.models import Delivery, Notice
from portal.core.models.append_only import AppendOnlyError
from relief.cases.gate import Actor
from relief.cases.models import Case, Event, Policy
from relief.cases.moves import Occasion, locked, move
from relief.cases.workflow import Action, State
from relief.offers import negotiate
from relief.offers.models import Agreement, Offer
from tests.factories import NOW, case_at, open_offer, staff

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=5)


def copied(row: Agreement | Offer | Case, **changes: object) -> None:
    """The row once more, with other values where it must differ."""
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def refused_by(constraint: str) -> pytest.RaisesExc[IntegrityError]:
    """PostgreSQL names the constraint, SQLite its columns: a refusal is enough there."""
    return pytest.raises(IntegrityError, match=rf"{constraint}|UNIQUE constraint failed")


def test_one_agreement_in_force_a_case() -> None:
    """Another offer, another plan, another paper: only the case is the same."""
    case = case_at(State.PLAN_ACTIVE)
    made = case.agreements.get()
    offer = case.offers.get()
    copied(offer, number=2, status="superseded", digest="f" * 64)
    plan = Schedule.objects.get(loan=case.loan, kind=Schedule.Kind.ORIGINAL)
    paper = documents.issue(
        kind="agreement",
        number="XY-2",
        user=case.borrower,
        title="第二份",
        snapshot={},
        text="",
        now=SOON,
    )

    with refused_by("agreement_one_in_force_per_case"), transaction.atomic():
        copied(made, offer=offer, plan=plan, document=paper, number="XY-2")


def test_one_offer_on_the_table_a_case() -> None:
    case = case_at(State.OFFERED)

    with refused_by("offer_one_open_per_case"), transaction.atomic():
        copied(open_offer(case), number=2)


def test_one_number_an_offer() -> None:
    case = case_at(State.OFFERED)

    with refused_by("offer_number_once"), transaction.atomic():
        copied(open_offer(case), status="superseded")


def test_one_open_case_a_loan() -> None:
    case = case_at(State.IN_REVIEW)

    with refused_by("case_one_open_per_loan"), transaction.atomic():
        copied(case, public_id="another-case", number="JM20260302-9999")


def test_a_move_on_what_was_read_before_is_refused() -> None:
    """Same state, other version: somebody moved it away and back again meanwhile."""
    case = case_at(State.IN_REVIEW)
    with transaction.atomic():
        stale = locked(case)
    Case.objects.filter(pk=case.pk).update(version=case.version + 2)

    with pytest.raises(StaleWrite, match="页面已过时"), transaction.atomic():
        move(stale, Action.PASS, Occasion(Actor(staff(), Role.STAFF), SOON))

    case.refresh_from_db()
    assert (case.state, case.version) == (State.IN_REVIEW, stale.version + 2)
    assert not case.events.filter(action="PASS").exists()


def test_the_same_happening_is_told_once() -> None:
    """A reminder that is due twice: one notice, one message."""
    from relief.cases.moves import notify_move
    from relief.cases.notices import AuditEvent

    case = case_at(State.OFFERED)
    offer = open_offer(case)
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=NOW)
    fresh = Case.objects.for_lists().get(pk=case.pk)

    for minutes in (0, 0, 5):
        now = SOON + timedelta(minutes=minutes)
        notify_move(fresh, AuditEvent.OFFER_REMINDER, key="once", now=now, context={"offer": offer})

    assert Notice.objects.filter(event="offer_reminder").count() == 1
    assert Delivery.objects.filter(event="offer_reminder").count() == 1


def test_a_checker_is_never_the_maker_even_by_hand() -> None:
    case = case_at(State.AWAITING_APPROVAL)
    offer = case.offers.get(status="pending")
    assert offer.made_by is not None
    assert offer.made_by != staff(Rank.SUPERVISOR)

    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(approved_by=offer.made_by)


@pytest.mark.parametrize(
    "change",
    [
        lambda: Event.objects.first().save(),
        lambda: Event.objects.first().delete(),
        lambda: Event.objects.update(note_public="x"),
        lambda: Event.objects.all().delete(),
        lambda: Policy.current().save(),
        lambda: Policy.current().delete(),
        lambda: Policy.objects.update(note="x"),
    ],
)
def test_trail_and_policies_are_written_once(change: Callable[[], object]) -> None:
    case_at(State.SUBMITTED)

    with pytest.raises(AppendOnlyError):
        change()
