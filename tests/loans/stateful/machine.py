"""The state machine: every act the books know, in any order, with every invariant after each.

Each example runs inside one transaction that is rolled back, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from django.db import transaction
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loans.domain.profile import ProductProfile
from loans.domain.restructure import ReliefTerms
from loans.domain.schedule import PlanPeriod
from loans.models import Loan, Payment, Posting
from loans.proofs import violations
from loans.queries.carrying import is_non_accruing
from loans.queries.debt import debt_of, load_debt
from loans.queries.position import Position, load_position
from loans.services.acceleration import accelerate
from loans.services.acts import credit
from loans.services.acts.adjustment import adjust
from loans.services.acts.write_off import put_off_balance, write_off
from loans.services.booking import open_books
from loans.services.origination import open_loan
from loans.services.payments.payment import pay, reverse_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import apply_relief, revoke_relief
from loans.services.timeline import BookedAct, steps_of
from portal.core.errors import RuleViolation
from portal.core.models import User
from tests.loans.books import D, at
from tests.loans.domain.support import PLAN_RULES
from tests.loans.rebuild import figures, rebuilt
from tests.loans.stateful.invariants import check_all
from tests.loans.stateful.profiles import FEN_AMOUNTS, PERCENT, profiles

LATE_REFUSALS = frozenset(
    {"OVER_PAYOFF", "PLAN_PAID"}
)  # its own amount; a plan paid before its breach


class LoanMachine(RuleBasedStateMachine):
    """pay · waive · plan · breach · back-date · reverse · advance · accelerate · replay · overpay ·
    refund · write off · non-accrual · adjust.

    Back-dating and reversing cross breaches and accelerations (``correct_across``)."""

    borrower: User
    books: Position  # as the last check read them: rules start from these

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.serial = 0
        self.relief_key = ""
        self.refused = ""
        self.checked: tuple[object, date | None] = (None, None)
        self.last: Callable[[], object] | None = None

    def teardown(self) -> None:
        try:
            assert violations() == []
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @initialize(
        profile=profiles(),
        fen=st.integers(100_00, 20_000_00),
        months=st.sampled_from([1, 3, 6, 12]),
        due_day=st.integers(1, 31),
        start=st.dates(date(2023, 1, 1), date(2024, 2, 29)),
    )
    def lend(
        self, profile: ProductProfile, fen: int, months: int, due_day: int, start: date
    ) -> None:
        self.today = start
        lend = partial(
            open_loan,
            borrower=self.borrower,
            product=profile,
            principal=D(fen) / 100,
            drawdown_on=start,
            due_day=due_day,
            now=at(start),
        )
        try:
            loan = lend(term_months=months)
        except RuleViolation as refusal:  # an instalment would not cover its own interest
            if refusal.field != "term_months":
                raise
            loan = lend(term_months=1)
        self.loan_id = loan.pk

    # --- acts --------------------------------------------------------------------------------

    @rule(days=st.sampled_from([1, 3, 10, 31, 31, 95]))
    def advance(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(amount=FEN_AMOUNTS)
    def pay(self, amount: Decimal) -> None:
        before = debt_of(self.books, self.today).payoff
        if self.attempt(self._payment(amount, self.today)):
            left = before - amount
            given_up = left <= self.books.profile.tolerance
            assert load_debt(self.fresh(), self.today).payoff == (0 if given_up else left)

    @rule(whole=st.booleans())
    def pay_what_is_owed(self, whole: bool) -> None:
        owed = debt_of(self.books, self.today)
        amount = owed.payoff if whole and self.serial % 3 == 0 else owed.due_now
        done = self.attempt(self._payment(amount, self.today))
        assert not (done and amount == owed.payoff) or self.fresh().is_settled

    @rule(amount=FEN_AMOUNTS, days=st.integers(1, 40))
    def back_date(self, amount: Decimal, days: int) -> None:
        self.attempt(self._payment(amount, self.today - timedelta(days=days)))

    @rule(amount=FEN_AMOUNTS, days=st.integers(0, 20), bounced=st.booleans())
    def correct_across(self, amount: Decimal, days: int, bounced: bool) -> None:
        """A correction across a breach or an acceleration, but not across a plan, is made."""
        with open_books(self.loan_id, actor=None, now=at(self.today)) as books:
            payments = list(Payment.objects.filter(loan_id=self.loan_id))
            steps = steps_of(books, payments)
            plans = [s.opened_on for s in books.position.schedules_on() if s.is_plan]
        acts = [place for place, step in steps if isinstance(step, BookedAct)]
        begin = max([self.books.loan.drawdown_on, *plans])
        if not acts or acts[-1][0] <= begin:
            return
        if not bounced:
            on = max(begin, acts[-1][0] - timedelta(days=1 + days))
            self._crosses(self._payment(amount, on), LATE_REFUSALS)
            return
        before = [s for place, s in steps if begin < place[0] and place < acts[-1]]
        found = [step for step in before if isinstance(step, Payment)]
        if found:
            pk, now = found[days % len(found)].pk, at(self.today)
            act = lambda: reverse_payment(  # noqa: E731 - kept for the replay
                payment_id=pk, reason="退票", actor=None, now=now
            )
            self._crosses(act, frozenset())

    @rule(one=FEN_AMOUNTS, other=FEN_AMOUNTS)
    def two_of_a_day(self, one: Decimal, other: Decimal) -> None:
        """The order of two payments of one day does not matter to what is owed after them."""
        left = []
        for amounts in ((one, other), (other, one)):
            with transaction.atomic():
                done = [self.attempt(self._payment(amount, self.today)) for amount in amounts]
                if all(done):
                    left.append(load_debt(self.fresh(), self.today).payoff)
                if len(left) < 2:
                    transaction.set_rollback(True)
        assert len(set(left)) <= 1
        if len(left) < 2:
            self.last = None

    @rule(more=FEN_AMOUNTS, days=st.sampled_from([0, 0, 7]))
    def overpay(self, more: Decimal, days: int) -> None:
        """More than everything: the rest is a credit balance."""
        on = max(self.today - timedelta(days=days), self.books.loan.drawdown_on)
        before = self.books.credit
        owed = debt_of(self.books, on).payoff
        act = self._payment(owed + more, on, keep_excess=True)
        if self.attempt(act) and on == self.today:
            assert load_position(self.fresh()).credit == before + more
            assert self.fresh().is_settled

    @rule(share=PERCENT, bounces=st.booleans())
    @precondition(lambda self: self.books.credit > 0)
    def refund(self, share: Decimal, bounces: bool) -> None:
        """Some of the credit balance is paid out, and may come back."""
        amount = max((self.books.credit * share).quantize(D("0.01"), "ROUND_DOWN"), D("0.01"))
        before, now = debt_of(self.books, self.today), at(self.today)
        self.serial += 1
        reference = f"out-{self.loan_id}-{self.serial}"
        loan_id, actor = self.loan_id, self.borrower
        assert credit.refund(
            loan_id=loan_id, amount=amount, reference=reference, reason="", actor=actor, now=now
        )
        if bounces:
            credit.return_refund(
                loan_id=loan_id, reference=reference, reason="", actor=actor, now=now
            )
        self.last = None
        books = load_position(self.fresh())
        assert books.credit == self.books.credit - (D("0.00") if bounces else amount)
        assert debt_of(books, self.today) == before

    @rule(share=PERCENT, whole=st.booleans())
    def write_off(self, share: Decimal, whole: bool) -> None:
        """The claim stays, whole or in part written off."""
        before, now = debt_of(self.books, self.today), at(self.today)
        principal = (before.principal * share).quantize(D("0.01"), "ROUND_DOWN")
        self.serial += 1
        key, loan_id, actor = f"w-{self.loan_id}-{self.serial}", self.loan_id, self.borrower
        parts = None if whole else {"principal": principal}
        self.attempt(
            lambda: write_off(
                loan_id=loan_id, parts=parts, reason="核销", key=key, actor=actor, now=now
            ),
            again=False,
        )
        assert debt_of(load_position(self.fresh()), self.today) == before

    @rule()
    @precondition(lambda self: is_non_accruing(self.books, self.today))
    def put_off_balance(self) -> None:
        before, now = debt_of(self.books, self.today), at(self.today)
        loan_id, actor = self.loan_id, self.borrower
        self.attempt(lambda: put_off_balance(loan_id=loan_id, actor=actor, now=now), again=False)
        assert debt_of(load_position(self.fresh()), self.today) == before

    @rule(amount=FEN_AMOUNTS, parts=st.permutations(["principal", "interest", "penalty"]))
    def adjust(self, amount: Decimal, parts: list[str]) -> None:
        """The sum stays; nothing else is promised."""
        before, now = debt_of(self.books, self.today), at(self.today)
        self.serial += 1
        key, loan_id, actor = f"a-{self.loan_id}-{self.serial}", self.loan_id, self.borrower
        if self.attempt(
            lambda: adjust(
                loan_id=loan_id,
                amount=amount,
                from_part=parts[0],
                to_part=parts[1],
                reason="调整",
                key=key,
                actor=actor,
                now=now,
            ),
            again=False,
        ):
            assert load_debt(self.fresh(), self.today).payoff == before.payoff

    @rule(which=st.integers(0, 50))
    def reverse(self, which: int) -> None:
        done = list(Payment.objects.filter(loan_id=self.loan_id).values_list("pk", flat=True))
        if done:
            chosen, now = done[which % len(done)], at(self.today)
            act = lambda: reverse_payment(  # noqa: E731 - kept for the replay
                payment_id=chosen, reason="退票", actor=None, now=now
            )
            self._crosses(act, frozenset())  # whatever came after it

    @rule(share=PERCENT, old=st.sampled_from([0, 0, 4]))
    def waive(self, share: Decimal, old: int) -> None:
        self._relieve(share, 1, old, D("0"))

    @rule(
        share=PERCENT,
        count=st.sampled_from([2, 5, 12]),
        old=st.sampled_from([0, 0, 4]),
        rate=st.sampled_from([D("0"), D("0"), D("0.05")]),
        period=st.sampled_from(PlanPeriod),
    )
    def plan(self, share: Decimal, count: int, old: int, rate: Decimal, period: PlanPeriod) -> None:
        self._relieve(share, count, old, rate, period)

    @rule()
    @precondition(lambda self: self.relief_key)
    def revoke(self) -> None:
        key, now = self.relief_key, at(self.today)
        self.attempt(
            lambda: revoke_relief(loan_id=self.loan_id, key=key, reason="错", actor=None, now=now)
        )

    @rule()
    @precondition(lambda self: self.relief_key)
    def breach(self) -> None:
        self.serial += 1
        key, on = f"breach:{self.loan_id}:{self.serial}", self.today
        before = debt_of(self.books, on).payoff
        schedule = self.attempt(
            lambda: reinstate(
                loan_id=self.loan_id, on=on, key=key, actor=None, reason="未还", now=at(on)
            )
        )
        if schedule:
            returned = D((schedule.terms or {})["returned"])
            assert load_debt(self.fresh(), on).payoff == before + returned

    @rule()
    @precondition(lambda self: self.serial % 4 == 3)  # rarely: little can be done after it
    def accelerate(self) -> None:
        on, before = self.today, debt_of(self.books, self.today).payoff
        act = lambda: accelerate(  # noqa: E731 - kept for the replay
            loan_id=self.loan_id, on=on, reason="严重逾期", actor=None, now=at(on)
        )
        if self.attempt(act, again=False):
            assert load_debt(self.fresh(), on).payoff == before

    @rule()
    @precondition(lambda self: self.last)
    def replay(self) -> None:
        """The last request comes again, as a provider or an impatient thumb sends it."""
        assert self.last is not None
        before = self._trace()
        self.last()
        assert self._trace() == before

    @rule()
    def live_again(self) -> None:
        """The books say what they would say if everything had been known on its day."""
        with transaction.atomic():
            loan = self.fresh()
            assert figures(loan, self.today) == figures(rebuilt(loan), self.today)
            transaction.set_rollback(True)

    # --- how ---------------------------------------------------------------------------------

    def attempt(self, act: Callable[[], object], *, again: bool = True) -> object:
        """Do it; a refusal is an answer too, and must leave the books as they were."""
        before = self._trace()
        try:
            done = act()
        except RuleViolation as refused:
            done, self.refused = None, refused.code
        if done is None:
            assert self._trace() == before
            return None
        self.last = act if again else None
        return done

    def _crosses(self, act: Callable[[], object], refusals: frozenset[str]) -> None:
        done = self.attempt(act)
        event("crossed" if done else f"not crossed: {self.refused}")
        assert done or self.refused in refusals, self.refused

    def _payment(
        self, amount: Decimal, on: date, *, keep_excess: bool = False
    ) -> Callable[[], object]:
        self.serial += 1
        reference, now = f"{self.loan_id}-{self.serial}", at(self.today)
        return lambda: pay(
            loan_id=self.loan_id,
            amount=amount,
            paid_on=on,
            reference=reference,
            actor=None,
            now=now,
            keep_excess=keep_excess,
        )

    def _relieve(
        self,
        share: Decimal,
        count: int,
        old: int,
        rate: Decimal,
        period: PlanPeriod = PlanPeriod.MONTHLY,
    ) -> None:
        figures_as_of, on = self.today - timedelta(days=old), self.today
        figures = debt_of(self.books, figures_as_of).figures
        terms = ReliefTerms(
            figures_as_of=figures_as_of,
            waive_penalty=(figures.penalty * share).quantize(D("0.01"), "ROUND_DOWN"),
            waive_interest=(figures.interest * share / 2).quantize(D("0.01"), "ROUND_DOWN"),
            term_count=count,
            first_due_on=on + timedelta(days=30),
            plan_annual_rate=rate,
            period=period,
        )
        self.serial += 1
        key = f"relief:{self.loan_id}:{self.serial}"
        done = self.attempt(
            lambda: apply_relief(
                loan_id=self.loan_id,
                terms=terms,
                rules=PLAN_RULES,
                on=on,
                key=key,
                actor=None,
                now=at(on),
            )
        )
        if done:
            self.relief_key = key
            after = load_debt(self.fresh(), on)
            waived = terms.waive_penalty + terms.waive_interest
            assert after.principal + after.kept_interest + after.kept_penalty == (
                figures.total - waived
            )

    def fresh(self) -> Loan:
        return Loan.objects.get(pk=self.loan_id)

    def _trace(self) -> tuple[int, int | None]:
        """What changes when anything is written: the version, and the newest posting."""
        newest = Posting.objects.order_by("-pk").values_list("pk", flat=True).first()
        return Loan.objects.values_list("version", flat=True).get(pk=self.loan_id), newest

    @invariant()
    def books_are_right(self) -> None:
        """Proven after each step that wrote; what hangs on the day, after each that let one pass."""
        before, self.checked = self.checked, (self._trace(), self.today)
        if self.checked == before:
            return
        self.books = check_all(self.fresh(), self.today)
        if self.checked[0] != before[0]:
            assert violations() == []
