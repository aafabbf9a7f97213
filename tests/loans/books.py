"""The loan L of loans/RULES.md and short words for the services, for every test of the books."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from loans.domain.profile import Method, ProductProfile, RateKind
from loans.domain.restructure import ReliefTerms
from loans.models import Loan, Payment, Schedule
from loans.proofs import violations
from loans.queries.debt import load_debt
from loans.queries.types import Debt
from loans.services.origination import open_loan
from loans.services.payments.payment import pay
from loans.services.plans.restructure import apply_relief
from portal.core.kernel.money import Rounding
from portal.core.models import User
from tests.loans.domain.support import PLAN_RULES

D = Decimal
SHANGHAI = ZoneInfo("Asia/Shanghai")
EXAMPLE = ProductProfile(
    code="daily_003",
    name="示例（日利率 0.03%）",
    rate_kind=RateKind.DAILY,
    rate=D("0.0003"),
    method=Method.EQUAL_INSTALMENT,
    round_instalment=Rounding.DOWN,  # as the lender of the published ledger did
    round_interest=Rounding.DOWN,
)


def day(text: str) -> date:
    """ "2023-09-20", or "09-20" of 2023."""
    return date.fromisoformat(text if len(text) > 5 else f"2023-{text}")


def at(on: date) -> datetime:
    return datetime.combine(on, time(12), tzinfo=SHANGHAI)


def make_borrower(phone: str = "13900000001") -> User:
    return User.objects.create_borrower(phone, "林小云")


def example_loan(borrower: User | None = None, **changes: object) -> Loan:
    """6,000 at 0.03 % a day from 2023-06-10, three instalments on the 10th."""
    drawdown_on = day("06-10")
    values = {
        "borrower": borrower or make_borrower(),
        "product": EXAMPLE,
        "principal": D("6000.00"),
        "term_months": 3,
        "drawdown_on": drawdown_on,
        "due_day": 10,
        "now": at(drawdown_on),
    }
    return open_loan(**(values | changes))


def paid(loan: Loan, amount: str, on: str, reference: str = "", now: str = "") -> Payment:
    return pay(
        loan_id=loan.pk,
        amount=D(amount),
        paid_on=day(on),
        reference=reference or f"ref-{loan.pk}-{on}-{amount}",
        actor=loan.borrower,
        now=at(day(now or on)),
    )


def split_of(payment: Payment, number: int | None = None) -> dict[str, Decimal]:
    """component → amount of a receipt, of one instalment when it is named."""
    sums: dict[str, Decimal] = {}
    for line in payment.split["lines"]:
        if number is None or line["instalment"] == number:
            amount = D(line["amount"])
            sums[line["component"]] = sums.get(line["component"], D(0)) + amount
    return sums


def relief_terms(on: str, waive: str, count: int = 12, **changes: object) -> ReliefTerms:
    values = {
        "figures_as_of": day(on),
        "waive_penalty": D(waive),
        "term_count": count,
        "first_due_on": day("2023-11-10"),
    }
    return ReliefTerms(**(values | changes))


def relieved(loan: Loan, terms: ReliefTerms, on: str, key: str = "relief:1") -> Schedule:
    moment = day(on)
    return apply_relief(
        loan_id=loan.pk,
        terms=terms,
        rules=PLAN_RULES,
        on=moment,
        key=key,
        actor=None,
        now=at(moment),
    )


def owed(loan: Loan, on: str) -> Debt:
    return load_debt(Loan.objects.get(pk=loan.pk), day(on))


def assert_clean() -> None:
    """check_books has nothing to say."""
    assert violations() == []
