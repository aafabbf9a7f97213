"""What must hold of one loan's books after every step, whatever happened before."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Sum

from loans.models import Account, Loan, Payment, Posting, Schedule
from loans.models.ledger import RECEIVABLES
from loans.queries.debt import debt_of
from loans.queries.position import Position, load_position
from loans.services.payments.splitting import split_payment
from portal.core.kernel.money import ZERO
from tests.loans.domain.ceiling import ceiling

DAY = timedelta(days=1)
WAIVED = ("penalty", "interest", "compound", "fee")
AMOUNTS = ("principal", "interest", "penalty", "compound", "fee", "kept_interest", "kept_penalty")


def check_all(loan: Loan, today: date) -> Position:
    """Every invariant of one loan on one read of its books; returns what was read."""
    position = load_position(loan)
    nothing_is_negative(position, today)
    money_is_conserved(position)
    days_add_up(position, today)
    ceiling_holds(position, today)
    payoff_splits_whole(position, today)
    acts_say_what_they_did(position)
    return position


def nothing_is_negative(position: Position, today: date) -> None:
    """No part of any instalment, and nothing shrinks by waiting."""
    owed = debt_of(position, today)
    for row in owed.instalments:
        for name in AMOUNTS:
            assert getattr(row, name) >= ZERO, (row.number, name)
    assert debt_of(position, today + DAY).payoff >= owed.payoff


def money_is_conserved(position: Position) -> None:
    """Lent + charged = received + waived + still owed; cash = payments in force − principal."""
    loan = position.loan
    sums: dict[str, Decimal] = dict(
        Posting.objects.filter(entry__loan=loan)
        .order_by()
        .values("account")
        .annotate(total=Sum("amount"))
        .values_list("account", "total")
    )
    assert sum(sums.values(), ZERO) == ZERO
    received = Payment.objects.filter(loan=loan, reversed_by=None).aggregate(x=Sum("amount"))
    refunds = Posting.objects.filter(
        entry__loan=loan, account=Account.CASH, entry__kind__in=["refund", "refund_back"]
    )
    given_back = -(refunds.aggregate(x=Sum("amount"))["x"] or ZERO)
    assert sums[Account.CASH] == (received["x"] or ZERO) - given_back - loan.principal
    assert position.credit == -sums.get(Account.CREDIT.value, ZERO) >= ZERO
    charged = -sum((sums.get(name, ZERO) for name in sums if name.endswith("_income")), ZERO)
    owed = sum((sums.get(account.value, ZERO) for account in RECEIVABLES), ZERO)
    waived = sums.get(Account.WAIVER.value, ZERO) + sums.get(Account.TOLERANCE.value, ZERO)
    kept = (received["x"] or ZERO) - given_back - position.credit
    assert loan.principal + charged == kept + waived + owed


def days_add_up(position: Position, today: date) -> None:
    """What each of five more days is said to cost adds up to the growth of the total."""
    told = ZERO
    first = story = position.explanation(today)[0]
    for n in range(1, 6):
        told += story.per_day
        story = position.explanation(today + n * DAY)[0]
    before, after = (one.total + one.compound + one.fee for one in (first, story))
    assert after - before == told
    for line in story.instalments:
        assert line.total == line.ordinary_part + line.surcharge_part


def ceiling_holds(position: Position, today: date) -> None:
    """Rounded penalty + compound + fee never pass the ceiling over the loan, not by a part of a fen."""
    cap = position.profile.cap_daily_rate
    story = position.explanation(today)[0]
    segments = [segment for line in story.instalments for segment in line.segments]
    if cap is None or not segments:
        return
    assert all(segment.rate <= cap for segment in segments)
    begin = min(segment.from_on for segment in segments)
    end = max(segment.to_on for segment in segments)
    most = ceiling(position.profile, position.facts(today)[1], begin, end)
    assert Fraction(story.total + story.compound + story.fee) <= most


def payoff_splits_whole(position: Position, today: date) -> None:
    """Splitting a payment of the whole pay-off takes exactly what is owed of every part."""
    owed = debt_of(position, today)
    if position.loan.is_settled or owed.payoff == ZERO:
        return
    split = split_payment(position, owed.payoff, today)
    assert sum((line.amount for line in split.allocation.lines), ZERO) == owed.payoff


def acts_say_what_they_did(position: Position) -> None:
    """The loan's date of acceleration, and what each breach in force kept and brought back."""
    plan: Schedule | None = None
    due_early: date | None = None
    for schedule in position.schedules_on():
        plan = schedule if schedule.is_plan else plan
        if schedule.kind == Schedule.Kind.ACCELERATED:
            due_early = schedule.opened_on
        elif schedule.kind == Schedule.Kind.BREACHED:
            assert plan is not None
            vested_in_proportion(position, plan, schedule)
    assert position.loan.accelerated_on == due_early


def vested_in_proportion(position: Position, plan: Schedule, breached: Schedule) -> None:
    """vested = DOWN(waived × principal paid / planned); the rest came back."""
    terms, told = plan.terms or {}, breached.terms or {}
    waived = sum((Decimal(terms[f"waive_{part}"]) for part in WAIVED), ZERO)
    planned = Decimal(terms["principal"])
    left = sum((i.principal for i in position.instalments if i.schedule_id == breached.pk), ZERO)
    kept = Fraction(waived) * Fraction(planned - left) / Fraction(planned)
    vested = Decimal(kept * 100 // 1) / 100
    assert (Decimal(told["vested"]), Decimal(told["returned"])) == (vested, waived - vested)
