"""The walk from a borrower's acceptance to the ledger and the SMS: counted, and as relief/README.md lists it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from loans.models import Entry
from portal import tasks
from portal.core import clock, nudge
from portal.core.models import Delivery
from portal.core.notifications.channels import sms
from relief.cases.workflow import State
from tests import factories
from tests.architecture import PACKAGES, ROOT

pytestmark = pytest.mark.django_db
READ = factories.NOW + timedelta(seconds=11)
MOST = 25  # files
WRITES = ("INSERT", "UPDATE", "DELETE")


def test_the_walk_from_accepting_to_ledger_and_sms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is on the walk when it stands between the address and a row written or an SMS sent."""
    case = factories.case_at(State.OFFERED)
    offer = factories.open_offer(case)
    borrower = Client()
    borrower.force_login(case.borrower)
    with clock.frozen(factories.NOW):
        borrower.get(reverse("relief:offer", args=[case.public_id, offer.number]))
    Delivery.objects.all().delete()
    walked: set[str] = set()
    monkeypatch.setattr(nudge.transaction, "on_commit", _seen(walked, nudge.transaction.on_commit))
    monkeypatch.setattr(sms.logger, "info", _seen(walked, sms.logger.info))

    with clock.frozen(READ), connection.execute_wrapper(_writes_seen(walked)):
        answer = borrower.post(
            reverse("relief:offer-accept", args=[case.public_id, offer.number]),
            {
                "agree": "on",
                "know": "on",
                "seen": offer.digest,
                "by": "password",
                "password": factories.PASSWORD,
                "do": "accept",
            },
        )
        tasks.deliver_due()

    assert answer.status_code == 302
    assert Entry.objects.filter(loan=case.loan, kind=Entry.Kind.PLAN).exists()
    assert Delivery.objects.get(user=case.borrower, channel="sms").status == "submitted"
    assert sorted(walked) == sorted(_listed())
    assert len(walked) <= MOST


def _listed() -> list[str]:
    """The files of the numbered walk in relief/README.md."""
    text = (ROOT / "relief/README.md").read_text()
    return re.findall(r"^\d+\. `([\w/]+\.py)`", text, re.M)


def _stand(walked: set[str]) -> None:
    """Adds every file of the three packages that stands on the stack now."""
    homes = tuple(f"{ROOT / package}/" for package in PACKAGES)
    frame = sys._getframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(homes):
            walked.add(file.removeprefix(f"{ROOT}/"))
        frame = frame.f_back  # type: ignore[assignment]


def _seen(walked: set[str], real: Callable[..., Any]) -> Callable[..., Any]:
    def noticed(*args: Any, **kwargs: Any) -> Any:
        _stand(walked)
        return real(*args, **kwargs)

    return noticed


def _writes_seen(walked: set[str]) -> Callable[..., Any]:
    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(WRITES):
            _stand(walked)
        return run(sql, *rest)

    return execute
