"""What somebody who leaves had in hand: cases and conversations, to a colleague or back to the queue."""

from __future__ import annotations

from datetime import datetime

from portal.core.kernel.roles import Role
from portal.core.models import User
from relief.cases import notices
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.moves import Occasion, locked, move, record
from relief.cases.permissions import Task
from relief.cases.workflow import CLOSED, Action, State
from relief.conversation.messages import let_wait_again


def hand_over(leaver: User, to: User | None, actor: User, now: datetime) -> None:
    """Give every open case of `leaver` to `to`, or to the queue where `to` is None or may not take it.

    Inside the caller's transaction, which closes the account; each case gets a line in its trail,
    by `actor`. A case under review goes back to 待审核 with the rest of its clock; in any other
    state nobody is in charge of it until a colleague is.
    """
    for case in Case.objects.filter(assigned_to=leaver).exclude(state__in=CLOSED).order_by("pk"):
        _hand_on(locked(case), to, actor, now)
    let_wait_again(taken_by=leaver, now=now)


def _hand_on(case: Case, to: User | None, actor: User, now: datetime) -> None:
    leaver = case.assigned_to
    may_take = to is not None and not why_not(Task.TAKE_OVER, case, Actor(to, Role.STAFF), now)
    occasion = Occasion(
        Actor(actor, Role.STAFF),
        now,
        note_internal=f"{leaver.name}已离岗" if leaver else "",
        data={"to": to.pk if to is not None and may_take else None},
    )
    if not may_take and case.state == State.IN_REVIEW:
        move(case, Action.RELEASE, occasion, changes={"assigned_to": None})
        return
    case.assigned_to = to if may_take else None
    case.save(update_fields=["assigned_to"])
    record(case, notices.AuditEvent.ASSIGNED, occasion)
