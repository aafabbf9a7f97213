"""SMS_BACKEND=file: the words end up in a file of the owner's, a full disk is told, not hidden."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.core.models import Delivery, Notice
from portal.core.notifications import dispatch
from tests.portal.core.notifications.conftest import NOON

pytestmark = pytest.mark.django_db
Say = Callable[..., Notice]
Status = Delivery.Status


@pytest.fixture
def outfile(settings: Any, tmp_path: Path) -> Path:
    settings.SMS_BACKEND, settings.SMS_FILE = "file", tmp_path / "sms.jsonl"
    return tmp_path / "sms.jsonl"


def test_every_message_is_one_line_that_only_the_owner_reads(outfile: Path, say: Say) -> None:
    say(key="one")
    say(key="two")

    dispatch.deliver_due(NOON)

    rows = Delivery.objects.order_by("pk")
    lines = [json.loads(line) for line in outfile.read_text().splitlines()]
    assert sorted(line["reference"] for line in lines) == sorted(str(r.public_id) for r in rows)
    assert {line["text"] for line in lines} == {row.text for row in rows}
    assert {line["to"] for line in lines} == {row.to for row in rows}
    assert [row.status for row in rows] == [Status.SUBMITTED, Status.SUBMITTED]
    assert outfile.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_tried_again(outfile: Path, say: Say) -> None:
    say()
    outfile.mkdir()

    dispatch.deliver_due(NOON)

    row = Delivery.objects.get()
    assert (row.status, row.failure) == (Status.PENDING, Delivery.Failure.TEMPORARY)
    assert "文件写入失败" in row.error
    assert row.next_attempt_at > NOON


def test_half_a_line_is_taken_back(
    outfile: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(key="one")
    dispatch.deliver_due(NOON)
    whole = outfile.read_bytes()
    say(key="two")
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, line: write(handle, line[:10]))

    dispatch.deliver_due(NOON)

    assert outfile.read_bytes() == whole
    assert Delivery.objects.get(key__startswith="two").status == Status.PENDING
