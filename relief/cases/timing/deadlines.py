"""Deadlines as instants: working days by the calendar, calendar days by the date, at 18:00."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from portal.core.kernel.businesstime import business_date, in_shanghai, instant_at
from portal.core.kernel.roles import Rank
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import Promise

MORNING = time(9, 0)
DAY_END = time(23, 59, 59)


class DueKind(StrEnum):
    """What a stored deadline is about."""

    REVIEW_AMBER = "REVIEW_AMBER"
    REVIEW_DUE = "REVIEW_DUE"
    EVIDENCE_REMINDER = "EVIDENCE_REMINDER"
    EVIDENCE_DUE = "EVIDENCE_DUE"
    COMPOSE_DUE = "COMPOSE_DUE"
    APPROVAL_DUE = "APPROVAL_DUE"
    OFFER_REMINDER = "OFFER_REMINDER"
    OFFER_DUE = "OFFER_DUE"
    REPLY_DUE = "REPLY_DUE"
    APPEAL_DUE = "APPEAL_DUE"
    PLAN_CHECK = "PLAN_CHECK"
    CURE_DUE = "CURE_DUE"


DUE_LABELS: dict[DueKind, str] = {
    DueKind.REVIEW_AMBER: "审核目标时间",
    DueKind.REVIEW_DUE: "审核截止",
    DueKind.EVIDENCE_REMINDER: "补充材料提醒",
    DueKind.EVIDENCE_DUE: "补充材料截止",
    DueKind.COMPOSE_DUE: "拟定方案截止",
    DueKind.APPROVAL_DUE: "复核截止",
    DueKind.OFFER_REMINDER: "方案到期提醒",
    DueKind.OFFER_DUE: "方案有效期",
    DueKind.REPLY_DUE: "答复还款建议截止",
    DueKind.APPEAL_DUE: "申诉截止",
    DueKind.PLAN_CHECK: "新还款计划检查",
    DueKind.CURE_DUE: "补救期截止",
}


# Counted in working days: these depend on the calendar.
WORKDAY_KINDS = frozenset(
    {
        DueKind.REVIEW_AMBER,
        DueKind.REVIEW_DUE,
        DueKind.COMPOSE_DUE,
        DueKind.APPROVAL_DUE,
        DueKind.REPLY_DUE,
    }
)


# What staff promise the borrower, and what it is called. Whoever breaks one owns up to it each time.
PROMISED: dict[DueKind, str] = {
    DueKind.REVIEW_DUE: "审核结果",
    DueKind.COMPOSE_DUE: "协商方案",
    DueKind.APPROVAL_DUE: "协商方案",
    DueKind.REPLY_DUE: "还款建议的答复",
}


def escalated_to(times: int) -> Rank:
    """To whom a promise goes that was broken that many times: one rank further, then it stays.

    Once: a supervisor. Twice, three times: a manager (relief/RULES.md §4).
    """
    return Rank.SUPERVISOR if times < 2 else Rank.MANAGER


def reminder_note(due_on: str, moment: datetime) -> str:
    """Why a reminder was not sent: `due_on` names its deadline, which passed at `moment`.

    补充材料截止 12月4日 18:00 已过，过时的提醒没有发送。
    """
    return f"{due_on} {chinese(moment)} 已过，过时的提醒没有发送。"


@dataclass(frozen=True)
class DeadlineSet:
    """The deadline a side reads (`at`, `kind`) and the instants that are swept."""

    at: datetime
    kind: DueKind
    rows: tuple[tuple[DueKind, datetime], ...]


def workday_due(now: datetime, days: int, calendar: WorkCalendar, policy: ReliefPolicy) -> datetime:
    """18:00 on the `days`-th working day strictly after today (relief/RULES.md §4).

    Submitted 2026-02-13: first 2026-02-14 (a make-up Saturday), second 2026-02-24.
    """
    return instant_at(calendar.add_working_days(business_date(now), days), policy.deadline_time)


def calendar_due(now: datetime, days: int, policy: ReliefPolicy) -> datetime:
    """18:00 `days` calendar days after today; holidays do not move it."""
    return instant_at(business_date(now) + timedelta(days=days), policy.deadline_time)


def provisional_note(start: datetime, due_at: datetime, kind: str, calendar: WorkCalendar) -> str:
    """A warning for staff when a deadline in working days touches a day that may still change.

    Started 2026-12-31, due 2027-01-05: 期限按暂定日历计算（2027年1月1日起未公布）…; else nothing.
    """
    if kind not in WORKDAY_KINDS:
        return ""
    first, last = business_date(start), business_date(due_at)
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    unsure = next((day for day in days if calendar.is_provisional(day)), None)
    if unsure is None:
        return ""
    return f"期限按暂定日历计算（{chinese_day(unsure)}起未公布），公布后请核对。"


def workdays_left(stopped_at: datetime, due_at: datetime, calendar: WorkCalendar) -> int:
    """Working days of the review that are left when its clock stops; at least 1.

    Submitted 2026-02-12 (due 02-14), stopped 02-13: 1 is left; stopped after 02-14: still 1.
    """
    return max(1, calendar.working_days_between(business_date(stopped_at), business_date(due_at)))


def review_due(
    now: datetime, days: int, calendar: WorkCalendar, policy: ReliefPolicy
) -> tuple[datetime, datetime]:
    """(target, deadline) of a review with `days` working days to run, from `now`."""
    target_days = max(1, days - (policy.review_workdays - policy.review_target_workdays))
    return (
        workday_due(now, target_days, calendar, policy),
        workday_due(now, days, calendar, policy),
    )


def due_for(
    promise: Promise, now: datetime, calendar: WorkCalendar, policy: ReliefPolicy
) -> DeadlineSet | None:
    """What one promise started at `now` stores; REVIEW_REST, OFFER_REST, PLAN and CURE need facts
    of their own and are not answered here (None)."""
    days: dict[Promise, tuple[DueKind, int]] = {
        Promise.COMPOSE: (DueKind.COMPOSE_DUE, policy.compose_workdays),
        Promise.APPROVAL: (DueKind.APPROVAL_DUE, policy.approval_workdays),
        Promise.REPLY: (DueKind.REPLY_DUE, policy.reply_workdays),
    }
    if promise in days:
        kind, count = days[promise]
        instant = workday_due(now, count, calendar, policy)
        return DeadlineSet(instant, kind, ((kind, instant),))
    if promise == Promise.REVIEW:
        return review_rows(*review_due(now, policy.review_workdays, calendar, policy))
    if promise == Promise.EVIDENCE:
        return _with_reminder(
            now,
            calendar_due(now, policy.evidence_days, policy),
            (DueKind.EVIDENCE_DUE, DueKind.EVIDENCE_REMINDER),
            policy.evidence_reminder_days,
        )
    if promise == Promise.OFFER_VALID:
        return _with_reminder(
            now,
            calendar_due(now, policy.offer_valid_days, policy),
            (DueKind.OFFER_DUE, DueKind.OFFER_REMINDER),
            policy.offer_reminder_days,
        )
    if promise == Promise.APPEAL:
        return DeadlineSet(calendar_due(now, policy.appeal_days, policy), DueKind.APPEAL_DUE, ())
    return None


def review_rows(target_at: datetime, due_at: datetime) -> DeadlineSet:
    """The swept instants of a review: amber at the target, unless it is the deadline itself."""
    rows = [(DueKind.REVIEW_DUE, due_at)]
    if target_at < due_at:
        rows.insert(0, (DueKind.REVIEW_AMBER, target_at))
    return DeadlineSet(due_at, DueKind.REVIEW_DUE, tuple(rows))


def _with_reminder(
    now: datetime, due_at: datetime, kinds: tuple[DueKind, DueKind], days_before: int
) -> DeadlineSet:
    remind_at = due_at - timedelta(days=days_before)
    rows = [(kinds[0], due_at)]
    if remind_at > now:
        rows.insert(0, (kinds[1], remind_at))
    return DeadlineSet(due_at, kinds[0], tuple(rows))


def chinese(instant: datetime) -> str:
    """An instant as people read it: 11月25日 18:00."""
    local = in_shanghai(instant)
    return f"{local.month}月{local.day}日 {local:%H:%M}"


def chinese_day(day: date) -> str:
    """A date as people read it: 2026年11月25日."""
    return f"{day.year}年{day.month}月{day.day}日"
