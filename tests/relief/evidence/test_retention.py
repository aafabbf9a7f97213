"""Files go on their date: bytes deleted, digest, kind and decision kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.storage import private
from relief.cases.workflow import State
from relief.evidence import reconcile
from relief.evidence.access_log import open_evidence
from relief.evidence.consents import withdraw_consent
from relief.evidence.files import remove_evidence
from relief.evidence.models import Evidence
from relief.evidence.retention import planned_purge_on, purge_expired_evidence
from tests.relief.people import NOW, added_and_checked, borrower, draft, in_state, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, settings) -> None:
    settings.PRIVATE_ROOT = tmp_path


def purge(capture, now) -> int:
    with capture(execute=True):
        return purge_expired_evidence(now=now)


@pytest.mark.parametrize(
    ("state", "days"),
    [
        (State.REJECTED, 90),
        (State.WITHDRAWN, 90),
        (State.EXPIRED, 90),
        (State.DECLINED, 90),
        (State.COMPLETED, 180),
        (State.SETTLED, 180),
    ],
)
def test_bytes_go_on_the_day_and_the_rest_stays(
    state: State, days: int, django_capture_on_commit_callbacks
) -> None:
    case = draft(borrower())
    made = added_and_checked(case)
    in_state(case, state, closed_at=NOW)
    made.refresh_from_db()
    day = NOW + timedelta(days=days)
    assert planned_purge_on(made) == day.date()

    assert purge(django_capture_on_commit_callbacks, day - timedelta(days=1)) == 0
    assert len(list(private.keys())) == 2
    assert purge(django_capture_on_commit_callbacks, day) == 1
    assert purge(django_capture_on_commit_callbacks, day) == 0

    made.refresh_from_db()
    assert list(private.keys()) == []
    assert (made.stored_key, made.clean_key, made.bytes_purged_at) == ("", "", day)
    assert (made.kind, made.state, len(made.sha256)) == ("income", "passed", 64)
    assert case.events.filter(action="EVIDENCE_PURGED").count() == 1
    with pytest.raises(RuleViolation, match="已按期删除"):
        open_evidence(evidence=made, actor=case.borrower, now=day)


def test_files_of_an_open_case_have_no_date() -> None:
    made = added_and_checked(in_state(draft(borrower()), State.IN_REVIEW))

    assert planned_purge_on(made) is None
    assert purge_expired_evidence(now=NOW + timedelta(days=4000)) == 0


def test_a_reopened_case_keeps_its_files(django_capture_on_commit_callbacks) -> None:
    case = draft(borrower())
    made = added_and_checked(case)
    in_state(case, State.EXPIRED, closed_at=NOW)
    purge(django_capture_on_commit_callbacks, NOW + timedelta(days=1))
    made.refresh_from_db()
    assert made.purge_on == date(2027, 2, 21)

    in_state(case, State.NEED_MORE, closed_at=None)
    purge(django_capture_on_commit_callbacks, NOW + timedelta(days=400))

    made.refresh_from_db()
    assert made.purge_on is None
    assert made.is_open


def test_withdrawn_consent_and_removed_drafts_go_with_the_next_sweep(
    django_capture_on_commit_callbacks,
) -> None:
    case = draft(borrower())
    added_and_checked(case, kind="medical", consent=True)
    income = added_and_checked(case, "P01")
    remove_evidence(evidence=income, actor=case.borrower, now=NOW)
    withdraw_consent(kind="medical", actor=case.borrower, now=NOW)

    assert purge(django_capture_on_commit_callbacks, NOW) == 2

    assert list(private.keys()) == []
    assert Evidence.objects.count() == 2


def test_staff_cannot_open_what_was_removed() -> None:
    case = draft(borrower())
    made = added_and_checked(case)
    in_state(case, State.NEED_MORE)
    remove_evidence(evidence=made, actor=case.borrower, now=NOW)
    made.refresh_from_db()

    with pytest.raises(RuleViolation, match="已移除"):
        open_evidence(evidence=made, actor=staff(), now=NOW)


def test_files_that_no_row_names_are_found_and_removed(tmp_path) -> None:
    made = added_and_checked(draft(borrower()))
    orphan = private.save(b"left by a crash")
    part = tmp_path / "ab" / ("0" * 30 + ".0f9a.part")
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half")
    hour = timedelta(hours=1)

    assert reconcile.missing_files() == []
    assert reconcile.remove_orphans(before=clock.real_now() - hour) == 0
    assert reconcile.remove_orphans(before=clock.real_now() + hour) == 2

    assert not private.exists(orphan.key)
    assert private.exists(made.stored_key)
    private.delete(made.clean_key)
    assert reconcile.missing_files() == [made.clean_key]
