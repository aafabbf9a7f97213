"""Through the doors: a bounced pay-off, a broken plan paid in full, and the way out of a warning."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Payment
from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank
from relief import invariants
from relief.cases.models import Case
from relief.cases.workflow import State
from tests import factories
from tests.factories import NOW
from tests.relief.desk.desk import act, at_desk, client_of
from tests.two_people import bounce

pytestmark = pytest.mark.django_db


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def verified(code: str) -> str:
    """What a stranger reads about a paper."""
    return str(Client().post(reverse("portal:verify"), {"code": code}).content.decode())


def state_of(case: Case) -> str:
    case.refresh_from_db()
    case.loan.refresh_from_db()
    return case.state


def whole(now: datetime) -> list[str]:
    return [str(v) for v in invariants.violations(now=now, real_now=clock.real_now())]


def test_a_bounced_payoff_brings_the_plan_back() -> None:
    case = factories.case_at(State.COMPLETED)
    lin, later = client_of(case.borrower), NOW + timedelta(days=3)
    case.loan.refresh_from_db()
    paper = certificate_of(case.loan)
    assert paper is not None
    assert "核验通过" in verified(paper.code)

    with clock.frozen(later):
        bounce(case.loan.payments.get())
        page = text(lin, reverse("relief:case", args=[case.public_id]))
        plan = text(lin, reverse("relief:plan", args=[case.public_id]))
        inbox = text(lin, reverse("portal:notices"))
        settled = text(lin, reverse("loans:settled", args=[case.loan.public_id]))
        pdf = lin.get(reverse("loans:certificate-pdf", args=[case.loan.public_id]))

    assert state_of(case) == State.PLAN_ACTIVE
    assert "已作废" in verified(paper.code)
    for words in ("按新计划还款中", "账目更正", "冲正还款：", "新还款计划恢复执行"):
        assert words in page
    assert 'data-field="plan-standing" data-value="kept"' in plan
    assert "借款账目已更正" in inbox
    assert "新还款计划恢复执行" in inbox
    assert "certificate-code" not in settled
    assert pdf.status_code == 404
    assert whole(later) == []


def test_a_broken_plan_paid_in_full_shows_its_certificate() -> None:
    case = factories.case_at(State.BREACHED)
    lin, later = client_of(case.borrower), NOW + timedelta(days=50)
    on = business_date(later)
    factories.pay_amount(case.loan, load_debt(case.loan, on).payoff, on)

    with clock.frozen(later):
        page = text(lin, reverse("relief:case", args=[case.public_id]))
        plan = text(lin, reverse("relief:plan", args=[case.public_id]))
        settled = text(lin, reverse("loans:settled", args=[case.loan.public_id]))
        again = text(lin, reverse("relief:cases"))

    assert state_of(case) == State.SETTLED
    assert "借款已全部还清，结清证明已开出" in page
    assert reverse("relief:plan", args=[case.public_id]) in page
    assert "剩余欠款现已到期" not in page
    assert "新计划已终止（" in plan
    assert "剩余欠款已全部还清" in plan
    assert reverse("loans:settled", args=[case.loan.public_id]) in plan
    assert "已结清" in again
    paper = certificate_of(case.loan)
    assert paper is not None
    assert paper.code in settled
    assert "核验通过" in verified(paper.code)
    assert whole(later) == []


@pytest.mark.parametrize(
    ("state", "days", "after"),
    [
        (State.PLAN_ACTIVE, 3, State.PLAN_ACTIVE),
        (State.WARNED, 33, State.WARNED),
        (State.BREACHED, 50, State.BREACHED),
        (State.COMPLETED, 3, State.PLAN_ACTIVE),
    ],
)
def test_a_payment_from_before_the_plan_bounces(state: State, days: int, after: State) -> None:
    """The plan stays as signed; the money is owed again beside it, and a paid-off plan runs on."""
    loan = factories.overdue_loan()
    factories.pay_amount(loan, Decimal("120.00"), business_date(NOW) - timedelta(days=5))
    case = factories.case_at(state, loan=loan)
    later = NOW + timedelta(days=days)
    first = Payment.objects.filter(loan=loan).order_by("paid_on")[0]
    before = load_debt(loan, business_date(later))

    with clock.frozen(later):
        bounce(first)
        lin = client_of(case.borrower)
        page = text(lin, reverse("relief:case", args=[case.public_id]))
        plan = text(lin, reverse("relief:plan", args=[case.public_id]))
        detail = text(lin, reverse("loans:detail", args=[loan.public_id]))
        inbox = text(lin, reverse("portal:notices"))

    owed = load_debt(loan, business_date(later))
    assert owed.payoff == before.payoff + Decimal("120.00")
    assert state_of(case) == after
    assert [row.scheduled for row in owed.instalments if row.is_added] == [Decimal("120.00")]
    assert "计划的数字不变" in page
    assert "追加应还" in detail
    assert "追加应还" in plan or after == State.BREACHED
    assert "借款账目已更正" in inbox
    assert whole(later) == []


def test_money_that_went_back_is_watched_with_a_plan_that_was_paid_off() -> None:
    """Every instalment is paid: what bounced is warned of after the plan's grace, and cured."""
    loan = factories.overdue_loan()
    factories.pay_amount(loan, Decimal("120.00"), business_date(NOW) - timedelta(days=5))
    case = factories.case_at(State.COMPLETED, loan=loan)
    later = NOW + timedelta(days=3)
    with clock.frozen(later):
        bounce(Payment.objects.filter(loan=loan).order_by("paid_on")[0])
    warned = later + timedelta(days=3)

    factories.sweep_through(case, warned)
    assert state_of(case) == State.WARNED
    assert whole(warned) == []
    factories.pay_amount(loan, load_debt(loan, business_date(warned)).payoff, business_date(warned))

    assert state_of(case) == State.COMPLETED
    assert whole(warned) == []


def test_an_agreement_is_revoked_only_while_nothing_is_paid_by_it() -> None:
    """A payment by the plan bars the way; reversed, the agreement is revoked and made anew."""
    loan = factories.overdue_loan()
    case = factories.case_at(State.WARNED, loan=loan)
    later = NOW + timedelta(days=33)
    factories.pay_amount(loan, Decimal("10.00"), business_date(later))

    with clock.frozen(later):
        act(at_desk(Rank.MANAGER), case, "revoke", reason="签约时的还款被退票")
        assert state_of(case) == State.WARNED  # something was paid by the plan
        bounce(Payment.objects.get(loan=loan))
        act(at_desk(Rank.MANAGER), case, "revoke", reason="签约时的还款被退票")
        assert state_of(case) == State.NEGOTIATING
        page = text(client_of(case.borrower), reverse("relief:case", args=[case.public_id]))

    assert "方案拟定中" in page
    assert "撤销协议" in page
    factories.pay_amount(loan, Decimal("10.00"), business_date(later), reference="again")
    factories.offer_made(case, now=later, penalty_percent=Decimal(40))
    assert state_of(case) == State.OFFERED
    assert whole(later) == []
