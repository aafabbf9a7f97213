"""A leaver's cases go to a colleague or back to the queue, each with its line, with the account's end."""

from __future__ import annotations

import pytest

from portal.core import clock
from portal.core.accounts import staff
from portal.core.accounts.staff import Kind, ProposedChange
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.fixture
def case() -> Case:
    return factories.case_at(State.IN_REVIEW)


def leave(leaver: User, to: User | None = None) -> None:
    """Two managers close the account."""
    maker = factories.staff(Rank.MANAGER, "maker")
    checker = factories.staff(Rank.MANAGER, "checker")
    draft = ProposedChange(kind=Kind.DISABLE, reason="离职", subject=leaver, hand_over_to=to)
    change = staff.propose(draft, actor=maker)
    staff.approve(change_id=change.pk, actor=checker, origin=Origin(), now=clock.now())


def owner_of(case: Case) -> User:
    assert case.assigned_to is not None
    return case.assigned_to


def test_to_a_colleague(case: Case) -> None:
    leaver, colleague = owner_of(case), factories.staff(Rank.REVIEWER, "colleague")

    leave(leaver, colleague)

    case.refresh_from_db()
    assert (case.assigned_to, case.state) == (colleague, "IN_REVIEW")
    line = case.events.latest("pk")
    assert (line.action, line.data, line.note_internal) == (
        "ASSIGNED",
        {"to": colleague.pk},
        f"{leaver.name}已离岗",
    )


def test_to_the_queue_with_the_clock_running(case: Case) -> None:
    due_at = case.next_due_at

    leave(owner_of(case))

    case.refresh_from_db()
    assert (case.assigned_to, case.state, case.next_due_at) == (None, "SUBMITTED", due_at)
    assert case.events.latest("pk").action == "RELEASE"


def test_a_case_whose_borrower_the_colleague_is_goes_to_the_queue(case: Case) -> None:
    twin = factories.staff(Rank.REVIEWER, "twin", same_person_as=case.borrower)

    leave(owner_of(case), twin)

    case.refresh_from_db()
    assert (case.assigned_to, case.state) == (None, "SUBMITTED")


def test_in_other_states_nobody_is_in_charge_until_somebody_is() -> None:
    case = factories.case_at(State.OFFERED)

    leave(owner_of(case))

    case.refresh_from_db()
    assert (case.assigned_to, case.state) == (None, "OFFERED")
    assert case.events.latest("pk").action == "ASSIGNED"


def test_who_was_being_talked_with_waits_again(case: Case) -> None:
    leaver = owner_of(case)
    talk = messages.conversation_of(borrower=case.borrower, now=clock.now())
    messages.take_conversation(conversation=talk, actor=leaver, now=clock.now())

    leave(leaver)

    talk.refresh_from_db()
    assert (talk.taken_by, talk.human_wanted_at) == (None, clock.now())


def test_closed_cases_stay_whose_they_were(case: Case) -> None:
    done = factories.case_at(State.REJECTED, loan=factories.overdue_loan())
    leaver = owner_of(case)
    Case.objects.filter(pk=done.pk).update(assigned_to=leaver)

    leave(leaver)

    done.refresh_from_db()
    assert done.assigned_to == leaver


def test_all_or_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    leaver = owner_of(case)

    def breaks(*args: object) -> None:
        raise RuleViolation("交接失败")

    monkeypatch.setattr(staff, "_hand_overs", [*staff._hand_overs, breaks])
    with pytest.raises(RuleViolation, match="交接失败"):
        leave(leaver)

    case.refresh_from_db()
    leaver.refresh_from_db()
    assert (case.assigned_to, leaver.is_active) == (leaver, True)
