"""Due dates as an iCalendar file: whole days, with a reminder three days before."""

from __future__ import annotations

from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from loans.models import Loan
from loans.presenters import wording
from loans.queries.types import Debt

REMIND = timedelta(days=3)


def due_dates(loan: Loan, debt: Debt, now: datetime) -> bytes:
    """One entry per unpaid instalment; the same instalment keeps its UID when amounts change."""
    calendar = Calendar()
    calendar.add("prodid", "-//kuanxi//due dates//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "借呗还款日")
    for row in debt.instalments:
        if row.total > 0 and row.due_on >= debt.as_of:
            event = Event()
            event.add("uid", f"{loan.public_id}-{row.id}@kuanxi")
            event.add("dtstamp", now)
            event.add("dtstart", row.due_on)
            event.add("dtend", row.due_on + timedelta(days=1))
            event.add("summary", f"借呗还款 第 {row.number} 期 {wording.yuan(row.total)} 元")
            event.add("description", "请在当天 24:00 前还款。以宽息页面上的金额为准。")
            event.add("transp", "TRANSPARENT")
            event.add_component(_alarm())
            calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _alarm() -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", "借呗三天后还款")
    alarm.add("trigger", -REMIND)
    return alarm
