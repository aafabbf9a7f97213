"""Erasure of somebody's data on request: asked, answered by staff, done by a job, each told.

Nothing is erased while a loan, an application or a plan runs: that is asked again at each step, for
weeks may lie between them. The job is one transaction, so that a worker that dies leaves all or
nothing, and the sweep takes up what was approved. What goes and what stays is `keeping`'s to say.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction

from loans.models import Loan
from loans.queries.debt import load_debt
from portal.core.accounts import drafts, sessions, trail
from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.kernel.security import SecurityKind
from portal.core.models import SessionRecord, User
from portal.core.notifications.outbox import notify
from portal.core.nudge import nudge
from portal.core.publicids import new_public_id
from portal.core.retry import retried
from portal.core.storage import private
from relief.cases.gate import SYSTEM
from relief.cases.models import Case
from relief.cases.moves import Occasion, record
from relief.cases.notices import AuditEvent
from relief.cases.people import staff_from
from relief.conversation.models import Message
from relief.evidence import retention
from relief.evidence.models import Consent, Evidence
from relief.rights import keeping
from relief.rights.models import DataExport, ErasureRequest, ErasureState, ExportState

logger = logging.getLogger(__name__)
PAGE = "/me/settings/erasure/"  # where the notices lead
ERASED_TEXT = "（已应本人要求删除）"
ERASED_NAME = "已删除"
CLOSED_NAME = "已注销用户"
REASON = (2, 200)  # characters
BATCH = 20


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing can be erased now, and from when it may be asked again, if a date is known."""

    reason: str
    again_on: date | None


def obstacle(user: User, *, today: date) -> Obstacle | None:
    """What of this person's still runs: a loan, an application, a plan; None when nothing does."""
    loans = list(Loan.objects.for_borrower(user).active().order_by("pk"))
    cases = list(Case.objects.for_borrower(user).open().order_by("pk"))
    running = [f"借款 {loan.number} 还没有结清" for loan in loans]
    running += [f"减免申请 {case.number} 还没有结束" for case in cases]
    if not running:
        return None
    last_dues = [row.due_on for loan in loans for row in load_debt(loan, today).instalments]
    last_due = max(last_dues, default=today)
    again_on = last_due + timedelta(days=1) if last_due >= today else None
    return Obstacle(f"{'，'.join(running)}，法律要求在此期间保留你的信息", again_on)


def what_stays(user: User, *, today: date) -> tuple[keeping.Retained, ...]:
    """What the law keeps of this person, and until when."""
    loans = Loan.objects.for_borrower(user)
    ends = [loan.settled_on for loan in loans if loan.settled_on is not None]
    return keeping.kept(
        today=today, last_loan_ended_on=max(ends, default=None), has_loans=loans.exists()
    )


def what_goes(user: User) -> tuple[str, ...]:
    """What an erasure takes; the account too of somebody who never had a loan."""
    has_loans = Loan.objects.for_borrower(user).exists()
    return keeping.GOES if has_loans else (*keeping.GOES, keeping.ACCOUNT_GOES)


def ask_for_erasure(*, user: User, origin: Origin, now: datetime) -> ErasureRequest:
    """Ask staff for it; one that is going on is the answer to a second click.

    RuleViolation, with reason and date, while something runs.
    """
    hindrance = obstacle(user, today=business_date(now))
    if hindrance is not None:
        raise RuleViolation(
            refusal_words(hindrance.reason, hindrance.again_on), code="erasure-obstacle"
        )
    going_on = ErasureRequest.objects.for_user(user).going_on().first()
    if going_on is not None:
        return going_on
    try:
        with transaction.atomic():
            due_at = now + timedelta(days=keeping.ANSWER_DAYS)
            request = ErasureRequest.objects.create(user=user, asked_at=now, due_at=due_at)
            trail.record(SecurityKind.ERASURE_ASKED, user=user, origin=origin)
            _tell("erasure_asked", request, now=now)
            for member in staff_from(Rank.SUPERVISOR):
                if member.same_person_as_id != user.pk:
                    _tell_staff(request, member, now=now)
            return request
    except IntegrityError:  # two tabs at once: the other one asked
        return ErasureRequest.objects.for_user(user).latest("pk")


def refusal_words(reason: str, again_on: date | None) -> str:
    """Why not, and from when: 借款 … 还没有结清…。2027年3月11日起可以再申请…"""
    if again_on is None:
        return f"{reason}。全部结束后可以申请。"
    day = f"{again_on.year}年{again_on.month}月{again_on.day}日"
    return f"{reason}。按还款计划，{day}起可以申请，提前结清可以提前申请。"


