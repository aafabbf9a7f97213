"""The house at the staff desk: read by staff, changed through services only, phones masked."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, PhoneTask, User, WorkDay
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db


def request_of(user: User) -> Any:
    request: Any = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.mark.parametrize("model", [Delivery, Notice, PhoneTask, User])
@pytest.mark.parametrize("rank", list(Rank))
def test_everybody_reads_nobody_writes(model: Any, rank: Rank) -> None:
    desk, request = admin.site.get_model_admin(model), request_of(wen(rank))

    assert desk.has_view_permission(request)
    assert not desk.has_add_permission(request)
    assert not desk.has_change_permission(request)
    assert not desk.has_delete_permission(request)
    assert not desk.has_view_permission(request_of(lin()))


@pytest.mark.parametrize(
    ("rank", "may"), [(Rank.REVIEWER, False), (Rank.AUDITOR, False), (Rank.SUPERVISOR, True)]
)
def test_supervisors_correct_the_calendar(rank: Rank, may: bool) -> None:
    desk, request = admin.site.get_model_admin(WorkDay), request_of(wen(rank))

    assert desk.has_change_permission(request) is may
    assert desk.has_add_permission(request) is may
    assert not desk.has_delete_permission(request)


def failed_message(user: User) -> Delivery:
    now = clock.now()
    return Delivery.objects.create(
        user=user,
        channel="sms",
        event="x",
        key="sms",
        to="13800000001",
        text="t",
        status="failed",
        failure="permanent",
        next_attempt_at=now,
        created_at=now,
        finished_at=now,
    )


def act(client: Client, model: str, action: str, pk: int) -> Any:
    """Run an action of the changelist."""
    data = {"action": action, "_selected_action": [str(pk)]}
    return client.post(f"/admin/portal/{model}/", data, follow=True)


def test_lists_mask_phones_and_resend_goes_through_the_service(client: Client) -> None:
    row = failed_message(lin())
    client.force_login(wen())

    for model in ("delivery", "notice", "phonetask", "user", "workday"):
        assert client.get(f"/admin/portal/{model}/").status_code == 200
    shown = client.get(f"/admin/portal/delivery/{row.pk}/change/").content.decode()
    answer = act(client, "delivery", "resend", row.pk).content.decode()
    again = act(client, "delivery", "resend", row.pk).content.decode()

    row.refresh_from_db()
    assert row.status == "pending"
    assert "138****0001" in shown
    assert "13800000001" not in shown + answer
    assert "已放回待发送" in answer
    assert "只有未送达的消息可以重发" in again


def test_one_message_is_resent_from_its_own_page(client: Client) -> None:
    row = failed_message(lin())
    page, address = (f"/admin/portal/delivery/{row.pk}/{end}/" for end in ("change", "resend"))
    client.force_login(wen(Rank.AUDITOR))
    read = client.get(page).content.decode()
    refused = [client.post(address).status_code, client.get(address).status_code]

    client.force_login(wen())
    before = client.get(page).content.decode()
    after = client.post(address, follow=True).content.decode()

    row.refresh_from_db()
    assert refused == [403, 405]
    assert row.status == "pending"
    assert "重发</button>" in before
    assert "已放回待发送" in after
    assert "重发</button>" not in read + after


@pytest.mark.parametrize(
    ("asked", "word"), [("?done_at_filled=no", "请告知"), ("?done_at_filled=yes", "0 电话任务")]
)
def test_lists_are_headed_and_filtered_in_words(client: Client, asked: str, word: str) -> None:
    row = failed_message(lin())
    PhoneTask.objects.create(delivery=row, script="请告知", created_at=clock.now())
    client.force_login(wen())

    text = client.get(f"/admin/portal/phonetask/{asked}").content.decode()

    assert "<h1>电话任务</h1>" in text
    assert "选择电话任务查看" not in text
    assert all(name in text for name in ("待拨打", "已完成"))
    assert ("电话任务 " in text) if word == "请告知" else (word in text)


def test_outcome_of_a_call_is_recorded_at_the_desk(client: Client, frozen: Any) -> None:
    user = lin()
    row = failed_message(user)
    Delivery.objects.filter(pk=row.pk).update(
        channel="phone", status="submitted", failure="", finished_at=None
    )
    task = PhoneTask.objects.create(delivery=row, script="请告知", created_at=clock.now())
    client.force_login(wen())

    client.post(f"/admin/portal/phonetask/{task.pk}/record/", {"outcome": "reached"})

    task.refresh_from_db()
    row.refresh_from_db()
    assert (task.outcome, row.status) == ("reached", "delivered")
    assert client.get(f"/admin/portal/phonetask/{task.pk}/change/").status_code == 200
