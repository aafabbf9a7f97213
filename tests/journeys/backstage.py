"""Prepares where a journey begins, through the services, on the stack's own database.

Runs inside `manage.py shell` of the stack; `prepare` is what the tests call.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from portal.core.kernel.businesstime import add_months
from tests.journeys import steps
from tests.stack import Stack

if TYPE_CHECKING:
    from loans.models import Loan
    from portal.core.models import User
    from relief.cases.models import Case

NAME = "欧阳晓岚"
STATEMENT = "上月住院手术，休病假两个月，收入只剩基本工资，下月恢复上班。"
LADDER = ("loan", "submitted", "in_review", "negotiating", "offered", "in_plan")


@dataclass(frozen=True)
class Prepared:
    """A borrower nobody has met before, and how far they have come."""

    phone: str
    loan: str
    case: str = ""
    number: str = ""


def prepare(stack: Stack, upto: str, **more: object) -> Prepared:
    """`prepare(stack, "offered")`: a new borrower with an overdue loan and an offer to answer."""
    return _ask(stack, "ladder", phone=steps.new_phone(), upto=upto, **more)


def prepare_example(stack: Stack, drawdown: date, first_due: date) -> Prepared:
    """The loan L of loans/RULES.md, its first plan of §6, and five instalments paid in time."""
    days = {"drawdown": str(drawdown), "first_due": str(first_due)}
    return _ask(stack, "example", phone=steps.new_phone(), **days)


def prepare_long_overdue(stack: Stack, *, tolerance: str = "0.00") -> Prepared:
    """A loan as L, drawn seven months ago, of which nothing was paid and nothing was booked since."""
    return _ask(stack, "long_overdue", phone=steps.new_phone(), tolerance=tolerance)


def prepare_ended_plan(stack: Stack, end: str) -> Prepared:
    """L with 300.00 paid under early-<loan>, then a plan of three terms that is "broken" or "completed"."""
    return _ask(stack, "ended_plan", phone=steps.new_phone(), end=end)


def fill_queue(stack: Stack, count: int) -> None:
    """So many open cases of somebody else in the desk's queue."""
    line = f"from portal.core import clock; from tests.bench.backlog import open_cases; open_cases({count}, now=clock.now())"
    answer = stack.manage("shell", "-v", "0", "-c", line)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _ask(stack: Stack, what: str, **values: object) -> Prepared:
    line = f"from tests.journeys import backstage; backstage.{what}(**{values!r})"
    answer = stack.manage("shell", "-v", "0", "-c", line)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return Prepared(**json.loads(answer.stdout.strip().splitlines()[-1]))


# --- What the shell runs: Django is only there ------------------------------------------------------


def ladder(
    *, phone: str, upto: str, percent: int = 50, terms: int = 12, first_in: int = 20
) -> None:
    """A sample loan, then one rung after the other; everything happened within the last hour."""
    from django.db import transaction

    from portal.core import clock
    from portal.site.demo.sample import open_sample_loan

    now, height = clock.now(), LADDER.index(upto)
    with transaction.atomic():
        loan = open_sample_loan(borrower=_newcomer(phone), kind="overdue", now=now)
        case = _talk(loan, now, height, percent, terms, first_in) if height else None
    _tell(phone, loan, case)


def _talk(loan: Loan, now: datetime, height: int, percent: int, terms: int, first_in: int) -> Case:
    from portal.site.demo import acts

    def ago(minutes: int) -> datetime:
        return now - timedelta(minutes=minutes)

    agent = _staff("agent")
    case = _apply(loan, ago(50))
    if height >= LADDER.index("in_review"):
        acts.claim(case, agent, at=ago(45))
    if height >= LADDER.index("negotiating"):
        acts.pass_review(case, agent, at=ago(30), note="材料齐全。")
    if height >= LADDER.index("offered"):
        _offer(case, agent, ago(20), percent, terms, ago(0).date() + timedelta(days=first_in))
    if height >= LADDER.index("in_plan"):
        acts.accept(case, at=ago(1))
    case.refresh_from_db()
    return case


def example(*, phone: str, drawdown: str, first_due: str) -> None:
    """All 161.50 waived 29 days after the third date; 5 of 12 paid."""
    from django.db import transaction

    from portal.site.demo import acts

    lent = date.fromisoformat(drawdown)
    with transaction.atomic():
        loan = _lend(phone, lent)
        case = _agree(loan, lent, terms=12, first_due=date.fromisoformat(first_due))
        acts.keep_plan(case, 5)
    _tell(phone, loan, case)


