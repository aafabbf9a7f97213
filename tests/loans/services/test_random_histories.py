"""Random lives of a loan: pay, reverse, back-date, relieve, revoke, break; the books stay right."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from loans.domain.profile import Method, PenaltyBase, ProductProfile, RateKind
from loans.domain.restructure import ReliefTerms
from loans.models import Loan, Payment, Schedule
from loans.queries.debt import load_debt
from loans.queries.position import load_position
from loans.services.acceleration import accelerate
from loans.services.origination import open_loan
from loans.services.payments.payment import pay, preview_payment, reverse_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import apply_relief, preview_relief, revoke_relief
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO
from tests.loans.books import EXAMPLE, D, assert_clean, at, make_borrower
from tests.loans.domain.support import PLAN_RULES

pytestmark = pytest.mark.django_db
# RANDOM_HISTORIES=10000 for the long run of the README
COUNT = int(os.environ.get("RANDOM_HISTORIES", "60"))
START = int(os.environ.get("RANDOM_SEED", "1"))
STEPS = 25
YEARLY = replace(
    EXAMPLE, code="yearly", rate_kind=RateKind.ANNUAL, rate=D("0.144"), method=Method.INTEREST_ONLY
)
PROFILES: tuple[ProductProfile, ...] = (
    EXAMPLE,
    replace(EXAMPLE, code="capped", rate=D("0.0005")),
    YEARLY,
    replace(EXAMPLE, code="compound", compound_on_interest=True),
    replace(EXAMPLE, code="grace", grace_days=3, as_of_inclusive=True),
    replace(EXAMPLE, code="wide", penalty_base=PenaltyBase.DUE_PRINCIPAL_AND_INTEREST),
    replace(EXAMPLE, code="all", penalty_base=PenaltyBase.ALL_OUTSTANDING),
)


class Life:
    """One loan and the random things that happen to it; refusals are answers too."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.today = date(2023, self.dice.randint(1, 12), self.dice.randint(1, 28))
        self.serial = 0
        self.key = ""
        self.loan = open_loan(
            borrower=make_borrower(f"139{seed:08d}"),
            product=self.dice.choice(PROFILES),
            principal=D(self.dice.randint(100_00, 20_000_00)) / 100,
            term_months=self.dice.choice([1, 3, 6, 12]),
            drawdown_on=self.today,
            due_day=self.dice.randint(1, 31),
            now=at(self.today),
        )

    def step(self) -> str:
        self.today += timedelta(days=self.dice.choice([0, 0, 1, 3, 15, 31, 95]))
        act: Callable[[], None] = self.dice.choice(
            [
                *[self.pay] * 3,
                self.pay_due,
                self.pay_off,
                self.back_date,
                self.reverse,
                self.relieve,
                self.revoke,
                self.breach,
                self.accelerate,
            ]
        )
        try:
            with transaction.atomic():
                act()
        except RuleViolation as refused:
            return f"{self.today} {act.__name__}: {refused.message}"
        return f"{self.today} {act.__name__}"

    def _pay(self, amount: Decimal, on: date) -> None:
        self.serial += 1
        pay(
            loan_id=self.loan.pk,
            amount=amount,
            paid_on=on,
            reference=f"{self.loan.pk}-{self.serial}",
            actor=None,
            now=at(self.today),
        )

    def pay(self) -> None:
        before = load_debt(self.fresh(), self.today)
        amount = D(self.dice.randint(1, 150_000)) / 100
        shown = preview_payment(loan=self.fresh(), amount=amount, on=self.today)
        self._pay(amount, self.today)
        after = load_debt(self.fresh(), self.today)
        assert after.payoff == before.payoff - amount == shown.remaining

    def pay_due(self) -> None:
        self._pay(load_debt(self.fresh(), self.today).due_now, self.today)

    def pay_off(self) -> None:
        if self.dice.random() < 0.3:
            self._pay(load_debt(self.fresh(), self.today).payoff, self.today)
            assert self.fresh().is_settled

    def back_date(self) -> None:
        back = self.today - timedelta(days=self.dice.randint(1, 40))
        self._pay(D(self.dice.randint(1, 50_000)) / 100, back)

    def reverse(self) -> None:
        done = list(Payment.objects.filter(loan=self.loan))
        if done:
            reverse_payment(
                payment_id=self.dice.choice(done).pk,
                reason="退票",
                actor=None,
                now=at(self.today),
            )

    def relieve(self) -> None:
        figures_as_of = self.today - timedelta(days=self.dice.choice([0, 0, 4]))
        figures = load_debt(self.fresh(), figures_as_of).figures
        share = D(self.dice.randint(0, 100)) / 100
        terms = ReliefTerms(
            figures_as_of=figures_as_of,
            waive_penalty=(figures.penalty * share).quantize(D("0.01"), "ROUND_DOWN"),
            waive_interest=(figures.interest * share / 2).quantize(D("0.01"), "ROUND_DOWN"),
            term_count=self.dice.choice([1, 2, 5, 12]),
            first_due_on=self.today + timedelta(days=self.dice.randint(1, 60)),
            plan_annual_rate=self.dice.choice([D("0"), D("0"), D("0.05")]),
        )
        shown = preview_relief(loan=self.fresh(), terms=terms, on=self.today)
        self.serial += 1
        key = f"relief:{self.loan.pk}:{self.serial}"
        for _ in range(2):
            apply_relief(
                loan_id=self.loan.pk,
                terms=terms,
                rules=PLAN_RULES,
                on=self.today,
                key=key,
                actor=None,
                now=at(self.today),
            )
        self.key = key
        after = load_debt(
            self.fresh(), figures_as_of if figures_as_of == self.today else self.today
        )
        assert shown.total + shown.waived == figures.total + shown.plan_interest
        assert after.principal + after.kept_interest + after.kept_penalty == (
            shown.total - shown.plan_interest
        )

    def revoke(self) -> None:
        revoke_relief(
            loan_id=self.loan.pk, key=self.key, reason="错", actor=None, now=at(self.today)
        )

    def breach(self) -> None:
        self.serial += 1
        before = load_debt(self.fresh(), self.today)
        schedule = reinstate(
            loan_id=self.loan.pk,
            on=self.today,
            key=f"breach:{self.loan.pk}:{self.serial}",
            actor=None,
            reason="未还",
            now=at(self.today),
        )
        returned = D((schedule.terms or {})["returned"])
        assert load_debt(self.fresh(), self.today).payoff == before.payoff + returned

    def accelerate(self) -> None:
        if self.dice.random() < 0.2:
            before = load_debt(self.fresh(), self.today)
            accelerate(
                loan_id=self.loan.pk, on=self.today, reason="x", actor=None, now=at(self.today)
            )
            assert load_debt(self.fresh(), self.today).payoff == before.payoff

    def fresh(self) -> Loan:
        return Loan.objects.get(pk=self.loan.pk)

    def check(self) -> None:
        """Conserved to the fen; nothing negative; what is owed never shrinks by waiting a day."""
        loan = self.fresh()
        owed = load_debt(loan, self.today)
        for row in owed.instalments:
            for name in ("principal", "interest", "penalty", "compound", "kept_interest"):
                assert getattr(row, name) >= ZERO, (row.number, name)
        assert load_debt(loan, self.today + timedelta(days=1)).payoff >= owed.payoff
        position = load_position(loan)
        assert sum(1 for s in position.schedules if s.is_live) == 1
        assert position.current() == Schedule.objects.get(loan=loan, superseded_on=None)


@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_random_history(seed: int) -> None:
    life, told = Life(seed), []

    for _ in range(STEPS):
        told.append(life.step())
        life.check()

    assert_clean()
