"""宣布提前到期 is told to the borrower, and refused while somebody is still talking."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loans.models import Entry
from loans.services.acceleration import accelerate
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery, Notice
from relief.cases.workflow import COLLECTION_STOPS, State
from tests import factories
from tests.loans.books import assert_clean, at, day, example_loan

pytestmark = pytest.mark.django_db


def test_the_borrower_is_told() -> None:
    loan = example_loan()
    on = day("07-20")

    accelerate(loan_id=loan.pk, on=on, reason="多次逾期", actor=None, now=at(on))

    notice = Notice.objects.get(event="loan_accelerated", user=loan.borrower)
    assert loan.number in notice.body
    assert "多次逾期" in notice.body
    assert "2023年7月20日" in notice.body
    assert Delivery.objects.get(notice=notice).channel == "sms"


@pytest.mark.parametrize("state", sorted(COLLECTION_STOPS))
def test_refused_while_a_case_is_open(state: State) -> None:
    case = factories.case_at(state)
    entries = Entry.objects.count()
    now = factories.NOW + timedelta(days=1)

    with pytest.raises(RuleViolation, match="不能宣布提前到期") as refused:
        accelerate(loan_id=case.loan_id, on=business_date(now), reason="x", actor=None, now=now)

    assert refused.value.code == "CASE_OPEN"
    assert Entry.objects.count() == entries
    assert not Notice.objects.filter(event="loan_accelerated").exists()
    assert_clean()


def test_allowed_beside_a_mere_draft() -> None:
    case = factories.case_at(State.DRAFT)
    now = factories.NOW

    accelerate(loan_id=case.loan_id, on=business_date(now), reason="x", actor=None, now=now)

    assert_clean()