@retried
def withdraw_erasure(*, user: User, origin: Origin, now: datetime) -> bool:
    """Take the request back while nobody has answered it; False when there is none."""
    with transaction.atomic():
        rows = ErasureRequest.objects.for_user(user).filter(state=ErasureState.PENDING)
        if not rows.update(state=ErasureState.WITHDRAWN, decided_at=now):
            return False
        trail.record(SecurityKind.ERASURE_WITHDRAWN, user=user, origin=origin)
        return True


def why_not_answer(request: ErasureRequest, actor: User) -> str:
    """Why `actor` may not answer it, as the sentence to show; "" where they may."""
    if request.state != ErasureState.PENDING:
        return f"这项申请{request.get_state_display()}，不能再答复。"
    if not actor.has_rank(Rank.SUPERVISOR) or actor.rank == Rank.AUDITOR:
        return "删除个人信息由主管答复。"
    if actor.same_person_as_id == request.user_id:
        return "不能答复自己的申请，请另一位主管答复。"
    return ""


@retried
def approve_erasure(
    *, request_id: int, actor: User, origin: Origin, now: datetime
) -> ErasureRequest:
    """Let the job erase it; RuleViolation when somebody else answered or something runs again."""
    with transaction.atomic():
        request = _answerable(request_id, actor)
        hindrance = obstacle(request.user, today=business_date(now))
        if hindrance is not None:
            raise RuleViolation(
                f"{hindrance.reason}，不能同意，请写明原因后退回。", code="erasure-obstacle"
            )
        request.state, request.decided_by, request.decided_at = ErasureState.APPROVED, actor, now
        request.save(update_fields=["state", "decided_by", "decided_at"])
        trail.record(SecurityKind.ERASURE_APPROVED, user=request.user, actor=actor, origin=origin)
        nudge("relief.tasks.erase_approved")
        return request


@retried
def refuse_erasure(
    *,
    request_id: int,
    reason: str,
    again_on: date | None,
    actor: User,
    origin: Origin,
    now: datetime,
) -> ErasureRequest:
    """Say no, with a reason and the day from which to ask again; told to the borrower."""
    words = " ".join(reason.split())
    if not REASON[0] <= len(words) <= REASON[1]:
        raise RuleViolation(f"原因：请填写 {REASON[0]} 到 {REASON[1]} 个字", field="reason")
    if again_on is not None and again_on <= business_date(now):
        raise RuleViolation("可再次申请日：请填写今天以后的日期", field="again_on")
    with transaction.atomic():
        request = _answerable(request_id, actor)
        _refuse(request, words, again_on, actor=actor, origin=origin, now=now)
        return request


def _answerable(request_id: int, actor: User) -> ErasureRequest:
    rows = ErasureRequest.objects.select_related("user").select_for_update(of=("self",))
    request = rows.get(pk=request_id)
    problem = why_not_answer(request, actor)
    if problem:
        error = NotYourTurn if request.state == ErasureState.PENDING else TermsChanged
        raise error(problem, code="erasure")
    return request


def _refuse(
    request: ErasureRequest,
    reason: str,
    again_on: date | None,
    *,
    actor: User | None,
    origin: Origin,
    now: datetime,
) -> None:
    request.state, request.reason, request.again_on = ErasureState.REFUSED, reason[:300], again_on
    request.decided_by, request.decided_at = actor or request.decided_by, now
    request.save(update_fields=["state", "reason", "again_on", "decided_by", "decided_at"])
    trail.record(SecurityKind.ERASURE_REFUSED, user=request.user, actor=actor, origin=origin)
    _tell("erasure_refused", request, now=now, reason=reason, again_on=again_on)


def own_up(*, now: datetime) -> int:
    """Tell managers and the borrower, once, of each request whose time to answer is over.

    Returns how many such requests there are; keys make the notices of one once.
    """
    rows = ErasureRequest.objects.filter(state=ErasureState.PENDING, due_at__lte=now)
    overdue = list(rows.select_related("user").order_by("pk")[:BATCH])
    for request in overdue:
        with transaction.atomic():
            _tell("erasure_delayed", request, now=now)
            for member in staff_from(Rank.MANAGER):
                if member.same_person_as_id != request.user_id:
                    _tell_staff(request, member, now=now, event="staff_erasure_late")
    return len(overdue)


