"""Requests no page of ours sends: a field twice, a NUL where a row is looked up, endless numbers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Payment
from portal.core.kernel.roles import Rank
from relief.evidence.models import Evidence
from tests import factories
from tests.world import World, build_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("amounts", [["1", "9"], ["9", "1"], ["10", ""]])
def test_two_amounts_are_no_amount(
    world: World, owner: Client, settings: Any, amounts: list[str], htmx: bool
) -> None:
    settings.PAYMENT_SIMULATION = True
    page = reverse("loans:repay", args=[world.values["loan"]])
    order = {"scope": "custom", "amount": amounts, "token": "0123456789abcdef"}
    headers = {"HX-Request": "true"} if htmx else {}

    paid = owner.post(page, order, headers=headers)
    asked = owner.get(page, order, headers=headers)

    assert (paid.status_code, asked.status_code) == (422, 422)
    assert "“amount”收到了不同的值" in paid.content.decode()
    assert not Payment.objects.filter(amount__in=[1, 9, 10]).exists()


def test_the_same_value_twice_and_several_reasons_are_all_right(
    world: World, owner: Client
) -> None:
    page = reverse("loans:repay", args=[world.values["loan"]])

    answer = owner.get(page, {"scope": "custom", "amount": ["9", "9"], "reasons": ["a", "b"]})

    assert answer.status_code == 200


def test_no_row_is_looked_up_by_a_nul(world: World, owner: Client) -> None:
    before = Evidence.objects.count()

    answer = owner.post(
        reverse("relief:evidence-add", args=[world.values["case"]]),
        {"replaces": "a\x00", "kind": "income"},
    )

    assert answer.status_code == 404
    assert Evidence.objects.count() == before


@pytest.mark.parametrize("year", ["99999", "9" * 30, "zz", "-1"])
def test_a_year_without_end_is_no_fault_of_the_desk(world: World, year: str) -> None:
    boss = Client()
    boss.force_login(factories.staff(Rank.SUPERVISOR))

    answer = boss.get(reverse("admin:portal_workday_changelist"), {"date__year": year})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "page", ["http://[zz", "//evil.example/x", "\\\\evil", "javascript:1", "<script>"]
)
def test_whatever_page_a_fragment_says_it_is_on(page: str) -> None:
    answer = Client().get("/me/", headers={"HX-Request": "true", "HX-Current-URL": page})

    assert answer.status_code == 401
    assert answer["HX-Redirect"].startswith("/login/?next=")
    assert "evil.example" not in answer["HX-Redirect"]
    assert answer["X-Login"] == "/login/?next=%2Flogin%2Fagain%2F"
