"""Every state is reached through the services, and every act not in the table is refused."""

from __future__ import annotations

import pytest

from portal.core.errors import NotYourTurn
from portal.core.kernel.roles import Rank, Role
from relief.cases.gate import Actor
from relief.cases.moves import Occasion, locked, move
from relief.cases.workflow import Action, State, find_move
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_reached_and_everything_else_refused(state: State) -> None:
    case = factories.case_at(state)

    assert case.state == state
    people = {
        Role.BORROWER: case.borrower,
        Role.STAFF: factories.staff(Rank.MANAGER),
        Role.SYSTEM: None,
    }
    for action in Action:
        for role, actor in people.items():
            if find_move(state, action, role) is None:
                with pytest.raises(NotYourTurn):
                    move(locked(case), action, Occasion(Actor(actor, role), factories.NOW))
    case.refresh_from_db()
    assert case.state == state
