"""What every test may use: a clock that stands still, and servers or a browser where there are any."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db import connection, transaction
from django.dispatch import receiver
from django.http import HttpRequest
from pytest_django import DjangoDbBlocker

from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.trail import row_triggers
from portal.core.web import proofs
from tests import migrated
from tests.leaks import WATCH

# The Nu HTML checker, where .ci/vnu puts it.
VNU = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").joinpath(
    "kuanxi/node_modules/vnu-jar/build/dist/vnu.jar"
)
NEEDS = {
    "browser": (
        lambda: shutil.which("chromium") is not None,
        "needs Chromium: apt-get install chromium fonts-noto-cjk",
    ),
    "postgres": (
        lambda: settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
        "needs PostgreSQL: apt-get install postgresql, and DATABASE_URL=postgres://…",
    ),
    "redis": (
        lambda: bool(os.environ.get("REDIS_URL")) or shutil.which("redis-server") is not None,
        "needs Redis: apt-get install redis-server",
    ),
    "vnu": (
        lambda: VNU.exists() and shutil.which("java") is not None,
        "needs Java and the Nu HTML checker: apt-get install default-jre-headless npm, then .ci/vnu",
    ),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what lacks its server or browser, and say what to install."""
    for name, (is_there, what_to_do) in NEEDS.items():
        if is_there():
            continue
        for item in items:
            if name in item.keywords:
                item.add_marker(pytest.mark.skip(reason=what_to_do))


def pytest_sessionstart() -> None:
    WATCH.install()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test in which something private got out fails, whatever else it has seen (tests/leaks.py).

    What its fixtures let out counts as its own; what ends after it, as the next one's.
    """
    yield
    if found := WATCH.take():
        pytest.fail("\n".join(["private values got out:", *found]), pytrace=False)


def at(text: str) -> datetime:
    """`at("2026-03-02 10:00")` as an instant in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@receiver(user_logged_in)
def proven_by_force(request: HttpRequest, **kwargs: object) -> None:
    """`Client.force_login` stands for the whole login: staff have given their second factor too.

    Its request is of no address; whoever logs in over the pages must give the factor.
    """
    if request.resolver_match is None:
        proofs.mark_proven(request.session)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None, django_db_keepdb: bool) -> Iterator[bool]:
    """On SQLite the test database begins as a copy of a migrated one, and goes when the tests end."""
    name = connection.settings_dict["TEST"]["NAME"]
    if connection.vendor != "sqlite" or django_db_keepdb:
        yield django_db_keepdb
        return
    yield migrated.begin_with_copy(Path(name))
    for suffix in ("", "-wal", "-shm"):
        Path(f"{name}{suffix}").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_keepdb: bool, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """The copy is kept for later runs; the days are read, so that no test counts the queries of that."""
    if connection.vendor == "sqlite" and not django_db_keepdb:
        migrated.keep_copy(Path(connection.settings_dict["NAME"]))
    with django_db_blocker.unblock():
        load_calendar()


@pytest.fixture(scope="session", autouse=True)
def emptied_past_triggers() -> Iterator[None]:
    """Tests with real transactions empty all tables behind them; SQLite's triggers would refuse."""
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    def flush_past(self: Any, sql_list: Any) -> None:
        with transaction.atomic(), row_triggers.lifted():
            flush(self, sql_list)

    operations.execute_sql_flush = flush_past  # type: ignore[method-assign]
    yield
    operations.execute_sql_flush = flush  # type: ignore[method-assign]


@pytest.fixture
def frozen() -> Iterator[datetime]:
    """A working-day morning on which the business clock stands still."""
    now = at("2026-03-02 10:00")
    with clock.frozen(now):
        yield now
