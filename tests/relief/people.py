"""A borrower with an overdue loan and a case, a stranger, and staff; for the tests of files."""

from __future__ import annotations

import io
from datetime import datetime
from decimal import Decimal

from loans.models import Loan
from loans.services.origination import open_loan
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases import application
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.checks import check_file
from relief.evidence.files import Upload, add_evidence
from relief.evidence.models import Evidence
from tests.conftest import at
from tests.corpus.build import FILES

NOW = at("2026-11-23 19:12")
FILE = {case.code: case for case in FILES}


def borrower(phone: str = "13900000001", name: str = "林小云") -> User:
    return User.objects.create_borrower(phone, name)


def staff(username: str = "agent", rank: Rank = Rank.REVIEWER, **extra: object) -> User:
    return User.objects.create_staff(username, "周敏", rank, **extra)


def overdue_loan(user: User) -> Loan:
    """20,000 over 12 months, nothing paid; on 2026-11-23 five instalments are overdue."""
    return open_loan(
        borrower=user,
        product="daily_004",
        principal=Decimal("20000.00"),
        term_months=12,
        drawdown_on=at("2026-06-05 10:00").date(),
        due_day=5,
        now=at("2026-06-05 10:00"),
    )


def draft(user: User, now: datetime = NOW) -> Case:
    return application.open_case(loan=overdue_loan(user), actor=user, now=now)


def in_state(case: Case, state: State, **values: object) -> Case:
    """The case as if it had come so far; the moves have tests of their own."""
    Case.objects.filter(pk=case.pk).update(state=state.value, **values)
    case.refresh_from_db()
    return case


def upload(code: str, name: str = "") -> Upload:
    made = FILE[code]
    return Upload(name or made.name, io.BytesIO(made.data))


def add(case: Case, code: str = "I01a", kind: str = "income", **more: object) -> Evidence:
    values = {"now": NOW, "actor": case.borrower, **more}
    return add_evidence(case=case, kind=kind, upload=upload(code), **values)


def added_and_checked(
    case: Case, code: str = "I01a", kind: str = "income", **more: object
) -> Evidence:
    made = add(case, code, kind, **more)
    check_file(evidence_id=made.pk, now=NOW)
    made.refresh_from_db()
    return made
