"""A settlement that was taken back: what ended because everything was paid goes on."""

from __future__ import annotations

from datetime import datetime

from loans.models import Loan
from relief.cases.application import as_draft
from relief.cases.gate import SYSTEM
from relief.cases.models import Case
from relief.cases.moves import Occasion, move
from relief.cases.workflow import PAID_OFF, Action, State
from relief.evidence import retention
from relief.plans import watch as plan_watch
from relief.plans.clock import plan_due

WHY = "有一笔还款已冲正，借款尚未还清。"


def take_back_settlement(loan: Loan, now: datetime) -> None:
    """Each case that the paid-off debt ended goes back to where it stood; inside a transaction.

    A completed plan is watched again (and warned of at once where its date is long past), a
    broken one is broken again, an application is a draft again with its files kept.
    """
    paid_off = Case.objects.select_for_update(of=("self",)).for_lists().filter(loan=loan)
    for case in paid_off.filter(state__in=sorted(PAID_OFF)).order_by("pk"):
        if case.state == State.COMPLETED:
            _resume_plan(case, now)
        elif _was_broken(case):
            move(case, Action.UNSETTLE, Occasion(SYSTEM, now, note_public=WHY))
        else:
            _back_to_draft(case, now)


def _resume_plan(case: Case, now: datetime) -> None:
    resumed = move(
        case,
        Action.REOPEN,
        Occasion(SYSTEM, now, note_public=f"{WHY}新还款计划恢复执行，减免不变。"),
        due=plan_due(case, now),
        changes={"closed_at": None},
    )
    plan_watch.resume(plan_watch.in_force(resumed))
    retention.take_off_dates(case=resumed)
    plan_watch.watch_plan(case=resumed, now=now)


def _back_to_draft(case: Case, now: datetime) -> None:
    drafted = move(case, Action.REOPEN, Occasion(SYSTEM, now, note_public=WHY), changes=as_draft())
    retention.take_off_dates(case=drafted)


def _was_broken(case: Case) -> bool:
    """Did the debt of a broken plan end it, rather than an application's?"""
    last = case.events.filter(action=Action.SETTLE.value).order_by("-pk").first()
    return last is not None and last.from_state == State.BREACHED
