"""Clients at the staff desk, and the addresses of a case there."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.models import Case
from relief.evidence.checks import check_file
from relief.evidence.files import Upload, add_evidence
from relief.evidence.models import Evidence
from tests import factories
from tests.corpus.build import FILES


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at_desk(rank: Rank = Rank.REVIEWER, username: str = "") -> Client:
    """A client logged in as the member of staff of that rank."""
    return client_of(factories.staff(rank, username))


def page_of(case: Case) -> str:
    return reverse("admin:relief_case_change", args=[case.pk])


def checked_file(case: Case, code: str = "I01a") -> Evidence:
    """A file of the corpus, handed in for the case and found good."""
    made = next(one for one in FILES if one.code == code)
    upload = Upload(made.name, BytesIO(made.data))
    now = factories.NOW
    row = add_evidence(case=case, kind="income", upload=upload, actor=case.borrower, now=now)
    check_file(evidence_id=row.pk, now=now)
    row.refresh_from_db()
    return row


def act(client: Client, case: Case, slug: str, **data: Any) -> Any:
    """Press one button of the case page, on the version that is on the screen."""
    case.refresh_from_db()
    values = {"seen": case.version, **data}
    return client.post(reverse(f"admin:relief_case_{slug}", args=[case.pk]), values)


def offer_values(**changes: Any) -> dict[str, Any]:
    """The builder as filled in for half of the penalty over twelve terms."""
    return {
        "by": "percent",
        "penalty_percent": "50",
        "waive_penalty": "",
        "waive_interest": "0",
        "plan_annual_rate": "0",
        "term_count": "12",
        "first_due_on": "2026-03-30",
        "note": "请看方案",
        "note_internal": "材料真实",
        "unread_reason": "同事已核对原件",
        **changes,
    }
