"""Clients at the staff desk, and the addresses of a case there."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.models import Case
from tests import factories


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at_desk(rank: Rank = Rank.REVIEWER, username: str = "") -> Client:
    """A client logged in as the member of staff of that rank."""
    return client_of(factories.staff(rank, username))


def page_of(case: Case) -> str:
    return reverse("admin:relief_case_change", args=[case.pk])


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
        **changes,
    }
