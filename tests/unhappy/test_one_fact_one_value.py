"""The proof of the unhappy path: every fact has one value, on every page and in every message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unhappy.comparison import contradictions
from tests.unhappy.lives import LIVES, Life

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.xdist_group("unhappy")]


@pytest.mark.parametrize("name", LIVES)
def test_one_fact_one_value(name: str, begin: Callable[[str, str], Life]) -> None:
    phone, play = LIVES[name]
    life = begin(name, phone)

    play(life)

    found = contradictions(life.borrower.readings)
    assert len(life.borrower.readings) > 1
    assert not found, f"{name} ({phone}), {len(found)} contradictions:\n" + "\n".join(
        map(str, found)
    )
