"""Every field, query parameter and JSON body of every address, with values nobody means: never a 500.

5,000 values inside the process; FUZZ_SEED has other ones. `make fuzz` is the nightly run, over HTTP.
"""

from __future__ import annotations

import os
import random
import re
from itertools import cycle
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery
from relief.cases.workflow import State
from relief.offers import negotiate
from tests import factories
from tests.fuzzing import CALLBACK_KEY, nasty, places_of, report_bodies, signed
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(0)]
VALUES = 5000
SEED = int(os.environ.get("FUZZ_SEED") or 1)


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


def test_no_value_at_any_address_is_a_fault(world: World, settings: Any) -> None:
    settings.PAYMENT_SIMULATION = True
    chance = random.Random(SEED)
    people = {
        "nobody": None,
        "owner": world.owner,
        "reviewer": world.reviewer,
        "manager": factories.staff(Rank.MANAGER),
        "auditor": factories.staff(Rank.AUDITOR),
    }
    clients = {who: Client(raise_request_exception=False) for who in people}
    for who, person in people.items():
        if person is not None:
            clients[who].force_login(person)
    places = places_of(clients, dict.fromkeys(clients, world.path_of))
    assert len({place.name for place in places}) > 60

    faults, tried = [], 0
    for place in cycle(places):
        if tried >= VALUES:
            break
        given = nasty(chance, place.names)
        typed = place.form | given if chance.random() < 0.5 else given
        method = chance.choice(("get", "post", "post", "both"))
        htmx = {"HX-Request": "true"} if chance.random() < 0.3 else {}
        query = nasty(chance, place.names) if method == "both" else None
        client = clients[place.who]
        tried += len(given)
        with transaction.atomic():
            if method == "get":
                answer = client.get(place.path, typed, headers=htmx)
            else:
                answer = client.post(place.path, typed, headers=htmx, query_params=query)
            transaction.set_rollback(True)
        if answer.status_code >= 500 and place.name != "portal:readyz":
            faults.append((answer.status_code, place.name, place.who, method, repr(given)[:300]))
        if place.who != "nobody" and place.name.endswith("logout"):
            client.force_login(people[place.who])  # type: ignore[arg-type]

    assert faults == [], f"{len(faults)} of {tried} values"


