"""Every page of a borrower has its landmarks, one heading and a title of its own; figures are plain decimals."""

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
    titles: set[str] = set()
    for address in PAGES:
        answer = client.get(world.path_of(address))
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        page = answer.content.decode()
        if "<!doctype html>" not in page:
            continue
        title = "".join(re.findall("<title>(.+)</title>", page))
        wrong += [f"{address}: {title or 'no title'}"] * (not title or title in titles)
        titles.add(title)
        wrong += [f"{address}: no {tag}" for tag in LANDMARKS if f"<{tag}" not in page]
        wrong += [f"{address}: h1"] * (len(re.findall(r"<h1[ >]", page)) != 1)
        values = re.findall(r'<data value="([^"]*)"', page)
        wrong += [f"{address}: {v}" for v in values if not re.fullmatch(r"-?\d+(\.\d+)?", v)]

    assert len(titles) > 20
    assert wrong == []
