"""Over HTTP: what the table of moves does not allow is refused at every address, generated from it.

Each form is filled in rightly, so that nothing but the state (or the rank) can be the reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.kernel.roles import Rank, Role, rank_at_least
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.workflow import Action, State, find_move
from relief.cases.workflow import State as S
from relief.desk.acts import ACTS
from tests import factories
from tests.addresses import Address, all_addresses
from tests.factories import case_at, staff
from tests.relief.crash import snapshot
from tests.relief.doors import DESK_MOVES, DOORS, push_at_desk

pytestmark = pytest.mark.django_db
# Nobody's business but the borrower's; these change files, drafts or figures, never a state.
STATELESS = {"relief:evidence-add", "relief:offer-check"}
COUNTERS = {"portal.Throttle", "relief.Conversation", "portal.Heartbeat"}
REFUSED = {403, 404, 405, 409}
# A second click leads to where the first one led, a page that has no business here to the case's
# own page, and a form whose figures fit no settled debt says so first; nothing happens by any.
BORROWERS_ELSEWHERE = {
    *(("accept", s, 302) for s in (S.PLAN_ACTIVE, S.WARNED, S.BREACHED, S.COMPLETED)),
    *((name, s, 302) for name in ("supply", "submit") for s in S),
    ("counter", S.COMPLETED, 422),
}


def at(state: State) -> tuple[Case, datetime]:
    """A case in that state, and a moment shortly after it came there."""
    case = case_at(state)
    last = case.events.order_by("-at", "-pk").first()
    now = (last.at if last else factories.NOW) + timedelta(minutes=5)
    return Case.objects.for_lists().get(pk=case.pk), now


def login(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def has_moved(case: Case) -> bool:
    """Whether the case is another than the one in hand."""
    stored = Case.objects.values_list("state", "version").get(pk=case.pk)
    return stored != (case.state, case.version)


def everything() -> dict[str, list[tuple[object, ...]]]:
    """The whole database but what counts tries."""
    return {name: rows for name, rows in snapshot().items() if name not in COUNTERS}


@pytest.mark.parametrize("state", list(State))
def test_the_borrowers_closed_doors_stay_closed(state: State) -> None:
    case, now = at(state)
    client = login(case.borrower)
    closed = [n for n, d in DOORS.items() if find_move(state, d.action, Role.BORROWER) is None]
    with clock.frozen(now):
        before, seen = everything(), set()
        for name in closed:
            answer = DOORS[name].push(client, case, now)
            assert not has_moved(case), f"{name} at {state}"
            seen.add((name, state, answer.status_code))
        assert everything() == before

    assert {one for one in seen if one[2] not in REFUSED} <= BORROWERS_ELSEWHERE


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (state, name)
        for state in State
        for name, door in DOORS.items()
        if find_move(state, door.action, Role.BORROWER) is not None and name != "supply"
    ],
)
def test_the_open_doors_lead_where_the_table_says(state: State, name: str) -> None:
    case, now = at(state)
    door = DOORS[name]
    move = find_move(state, door.action, Role.BORROWER)
    assert move is not None
    client = login(case.borrower)
    with clock.frozen(now):
        if state == State.OFFERED:
            client.get(door.path(case).rsplit("/", 2)[0] + "/")
    with clock.frozen(now + timedelta(minutes=1)):
        answer = door.push(client, case, now)

    case.refresh_from_db()
    assert (answer.status_code, case.state) == (302, move.target)


def is_of_a_case(address: Address) -> bool:
    return address.name.startswith("relief:") and "case" in address.parameters


def test_every_address_of_a_case_is_a_door_or_takes_no_post() -> None:
    case, now = at(State.OFFERED)
    client = login(case.borrower)
    doors = {door.address for door in DOORS.values()} | STATELESS
    values = {"case": case.public_id, "number": 1}
    taken = {}
    with clock.frozen(now):
        for address in all_addresses():
            if is_of_a_case(address) and address.name not in doors:
                path = address_path(address, values)
                taken[address.name] = client.post(path).status_code

    assert {name: status for name, status in taken.items() if status != 405} == {}


def address_path(address: Address, values: dict[str, object]) -> str:

    return reverse(address.name, kwargs={name: values[name] for name in address.parameters})


# --- The desk ------------------------------------------------------------------------------------


def may(slug: str, state: State, rank: Rank) -> bool:
    """Whether table and rank leave the act open; what else it takes is its service's to say."""
    action: Action = DESK_MOVES[slug]
    enough = rank != Rank.AUDITOR and rank_at_least(rank, ACTS[slug].needed)
    return enough and find_move(state, action, Role.STAFF) is not None


def is_closed_for_a_manager_too(slug: str, state: State, rank: Rank) -> bool:
    """What the table closes is tried by managers, who may do everything, and by auditors."""
    lesser = rank in {Rank.REVIEWER, Rank.SUPERVISOR}
    return lesser and find_move(state, DESK_MOVES[slug], Role.STAFF) is None


@pytest.mark.parametrize("state", list(State))
def test_the_desks_closed_doors_stay_closed_for_every_rank(state: State) -> None:
    case, now = at(state)
    people = {rank: login(staff(rank)) for rank in Rank}
    with clock.frozen(now):
        before, seen = everything(), set()
        for rank, client in people.items():
            for slug in DESK_MOVES:
                if may(slug, state, rank) or is_closed_for_a_manager_too(slug, state, rank):
                    continue
                answer = push_at_desk(client, slug, case, now)
                assert not has_moved(case), f"{rank} {slug} at {state}"
                seen.add((slug, state, answer.status_code))
        assert everything() == before

    assert {one for one in seen if one[2] not in REFUSED} == set()


@pytest.mark.parametrize("state", list(State))
def test_nobody_decides_on_their_own_loan(state: State) -> None:
    case, now = at(state)
    twin = staff(Rank.MANAGER, username="also-borrower", same_person_as=case.borrower)
    client = login(twin)
    with clock.frozen(now):
        before = everything()
        seen = {slug: push_at_desk(client, slug, case, now).status_code for slug in ACTS}
        assert everything() == before

    assert {slug: status for slug, status in seen.items() if status not in REFUSED | {422}} == {}


@pytest.mark.parametrize("state", [s for s in State if s not in {State.DRAFT}])
def test_borrowers_push_nothing_at_the_desk(state: State) -> None:
    case, now = at(state)
    client = login(case.borrower)
    with clock.frozen(now):
        before = everything()
        seen = {slug: push_at_desk(client, slug, case, now).status_code for slug in ACTS}
        assert everything() == before

    assert set(seen.values()) <= {302, 403, 404}  # to the desk's own login
