"""Due dates as an iCalendar file: whole days, so that no clock's zone moves them, and a reminder.

A calendar that takes the file again changes the entries it has: an instalment keeps its UID for
ever, SEQUENCE rises with every change of the loan's books, and one that is paid or that another
plan has replaced is CANCELLED (RFC 5545 §3.8.1.11).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from loans.models import Instalment, Loan
from loans.presenters import wording
from loans.queries.types import Debt

REMIND = timedelta(hours=15)  # before the due day begins: 09:00 of the day before


def due_dates(loan: Loan, debt: Debt, dropped: Iterable[Instalment], now: datetime) -> bytes:
    """One entry per instalment from today on: what is still to pay, and what is off the calendar."""
    calendar = Calendar()
    calendar.add("prodid", "-//kuanxi//due dates//ZH")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "借呗还款日")
    for row in debt.instalments:
        if row.due_on < debt.as_of:
            continue
        event = _entry(loan, row.id, row.due_on, now)
        if row.total > 0:
            event.add("status", "CONFIRMED")
            event.add("summary", f"借呗还款 第 {row.number} 期 {wording.yuan(row.total)} 元")
            event.add("description", "请在当天 24:00 前还款。以宽息页面上的金额为准。")
            event.add_component(_alarm(row.number))
        else:
            _cancel(event, f"借呗还款 第 {row.number} 期（已还清）")
        calendar.add_component(event)
    for instalment in dropped:
        event = _entry(loan, instalment.pk, instalment.due_on, now)
        _cancel(event, f"借呗还款 第 {instalment.number} 期（还款计划已变更）")
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _entry(loan: Loan, instalment_id: int, due_on: date, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{loan.public_id}-{instalment_id}@kuanxi")
    event.add("sequence", loan.version)
    event.add("dtstamp", now)
    event.add("dtstart", due_on)
    event.add("dtend", due_on + timedelta(days=1))
    event.add("class", "PRIVATE")  # a calendar is often shared
    event.add("transp", "TRANSPARENT")
    return event


def _cancel(event: Event, summary: str) -> None:
    event.add("status", "CANCELLED")
    event.add("summary", summary)


def _alarm(number: int) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"明天是借呗第 {number} 期还款日")
    alarm.add("trigger", -REMIND)
    return alarm
