"""Puts the rows of all trails into one chain, and proves that nobody has changed, dropped or added any.

A row is sealed as it is written (portal.core.trail.seals); a sweep links it a few seconds later. Linking
in the writing transaction itself would need a lock on the end of the chain until its commit: every
act of every person would wait for every other. The sweep holds that lock alone, so the chain cannot
fork: two sweeps at once wait for each other, and without the lock the number of a link is a key.

What is proven: a changed row no longer fits its seal; a deleted one has a link without a row; an
inserted one has no seal, as our key is not in the database; the same of links; the end of each day
is sealed and logged, so that a tail cut off is seen. A row deleted within the seconds before it is
linked leaves no trace here; the cases' own replay (I4) sees a missing move.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef

from portal.core.kernel.businesstime import business_date
from portal.core.models import TrailDay, TrailLink
from portal.core.trail.seals import is_digest_of, is_sealed, keyed_digest, trails

logger = logging.getLogger(__name__)
BATCH = 2000  # links of one sweep
# A row can be committed later than rows with higher numbers, but no transaction lasts that long.
LATEST_COMMIT = timedelta(hours=6)
CHUNK = 2000
LOCK = 0x7261_696C  # of PostgreSQL, for whoever extends the chain

Problem = tuple[str, str]  # (where, what is wrong)


def extend(real: datetime) -> int:
    """Link what is new, at most BATCH rows, and seal days that are over; returns how many links."""
    with transaction.atomic():
        _one_at_a_time()
        head = TrailLink.objects.order_by("-number").first()
        _seal_days(head, business_date(real))
        links: list[TrailLink] = []
        for trail, model in trails().items():
            for row in _unlinked(trail, model, real):
                if len(links) == BATCH:
                    break
                head = _link(head, trail, row, real)
                links.append(head)
        TrailLink.objects.bulk_create(links)
    return len(links)


def _one_at_a_time() -> None:
    """Until the end of the transaction; on SQLite an immediate one has the database to itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _unlinked(trail: str, model: type[models.Model], real: datetime) -> Iterator[Any]:
    """Rows without a link, in their order; those that we have not written stay out of the chain."""
    before = TrailLink.objects.filter(trail=trail, at__lt=real - LATEST_COMMIT).order_by("-at")
    start = before.values_list("row_id", flat=True).first() or 0
    seen: set[str] = set()
    for row in _without_link(trail, model).filter(pk__gt=start).order_by("pk").iterator(CHUNK):
        seal = _seal(row)
        if row.is_copy or seal in seen or not is_sealed(row):
            logger.error("trail.foreign", extra={"trail": trail, "row": row.pk})
            continue
        seen.add(seal)
        yield row


def _without_link(trail: str, model: type[models.Model]) -> models.QuerySet[Any]:
    """Rows that are in no link, and `is_copy`: whether another row's link has their seal."""
    links = TrailLink.objects.filter(trail=trail)
    rows: models.QuerySet[Any] = model._base_manager.filter(
        ~Exists(links.filter(row_id=OuterRef("pk")))
    )
    rows = rows.annotate(is_copy=Exists(links.filter(seal=OuterRef("seal"))))
    return rows


def _seal(row: models.Model) -> str:
    return str(getattr(row, "seal"))  # noqa: B009 - every trail has one, the base class has not


def _link(head: TrailLink | None, trail: str, row: models.Model, real: datetime) -> TrailLink:
    """The link after `head`."""
    number, before = (head.number + 1, head.digest) if head else (1, "")
    link = TrailLink(number=number, trail=trail, row_id=row.pk, seal=_seal(row), at=real)
    link.digest = keyed_digest(link.content(before))
    return link


def _seal_days(head: TrailLink | None, today: date) -> None:
    """Seal the day of the last link when it is over. What is logged is kept elsewhere too."""
    if head is None or business_date(head.at) >= today:
        return
    day = TrailDay(day=business_date(head.at), number=head.number, digest=head.digest)
    day.seal = keyed_digest(day.content())
    if not TrailDay.objects.filter(day=day.day).exists():
        day.save(force_insert=True)
        logger.info(
            "trail.sealed",
            extra={"day": f"{day.day}", "number": day.number, "digest": day.digest},
        )


def problems() -> Iterator[Problem]:
    """Everything that was not written by this program, or not left as it was."""
    ends = yield from _links()
    yield from _days(ends)
    for trail, model in trails().items():
        yield from _rows(trail, model)


def _links() -> Generator[Problem, None, dict[date, tuple[int, str]]]:
    """Links without a gap, each made from the one before; returns the ends of the days."""
    before, expected = "", 1
    ends: dict[date, tuple[int, str]] = {}
    for link in TrailLink.objects.order_by("number").iterator(CHUNK):
        if link.number != expected:
            yield f"link {expected}", f"is missing, as all up to {link.number - 1}"
        elif not is_digest_of(link.digest, link.content(before)):
            yield f"link {link.number}", "was changed, or what stands before it"
        before, expected = link.digest, link.number + 1
        ends[business_date(link.at)] = (link.number, link.digest)
    return ends


def _days(ends: dict[date, tuple[int, str]]) -> Iterator[Problem]:
    """Each day is sealed but the last, which may still go on, and ends where it was sealed."""
    days = {day.day: day for day in TrailDay.objects.order_by("day")}
    for when, day in days.items():
        if not is_digest_of(day.seal, day.content()):
            yield f"day {when}", "the seal was changed"
        elif ends.get(when) != (day.number, day.digest):
            yield f"day {when}", f"does not end with link {day.number} as it was sealed"
    for when in sorted(ends)[:-1]:
        if when not in days:
            yield f"day {when}", "has no seal"


def _rows(trail: str, model: type[models.Model]) -> Iterator[Problem]:
    """Each link has its row as it was; each row is ours."""
    own_link = TrailLink.objects.filter(trail=trail, row_id=OuterRef("pk"))
    rows: models.QuerySet[Any] = model._base_manager.annotate(linked_seal=own_link.values("seal"))
    for row in rows.order_by("pk").iterator(CHUNK):
        if is_sealed(row) and row.linked_seal in (None, _seal(row)):
            continue
        if row.linked_seal is None:
            yield f"{trail} {row.pk}", "was inserted, or changed, by other hands"
        else:
            yield f"{trail} {row.pk}", "was changed after it was written"
    for row in _without_link(trail, model).filter(is_copy=True).order_by("pk"):
        yield f"{trail} {row.pk}", "was inserted by other hands: a copy"
    there = model._base_manager.filter(pk=OuterRef("row_id"))
    gone = TrailLink.objects.filter(~Exists(there), trail=trail).order_by("number")
    for number, row_id in gone.values_list("number", "row_id"):
        yield f"{trail} {row_id}", f"was deleted; link {number} is left"
