"""A backlog for the sweeps: many due deadlines, or many queued notices, made in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.domain.products import PRODUCTS
from loans.models import Instalment, Loan, Schedule
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, User
from relief.cases.models import Case, Deadline, Policy
from relief.cases.reasons import REASONS
from relief.cases.urgency import WORKED_ON
from relief.cases.workflow import State
from tests.factories import overdue_loan, staff

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


def open_cases(count: int, *, now: datetime, with_books: int = 0) -> None:
    """`count` cases that staff work on: every state, reason and handler, due from 3 days ago on.

    The most urgent `with_books` of them have debts; nothing is booked on the loans of the others.
    """
    borrower = User.objects.filter(username="13700000001").first()
    borrower = borrower or User.objects.create_borrower("13700000001", "演示", None)
    policy, start = Policy.current(), Loan.objects.count()
    handlers = [staff(Rank.REVIEWER, f"bench-{number}") for number in range(8)]
    lived = [overdue_loan(borrower) for _ in range(with_books)]
    reasons, states = list(REASONS), [state for state in WORKED_ON if state != State.WARNED]
    for numbers in chunks(start, start + count):
        loans = [lived.pop() if lived else _loan(borrower, number) for number in numbers]
        _with_schedules([loan for loan in loans if loan.pk is None])
        Case.objects.bulk_create(
            _open_case(number - start, loan, policy, handlers, reasons, states, now)
            for number, loan in zip(numbers, loans, strict=True)
        )


def _with_schedules(loans: list[Loan]) -> None:
    Loan.objects.bulk_create(loans)
    schedules = Schedule.objects.bulk_create(
        Schedule(loan=loan, number=1, kind="original", opened_on=loan.drawdown_on, source="bench")
        for loan in loans
    )
    Instalment.objects.bulk_create(
        Instalment(
            schedule=schedule,
            number=1,
            start_on=schedule.opened_on,
            due_on=schedule.opened_on + timedelta(days=31),
            principal=schedule.loan.principal,
            interest=Decimal("10.00"),
        )
        for schedule in schedules
    )


def _open_case(
    number: int,
    loan: Loan,
    policy: Policy,
    handlers: list[User],
    reasons: list[str],
    states: list[str],
    now: datetime,
) -> Case:
    due_at = now + timedelta(minutes=number % 14400 - 4320)
    return Case(
        number=f"BENCH-OPEN-{loan.pk}",
        loan=loan,
        borrower=loan.borrower,
        policy=policy,
        assigned_to=handlers[number % 8] if number % 3 else None,
        state=State.IN_REVIEW if number < 40 else states[number % len(states)],
        reasons=[reasons[number % len(reasons)]],
        statement="九月住院手术，休病假两个月，收入只剩基本工资。" * 4,
        created_at=now - timedelta(days=3),
        submitted_at=now - timedelta(days=number % 9),
        review_target_at=due_at - timedelta(days=1),
        review_due_at=due_at,
        next_due_at=due_at,
    )
