"""People, loans and cases for tests; every state is reached through the services, as in life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.services.origination import open_loan
from loans.services.payments.payment import pay
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases import application, review
from relief.cases.models import Case
from relief.cases.timing import sweep as deadlines
from relief.cases.workflow import State
from relief.evidence import files as evidence
from relief.evidence.models import Evidence
from relief.offers import accept as accepting
from relief.offers import compose, negotiate
from relief.offers.models import Agreement, Offer
from relief.plans import watch as plan_watch
from relief.rights import exports
from relief.rights.models import DataExport

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)  # a Monday; working days all the week
PASSWORD = "kuanxi-2026"
PDF = b"%PDF-1.4\n%%EOF\n"
_serial = count(1)


def borrower(phone: str = "", name: str = "林晓云", **extra: Any) -> User:
    """A borrower with a phone of their own."""
    number = phone or f"139{next(_serial):08d}"
    return User.objects.create_borrower(number, name, PASSWORD, **extra)


def staff(rank: Rank = Rank.REVIEWER, username: str = "", **extra: Any) -> User:
    """A member of staff; without a user name the one of that rank, made once."""
    name = username or f"the-{rank.lower()}"
    known = User.objects.filter(username=name).first()
    return known or User.objects.create_staff(name, f"员工{rank}", rank, PASSWORD, **extra)


def overdue_loan(owner: User | None = None, **changes: Any) -> Loan:
    """6,000 over 12 months at 0.04 % a day; on NOW three instalments are overdue."""
    values: dict[str, Any] = {
        "borrower": owner or borrower(),
        "product": "daily_004",
        "principal": Decimal("6000.00"),
        "term_months": 12,
        "drawdown_on": date(2025, 11, 10),
        "due_day": 10,
    }
    values |= changes
    drawdown = values["drawdown_on"]
    values.setdefault(
        "now", datetime(drawdown.year, drawdown.month, drawdown.day, 9, tzinfo=SHANGHAI)
    )
    return open_loan(**values)


def draft_case(loan: Loan | None = None, *, now: datetime = NOW) -> Case:
    """A draft with everything filled in, not yet submitted."""
    loan = loan or overdue_loan()
    case = application.open_case(loan=loan, actor=loan.borrower, now=now)
    draft = application.ApplicationDraft(
        reasons=["illness"],
        statement="九月住院手术，休病假两个月，收入只剩基本工资。",
        monthly_income=Decimal("4600.00"),
        monthly_spending=Decimal("3100.00"),
        affordable_payment=Decimal("1500.00"),
        step=5,
    )
    case = application.save_step(case=case, draft=draft, actor=loan.borrower, now=now)
    add_file(case, now=now)
    return case


def add_file(case: Case, *, kind: str = "income", now: datetime = NOW) -> Evidence:
    """One small PDF that nobody has sent before."""
    content = PDF + f"%{next(_serial)}\n".encode()
    return evidence.add_evidence(
        case=case,
        kind=kind,
        upload=evidence.Upload(name="收入证明.pdf", content=BytesIO(content)),
        actor=case.borrower,
        now=now,
        consent=True,
    )


def terms(on: date, **changes: Any) -> compose.OfferDraft:
    """Half of the penalty waived, 12 terms, first in a month: within a reviewer's authority."""
    values: dict[str, Any] = {
        "term_count": 12,
        "first_due_on": on + timedelta(days=28),
        "penalty_percent": Decimal(50),
    }
    return compose.OfferDraft(**(values | changes))


def export(user: User) -> DataExport:
    """A copy of the user's data that was asked for and is not made yet."""
    return exports.ask_for_export(user=user, origin=Origin(), now=NOW, real=NOW)


def offer_made(
    case: Case, *, now: datetime = NOW, maker: User | None = None, **changes: Any
) -> Offer:
    """An offer by the reviewer on a case that staff may offer on."""
    return negotiate.make_offer(
        case=case,
        draft=terms(business_date(now), **changes),
        actor=maker or staff(),
        now=now,
        note="请看方案",
    )


def open_offer(case: Case) -> Offer:
    """The version that waits for the borrower."""
    return case.offers.get(status="open")


def accept(case: Case, *, now: datetime, offer: Offer | None = None) -> Agreement:
    """The borrower opens the offer, reads for a minute, and accepts by password."""
    offer = offer or open_offer(case)
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=now)
    return accepting.accept_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        method="password",
        actor=case.borrower,
        now=now + timedelta(minutes=1),
        ip="203.0.113.7",
    )


def counter(case: Case, *, now: datetime, **changes: Any) -> Offer:
    """The borrower asks for the whole penalty and more terms."""
    offer = open_offer(case)
    values: dict[str, Any] = {
        "waive_penalty": load_debt(case.loan, business_date(now)).figures.penalty,
        "first_due_on": business_date(now) + timedelta(days=28),
        "term_count": 18,
    }
    return negotiate.reject_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        reasons=["too_much"],
        draft=compose.CounterDraft(**(values | changes)),
        actor=case.borrower,
        now=now,
    )


