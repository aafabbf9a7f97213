"""An act on the books as two people do it at the desk: one proposes, another approves."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from loans.models import Payment, Proposal
from portal.core.kernel.roles import Rank
from tests import factories


def person(rank: Rank, username: str = "") -> Client:
    """Logged in at the desk."""
    client = Client()
    client.force_login(factories.staff(rank, username))
    return client


def maker() -> Client:
    """A reviewer, who may propose and not approve."""
    return person(Rank.REVIEWER, "maker")


def decide(proposal: Proposal, end: str, client: Client, **data: str) -> Any:
    """Press 复核通过, 退回 or 撤回 on the proposal's own page."""
    address = reverse(f"admin:loans_proposal_{end}", args=[proposal.pk])
    return client.post(address, data, follow=True)


def book(address: str, data: dict[str, str], rank: Rank = Rank.MANAGER) -> Proposal:
    """Propose on the form at ``address`` and have it approved by somebody of ``rank``."""
    answer = maker().post(address, data)
    assert answer.status_code == 302, answer.content.decode()
    proposal = Proposal.objects.latest("pk")
    answer = decide(proposal, "approve", person(rank, f"checker-{rank}"), note="")
    proposal.refresh_from_db()
    assert proposal.status == Proposal.Status.APPROVED, answer.content.decode()
    return proposal


def bounce(payment: Payment, reason: str = "银行退票，按原日期冲回") -> Proposal:
    """冲正还款."""
    return book(reverse("admin:loans_payment_reverse", args=[payment.pk]), {"reason": reason})
