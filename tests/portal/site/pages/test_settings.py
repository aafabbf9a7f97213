"""设置: preferences, consents and the record of looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.models import User
from relief.cases.workflow import State
from relief.evidence.access_log import viewer_label
from relief.evidence.consents import give_consent
from relief.evidence.models import Consent, Evidence, EvidenceAccess
from tests import factories
from tests.portal.site.pages.conftest import HTMX, headings

pytestmark = pytest.mark.django_db
SETTINGS = reverse("portal:settings")
LogIn = Callable[[User], Client]
FILLED = {"call_from": "10:00:00", "call_to": "18:30:00"}


def test_page_shows_masked_facts(lin: User, as_user: LogIn) -> None:
    answer = as_user(lin).get(SETTINGS)

    text = answer.content.decode()
    assert headings(answer) == 1
    assert "138****6027" in text
    assert lin.phone not in text
    assert '<option value="09:00:00" selected>09:00</option>' in text


def test_preferences_are_kept(lin: User, as_user: LogIn) -> None:
    client = as_user(lin)

    answer = client.post(SETTINGS, {**FILLED, "large_type": "on"})

    lin.refresh_from_db()
    assert answer["Location"] == SETTINGS
    assert (lin.sms_enabled, lin.large_type) == (False, True)
    assert (lin.call_from, lin.call_to) == (time(10), time(18, 30))
    page = client.get(SETTINGS).content.decode()
    assert 'class="large-type"' in page
    assert "设置已保存" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"call_from": "07:00:00"}, "请在 08:00–22:00 之间选择"),
        ({"call_to": "abc"}, "请在 08:00–22:00 之间选择"),
        ({"call_from": ""}, "请选择电话最早时间"),
        ({"call_from": "20:00:00", "call_to": "09:00:00"}, "要晚于最早时间"),
    ],
)
def test_bad_preferences_change_nothing(
    lin: User, as_user: LogIn, changes: dict[str, str], sentence: str
) -> None:
    answer = as_user(lin).post(SETTINGS, FILLED | changes, headers=HTMX)

    lin.refresh_from_db()
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert lin.call_from == time(9)


def test_consent_is_read_and_withdrawn(lin: User, as_user: LogIn) -> None:
    given = give_consent(kind="medical", actor=lin, now=factories.NOW)
    client = as_user(lin)
    page = client.get(reverse("portal:consent", args=["medical"]))
    assert given.text in page.content.decode()
    assert headings(page) == 1

    answer = client.post(reverse("portal:consent-withdraw", args=["medical"]))

    assert answer["Location"] == SETTINGS
    assert not Consent.objects.active().exists()
    assert "已撤回" in client.get(SETTINGS).content.decode()


def test_consent_of_another_stays(lin: User, as_user: LogIn) -> None:
    give_consent(kind="medical", actor=factories.borrower(), now=factories.NOW)
    client = as_user(lin)

    assert client.get(reverse("portal:consent", args=["medical"]))["Location"] == SETTINGS
    client.post(reverse("portal:consent-withdraw", args=["medical"]))
    client.post(reverse("portal:consent-withdraw", args=["nonsense"]))

    assert Consent.objects.active().count() == 1


def test_looks_are_shown_to_whose_papers_they_are(lin: User, as_user: LogIn) -> None:
    case = factories.case_at(State.IN_REVIEW, loan=factories.overdue_loan(lin))
    paper = case.evidence.get()
    look_at(paper)

    for address in (SETTINGS, reverse("portal:evidence-access")):
        assert "收入证明.pdf" in as_user(lin).get(address).content.decode()
    assert "收入证明.pdf" not in as_user(factories.borrower()).get(SETTINGS).content.decode()


def test_every_look_can_be_read_page_by_page(lin: User, as_user: LogIn) -> None:
    paper = factories.case_at(State.IN_REVIEW, loan=factories.overdue_loan(lin)).evidence.get()
    for _ in range(51):
        look_at(paper)
    address = reverse("portal:evidence-access")

    first, second = (as_user(lin).get(address, {"page": n}).content.decode() for n in (1, 2))

    assert [page.count("查看了") for page in (first, second)] == [50, 1]
    assert 'href="?page=2"' in first


def look_at(paper: Evidence) -> None:
    """A look as the log keeps it; the file itself is not opened."""
    viewer = factories.staff()
    EvidenceAccess.objects.create(
        evidence=paper, viewer=viewer, viewer_label=viewer_label(viewer), at=factories.NOW
    )
