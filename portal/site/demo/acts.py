"""The acts of the demo's stories, each through the service of real use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.services.origination import open_loan
from loans.services.payments.payment import pay
from portal.core.models import User
from portal.site.demo.timeline import deliver, moment, months_before
from relief.cases import application, review
from relief.cases.models import Case
from relief.cases.timing import sweep
from relief.evidence.access_log import open_evidence
from relief.evidence.checks import check_file
from relief.evidence.files import Upload, add_evidence, judge_evidence
from relief.evidence.models import Evidence
from relief.offers import compose, negotiate
from relief.offers.accept import accept_offer
from relief.offers.models import Agreement, Offer


@dataclass(frozen=True)
class DemoPaper:
    """A file of an application and what it is."""

    kind: str
    upload: Upload


def lend(
    borrower: User,
    *,
    due: date,
    number: int,
    principal: str = "20000.00",
    term: int = 12,
    product: str = "daily_004",
) -> Loan:
    """A loan whose instalment `number` is due on `due`: drawn so many months before.

    Its number ends as the phone does, unless there is such a loan already.
    """
    drawdown = months_before(due, number)
    contract = f"JB{drawdown:%Y%m%d}-{(borrower.phone or '')[-4:]}"
    return open_loan(
        borrower=borrower,
        product=product,
        principal=Decimal(principal),
        term_months=term,
        drawdown_on=drawdown,
        due_day=due.day,
        now=moment(drawdown, "10:00"),
        number="" if Loan.objects.filter(number=contract).exists() else contract,
    )


def pay_due(loan: Loan, up_to: int, *, first: int = 1) -> None:
    """Pay the instalments `first` … `up_to` of the present schedule, each on its own due date."""
    for number in range(first, up_to + 1):
        rows = load_debt(loan, loan.drawdown_on).instalments
        due_on = next(row.due_on for row in rows if row.number == number)
        pay_on(loan, due_on)


def pay_on(loan: Loan, day: date, amount: Decimal | None = None) -> None:
    """Pay what is due (or `amount`) at noon of a day."""
    owed = amount or load_debt(loan, day).due_now
    at = moment(day, "12:06")
    pay(
        loan_id=loan.pk,
        amount=owed,
        paid_on=day,
        reference=f"DEMO-{loan.number}-{day:%Y%m%d}",
        actor=loan.borrower,
        now=at,
    )
    loan.refresh_from_db()
    deliver(at)


def apply(
    loan: Loan,
    *,
    reasons: Sequence[str],
    statement: str,
    budget: tuple[str, str, str],
    papers: Sequence[DemoPaper],
    at: datetime,
) -> Case:
    """Fill in and submit an application; `budget` is income, spending, affordable payment."""
    borrower = loan.borrower
    begun_at = at - timedelta(minutes=25)
    case = application.open_case(loan=loan, actor=borrower, now=begun_at)
    income, spending, affordable = (Decimal(amount) for amount in budget)
    draft = application.ApplicationDraft(
        reasons=reasons,
        statement=statement,
        monthly_income=income,
        monthly_spending=spending,
        affordable_payment=affordable,
        step=len(application.STEPS),
    )
    application.save_step(case=case, draft=draft, actor=borrower, now=begun_at)
    for demo_paper in papers:
        add_paper(case, demo_paper, at=at - timedelta(minutes=10))
    case = application.submit_case(case=case, actor=borrower, now=at)
    deliver(at)
    return case


def add_paper(case: Case, demo_paper: DemoPaper, *, at: datetime) -> Evidence:
    """Upload a file and let the real check look at it."""
    file = add_evidence(
        case=case,
        kind=demo_paper.kind,
        upload=demo_paper.upload,
        actor=case.borrower,
        now=at,
        consent=True,
    )
    check_file(evidence_id=file.pk, now=at + timedelta(minutes=1))
    file.refresh_from_db()
    return file


def look_through(case: Case, reviewer: User, *, at: datetime) -> None:
    """Open every file (the borrower will read that) and find it good."""
    for file in case.evidence.current().order_by("pk"):
        open_evidence(evidence=file, actor=reviewer, now=at).stream.close()
        judge_evidence(evidence=file, passed=True, actor=reviewer, now=at)


def claim(case: Case, reviewer: User, *, at: datetime) -> None:
    review.claim_case(case=case, actor=reviewer, now=at)
    deliver(at)


def pass_review(case: Case, reviewer: User, *, at: datetime, note: str) -> None:
    look_through(case, reviewer, at=at - timedelta(minutes=12))
    review.pass_review(case=case, actor=reviewer, now=at, note=note)
    deliver(at)


def offer(
    case: Case,
    maker: User,
    *,
    at: datetime,
    percent: int,
    terms: int,
    first_due_on: date,
    note: str,
) -> Offer:
    """Compose and send an offer (or hand it to a checker when it is above the maker's rank)."""
    sent_offer = negotiate.make_offer(
        case=case,
        draft=compose.OfferDraft(
            term_count=terms, first_due_on=first_due_on, penalty_percent=Decimal(percent)
        ),
        actor=maker,
        now=at,
        note=note,
    )
    deliver(at)
    return sent_offer


def accept(case: Case, *, at: datetime) -> Agreement:
    """The borrower opens the offer that waits, reads it for some minutes, and accepts."""
    waiting = case.offers.get(status="open")
    opened = at - timedelta(minutes=6)
    negotiate.open_offer(case=case, number=waiting.number, actor=case.borrower, now=opened)
    agreement = accept_offer(
        case=case,
        number=waiting.number,
        seen=waiting.digest,
        method="password",
        actor=case.borrower,
        now=at,
        ip="127.0.0.1",
    )
    deliver(at)
    case.refresh_from_db()
    return agreement


def let_time_pass(case: Case, until: datetime) -> None:
    """Handle the case's own deadlines up to `until`, each at its instant, as beat would have."""
    while True:
        due = case.deadlines.waiting().filter(due_at__lte=until).order_by("due_at").first()
        if due is None or not sweep.handle(due.pk, now=due.due_at):
            break
        deliver(due.due_at)
    case.refresh_from_db()


def keep_plan(case: Case, how_many: int) -> None:
    """Pay the next instalments of the plan, each on its date, reminders and all."""
    for _ in range(how_many):
        rows = load_debt(case.loan, case.loan.booked_on).instalments
        due_on = min(row.due_on for row in rows if row.total > 0)
        let_time_pass(case, moment(due_on, "12:00"))
        case.loan.refresh_from_db()
        pay_on(case.loan, due_on)
        case.refresh_from_db()
