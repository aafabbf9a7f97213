"""Who may do what with a case: takes facts, returns the refusing sentence, or None.

Services raise it, pages and the desk show it; nobody else judges it. What only the values of a
form can decide (the digest that was seen, a field left empty) is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.core.kernel.roles import RANK_LABELS, Rank, Role, rank_at_least
from relief.cases import labels
from relief.cases.workflow import BEFORE_PLAN, CLOSED, IN_TALKS, Action, State, find_move


class Task(StrEnum):
    """What is done with a case without moving it."""

    ASSIGN = "ASSIGN"  # hand it to a colleague
    TAKE_OVER = "TAKE_OVER"  # be the colleague it is handed to
    TAKE_NEXT = "TAKE_NEXT"  # be given it by 领取下一件
    JUDGE_FILE = "JUDGE_FILE"
    SAY = "SAY"  # answer the borrower; every colleague may, whoever has the case in hand
    ADD_FILE = "ADD_FILE"
    REMOVE_FILE = "REMOVE_FILE"
    EDIT = "EDIT"  # fill in the draft
    READ = "READ"  # one's own application and its offers, whatever became of it


class RefusalKind(StrEnum):
    """The kind of refusal: a rule, somebody else's turn, or terms that are gone."""

    RULE = "rule"
    TURN = "turn"
    TERMS = "terms"


@dataclass(frozen=True)
class Refusal:
    """The sentence that is raised and shown, and its code."""

    sentence: str
    code: str
    kind: RefusalKind = RefusalKind.RULE


@dataclass(frozen=True)
class Person:
    """Who wants to act; `same_person_as` is the other account of a member of staff."""

    role: Role
    user_id: int | None
    rank: str = ""
    same_person_as: int | None = None


@dataclass(frozen=True)
class CaseFacts:
    """What the rules need to know of a case; fields with a default matter to the actions named."""

    state: State
    borrower_id: int
    assigned_to_id: int | None
    assigned_name: str
    is_appealed: bool
    rejected_by_id: int | None
    due_at: datetime | None
    rounds: int = 0
    max_rounds: int = 0  # COUNTER
    is_settled: bool = False  # REOPEN
    other_open: str = ""  # REOPEN, APPEAL: the number of another open case of the loan
    maker_id: int | None = None  # APPROVE, SEND_BACK: of the offer that waits
    checker_rank: str = ""  # … and the rank that it needs
    may_breach: bool = True  # BREACH: the time to cure is over, or two in a row are missed


# The rank an action takes; any reviewer for the rest (relief/RULES.md §7, §8).
NEEDED: dict[Action, Rank] = {
    Action.APPROVE: Rank.SUPERVISOR,
    Action.SEND_BACK: Rank.SUPERVISOR,
    Action.BREACH: Rank.SUPERVISOR,
    Action.REVOKE: Rank.MANAGER,
}
CHECKS = frozenset({Action.APPROVE, Action.SEND_BACK})  # by somebody else than who is in charge
ANSWERS = frozenset({Action.ACCEPT, Action.COUNTER, Action.DECLINE})
OFFER_EXPIRED = Refusal(
    "这份方案已过有效期，罚息照常计收，请重新发起协商。", "expired", RefusalKind.TERMS
)
AUDITOR = Refusal("审计员只能查看，不能处理申请。", "auditor")
STRANGER = Refusal("只有申请人本人可以这样做。", "not-borrower")


def needed_rank(action: Action | Task) -> Rank:
    """The lowest rank that may do this at all."""
    return NEEDED.get(action, Rank.REVIEWER) if isinstance(action, Action) else Rank.REVIEWER


def why_not(
    action: Action | Task,
    case: CaseFacts,
    person: Person,
    now: datetime,
    *,
    needed: Rank | None = None,
) -> Refusal | None:
    """Why `person` may not do this with the case now, or None; `needed` asks for a higher rank.

    A reviewer and a case that a colleague has in hand: 这份申请由周敏处理，可请主管转交。
    """
    if action == Task.TAKE_NEXT:
        return why_not(Action.CLAIM, case, person, now) or _others(case, person)
    if isinstance(action, Action) and find_move(case.state, action, person.role) is None:
        return Refusal(closed_sentence(case.state, action), "move", RefusalKind.TURN)
    if person.role == Role.SYSTEM:
        return None if person.user_id is None else Refusal("系统的动作不能由人代做。", "actor")
    if person.user_id is None:
        return Refusal("缺少操作人。", "actor")
    if isinstance(action, Task) and (action in _BORROWERS) != (person.role == Role.BORROWER):
        return (
            STRANGER if action in _BORROWERS else Refusal("只有工作人员可以这样做。", "not-staff")
        )
    if person.role == Role.BORROWER:
        return _borrower(action, case, person, now)
    return _staff(action, case, person, needed)


_BORROWERS = frozenset({Task.ADD_FILE, Task.REMOVE_FILE, Task.EDIT, Task.READ})


