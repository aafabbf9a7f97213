"""One borrower with something at every address, and the others who must not see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.urls import reverse

from loans.models import Payment
from portal.core.models import Notice, User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.models import Evidence
from tests import factories
from tests.addresses import Address


@dataclass
class World:
    """The owner of everything here, another borrower, a reviewer, and values for URL parameters."""

    owner: User
    other: User
    reviewer: User
    values: dict[str, Any] = field(default_factory=dict)

    def path_of(self, address: Address) -> str:
        """The address filled with the owner's objects; raises KeyError for an unknown parameter."""
        values = {name: self.values[name] for name in address.parameters}
        return reverse(address.name, kwargs=values)

    def fingerprint(self) -> dict[str, Any]:
        """Row counts of every table and the versions of every case: changes whenever anything does."""
        ours = ("portal", "loans", "relief")
        counts = {
            model._meta.label: model._default_manager.count()
            for label in ours
            for model in apps.get_app_config(label).get_models()
            if model._meta.label
            not in {
                "portal.SessionRecord",
                "portal.Throttle",
                "relief.EvidenceAccess",
                "relief.Event",
            }
        }
        versions = list(Case.objects.order_by("pk").values_list("pk", "state", "version"))
        return {**counts, "cases": versions}


def build_world() -> World:
    """A borrower with a case under offer, a file, a payment and a notice, all through services."""
    owner = factories.borrower("13911110001", "林晓云")
    loan = factories.overdue_loan(owner)
    factories.pay_amount(loan, factories.Decimal("100.00"), factories.NOW.date())
    case = factories.case_at(State.OFFERED, loan=loan)
    world = World(owner, factories.borrower("13911110002", "赵远"), factories.staff())
    world.values = {
        "loan": loan.public_id,
        "payment": Payment.objects.get(loan=loan).public_id,
        "case": case.public_id,
        "n": 1,
        "number": 1,
        "step": "reason",
        "kind": "medical",
        "file": Evidence.objects.get(case=case).public_id,
        "evidence": Evidence.objects.get(case=case).public_id,
        "notice": Notice.objects.filter(user=owner).latest("pk").public_id,
        "export": factories.export(owner).public_id,
        "slug": "privacy",
        "session": "nosuchsession",
        "object_id": case.pk,
        "pk": case.pk,
        "user": world.reviewer.pk,
        "passkey": "nothing",
        "content_type_id": 1,
        "app_label": "relief",
        "url": "nothing",
        "after": 0,
        "message": 0,
        "topic": "apply",
        "act": "refund",
    }
    return world
