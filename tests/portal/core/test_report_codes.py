"""The code in a delivery report is whatever a carrier sends; it never stops the report."""

from __future__ import annotations

import pytest

from portal.core.models import Delivery
from portal.core.notifications.channels.base import Report
from portal.core.notifications.reports import take_reports
from tests.conftest import at
from tests.portal.people import lin

pytestmark = pytest.mark.django_db
NOON = at("2026-03-02 12:00")


@pytest.mark.parametrize(
    "code", ["\ud800lost", "\x00lost", "lo\r\nst", "\u202elost", "lost" + "\x00" * 900]
)
def test_a_code_that_is_no_text_is_kept_without_its_tricks(code: str) -> None:
    row = Delivery.objects.create(
        user=lin(), channel="sms", event="offer_made", key="k", to="13800000001", text="有一条新消息",
        status="submitted", attempts=1, next_attempt_at=NOON, created_at=NOON, submitted_at=NOON,
    )  # fmt: skip
    report = Report(reference=str(row.public_id), delivered=False, error=code)

    taken = take_reports([report], digest="d" * 64, now=NOON, real=NOON)

    row.refresh_from_db()
    assert (taken.known, row.status, row.error) == (1, "failed", "lost")
