"""Drafts: found by their writer alone, sealed, over when sent, emptied, erased or old."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.http import QueryDict

from portal.core.accounts import drafts
from portal.core.kernel.errors import InvalidInput
from portal.core.models import Draft, User
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
PATH = "/relief/abc/appeal/"


def keep(user: User, text: str = "text=我住院三周&seen=9&password=x", path: str = PATH) -> None:
    drafts.save(user=user, path=path, fields=QueryDict(text))


def test_the_latest_is_found_by_its_writer_alone_and_is_sealed() -> None:
    writer = factories.borrower()
    keep(writer, "text=我住院")
    keep(writer)

    found = drafts.find(user=writer, path=PATH)

    assert found is not None
    assert found.fields.dict() == {"text": "我住院三周"}  # nothing hidden, no password
    assert drafts.find(user=factories.borrower(), path=PATH) is None
    assert "住院".encode() not in bytes(Draft.objects.get().sealed_fields)
    assert b"%E4" not in bytes(Draft.objects.get().sealed_fields)


def test_one_that_was_emptied_is_over() -> None:
    writer = factories.borrower()
    keep(writer)
    keep(writer, "text=+&seen=9&once=abc")

    assert not Draft.objects.exists()


def test_too_long_is_told_and_too_many_push_the_oldest_out() -> None:
    writer = factories.borrower()
    with pytest.raises(InvalidInput, match="草稿没有保存"):
        keep(writer, "text=" + "a" * drafts.MOST_BYTES)
    with time_machine.travel(NOW, tick=False) as machine:
        for number in range(drafts.MOST + 2):
            machine.shift(timedelta(seconds=1))
            keep(writer, path=f"/relief/{number}/appeal/")

    assert Draft.objects.count() == drafts.MOST
    assert drafts.find(user=writer, path="/relief/1/appeal/") is None
    assert drafts.find(user=writer, path="/relief/2/appeal/") is not None


def test_what_nobody_went_on_with_goes_after_thirty_days() -> None:
    writer = factories.borrower()
    with time_machine.travel(NOW, tick=False) as machine:
        keep(writer)
        machine.shift(timedelta(days=drafts.DRAFT_DAYS))
        assert drafts.forget_old() == 0
        machine.shift(timedelta(seconds=1))
        assert drafts.forget_old() == 1
