"""Orders a portfolio report and counts it, chunk by chunk, in whichever worker is free.

A chunk is claimed under a lease by compare-and-set, read in one snapshot, and written together with
its mark: counted twice it is written once. The broker only wakes; the sweep does what it lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum

from loans.domain.risk import RiskRules
from loans.models import PortfolioChunk, PortfolioLine, PortfolioReport
from loans.queries.portfolio import (
    AMOUNT_COLUMNS,
    MAX_ATTEMPTS,
    LoanFigures,
    each_loan,
    loans_outstanding,
    running_report,
)
from portal.core.errors import RuleViolation
from portal.core.models import User
from portal.core.nudge import nudge

CHUNK_LOANS = 1000  # some seconds of one core
LEASE = timedelta(seconds=180)  # longer than a task's hard time limit
PATIENCE = 20  # seconds one task goes on; the next one follows
SPREAD = 8  # workers that are woken at once
KEPT = 5  # newest reports whose loans are kept; the sums of older ones stay
TASK = "loans.tasks.count_portfolio"


def risk_rules() -> RiskRules:
    """The lender's days of the five classes now."""
    return RiskRules(*settings.RISK_CLASS_DAYS)


def order_report(*, as_of: date, today: date, actor: User, now: datetime) -> PortfolioReport:
    """Begin the report of a date: its chunks wait, workers are woken.

    Errors: RuleViolation for a date to come, one without loans, or while another is counted.
    """
    if as_of > today:
        raise RuleViolation("截止日期：不能晚于今天。", field="as_of")
    with transaction.atomic():
        if running_report() is not None:
            raise RuleViolation("上一份报表还在计算，请等它完成后再计算。", code="RUNNING")
        report = PortfolioReport.objects.create(
            as_of=as_of,
            class_days=list(risk_rules().days),
            ordered_by=actor,
            ordered_at=now,
        )
        chunks = [
            PortfolioChunk(report=report, first_loan=first, last_loan=last)
            for first, last in _ranges(as_of)
        ]
        if not chunks:
            raise RuleViolation(f"截止日期：{as_of} 没有未结清的借款。", field="as_of")
        PortfolioChunk.objects.bulk_create(chunks, batch_size=500)
        for _ in range(min(SPREAD, len(chunks))):
            nudge(TASK)
    return report


def _ranges(as_of: date) -> Iterator[tuple[int, int]]:
    """(first, last) id of every CHUNK_LOANS loans outstanding on the date."""
    ids = loans_outstanding(as_of).order_by("pk").values_list("pk", flat=True).iterator()
    while chunk := list(islice(ids, CHUNK_LOANS)):
        yield chunk[0], chunk[-1]


def count_chunks(*, now: datetime, real_now: datetime, seconds: float = PATIENCE) -> int:
    """Claim and count chunk after chunk until none waits or ``seconds`` have passed.

    Returns how many were counted; wakes somebody for the rest.
    """
    stop, counted = time.monotonic() + seconds, 0
    while (chunk := _claim(real_now)) is not None:
        counted += _count(chunk, now)
        if time.monotonic() >= stop:
            nudge(TASK)
            break
    return counted


def _claim(real_now: datetime) -> PortfolioChunk | None:
    """The next chunk that nobody counts, now ours until its lease ends."""
    free = Q(lease_until=None) | Q(lease_until__lt=real_now)
    waiting = PortfolioChunk.objects.filter(free, done=False, attempts__lt=MAX_ATTEMPTS)
    for pk in waiting.order_by("pk").values_list("pk", flat=True)[: 2 * SPREAD]:
        lease, attempt = real_now + LEASE, F("attempts") + 1
        if waiting.filter(pk=pk).update(lease_until=lease, attempts=attempt):
            return PortfolioChunk.objects.select_related("report").get(pk=pk)
    return None


def _count(chunk: PortfolioChunk, now: datetime) -> bool:
    """Write the lines of a chunk, unless somebody else has; the last one closes the report."""
    report = chunk.report
    loans = loans_outstanding(report.as_of).filter(
        pk__gte=chunk.first_loan, pk__lte=chunk.last_loan
    )
    rules = report.rules
    lines = [_line(report, one, rules) for one in each_loan(report.as_of, loans)]
    with transaction.atomic():
        ours = PortfolioChunk.objects.filter(pk=chunk.pk, attempts=chunk.attempts, done=False)
        if not ours.update(done=True):
            return False
        PortfolioLine.objects.bulk_create(lines, batch_size=500)
    if not report.chunks.filter(done=False).exists():
        _finish(report, now)
    return True


def _line(report: PortfolioReport, one: LoanFigures, rules: RiskRules) -> PortfolioLine:
    amounts = {name: getattr(one.sums, name) for name in AMOUNT_COLUMNS}
    return PortfolioLine(
        report=report,
        loan_id=one.loan_id,
        bucket=one.bucket,
        risk_class=one.class_by(rules),
        overdue_days=one.overdue_days,
        **amounts,
    )


def _finish(report: PortfolioReport, now: datetime) -> None:
    """Keep the sums by bucket and class, and forget the loans of old reports; once."""
    sums = {name: Sum(name) for name in AMOUNT_COLUMNS}
    cells = report.lines.order_by("bucket", "risk_class").values("bucket", "risk_class")
    figures = [
        {key: value if isinstance(value, int | str) else str(value) for key, value in row.items()}
        for row in cells.annotate(loans=Count("pk"), **sums)
    ]
    with transaction.atomic():
        unfinished = PortfolioReport.objects.filter(pk=report.pk, finished_at=None)
        if unfinished.update(figures=figures, finished_at=now):
            kept = PortfolioReport.objects.order_by("-pk").values_list("pk", flat=True)[:KEPT]
            PortfolioLine.objects.exclude(report__in=list(kept)).delete()
            report.chunks.all().delete()
