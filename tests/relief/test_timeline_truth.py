"""The case's timeline says of each message what is known: 待发送, 已提交, 已送达, 未送达，已改为电话."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.models import Delivery
from portal.core.notifications import calls, dispatch, reports
from portal.core.notifications.channels import sms
from portal.core.notifications.channels.base import Report, SendFailed, SendResult
from relief.cases import application
from relief.cases.models import Case
from relief.cases.queries import timeline
from relief.cases.workflow import State
from tests.factories import NOW, case_at, staff

pytestmark = pytest.mark.django_db


class Provider:
    """Takes every message, or none."""

    refuses = False

    def send(self, delivery: Delivery, *, now: object) -> SendResult:
        if self.refuses:
            raise SendFailed("isv.MOBILE_NUMBER_ILLEGAL", permanent=True)
        return SendResult(reference="theirs")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    made = Provider()
    monkeypatch.setattr(sms, "adapter", lambda: made)
    return made


@pytest.fixture
def case() -> Case:
    staff()
    draft = case_at(State.DRAFT)
    return application.submit_case(case=draft, actor=draft.borrower, now=NOW)


def work() -> None:
    for pk in dispatch.claim_due(NOW, 100):
        dispatch.deliver_one(pk, NOW)


def said(case: Case) -> list[tuple[str, str]]:
    """(channel, words) of the newest event that told the borrower something."""
    submitted = next(entry for entry in timeline(case) if entry.event.action == "SUBMIT")
    return [(d.channel, d.status_label) for d in submitted.deliveries]


def test_from_waiting_to_delivered(case: Case, provider: Provider) -> None:
    assert said(case) == [("sms", "待发送")]

    work()
    assert said(case) == [("sms", "已提交")]

    message = Delivery.objects.get(event="case_submitted", channel="sms")
    reports.take_reports(
        [Report(str(message.public_id), delivered=True)], digest="1", now=NOW, real=NOW
    )
    assert said(case) == [("sms", "已送达")]


def test_refused_it_becomes_a_call_and_the_call_has_an_end(
    case: Case, provider: Provider, client: Client
) -> None:
    provider.refuses = True
    work()
    assert said(case) == [("sms", "未送达，已改为电话"), ("phone", "待发送")]

    work()
    assert said(case) == [("sms", "未送达，已改为电话"), ("phone", "已提交")]

    task = Delivery.objects.get(event="case_submitted", channel="phone").phone_task
    calls.record_call(task_id=task.pk, outcome="reached", actor=staff(), now=NOW)
    assert said(case) == [("sms", "未送达，已改为电话"), ("phone", "已送达")]

    client.force_login(case.borrower)
    with clock.frozen(NOW):
        page = client.get(reverse("relief:case", args=[case.public_id])).content.decode()
        inbox = client.get(reverse("portal:notices")).content.decode()
    assert "短信未送达，已改为电话" in page
    assert "未送达，已改为电话" in inbox


def test_the_timeline_stays_at_two_queries(
    case: Case, provider: Provider, django_assert_num_queries: object
) -> None:
    work()
    with django_assert_num_queries(2):  # type: ignore[operator]
        timeline(case)