def erase_approved(*, now: datetime) -> int:
    """Do what was approved and is not done yet; returns how many requests came to their end."""
    approved = ErasureRequest.objects.filter(state=ErasureState.APPROVED).order_by("pk")
    return sum(
        erase(request_id=pk, now=now) for pk in approved.values_list("pk", flat=True)[:BATCH]
    )


@retried
def erase(*, request_id: int, now: datetime) -> bool:
    """Erase what may go, all or nothing; False when there was nothing to do.

    What began to run since the approval (a new loan) makes it a refusal, with reason and date.
    """
    with transaction.atomic():
        rows = ErasureRequest.objects.filter(state=ErasureState.APPROVED, pk=request_id)
        request = rows.select_related("user").select_for_update(of=("self",)).first()
        if request is None:
            return False
        user = request.user
        hindrance = obstacle(user, today=business_date(now))
        if hindrance is not None:
            _refuse(
                request,
                hindrance.reason,
                hindrance.again_on,
                actor=None,
                origin=trail.SYSTEM,
                now=now,
            )
            return True
        request.erased = _erase_data(user, now=now)
        request.state, request.erased_at = ErasureState.DONE, now
        request.save(update_fields=["state", "erased_at", "erased"])
        trail.record(SecurityKind.ERASED, user=user, origin=trail.SYSTEM)
        _tell("erasure_done", request, now=now)
        if not Loan.objects.for_borrower(user).exists():
            _close_account(user)
    logger.info("erasure.done", extra={"erasure": request_id})
    return True


def _erase_data(user: User, *, now: datetime) -> dict[str, int]:
    """Everything of `keeping.GOES`; how many of each."""
    cases = list(Case.objects.for_borrower(user).for_lists())
    files = Evidence.objects.filter(case__borrower=user)
    count = {
        "files": retention.purge_at_once(files, now=now),
        "messages": Message.objects.filter(conversation__borrower=user)
        .exclude(text__in=["", ERASED_TEXT])
        .update(text=ERASED_TEXT),
        "consents": Consent.objects.for_user(user).active().update(withdrawn_at=now),
        "cases": len(cases),
    }
    files.update(original_name=ERASED_NAME, reason_text="", signatures=[])
    Consent.objects.for_user(user).update(given_from=None)
    Case.objects.for_borrower(user).update(
        statement="",
        income_before=None,
        monthly_income=None,
        monthly_spending=None,
        affordable_payment=None,
        ask_text="",
        appeal_text="",
    )
    SessionRecord.objects.of(user).exclude(ended_at=None).update(device=ERASED_NAME, address="")
    drafts.forget_all(user)
    _end_copies(user)
    for case in cases:
        record(case, AuditEvent.ERASED, Occasion(SYSTEM, now, note_public="应本人要求删除个人信息"))
    return count


def _end_copies(user: User) -> None:
    """Copies of the data that is gone go with it; one that is being made is not kept any more."""
    copies = DataExport.objects.for_user(user)
    for key in copies.exclude(stored_key="").values_list("stored_key", flat=True):
        transaction.on_commit(partial(private.delete, key))
    ended = (ExportState.FAILED, ExportState.ENDED)
    copies.exclude(state__in=ended).update(state=ExportState.ENDED, stored_key="", lease_until=None)


def _close_account(user: User) -> None:
    """Nobody is behind it any more: no name, no phone, no way in; the phone may register anew."""
    sessions.end_all(user=user, why="账户已注销", origin=trail.SYSTEM)
    user.passkeys.all().delete()
    user.name = CLOSED_NAME
    user.phone = user.username = f"x{new_public_id()[:10]}"
    user.is_active = False
    user.set_unusable_password()
    user.save(update_fields=["name", "phone", "username", "is_active", "password"])


def _tell(event: str, request: ErasureRequest, *, now: datetime, **context: object) -> None:
    notify(
        event=event,
        key=f"erasure:{request.public_id}:{event}",
        user=request.user,
        channels={"sms"},
        context={"due_at": request.due_at, **context},
        link=PAGE,
        category="system",
        mandatory=True,
        now=now,
    )


def _tell_staff(
    request: ErasureRequest, member: User, *, now: datetime, event: str = "staff_erasure"
) -> None:
    notify(
        event=event,
        key=f"erasure:{request.public_id}:{event}:{member.pk}",
        user=member,
        channels=(),
        context={"due_at": request.due_at},
        link=f"/admin/relief/erasurerequest/{request.pk}/change/",
        category="system",
        now=now,
    )