@pytest.mark.parametrize("backend", ["console", "aliyun"])
def test_no_signed_body_is_a_fault(world: World, settings: Any, backend: str) -> None:
    settings.SMS_CALLBACK_KEY, settings.SMS_BACKEND = CALLBACK_KEY, backend
    chance, client = random.Random(SEED), Client(raise_request_exception=False)
    faults = []
    for _, body in zip(range(max(200, VALUES // 25)), report_bodies(chance), strict=False):
        with transaction.atomic():
            answer = send_signed(client, body)
            transaction.set_rollback(True)
        if answer.status_code not in {200, 400, 404, 413}:
            faults.append((answer.status_code, repr(body)[:300]))

    assert faults == []


def send_signed(client: Client, body: Any) -> Any:
    path, raw, headers = signed(body)
    return client.post(path, raw, content_type="application/json", headers=headers)


# --- each kind once, and what the answer names -----------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reference": {}, "status": []}, "status"),
        ({"reference": {}, "status": "failed"}, "reference"),
        ({"reference": "a\x00", "status": "failed"}, "reference"),
        ({"reference": "a", "status": "failed", "error": [1]}, "error"),
        ({"reference": "a"}, "status"),
    ],
)
def test_an_unreadable_report_is_named_by_its_field(settings: Any, body: Any, field: str) -> None:
    settings.SMS_CALLBACK_KEY = CALLBACK_KEY

    answer = send_signed(Client(), [body])

    assert answer.status_code == 400
    assert answer.json()["msg"] == f"字段 {field} 缺少或格式不正确"


@pytest.fixture
def manager(world: World) -> Client:
    client = Client()
    client.force_login(factories.staff(Rank.MANAGER))
    return client


@pytest.mark.parametrize("selected", ["x", "-1", "", "9" * 30, "٣", "1 or 1"])
def test_a_row_that_is_no_number_is_named(manager: Client, selected: str) -> None:
    assert Delivery.objects.exists()
    page = reverse("admin:portal_delivery_changelist")

    answer = manager.post(page, {"action": "resend", "_selected_action": selected})

    assert answer.status_code == 422
    assert "“_selected_action”" in answer.content.decode()


DATED = {
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist": desk.date_hierarchy
    for model, desk in admin.site._registry.items()
    if desk.date_hierarchy
}


@pytest.mark.parametrize("name", sorted(DATED))
@pytest.mark.parametrize("year", ["9999", "0", "10000", "-1", "x"])
def test_a_year_that_is_none_is_named(manager: Client, name: str, year: str) -> None:
    answer = manager.get(reverse(name), {f"{DATED[name]}__year": year})

    assert answer.status_code == 422
    assert re.search(rf"“{DATED[name]}__year”", answer.content.decode())


@pytest.mark.parametrize("lookup", ["range", "regex", "hour", "in", "contains", "x", "year"])
def test_a_lookup_that_no_link_of_ours_has_is_named(manager: Client, lookup: str) -> None:
    answer = manager.get(reverse("admin:loans_loan_changelist"), {f"number__{lookup}": "x"})

    assert answer.status_code == 422
    assert f"“number__{lookup}”" in answer.content.decode()


def test_the_thirtieth_of_february_is_no_day(manager: Client) -> None:
    page, field = reverse("admin:portal_delivery_changelist"), "created_at"
    day = {f"{field}__year": "2026", f"{field}__month": "2", f"{field}__day": "30"}

    answer = manager.get(page, day)

    assert answer.status_code == 422
    assert f"“{field}__day”" in answer.content.decode()
    assert manager.get(page, {**day, f"{field}__day": "27"}).status_code == 200


@pytest.mark.parametrize("query", ["?amount=1&note=%00", "?note%00=1"])
def test_a_sign_that_nothing_keeps_is_named_by_its_field(client: Client, query: str) -> None:
    answer = client.get(f"/verify/{query}")

    assert answer.status_code == 400
    assert re.search(r"“note”里有无法保存的字符", answer.content.decode())


def test_a_field_that_no_link_may_ask_for_is_named(manager: Client) -> None:
    answer = manager.get(reverse("admin:loans_loan_changelist"), {"_to_field": "--"})

    assert answer.status_code == 422
    assert "“_to_field”" in answer.content.decode()


def test_a_wrong_proposal_on_a_closed_offer_is_told_that_it_is_closed(world: World) -> None:
    offer = factories.open_offer(factories.case_at(State.OFFERED))
    negotiate.withdraw_offer(
        case=offer.case,
        number=offer.number,
        reason="金额有误",
        actor=factories.staff(),
        now=clock.now(),
    )
    client = Client()
    client.force_login(offer.case.borrower)

    page = reverse("relief:offer-reject", args=[offer.case.public_id, offer.number])
    answer = client.post(page, {"note": "+1"})

    assert answer.status_code == 409
    assert "不能再答复" in answer.content.decode()


def test_a_question_that_is_not_on_the_page_is_not_refused(world: World) -> None:
    loan = factories.overdue_loan(drawdown_on=factories.NOW.date())
    client = Client()
    client.force_login(loan.borrower)

    assert (
        client.get(reverse("loans:penalty", args=[loan.public_id]), {"on": "x"}).status_code == 200
    )


@pytest.mark.parametrize("seen", ["", "x", "9" * 400])
def test_a_version_that_is_none_is_named_over_the_form(manager: Client, seen: str) -> None:
    case = factories.case_at(State.IN_REVIEW)

    answer = manager.post(reverse("admin:relief_case_pass", args=[case.pk]), {"seen": seen})

    assert answer.status_code == 422
    assert re.search(r'role="alert".*seen', answer.content.decode(), re.DOTALL)
