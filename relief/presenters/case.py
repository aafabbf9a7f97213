"""What pages show of a case: labels, next step, whose turn, buttons; no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from loans.queries.stage import LoanStage
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Role
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from relief.cases import labels
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case, Event
from relief.cases.notices import AUDIT_EVENT_LABELS, AuditEvent
from relief.cases.policy import ReliefPolicy
from relief.cases.queries import label_of, rules_for
from relief.cases.reasons import reason_names
from relief.cases.timing.deadlines import DueKind, chinese, provisional_note
from relief.cases.workflow import TURN, Action, State, open_moves

PRIMARY = frozenset(
    {Action.SUBMIT, Action.SUPPLY, Action.ACCEPT, Action.CLAIM, Action.PASS, Action.OFFER,
     Action.APPROVE, Action.REOPEN}
)  # fmt: skip
DANGER = frozenset({Action.WITHDRAW, Action.REJECT, Action.BREACH, Action.REVOKE, Action.DECLINE})
STEP_OF: dict[State, int] = {
    State.DRAFT: 1,
    State.SUBMITTED: 2,
    State.IN_REVIEW: 2,
    State.NEED_MORE: 2,
    State.REJECTED: 2,
    State.NEGOTIATING: 3,
    State.AWAITING_APPROVAL: 3,
    State.OFFERED: 3,
    State.COUNTERED: 3,
    State.DECLINED: 3,
    State.PLAN_ACTIVE: 4,
    State.WARNED: 4,
    State.BREACHED: 4,
    State.COMPLETED: 5,
    State.SETTLED: 5,
    State.EXPIRED: 2,
    State.WITHDRAWN: 1,
}


@dataclass(frozen=True)
class ButtonView:
    """One act: its name for the page, whether it can be pressed, and why not."""

    action: Action
    label: str
    enabled: bool
    why_not: str = ""
    style: str = "plain"


@dataclass(frozen=True)
class CaseView:
    """A case as one side reads it."""

    case: Case
    state: str
    label: str
    next_step: str
    due_at: datetime | None
    is_past: bool  # due_at has passed and nothing was done about it yet
    due_label: str
    turn: Role | None
    turn_label: str
    is_my_turn: bool
    is_late: bool
    step: int
    reasons: str
    viewer: User
    now: datetime
    stage: LoanStage | None = None

    @cached_property
    def buttons(self) -> tuple[ButtonView, ...]:
        """Every move that this side has here; judged when a page asks, for that takes queries."""
        return buttons(self.case, self.viewer, self.now)

    def button(self, action: str) -> ButtonView | None:
        """The button of an action, if this side has it here."""
        return next((button for button in self.buttons if button.action == action), None)


def case_view(
    case: Case,
    viewer: User,
    now: datetime,
    stage: LoanStage | None = None,
    *,
    newest_rules: ReliefPolicy | None = None,
) -> CaseView:
    """The view of `viewer`; the case must come with assigned_to loaded.

    `newest_rules` are the current policy, which a draft's sentence quotes; a list gives them once,
    and where they are not given a draft asks for them (one query).

    `stage` is how the loan stands where a plan runs or broke (queries.loan_stages): the case is
    called as it is, and the borrower reads the sentence of the loan's own pages.
    """
    state = State(case.state)
    role = Role.STAFF if viewer.is_staff_member else Role.BORROWER
    due = "" if case.next_due_at is None else _due_text(case)
    is_past = case.next_due_at is not None and case.next_due_at <= now
    turn = Role.STAFF if stage is not None and stage.is_ending else TURN[state]
    rules = newest_rules if newest_rules and state == State.DRAFT else rules_for(case)
    return CaseView(
        case=case,
        state=state.value,
        label=label_of(case, role, stage),
        next_step=_next_step(stage, role)
        or labels.next_step(state, role, due, rules, is_past=is_past),
        stage=stage,
        due_at=case.next_due_at,
        is_past=is_past,
        due_label=due,
        turn=turn,
        turn_label=labels.TURN_LABELS[turn],
        is_my_turn=turn == role,
        is_late=case.review_due_at is not None
        and turn == Role.STAFF
        and case.reviewed_at is None
        and case.review_due_at <= now,
        step=3 if state == State.EXPIRED and case.expired_from == State.OFFERED else STEP_OF[state],
        reasons=reason_names(case.reasons),
        viewer=viewer,
        now=now,
    )


def buttons(case: Case, viewer: User, now: datetime) -> tuple[ButtonView, ...]:
    """Every move of the table that this side has here; disabled ones say why."""
    actor, views = Actor.of(viewer), []
    for move in open_moves(case.state, actor.role):
        refused = why_not(move.action, case, actor, now)
        style = (
            "danger" if move.action in DANGER else "primary" if move.action in PRIMARY else "plain"
        )
        views.append(
            ButtonView(move.action, labels.ACTION_LABELS[move.action], not refused, refused, style)
        )
    return tuple(views)


def _next_step(stage: LoanStage | None, role: Role) -> str:
    """What the stage of the loan says instead of the case's own sentence, or ""."""
    if stage is None:
        return ""
    if role == Role.BORROWER:
        return stage.text
    if stage.is_ending and stage.watch is not None:
        return labels.BREACH_READY.format(reason=stage.watch.end_reason)
    return ""


def _due_text(case: Case) -> str:
    assert case.next_due_at is not None
    if case.next_due_kind in {DueKind.PLAN_CHECK, DueKind.CURE_DUE}:
        day = business_date(case.next_due_at)
        return f"{day.month}月{day.day}日"
    return chinese(case.next_due_at)


def calendar_warning(case: Case, now: datetime, calendar: WorkCalendar) -> str:
    """For staff: that the case's deadline rests on a day of the calendar that may still change."""
    if case.next_due_at is None:
        return ""
    return provisional_note(now, case.next_due_at, case.next_due_kind, calendar)


def event_label(event: Event) -> str:
    """What an audit row is called: 提交申请, 上传材料."""
    if event.is_move:
        return labels.ACTION_LABELS[Action(event.action)]
    return AUDIT_EVENT_LABELS[AuditEvent(event.action)]


def actor_label(event: Event, *, for_staff: bool) -> str:
    """Who did it: 你 / 客服 for the borrower, names for staff, 系统 for the system."""
    if event.role == Role.SYSTEM or event.actor is None:
        return "系统"
    if for_staff:
        return event.actor.name
    return "你" if event.role == Role.BORROWER else event.actor.public_name


def is_public(event: Event) -> bool:
    """Whether the borrower's timeline shows it; internal handing about is not shown."""
    internal = {
        AuditEvent.ASSIGNED, AuditEvent.AMBER, AuditEvent.BREACH_READY, Action.RELEASE,
        Action.ASK_APPROVAL, Action.SEND_BACK,
    }  # fmt: skip
    if event.action == AuditEvent.REMINDER_SKIPPED:
        return event.data["reminder"] not in internal
    return event.action not in internal
