"""Whom the rig works with: borrowers who owe, staff who answer, all through the services."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

from PIL import Image

from loans.models import Loan
from loans.services.origination import open_loan
from portal.core import clock
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.workflow import State
from tests import factories

BORROWERS, STAFF = 6, 2
PHONES = [f"1390000{number:04d}" for number in range(BORROWERS)]
OFFERED, UNTOUCHED = 2, 2  # loans of each borrower at the start


def morning(after: datetime) -> datetime:
    """09:00 in Shanghai, later than `after`: messages may go out, and the day is long."""
    start = instant_at(business_date(after)) + timedelta(hours=9)
    return start if start > after else start + timedelta(days=1)


def settle_in() -> None:
    """Make everybody, with an offer to answer and loans to apply for."""
    clock.advance_to(morning(clock.real_now()))
    for number in range(STAFF):
        User.objects.create_staff(
            f"chaos{number}", f"员工{number}", Rank.REVIEWER, factories.PASSWORD
        )
    for phone in PHONES:
        person = User.objects.create_borrower(phone, "演示借款人", factories.PASSWORD)
        for _ in range(UNTOUCHED):
            lend(person)
        for _ in range(OFFERED):
            offered = factories.case_at(State.OFFERED, loan=lend(person), now=clock.now())
            offered.refresh_from_db()


def lend(person: User) -> Loan:
    """6,000 drawn four months ago, nothing paid: three instalments are overdue."""
    now = clock.now()
    opened = now - timedelta(days=125)
    day = min(business_date(opened).day, 28)
    return open_loan(
        borrower=person,
        product="daily_004",
        principal=Decimal("6000.00"),
        term_months=12,
        drawdown_on=business_date(opened),
        due_day=day,
        now=opened,
    )


def a_borrower() -> User:
    """The one with the fewest loans: nobody's pages grow without end."""
    borrowers = User.objects.filter(phone__in=PHONES)
    return min(borrowers, key=lambda person: person.loans.count())


def loans_to_apply_for() -> None:
    for _ in range(2):
        lend(a_borrower())


def picture(seed: str) -> bytes:
    """A small photograph that nobody else has."""
    noise = (seed * 3000)[:3072].encode()
    out = BytesIO()
    Image.frombytes("RGB", (32, 32), noise).resize((320, 320)).save(out, "JPEG")
    return out.getvalue()
