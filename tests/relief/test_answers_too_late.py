"""What a page shows when its offer is no longer the one on the table: 409, why, and today's terms."""

from __future__ import annotations

import html
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from portal.core import clock
from portal.core.kernel.businesstime import business_date
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers import negotiate
from relief.offers.models import Offer
from tests import factories
from tests.factories import NOW, PASSWORD, case_at, staff
from tests.relief.crash import snapshot

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=5)
ANSWERS = ("accept", "counter", "decline")


def ready() -> tuple[Client, Case, Offer]:
    """The borrower's page of an offer is open; nothing has been answered."""
    case = case_at(State.OFFERED)
    offer = factories.open_offer(case)
    client = Client()
    client.force_login(case.borrower)
    with clock.frozen(NOW):
        assert client.get(path(case, offer)).status_code == 200
    return client, case, offer


def path(case: Case, offer: Offer, act: str = "") -> str:
    return f"/relief/{case.public_id}/offers/{offer.number}/{act}"


def post(client: Client, case: Case, offer: Offer, answer: str, seen: str) -> tuple[int, str]:
    """The form as it was on the page; status and text of what comes back."""
    ticks = {"agree": "on", "know": "on", "by": "password", "password": PASSWORD}
    counter = {"waive": "0", "terms": "18", "first_due_on": "2026-03-25"}
    values: dict[str, dict[str, object]] = {
        "accept": {**ticks, "do": "accept"},
        "counter": {**counter, "reasons": ["too_much"], "do": "send"},
        "decline": {"reasons": ["other"], "sure": "on", "do": "decline"},
    }
    place = path(case, offer, "accept/" if answer == "accept" else "reject/")
    got = client.post(place, {"seen": seen, **values[answer]})
    return got.status_code, html.unescape(got.content.decode())


def unchanged(before: dict[str, list]) -> bool:
    now = snapshot()
    return all(now[name] == rows for name, rows in before.items() if name != "portal.Throttle")


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_expired_offer(answer: str) -> None:
    client, case, offer = ready()
    assert offer.valid_until is not None
    before = snapshot()

    with clock.frozen(offer.valid_until):
        status, text = post(client, case, offer, answer, offer.digest)

    assert (status, "已过有效期" in text) == (409, True)
    assert unchanged(before)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_superseded_offer_shows_the_one_that_holds_now(answer: str) -> None:
    client, case, offer = ready()
    factories.pay_amount(case.loan, Decimal("10.00"), business_date(SOON))
    newest = factories.open_offer(case)
    before = snapshot()

    with clock.frozen(SOON):
        status, text = post(client, case, offer, answer, offer.digest)

    assert (status, "已被新方案替代" in text) == (409, True)
    assert "系统已于 3月2日" in text
    assert path(case, newest) in text
    assert f"{Decimal(newest.rows[0]['total']):,.2f}" in text
    assert unchanged(before)


@pytest.mark.parametrize("answer", ANSWERS)
def test_another_digest_than_the_page_had(answer: str) -> None:
    client, case, offer = ready()
    before = snapshot()

    with clock.frozen(SOON):
        status, text = post(client, case, offer, answer, "0" * 64)

    assert (status, "与你看到的不一致" in text) == (409, True)
    assert path(case, offer) in text
    assert unchanged(before)


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_loser_reads_who_did_what_and_when(answer: str) -> None:
    client, case, offer = ready()
    who = staff()
    negotiate.withdraw_offer(case=case, number=offer.number, reason="金额有误", actor=who, now=SOON)
    before = snapshot()

    with clock.frozen(SOON):
        status, text = post(client, case, offer, answer, offer.digest)

    assert status == 409
    assert f"{who.public_name}已于 3月2日 10:05 撤回方案" in text
    assert unchanged(before)


def test_the_same_form_twice_is_one_agreement() -> None:
    client, case, offer = ready()
    with clock.frozen(SOON):
        first, _text = post(client, case, offer, "accept", offer.digest)
        again, _text = post(client, case, offer, "accept", offer.digest)

    assert (first, again) == (302, 302)
    assert case.agreements.count() == 1
