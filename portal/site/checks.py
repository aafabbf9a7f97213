"""System checks: the calendar reaches far enough, demo and real life do not mix, files can be kept.

What reads the database runs only when a database is asked about (`migrate`, `check --database`)
or under `check --deploy`, and says nothing before the tables exist.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection, transaction

from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.models import DemoClock, User, WorkDay
from portal.core.storage import private
from portal.core.storage.envelope import Damaged, UnknownKey
from portal.core.storage.store import StoreDown

logger = logging.getLogger(__name__)
CALENDAR_DAYS_AHEAD = 60


def add_checks() -> None:
    """Make the checks known; called once by the app's ready()."""
    register(files_can_be_kept, Tags.database)
    register(calendar_reaches_ahead, Tags.database)
    register(calendar_reaches_ahead, "calendar", deploy=True)
    register(demo_and_life_apart, Tags.database)
    register(demo_and_life_apart, "demo", deploy=True)


def files_can_be_kept(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The place of private files takes bytes, and EVIDENCE_KEYS opens those that are there.

    A place that does not answer just now is no reason: the pages without files work.
    """
    try:
        private.prove_keys()
    except StoreDown as silence:
        logger.warning("files.store_down", extra={"why": str(silence)})
    except (UnknownKey, Damaged):
        problem = (
            f"EVIDENCE_KEYS: 现有密钥打不开 {private.where} 里已加密的材料，请把原来的密钥加回列表；"
            "换密钥要先运行 manage.py rotate_evidence_keys，再去掉旧的"
        )
        return [Error(problem, id="portal.E005")]
    except OSError as refused:
        return [Error(f"EVIDENCE_STORAGE: 不能读写 {private.where}（{refused}）", id="portal.E001")]
    return []


def calendar_reaches_ahead(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """The table of working days covers the next 60 days."""
    needed = business_date(clock.real_now()) + timedelta(days=CALENDAR_DAYS_AHEAD)
    try:
        with transaction.atomic():
            if not _tables_exist():
                return []
            last_day = WorkDay.objects.order_by("-date").values_list("date", flat=True).first()
    except DatabaseError:
        return []
    if last_day is not None and last_day >= needed:
        return []
    reach = "是空的" if last_day is None else f"只到 {last_day}"
    return [
        Warning(
            f"工作日历{reach}，应至少到 {needed}；超出的日子按周一至周五暂定",
            hint="在管理后台的“工作日历”里补上，或运行 portal.core.calendar.days.fill_year",
            id="portal.W001",
        )
    ]


def demo_and_life_apart(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """No demo people or moved clock in real life, and no real people in a demo."""
    try:
        with transaction.atomic():
            if not _tables_exist():
                return []
            strangers = User.objects.filter(is_demo=not settings.DEMO).exists()
            moved = DemoClock.objects.exclude(offset=timedelta(0)).exists()
    except DatabaseError:
        return []
    if settings.DEMO:
        problem = "DEMO: 数据库里有真实用户，不能在演示模式下打开"
        return [Error(problem, id="portal.E002")] if strangers else []
    errors = []
    if strangers:
        errors.append(Error("DEMO: 数据库里有演示账户，不能用于正式环境", id="portal.E003"))
    if moved:
        errors.append(Error("DEMO: 数据库里的演示时钟被移动过，不能用于正式环境", id="portal.E004"))
    return errors


def refuse_wrong_start(**kwargs: Any) -> None:
    """End this process with one sentence when demo and real life are mixed, or files cannot be kept.

    Of web, worker and beat. Exit status 3 is the one at which gunicorn gives up instead of starting its worker anew.
    """
    problems = [*demo_and_life_apart(None), *files_can_be_kept(None)]
    if problems:
        sys.stderr.write(f"{problems[0].msg}\n")
        raise SystemExit(3)


def _tables_exist() -> bool:
    """Whether the migrations have run at least once."""
    names = connection.introspection.table_names()
    wanted = {model._meta.db_table for model in (User, DemoClock, WorkDay)}
    return wanted <= set(names)