def closed_sentence(state: State, action: Action, last_move: str = "") -> str:
    """The sentence for a move that the table does not have here; `last_move` says who did what.

    现在不能撤回方案：林*云已于 3月2日 10:05 接受方案，申请目前“按新计划还款中”。…
    """
    return (
        f"现在不能{labels.ACTION_LABELS[action]}：{last_move}"
        f"申请目前“{labels.WORDS[state].borrower}”。请刷新页面查看最新进度。"
    )


# --- Staff ---------------------------------------------------------------------------------------


def _staff(
    action: Action | Task, case: CaseFacts, person: Person, needed: Rank | None
) -> Refusal | None:
    refused = staff_refusal(person, case.borrower_id) or _same_reviewer(case, person)
    if refused is not None or action == Task.TAKE_OVER:
        return refused
    if action not in CHECKS | {Task.SAY} and not rank_at_least(person.rank, Rank.SUPERVISOR):
        refused = _others(case, person)
        if refused is not None:
            return refused
    least = needed or needed_rank(action)
    if action in CHECKS and rank_at_least(case.checker_rank, least):
        least = Rank(case.checker_rank)
    if not rank_at_least(person.rank, least):
        return Refusal(f"需要{RANK_LABELS[least]}处理，请转交。", "rank")
    if action in CHECKS and person.user_id == case.maker_id:
        return Refusal("拟定人不能复核自己的方案，请由另一位有权限的同事复核。", "maker")
    if action == Action.BREACH and not case.may_breach:
        label = labels.ACTION_LABELS[Action.BREACH]
        return Refusal(f"补救期还没有结束，不能{label}。", "cure-runs")
    if action == Task.ASSIGN and case.state in CLOSED | {State.DRAFT}:
        return Refusal("这份申请不在办理中，不能转交。", "closed")
    if action == Task.JUDGE_FILE and case.state not in IN_TALKS:
        return Refusal("申请不在审核中，不能再评定材料。", "state")
    return None


def staff_refusal(person: Person, borrower_id: int) -> Refusal | None:
    """Why this person may only read the borrower's cases; None where they may act."""
    if not person.rank:
        return Refusal("只有工作人员可以这样做。", "not-staff")
    if person.rank == Rank.AUDITOR:
        return AUDITOR
    if borrower_id in {person.user_id, person.same_person_as}:
        return Refusal("这是你本人的借款，请转给其他同事处理。", "own-loan")
    return None


def _same_reviewer(case: CaseFacts, person: Person) -> Refusal | None:
    if case.is_appealed and case.rejected_by_id == person.user_id:
        return Refusal("申诉要由另一位审核人员处理，请转给其他同事。", "same-reviewer")
    return None


def _others(case: CaseFacts, person: Person) -> Refusal | None:
    """A colleague is handling the case."""
    if case.assigned_to_id in {None, person.user_id}:
        return None
    return Refusal(
        f"这份申请由{case.assigned_name}处理，可请主管转交。", "assigned", RefusalKind.TURN
    )


# --- The borrower --------------------------------------------------------------------------------


def _borrower(
    action: Action | Task, case: CaseFacts, person: Person, now: datetime
) -> Refusal | None:
    if person.user_id != case.borrower_id:
        return STRANGER
    is_over = case.due_at is None or case.due_at <= now
    if action in ANSWERS and is_over:
        return OFFER_EXPIRED
    if action == Action.COUNTER and case.rounds >= case.max_rounds:
        return Refusal(
            f"已提出 {case.max_rounds} 次还款建议，请接受或拒绝当前方案，也可联系客服。", "rounds"
        )
    if action == Action.APPEAL:
        return _appeal(case, is_over=is_over)
    if action == Action.REOPEN:
        return _reopen(case)
    if action == Task.EDIT and case.state != State.DRAFT:
        return Refusal("申请已提交，内容不能再修改。", "not-draft")
    if action == Task.ADD_FILE and case.state not in BEFORE_PLAN:
        return Refusal("申请已结束，不能再上传材料。", "closed")
    if action == Task.REMOVE_FILE and case.state not in BEFORE_PLAN:
        return Refusal("申请已结束，材料会按页面所示日期删除。", "closed")
    return None


def _appeal(case: CaseFacts, *, is_over: bool) -> Refusal | None:
    if case.is_appealed:
        return Refusal("申诉机会只有一次，已经用过；有新材料可以重新申请。", "appealed")
    if is_over:
        return Refusal("申诉期已过；有新材料可以重新申请。", "appeal-late")
    return _other_open(case)


def _reopen(case: CaseFacts) -> Refusal | None:
    if case.is_settled:
        return Refusal("这笔借款已结清，无需申请减免。", "settled")
    return _other_open(case)


def _other_open(case: CaseFacts) -> Refusal | None:
    if not case.other_open:
        return None
    return Refusal(f"这笔借款已有进行中的申请 {case.other_open}，请继续办理那一份。", "other-open")