def long_overdue(*, phone: str, tolerance: str) -> None:
    """Nothing happened since the drawdown."""
    from portal.core import clock

    loan = _lend(phone, add_months(clock.today().replace(day=10), -7), tolerance=Decimal(tolerance))
    _tell(phone, loan, None)


def ended_plan(*, phone: str, end: str) -> None:
    """Of a plan that broke, one instalment was paid; what came before the plan can still bounce."""
    from django.db import transaction

    from loans.services.payments.payment import pay
    from portal.core import clock
    from portal.site.demo import acts
    from portal.site.demo.timeline import moment
    from relief.plans import watch

    lent = add_months(clock.today().replace(day=10), -10)
    early = add_months(lent, 2)
    with transaction.atomic():
        loan = _lend(phone, lent)
        pay(
            loan_id=loan.pk,
            amount=Decimal("300.00"),
            paid_on=early,
            reference=f"early-{loan.public_id}",
            actor=loan.borrower,
            now=moment(early, "12:00"),
        )
        case = _agree(loan, lent, terms=3, first_due=add_months(lent, 5))
        acts.keep_plan(case, 3 if end == "completed" else 1)
        if end == "broken":
            confirmed = moment(add_months(lent, 6) + timedelta(days=20), "10:40")
            acts.let_time_pass(case, confirmed)
            boss, reason = _staff("supervisor"), "补救期已过，电话联系后仍未还款。"
            watch.breach(case=case, reason=reason, actor=boss, now=confirmed)
    _tell(phone, loan, case)


def _lend(phone: str, lent: date, **changes: Decimal) -> Loan:
    """6,000 at 0.03 %/day rounded DOWN, three instalments on the 10th."""
    from loans.domain.profile import Method, ProductProfile, RateKind
    from loans.services.origination import open_loan
    from portal.core.kernel.money import Rounding
    from portal.site.demo.timeline import moment

    product = ProductProfile(
        code="daily_003",
        name="示例（日利率 0.03%）",
        rate_kind=RateKind.DAILY,
        rate=Decimal("0.0003"),
        method=Method.EQUAL_INSTALMENT,
        round_instalment=Rounding.DOWN,
        round_interest=Rounding.DOWN,
        **changes,
    )
    return open_loan(
        borrower=_newcomer(phone),
        product=product,
        principal=Decimal("6000.00"),
        term_months=3,
        drawdown_on=lent,
        due_day=10,
        now=moment(lent, "10:00"),
    )


def _agree(loan: Loan, lent: date, *, terms: int, first_due: date) -> Case:
    """All penalty waived, 29 days after the third date."""
    from portal.site.demo import acts
    from portal.site.demo.timeline import moment

    agreed = add_months(lent, 3) + timedelta(days=29)
    supervisor = _staff("supervisor")
    case = _apply(loan, moment(agreed, "09:00"))
    acts.claim(case, supervisor, at=moment(agreed, "09:20"))
    acts.pass_review(case, supervisor, at=moment(agreed, "10:00"), note="情况属实。")
    _offer(case, supervisor, moment(agreed, "10:30"), 100, terms, first_due)
    acts.accept(case, at=moment(agreed, "15:00"))
    return case


def _newcomer(phone: str) -> User:
    from portal.core.models import User

    return User.objects.create_borrower(phone, NAME, steps.PASSWORD)


def _staff(account: str) -> User:
    from portal.core.models import User

    return User.objects.get(username=account)


def _apply(loan: Loan, at: datetime) -> Case:
    from portal.site.demo import acts, papers

    photo = papers.photo(f"收入证明{loan.pk}.jpg", "收入证明", (f"借款 {loan.number}（演示）",))
    return acts.apply(
        loan,
        reasons=("illness",),
        statement=STATEMENT,
        budget=("4600.00", "3100.00", "1500.00"),
        papers=[acts.DemoPaper("income", photo)],
        at=at,
    )


def _offer(
    case: Case, maker: User, at: datetime, percent: int, terms: int, first_due_on: date
) -> None:
    from portal.site.demo import acts

    note = "按你的情况减免罚息，并延长期数。"
    acts.offer(
        case, maker, at=at, percent=percent, terms=terms, first_due_on=first_due_on, note=note
    )


def _tell(phone: str, loan: Loan, case: Case | None) -> None:
    found = {"phone": phone, "loan": loan.public_id}
    if case is not None:
        found |= {"case": case.public_id, "number": case.number}
    sys.stdout.write(json.dumps(found) + "\n")
