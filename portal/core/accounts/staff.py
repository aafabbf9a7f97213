"""Accounts of staff, by two managers: made, given another rank, closed, opened again, reset.

One proposes, another approves, neither about themselves. All in real time; each end is a line in the
trail of accounts, and what takes something away ends the sessions of whom it concerns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction

from portal.core import clock
from portal.core.accounts import sessions, trail
from portal.core.accounts.accounts import clean_name, clean_password
from portal.core.accounts.factors import forget_factors
from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import RANK_LABELS, Rank, Role
from portal.core.kernel.security import SecurityKind
from portal.core.kernel.typed import plain
from portal.core.models import StaffChange, User
from portal.core.retry import retried

Kind, Status = StaffChange.Kind, StaffChange.Status
USERNAME = re.compile(r"[a-z][a-z0-9_.-]{1,29}")
REASON = (2, 200)  # characters
HandOver = Callable[[User, User | None, User, datetime], None]
_hand_overs: list[HandOver] = []


def register_hand_over(hand_over: HandOver) -> None:
    """Let a package above give away what a leaver has in hand: (leaver, to, actor, now).

    Called in the transaction that closes the account; `to` is None for the queue.
    """
    if hand_over not in _hand_overs:
        _hand_overs.append(hand_over)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """What a manager proposes; `subject` for all but CREATE, the rest as the kind needs it."""

    kind: StaffChange.Kind
    reason: str
    subject: User | None = None
    username: str = ""
    name: str = ""
    rank: str = ""
    hand_over_to: User | None = None


def may_manage(user: User) -> bool:
    """Managers propose and decide."""
    return user.has_rank(Rank.MANAGER)


def why_not_propose(kind: StaffChange.Kind, subject: User, actor: User) -> str:
    """Why `actor` may not propose this for the account, as the sentence to show; "" where they may."""
    if not may_manage(actor):
        return "工作人员账户由经理办理。"
    if subject.pk == actor.pk:
        return "不能办理自己的账户，请另一位经理提出。"
    if not subject.is_staff_member:
        return "这不是工作人员账户。"
    if kind == Kind.ENABLE and subject.is_active:
        return "这个账户没有停用。"
    if kind != Kind.ENABLE and not subject.is_active:
        return "这个账户已停用。"
    return ""


def why_not_decide(change: StaffChange, actor: User) -> str:
    """Why `actor` may not approve or refuse it, as the sentence to show; "" where they may."""
    if change.status != Status.PENDING:
        return f"这项变更{change.get_status_display()}，不能再处理。"
    if not may_manage(actor):
        return "工作人员账户由经理复核。"
    if change.made_by_id == actor.pk:
        return "提出人不能复核自己的变更，请另一位经理复核。"
    if change.subject_id == actor.pk:
        return "不能复核自己的账户，请另一位经理复核。"
    return ""


def propose(draft: ProposedChange, *, actor: User) -> StaffChange:
    """Write a change down for a second manager; nothing changes yet.

    InvalidInput or RuleViolation for a field that cannot be right, an act on one's own account, or
    while another change of that account waits.
    """
    if draft.subject is not None:
        problem = why_not_propose(draft.kind, draft.subject, actor)
        username, name = draft.subject.username, draft.subject.name
    else:
        problem = "" if may_manage(actor) else "工作人员账户由经理办理。"
        username, name = _new_username(draft.username), clean_name(draft.name)
    if problem:
        raise NotYourTurn(problem, code="staff-change")
    reason = " ".join(draft.reason.split())
    if not REASON[0] <= len(reason) <= REASON[1]:
        raise RuleViolation(f"原因：请填写 {REASON[0]} 到 {REASON[1]} 个字", field="reason")
    _check_details(draft)
    change = StaffChange(
        kind=draft.kind,
        subject=draft.subject,
        username=username,
        name=name,
        rank=draft.rank if draft.kind in (Kind.CREATE, Kind.RANK) else "",
        hand_over_to=draft.hand_over_to if draft.kind == Kind.DISABLE else None,
        reason=reason,
        made_by=actor,
        made_at=clock.real_now(),
    )
    try:
        with transaction.atomic():
            change.save()
    except IntegrityError as twice:
        raise RuleViolation("这个账户已有一项变更在等待复核，请先处理那一项。") from twice
    return change


def _new_username(text: str) -> str:
    username = plain(text).lower()
    if not USERNAME.fullmatch(username):
        raise RuleViolation(
            "用户名：请用 2 到 30 个小写字母、数字、点、横线，以字母开头", field="username"
        )
    if User.objects.filter(username=username).exists():
        raise RuleViolation("用户名：已有人使用，请换一个", field="username")
    return username


def _check_details(draft: ProposedChange) -> None:
    """The rank of CREATE and RANK, the colleague of DISABLE."""
    if draft.kind in (Kind.CREATE, Kind.RANK):
        if draft.rank not in set(Rank):
            raise RuleViolation("职级：请选择", field="rank")
        if draft.subject is not None and draft.rank == draft.subject.rank:
            raise RuleViolation("职级：和现在的一样，请选择新的职级", field="rank")
    to = draft.hand_over_to
    if to is not None and (
        not to.is_active or not to.has_rank(Rank.REVIEWER) or to == draft.subject
    ):
        raise RuleViolation("接手同事：请选择能办理申请的在职同事", field="hand_over_to")


@retried
def approve(*, change_id: int, actor: User, origin: Origin, now: datetime) -> StaffChange:
    """Do what another manager proposed; `now` is business time, for the cases that change hands.

    RuleViolation when it was decided before or may not be decided by `actor`.
    """
    with transaction.atomic():
        change = _decidable(change_id, actor)
        subject = _APPLY[Kind(change.kind)](change, actor, origin, now)
        change.subject = subject
        return _end(change, Status.APPROVED, actor)


@retried
def refuse(*, change_id: int, actor: User) -> StaffChange:
    """Send it back; nothing changes. Errors as of ``approve``."""
    with transaction.atomic():
        return _end(_decidable(change_id, actor), Status.REFUSED, actor)


@retried
def withdraw(*, change_id: int, actor: User) -> StaffChange:
    """Its maker takes it back before it is decided."""
    with transaction.atomic():
        change = _locked(change_id)
        if change.status != Status.PENDING or change.made_by_id != actor.pk:
            raise TermsChanged("只有提出人可以撤回还在等待复核的变更，请刷新页面。")
        return _end(change, Status.WITHDRAWN, actor)


def _locked(change_id: int) -> StaffChange:
    rows = StaffChange.objects.select_related("subject", "made_by", "hand_over_to")
    return rows.select_for_update(of=("self",)).get(pk=change_id)


def _decidable(change_id: int, actor: User) -> StaffChange:
    change = _locked(change_id)
    problem = why_not_decide(change, actor)
    if problem:
        raise NotYourTurn(problem, code="staff-change")
    if not may_manage(User.objects.get(pk=change.made_by_id)):
        raise NotYourTurn("提出人已不是经理，请退回后重新提出。", code="staff-change")
    return change


def _end(change: StaffChange, status: StaffChange.Status, actor: User) -> StaffChange:
    change.status, change.decided_by, change.decided_at = status, actor, clock.real_now()
    change.save(update_fields=["status", "decided_by", "decided_at", "subject"])
    return change


# --- What each kind does ------------------------------------------------------------------------


def _note(change: StaffChange, subject: User, actor: User, origin: Origin, detail: str) -> None:
    """The line in the trail: who decided it stands in it by itself, who proposed it in words."""
    kind = SecurityKind[f"STAFF_{change.kind}"]
    words = "，".join(part for part in (detail, f"由{change.made_by.name}提出") if part)
    trail.record(kind, user=subject, actor=actor, origin=origin, detail=words)


def _create(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    try:
        with transaction.atomic():
            user = User.objects.create_staff(change.username, change.name, Rank(change.rank))
    except IntegrityError as taken:
        raise RuleViolation("用户名已有人使用，请退回后重新提出。") from taken
    _note(change, user, actor, origin, RANK_LABELS[Rank(change.rank)])
    return user


def _set_rank(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    subject = _subject(change)
    before = RANK_LABELS[Rank(subject.rank)]
    subject.rank = change.rank
    subject.save(update_fields=["rank"])
    _note(change, subject, actor, origin, f"{before} → {RANK_LABELS[Rank(change.rank)]}")
    _end_sessions(change, subject, actor, origin)
    return subject


def _disable(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    subject = _subject(change)
    subject.is_active = False
    subject.save(update_fields=["is_active"])
    to = change.hand_over_to
    if to is not None and not to.is_active:
        raise RuleViolation("接手同事的账户已停用，请退回后重新提出。")
    _note(change, subject, actor, origin, f"申请转交{to.name}" if to else "申请退回队列")
    _end_sessions(change, subject, actor, origin)
    for hand_over in _hand_overs:
        hand_over(subject, to, actor, now)
    return subject


def _enable(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    """Open again, as somebody new: password and second factor are set anew."""
    subject = _subject(change)
    subject.is_active = True
    subject.set_unusable_password()
    subject.save(update_fields=["is_active", "password"])
    forget_factors(subject)
    _note(change, subject, actor, origin, "")
    return subject


def _reset_factor(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    subject = _subject(change)
    forget_factors(subject)
    _note(change, subject, actor, origin, "")
    _end_sessions(change, subject, actor, origin)
    return subject


def _reset_password(change: StaffChange, actor: User, origin: Origin, now: datetime) -> User:
    subject = _subject(change)
    subject.set_unusable_password()
    subject.save(update_fields=["password"])
    _note(change, subject, actor, origin, "")
    _end_sessions(change, subject, actor, origin)
    return subject


def _subject(change: StaffChange) -> User:
    """The account under its lock, as it is now."""
    assert change.subject is not None  # every kind but CREATE has one
    return User.objects.select_for_update().get(pk=change.subject.pk)


def _end_sessions(change: StaffChange, subject: User, actor: User, origin: Origin) -> None:
    sessions.end_all(user=subject, why=change.get_kind_display(), origin=origin, actor=actor)


_APPLY: dict[StaffChange.Kind, Callable[[StaffChange, User, Origin, datetime], User]] = {
    Kind.CREATE: _create,
    Kind.RANK: _set_rank,
    Kind.DISABLE: _disable,
    Kind.ENABLE: _enable,
    Kind.RESET_FACTOR: _reset_factor,
    Kind.RESET_PASSWORD: _reset_password,
}


# --- The first password -------------------------------------------------------------------------


def needs_setup_code(change: StaffChange) -> bool:
    """Whether the person has no password now, and is given a code to set one."""
    return change.kind in (Kind.CREATE, Kind.ENABLE, Kind.RESET_PASSWORD)


def setup_code(user: User) -> str:
    """What lets this person set a password, once, within PASSWORD_RESET_TIMEOUT."""
    return str(default_token_generator.make_token(user))


def who_sets_up(*, username: str, code: str) -> User:
    """Whose code this is; RuleViolation, one sentence, when it is used, late or made up."""
    people = User.objects.filter(role=Role.STAFF, is_active=True)
    user = people.filter(username=plain(username).lower()[:150]).first()
    if user is None or not default_token_generator.check_token(user, plain(code)[:100]):
        raise RuleViolation(
            "用户名或设置码不正确，或设置码已用过、超过 24 小时。请检查，或联系经理重新办理",
            code="setup-code",
        )
    return user


def set_up(*, user: User, password: str, origin: Origin) -> None:
    """Set the password of a new account; the code is used up by it. InvalidInput when it is weak."""
    clean_password(password, user=user)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        trail.record(SecurityKind.PASSWORD_CHANGED, user=user, origin=origin, detail="首次设置")


# --- The first managers -------------------------------------------------------------------------


def first_manager(*, username: str, name: str) -> User:
    """One of the two managers who can then make all others; RuleViolation once there are two."""
    managers = User.objects.filter(role=Role.STAFF, rank=Rank.MANAGER, is_active=True)
    with transaction.atomic():
        if managers.count() >= 2:
            raise RuleViolation("已有两位经理，请在管理后台的“用户”里由两位经理办理")
        user = User.objects.create_staff(_new_username(username), clean_name(name), Rank.MANAGER)
        detail = f"{RANK_LABELS[Rank.MANAGER]}，由运维命令新建"
        trail.record(SecurityKind.STAFF_CREATE, user=user, origin=Origin(), detail=detail)
    return user
