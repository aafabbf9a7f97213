"""The sweep in bulk: few statements, each deadline once, all or nothing, and nobody held up."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice
from relief.cases.models import Case, Deadline, Event
from relief.cases.timing import sweep as deadlines
from relief.cases.workflow import State
from tests.bench import backlog
from tests.conftest import at
from tests.factories import NOW, case_at, staff
from tests.relief.crash import Crashed, dying_after, snapshot
from tests.relief.threads import race

NOTICES = {"staff_amber", "proof_reminder"}


def told_once(count: int) -> None:
    """Each case of the backlog has its one audit row and its one notice, each reminder its SMS."""
    rows = Event.objects.values_list("case_id", flat=True)
    assert Counter(rows) == dict.fromkeys(Case.objects.values_list("pk", flat=True), 1)
    assert Notice.objects.filter(event__in=NOTICES).count() == count
    assert Delivery.objects.count() == count // 2
    assert not Deadline.objects.waiting().exists()


@pytest.mark.django_db
def test_a_batch_takes_as_many_statements_as_one_case() -> None:
    counts = []
    for many in (2, 60):
        backlog.due_deadlines(many, due_at=NOW)
        with CaptureQueriesContext(connection) as seen:
            assert deadlines.sweep(now=NOW) == many
        counts.append(len([query for query in seen if "SAVEPOINT" not in query["sql"]]))

    # SQLite takes several INSERT statements for so many columns
    allowed = 0 if connection.vendor == "postgresql" else 4
    assert counts[0] <= 16
    assert counts[1] <= counts[0] + allowed
    told_once(62)


@pytest.mark.django_db
def test_a_missed_review_is_no_dearer() -> None:
    backlog.due_deadlines(30, due_at=NOW)
    staff(Rank.SUPERVISOR)
    Deadline.objects.update(kind="REVIEW_DUE")
    Case.objects.update(state=State.IN_REVIEW, review_due_at=NOW)

    with CaptureQueriesContext(connection) as seen:
        assert deadlines.sweep(now=NOW) == 30

    assert len(seen) <= 30  # not one a case
    assert Case.objects.filter(escalated_at=NOW, next_due_at=at("2026-03-03 18:00")).count() == 30
    assert Deadline.objects.waiting().filter(due_at=at("2026-03-03 18:00")).count() == 30
    assert Delivery.objects.filter(event="review_delayed").count() == 60  # SMS and call


@pytest.mark.django_db
def test_broken_rows_in_a_batch_hold_up_nobody() -> None:
    backlog.due_deadlines(9, due_at=NOW)
    broken = list(Deadline.objects.order_by("pk"))[4:6]
    Deadline.objects.filter(pk__in=[row.pk for row in broken]).update(kind="NONSENSE")

    assert deadlines.sweep(now=NOW) == 7
    assert deadlines.sweep(now=NOW) == 0

    assert list(Deadline.objects.waiting().order_by("pk")) == broken
    assert Event.objects.count() == 7
    assert not Event.objects.filter(case_id__in=[row.case_id for row in broken]).exists()


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_any_write_of_a_batch_leaves_nothing() -> None:
    backlog.due_deadlines(4, due_at=NOW)
    staff(Rank.SUPERVISOR)
    last = Deadline.objects.order_by("pk")[3:]
    Deadline.objects.filter(pk__in=[row.pk for row in last]).update(kind="EVIDENCE_DUE")
    before = snapshot()
    fatal = 0
    while True:
        fatal += 1
        with dying_after(fatal):
            try:
                handled = deadlines.sweep(now=NOW)
            except Crashed:
                assert snapshot() == before, f"after write {fatal}"
                continue
        break

    assert handled == 4
    assert fatal > 5
    assert Case.objects.filter(state=State.EXPIRED).count() == 1
    assert Event.objects.count() == Notice.objects.count() == 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_share_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "BATCH", 20)
    backlog.due_deadlines(300, due_at=NOW)

    (handled,) = race(lambda: deadlines.sweep(now=NOW), threads=4)

    assert sum(int(str(count)) for count in handled) == 300
    told_once(300)


@pytest.mark.django_db
def test_after_a_day_without_a_worker_everything_is_handled_once_and_in_order() -> None:
    """The amber look is too late by then and says so; the missed deadline comes after it."""
    staff(Rank.SUPERVISOR)
    case = case_at(State.IN_REVIEW)
    late = at("2026-03-05 09:00")

    for _beat in range(2):
        deadlines.sweep(now=late)

    said = case.events.exclude(action__in=["SUBMIT", "CLAIM", "EVIDENCE_ADDED"]).order_by("pk")
    assert list(said.values_list("action", flat=True)) == ["REMINDER_SKIPPED", "REVIEW_MISSED"]
    case.refresh_from_db()
    assert (case.escalated_at, case.next_due_at) == (late, at("2026-03-06 18:00"))
    assert Notice.objects.filter(event="staff_missed").count() == 1
    assert Delivery.objects.filter(event="review_delayed").count() == 2
    assert [row.due_at for row in case.deadlines.waiting()] == [case.next_due_at]
