"""What comes too late: a promise of ours that was broken, and a reminder whose moment has passed."""

from __future__ import annotations

from datetime import datetime

from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import RANK_LABELS
from relief.cases import notices
from relief.cases.gate import SYSTEM
from relief.cases.models import Case, Deadline
from relief.cases.moves import Occasion, locked, record
from relief.cases.timing import deadlines
from relief.cases.timing.batch import Batch, Value
from relief.cases.timing.deadlines import DueKind


def locked_at(case: Case, now: datetime) -> Case:
    """The case under its lock; a promise that has run out is admitted first.

    The sweep does that within seconds. Where it was off, whoever acts late does it first: the
    borrower hears of the broken promise, and its delay is waived, all the same.
    """
    fresh = locked(case)
    due_at = fresh.next_due_at
    if due_at is None or due_at > now or fresh.next_due_kind not in deadlines.PROMISED:
        return fresh
    row = fresh.deadlines.due(now).filter(kind=fresh.next_due_kind).first()
    if row is None or not Deadline.objects.waiting().filter(pk=row.pk).update(handled_at=now):
        return fresh
    row.case = fresh
    batch = Batch(now)
    break_promise(row, batch)
    batch.write()
    return locked(case)


def admit_unanswered(case: Case, now: datetime) -> None:
    """Before a locked case ends without an answer of ours: a promise run out leaves its line.

    The sweep had not come, or had not yet. No new promise is given and nobody is told besides:
    the end of the case is what is told.
    """
    due_at = case.next_due_at
    if due_at is None or due_at > now or case.next_due_kind not in deadlines.PROMISED:
        return
    kind = DueKind(case.next_due_kind)
    record(
        case,
        _event_of(kind),
        Occasion(
            SYSTEM,
            now,
            note_public=f"承诺 {deadlines.chinese(due_at)} 前给出{_name(case, kind)}，没有做到；"
            "申请结束时还没有答复。",
            data={"promised": due_at.isoformat(), "times": case.missed_promises + 1},
        ),
        notify=False,
    )


def _event_of(kind: DueKind) -> notices.AuditEvent:
    is_review = kind == DueKind.REVIEW_DUE
    return notices.AuditEvent.REVIEW_MISSED if is_review else notices.AuditEvent.PROMISE_MISSED


def break_promise(row: Deadline, batch: Batch) -> None:
    """Apology, a new promise, one rank further, and a line in the trail; each time (relief/RULES.md §4).

    A review promised for 03-04 18:00: promised anew for 03-05 18:00 with a supervisor, missed
    again for 03-06 18:00 with a manager, where it stays. A house without one tells the highest
    rank it has, and the line says so. If nobody looked until 03-09 it is
    one broken promise, because nothing was promised in between. The delay of a review is waived
    (relief/RULES.md §4).
    """
    case, now, kind = row.case, batch.now, DueKind(row.kind)
    is_review = kind == DueKind.REVIEW_DUE
    times = case.missed_promises + 1
    renewed = deadlines.workday_due(now, 1, batch.calendar, case.policy.rules)
    batch.set_deadline(case, kind, renewed)
    batch.change(
        case,
        next_due_at=renewed,
        escalated_at=case.escalated_at or now,
        missed_promises=times,
        **(_delay(case) if is_review else {}),
    )
    rank = batch.nearest_rank(deadlines.escalated_to(times), case)
    promised, missed = deadlines.chinese(row.due_at), _name(case, kind)
    repeated, handler = "再次" if times > 1 else "", RANK_LABELS[rank]
    record(
        case,
        _event_of(kind),
        Occasion(
            SYSTEM,
            now,
            note_public=f"承诺 {promised} 前给出{missed}，{repeated}没有做到；已升级{handler}，"
            f"新的承诺是 {deadlines.chinese(renewed)} 前。",
            data={
                "promised": row.due_at.isoformat(),
                "renewed": renewed.isoformat(),
                "times": times,
                "rank": rank.value,
            },
            context={
                "missed": missed,
                "promised": promised,
                "due": deadlines.chinese(renewed),
                "again": repeated,
                "handler": handler,
                "needs_rank": rank,
            },
        ),
    )


def _name(case: Case, kind: DueKind) -> str:
    if kind == DueKind.REVIEW_DUE and case.appealed_at is not None:
        return "申诉结果"
    return deadlines.PROMISED[kind]


def _delay(case: Case) -> dict[str, Value]:
    """Our delay: from the day of the review's first promise, open until staff answer."""
    if case.review_due_at is None:
        return {}
    missed_on = business_date(case.review_due_at)
    return {"delay_from": case.delay_from or missed_on, "delay_to": None}


def skip_reminder(case: Case, reminder: notices.AuditEvent, why: str, *, now: datetime) -> None:
    """A line in the trail instead of a reminder: what was not sent, and why."""
    record(
        case,
        notices.AuditEvent.REMINDER_SKIPPED,
        Occasion(
            SYSTEM,
            now,
            note_public=f"{notices.AUDIT_EVENT_LABELS[reminder]}：{why}",
            data={"reminder": reminder.value},
        ),
    )