def pay_plan(case: Case, how_many: int = 1, *, on: date | None = None) -> None:
    """Pays the next instalments of the plan, each on its date (or all on `on`)."""
    for _ in range(how_many):
        row = next(r for r in load_debt(case.loan, case.loan.booked_on).instalments if r.total > 0)
        paid_on = on or row.due_on
        owed = next(
            r.total for r in load_debt(case.loan, paid_on).instalments if r.number == row.number
        )
        pay_amount(case.loan, owed, paid_on)
        case.loan.refresh_from_db()


def pay_amount(loan: Loan, amount: Decimal, on: date, *, reference: str = "") -> None:
    """One payment at noon of a day."""
    pay(
        loan_id=loan.pk,
        amount=amount,
        paid_on=on,
        reference=reference or f"test-{next(_serial)}",
        actor=loan.borrower,
        now=noon(on),
    )


def noon(day: date) -> datetime:
    """12:00 in Shanghai."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


def sweep_through(case: Case, until: datetime) -> None:
    """Runs the sweep at every stored deadline up to `until`, as beat would have."""
    while True:
        due = case.deadlines.waiting().filter(due_at__lte=until).order_by("due_at").first()
        if due is None:
            return
        deadlines.sweep(now=due.due_at)


def case_at(state: State, *, loan: Loan | None = None, now: datetime = NOW) -> Case:
    """A case in any state, brought there through the services; the clock may have run on."""
    case = draft_case(loan, now=now)
    for step in PATHS[state]:
        step(case, now)
        case.refresh_from_db()
    return case


def _submit(case: Case, now: datetime) -> None:
    application.submit_case(case=case, actor=case.borrower, now=now)


def _claim(case: Case, now: datetime) -> None:
    review.claim_case(case=case, actor=staff(), now=now)


def _ask(case: Case, now: datetime) -> None:
    review.ask_for_proof(case=case, kinds=["bank_flow"], text="近三个月", actor=staff(), now=now)


def _pass(case: Case, now: datetime) -> None:
    review.pass_review(case=case, actor=staff(), now=now)


def _reject(case: Case, now: datetime) -> None:
    review.reject_case(case=case, code="EVIDENCE_INSUFFICIENT", text="", actor=staff(), now=now)


def _offer(case: Case, now: datetime) -> None:
    offer_made(case, now=now)


def _offer_high(case: Case, now: datetime) -> None:
    offer_made(case, now=now, penalty_percent=Decimal(80))


def _counter(case: Case, now: datetime) -> None:
    counter(case, now=now)


def _accept(case: Case, now: datetime) -> None:
    accept(case, now=now)


def _decline(case: Case, now: datetime) -> None:
    offer = open_offer(case)
    negotiate.decline_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        reasons=["other"],
        actor=case.borrower,
        now=now,
    )


def _withdraw(case: Case, now: datetime) -> None:
    application.withdraw_case(case=case, actor=case.borrower, now=now)


def _expire(case: Case, now: datetime) -> None:
    sweep_through(case, now + timedelta(days=8))


def _late(case: Case, now: datetime) -> None:
    sweep_through(case, now + timedelta(days=28 + 4))


def _breach(case: Case, now: datetime) -> None:
    sweep_through(case, now + timedelta(days=28 + 15))
    when = now + timedelta(days=28 + 15)
    plan_watch.breach(case=case, reason="多次联系未还", actor=staff(Rank.SUPERVISOR), now=when)


def _pay_all(case: Case, now: datetime) -> None:
    on = business_date(now + timedelta(days=1))
    pay_amount(case.loan, load_debt(case.loan, on).payoff, on)


Step = Callable[[Case, datetime], None]
_REVIEW: tuple[Step, ...] = (_submit, _claim)
_OFFERED = (*_REVIEW, _pass, _offer)
PATHS: dict[State, tuple[Step, ...]] = {
    State.DRAFT: (),
    State.SUBMITTED: (_submit,),
    State.IN_REVIEW: _REVIEW,
    State.NEED_MORE: (*_REVIEW, _ask),
    State.REJECTED: (*_REVIEW, _reject),
    State.NEGOTIATING: (*_REVIEW, _pass),
    State.AWAITING_APPROVAL: (*_REVIEW, _pass, _offer_high),
    State.OFFERED: _OFFERED,
    State.COUNTERED: (*_OFFERED, _counter),
    State.DECLINED: (*_OFFERED, _decline),
    State.EXPIRED: (*_OFFERED, _expire),
    State.WITHDRAWN: (_submit, _withdraw),
    State.SETTLED: (_submit, _pay_all),
    State.PLAN_ACTIVE: (*_OFFERED, _accept),
    State.WARNED: (*_OFFERED, _accept, _late),
    State.BREACHED: (*_OFFERED, _accept, _late, _breach),
    State.COMPLETED: (*_OFFERED, _accept, _pay_all),
}
