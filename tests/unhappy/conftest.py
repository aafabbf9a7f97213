"""The seeded cast, once for all lives of a process; each life is undone at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from portal.core.models import User
from portal.site.demo.seed import seed
from tests.conftest import at
from tests.unhappy.lives import Life
from tests.unhappy.visits import Borrower

BEGIN = at("2026-11-24 10:00")


@pytest.fixture(scope="package")
def cast(
    django_db_setup: object, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, User]]:
    """Everybody of the demo where their stories stand on BEGIN."""
    private = tmp_path_factory.mktemp("private")
    demo = override_settings(DEMO=True, SMS_BACKEND="demo", PRIVATE_ROOT=private)
    with django_db_blocker.unblock(), demo, transaction.atomic():
        seed(now=BEGIN)
        yield {user.username: user for user in User.objects.all()}
        transaction.set_rollback(True)


@pytest.fixture
def begin(cast: dict[str, User], db: None) -> Callable[[str, str], Life]:
    """`begin(name, phone)`: a life that goes on from where the demo opens."""
    return lambda name, phone: Life(name, Borrower(cast[phone]), BEGIN, cast)
