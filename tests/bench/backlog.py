"""A backlog for the sweeps: many due deadlines, or many queued notices, made in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.domain.products import PRODUCTS
from loans.models import Loan
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, User
from relief.cases.models import Case, Deadline, Policy
from relief.cases.workflow import State

CHUNK = 2000
KINDS = ("REVIEW_AMBER", "EVIDENCE_REMINDER")


def people() -> tuple[User, User]:
    """A borrower and the reviewer in charge, made once."""
    who = User.objects.filter(username="13900000001").first()
    if who is None:
        User.objects.create_staff("bench", "员工", Rank.REVIEWER, None)
        who = User.objects.create_borrower("13900000001", "演示", None)
    return who, User.objects.get(username="bench")


def due_deadlines(count: int, *, due_at: datetime) -> None:
    """`count` cases in review or waiting for proof, each with one deadline that is due."""
    borrower, reviewer = people()
    start, policy = Case.objects.count(), Policy.current()
    for numbers in chunks(start, start + count):
        loans = Loan.objects.bulk_create(_loan(borrower, number) for number in numbers)
        cases = Case.objects.bulk_create(
            Case(
                number=f"BENCH-{number}",
                loan=loan,
                borrower=borrower,
                policy=policy,
                assigned_to=reviewer,
                state=State.NEED_MORE if number % 2 else State.IN_REVIEW,
                created_at=due_at,
                ask_text="近三个月流水",
                next_due_at=due_at + timedelta(days=2),
            )
            for number, loan in zip(numbers, loans, strict=True)
        )
        Deadline.objects.bulk_create(
            Deadline(case=case, kind=KINDS[number % 2], due_at=due_at)
            for number, case in zip(numbers, cases, strict=True)
        )


def _loan(borrower: User, number: int) -> Loan:
    opened = date(2026, 1, 5)
    return Loan(
        number=f"BENCH-{number}",
        borrower=borrower,
        product="daily_004",
        product_name="借呗",
        profile=PRODUCTS["daily_004"].to_dict(),
        principal=Decimal("6000.00"),
        drawdown_on=opened,
        term_months=12,
        due_day=5,
        booked_on=opened,
        created_at=datetime.fromisoformat("2026-01-05T10:00:00+08:00"),
    )


def queued_notices(count: int, *, due_at: datetime) -> None:
    """`count` notices with one SMS each that may go now."""
    borrower, _ = people()
    start = Notice.objects.count()
    for numbers in chunks(start, start + count):
        notices = Notice.objects.bulk_create(
            Notice(
                user=borrower,
                key=f"bench:{number}",
                event="bench",
                title="消息",
                code="ABC234",
                created_at=due_at,
            )
            for number in numbers
        )
        Delivery.objects.bulk_create(
            Delivery(
                user=borrower,
                notice=notice,
                channel="sms",
                event="bench",
                key=f"{notice.key}:sms",
                to="13900000001",
                text="【宽息】您有一条新消息，请登录查看。",
                next_attempt_at=due_at,
                created_at=due_at,
            )
            for notice in notices
        )


def chunks(start: int, stop: int) -> Iterator[range]:
    for first in range(start, stop, CHUNK):
        yield range(first, min(first + CHUNK, stop))
