"""The proofs after a fault find what was lost and what took effect twice or against a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.core.kernel.businesstime import business_date
from relief.cases.workflow import State
from relief.evidence.kinds import EvidenceState
from tests import factories
from tests.chaos import proofs
from tests.chaos.journal import FAIL, OK, UNKNOWN, Journal

pytestmark = pytest.mark.django_db
KEYS = {
    **dict.fromkeys(["pay", "write", "upload", "submit"], "nowhere"),
    **dict.fromkeys(["accept", "claim", "pass", "offer"], "nowhere:1"),
}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = Journal(tmp_path / "journal.jsonl")
    yield kept
    kept.close()


def problems(journal: Journal) -> list[str]:
    nobody: Any = None
    return [*proofs.acknowledged(nobody, journal), *proofs.refused(nobody, journal)]


def note(journal: Journal, kind: str, key: str, outcome: str, amount: str = "100.00") -> None:
    journal.end(journal.begin(kind, key, amount=amount), outcome)


@pytest.mark.parametrize("kind", list(KEYS))
def test_what_was_acknowledged_and_is_not_there_is_found(journal: Journal, kind: str) -> None:
    note(journal, kind, KEYS[kind], OK)
    note(journal, kind, KEYS[kind], UNKNOWN)

    assert len(problems(journal)) == 1
    assert "acknowledged" in problems(journal)[0]


def test_every_kind_of_act_that_was_done_is_counted(journal: Journal) -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    evidence = case.evidence.get()
    number = case.offers.get().number
    for kind, key in {
        "upload": evidence.sha256,
        "submit": case.public_id,
        "claim": f"{case.public_id}:1",
        "pass": f"{case.public_id}:2",
        "offer": f"{case.public_id}:3",
        "accept": f"{case.public_id}:{number}",
    }.items():
        note(journal, kind, key, OK)

    assert problems(journal) == []


def test_a_file_that_was_refused_without_a_sentence_is_found(journal: Journal) -> None:
    nobody: Any = None
    journal.end(journal.begin("upload", "one"), FAIL, "422 上传失败：文件没有保存成功")
    assert list(proofs.each_told(nobody, journal)) == []

    journal.end(journal.begin("upload", "two"), FAIL, "422 ")
    assert len(list(proofs.each_told(nobody, journal))) == 1


def test_a_file_that_passed_unscanned_is_found(journal: Journal, tmp_path: Path) -> None:
    class Scanned:
        scanned = tmp_path / "scanned"

    rig: Any = Scanned()
    file = factories.case_at(State.PLAN_ACTIVE).evidence.get()
    file.state = EvidenceState.PASSED
    file.save()
    assert len(list(proofs.none_unscanned(rig, journal))) == 1

    rig.scanned.write_text(f"{file.sha256}\n")
    assert list(proofs.none_unscanned(rig, journal)) == []


def test_a_refused_payment_that_was_booked_and_another_amount_are_found(journal: Journal) -> None:
    loan = factories.overdue_loan()
    on = business_date(factories.NOW)
    factories.pay_amount(loan, Decimal("100.00"), on, reference="one")
    note(journal, "pay", "one", OK)
    assert problems(journal) == []

    note(journal, "pay", "one", FAIL)
    note(journal, "pay", "one", OK, amount="99.00")

    assert ["I13" in each or "refused" in each for each in problems(journal)] == [True, True]
