"""How urgent a case is for staff: the rule for one case, and the same rule in SQL for lists and counts.

The rule is urgency_of. `ranking` says it to the database, with the ends of working days worked out
once, so that a list of any length is ordered and counted there; a property test holds it to the rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case as Choose
from django.db.models import DateTimeField, F, IntegerField, Q, Sum, Value, When

from loans.models import RECEIVABLES, Instalment
from loans.queries.stage import LoanStage
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.models import Case, CaseQuerySet
from relief.cases.queries import loan_stages
from relief.cases.workflow import IN_TALKS, State

DAY = timedelta(days=1)
MOST_URGENT_FIRST = (
    F("urgency").asc(),
    F("staff_due_at").asc(nulls_last=True),
    F("pk").asc(),
)  # of cases that ranking has looked at


class Sla(StrEnum):
    """How urgent a case is, the most urgent first."""

    LATE = "late"
    TODAY = "today"
    NEXT_DAY = "next_day"
    LATER = "later"
    PAUSED = "paused"


SLA_LABELS = {
    Sla.LATE: "已超时",
    Sla.TODAY: "今日到期",
    Sla.NEXT_DAY: "1 个工作日内",
    Sla.LATER: "时间充足",
    Sla.PAUSED: "等待借款人",
}
ORDER = list(Sla)
WORKED_ON = sorted(IN_TALKS | {State.WARNED})  # what the rule is about, and the queue shows
IN_REVIEW = [State.SUBMITTED, State.IN_REVIEW]
WAITING_FOR_BORROWER = [State.NEED_MORE, State.OFFERED]


# --- One case ------------------------------------------------------------------------------------


def due_of(case: Case) -> datetime | None:
    """What staff are measured by: the review's first promise, or the next deadline after it."""
    return case.review_due_at if case.state in IN_REVIEW else case.next_due_at


def urgency_of(
    case: Case, now: datetime, calendar: WorkCalendar, stage: LoanStage | None = None
) -> Sla:
    """late: past the promise; today; next_day: past the target, or due within a working day.

    A warned plan waits for the borrower until staff may end it: it is late once its time to cure
    is over, and today's work when it may end before that. On Friday 2026-03-06, what is due on
    Monday is next_day; the day after, later.
    """
    due = due_of(case)
    if case.state == State.WARNED:
        if due is not None and due <= now:
            return Sla.LATE
        return Sla.TODAY if stage is not None and stage.is_ending else Sla.PAUSED
    if case.state in WAITING_FOR_BORROWER:
        return Sla.PAUSED
    if due is None:
        return Sla.LATER
    if due <= now or case.escalated_at is not None:
        return Sla.LATE
    today, due_on = business_date(now), business_date(due)
    if due_on == today:
        return Sla.TODAY
    is_amber = case.review_target_at is not None and case.review_target_at <= now
    if is_amber or due - now <= DAY or calendar.working_days_between(today, due_on) <= 1:
        return Sla.NEXT_DAY
    return Sla.LATER


# --- Any number of cases -------------------------------------------------------------------------


def ranking(now: datetime, calendar: WorkCalendar) -> Callable[[CaseQuerySet], CaseQuerySet]:
    """What gives cases their `urgency` (the place in ORDER) and `staff_due_at`, in SQL.

    What nobody works on is put behind all. Everything that depends on the calendar is worked out
    here, once; it takes one query, and four more while a warned plan may end before its time is over.
    """
    today = business_date(now)
    rules: list[tuple[Q, Sla]] = [
        (Q(state=State.WARNED, next_due_at__lte=now), Sla.LATE),
        (Q(state=State.WARNED, pk__in=_ending_early(now)), Sla.TODAY),
        (Q(state__in=[State.WARNED, *WAITING_FOR_BORROWER]), Sla.PAUSED),
        (Q(staff_due_at=None), Sla.LATER),
        (Q(staff_due_at__lte=now) | Q(escalated_at__isnull=False), Sla.LATE),
        (Q(staff_due_at__lt=instant_at(today + DAY)), Sla.TODAY),
        (Q(review_target_at__lte=now) | Q(staff_due_at__lte=now + DAY), Sla.NEXT_DAY),
        (Q(staff_due_at__lt=instant_at(calendar.add_working_days(today, 2))), Sla.NEXT_DAY),
    ]
    staff_due_at = Choose(
        When(state__in=IN_REVIEW, then=F("review_due_at")),
        default=F("next_due_at"),
        output_field=DateTimeField(),
    )
    urgency = Choose(
        When(~Q(state__in=WORKED_ON), then=Value(len(ORDER))),
        *(When(condition, then=Value(ORDER.index(sla))) for condition, sla in rules),
        default=Value(ORDER.index(Sla.LATER)),
        output_field=IntegerField(),
    )
    return lambda cases: cases.annotate(staff_due_at=staff_due_at).annotate(urgency=urgency)


def _ending_early(now: datetime) -> list[int]:
    """Ids of warned cases that staff may end though their time to cure runs (two missed in a row).

    The books, which alone know it, are opened only for loans with two late instalments that owe.
    """
    warned = Case.objects.filter(state=State.WARNED, next_due_at__gt=now)
    owed = Sum("postings__amount", filter=Q(postings__account__in=RECEIVABLES))
    late_rows = (
        Instalment.objects.filter(
            schedule__loan__in=warned.values("loan"), due_on__lt=business_date(now)
        )
        .order_by()
        .annotate(owed=owed)
        .filter(owed__gt=0)
        .values_list("schedule__loan", flat=True)
    )
    loans = [loan for loan, late in Counter(late_rows).items() if late > 1]
    if not loans:
        return []
    candidates = warned.filter(loan__in=loans).select_related("loan")
    stages = loan_stages(list(candidates), business_date(now))
    return [pk for pk, stage in stages.items() if stage.is_ending]
