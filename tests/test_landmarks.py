"""Every page of a borrower has its landmarks and one heading; every figure is a plain decimal."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.addresses import all_addresses
from tests.world import World, build_world

pytestmark = pytest.mark.django_db
LANDMARKS = ("header", "nav", "main", "footer")
PAGES = [a for a in all_addresses() if not a.is_desk and not a.name.startswith("portal:demo")]


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


def test_every_page_is_built_of_landmarks(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    wrong: list[str] = []
    seen = 0
    for address in PAGES:
        answer = client.get(world.path_of(address))
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        page = answer.content.decode()
        if "<!doctype html>" not in page:
            continue
        seen += 1
        wrong += [f"{address}: no {tag}" for tag in LANDMARKS if f"<{tag}" not in page]
        wrong += [f"{address}: h1"] * (len(re.findall(r"<h1[ >]", page)) != 1)
        values = re.findall(r'<data value="([^"]*)"', page)
        wrong += [f"{address}: {v}" for v in values if not re.fullmatch(r"-?\d+(\.\d+)?", v)]

    assert seen > 20
    assert wrong == []
