"""Every paper and every attacker's file through a real socket, as a page and as HTMX's part.

Each is taken, checked, told, opened and put aside as its table says; what staff see of it is judged by
pixels and text in tests/relief/evidence. The check runs once a file: both ways must bring it the same bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from PIL import Image
from pytest_django.live_server_helper import LiveServer

from portal.core import clock
from relief.cases.models import Case
from relief.evidence import sandbox
from relief.evidence.access_log import open_evidence
from relief.evidence.checks import check_file
from relief.evidence.kinds import dropped_sentence
from relief.evidence.models import Evidence
from tests import factories
from tests.chaos.http import Person
from tests.corpus.build import FILES, FileCase
from tests.corpus.papers import PAPERS, Paper
from tests.relief.pages.desk import HTMX, add
from tests.relief.people import staff
from tests.visitor import Page

WAYS = {"page": {}, "part": HTMX}
SETS = {
    "papers": [paper for paper in PAPERS if paper.name.endswith(".pdf")],
    "pictures": [paper for paper in PAPERS if not paper.name.endswith(".pdf")],
    "attackers": FILES,
}


@dataclass(frozen=True)
class Outcome:
    """What became of one file: the answer to the upload, the check's result, and what was to be opened."""

    answer: int = 200
    reason: str = ""
    is_told: bool = True
    opened: int = 200
    pages: int = 1
    dropped: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @classmethod
    def of_refusal(cls, reason: str) -> Outcome:
        """Taken, and by the check not let through."""
        return cls(reason=reason, opened=409, pages=0)


REFUSED_AT_ONCE = Outcome(answer=422, opened=0, pages=0)


def outcome_of(file: Paper | FileCase) -> Outcome:
    """What its table says; of an attacker's file not how many pages it has."""
    if isinstance(file, FileCase):
        if file.expect == "upload":
            return REFUSED_AT_ONCE
        return Outcome() if file.expect == "accept" else Outcome.of_refusal(file.expect)
    if file.refused:
        return Outcome.of_refusal(file.refused)
    return Outcome(pages=file.pages, dropped=file.dropped, verdicts=file.verdicts)


def compared(file: Paper | FileCase, outcome: Outcome) -> dict[str, Any]:
    """The columns that its table has."""
    asked = asdict(outcome)
    if isinstance(file, FileCase):
        del asked["dropped"], asked["verdicts"]
        asked["pages"] = outcome.pages > 0
    return asked


class Sender:
    """A borrower at the live server who sends files to one case, and takes each back again."""

    def __init__(self, address: str, case: Case) -> None:
        self.case, self.minutes = case, count(1)
        self.person = Person(address)
        assert self.person.sign_in(case.borrower.phone)
        self.steps = f"/service/apply/{case.loan.public_id}/evidence/"
        self.form = self.person.get(self.steps)
        self.agent = staff()

    def send(self, file: Paper | FileCase, headers: dict[str, str]) -> Outcome:
        """Post it, run its check, read what is told of it, open it and put it aside."""
        newest = self.case.evidence.latest("pk").pk
        answer = self.person.upload(
            add(self.case), {"kind": "income"}, file.name, file.data, self.form, headers=headers
        )
        made = self.case.evidence.filter(pk__gt=newest).first()
        if made is None:
            is_told = "上传失败：文件" in answer.text and file.name in answer.text
            return Outcome(answer.status, is_told=is_told, opened=0, pages=0)
        assert made.sha256 == hashlib.sha256(file.data).hexdigest()
        is_told = self.is_row(answer, made, headers) and "安全检查中" in answer.text
        check_file(evidence_id=made.pk, now=self.later())
        made.refresh_from_db()
        told = self.person.get(f"/relief/files/{made.public_id}/state/", headers)
        is_told &= self.is_row(told, made, headers)
        is_told &= (made.problem or "已通过检查") in told.text
        is_told &= dropped_sentence(made.dropped) in told.text
        shown = self.person.get(f"/relief/files/{made.public_id}/")
        if not headers:
            self.look_at_last_page(made)
        remove = f"/relief/files/{made.public_id}/remove/"
        assert self.person.submit(remove, {}, self.form, headers=headers).status == 200
        return Outcome(
            answer=answer.status,
            reason=made.reason,
            is_told=is_told,
            opened=shown.status,
            pages=made.pages,
            dropped=tuple(made.dropped),
            verdicts=tuple(signature["verdict"] for signature in made.signatures),
        )

    def later(self) -> datetime:
        """Minutes apart: nobody's share of checks is what is tested here."""
        return factories.NOW + timedelta(minutes=next(self.minutes))

    def is_row(self, page: Page, made: Evidence, headers: dict[str, str]) -> bool:
        """Alone for HTMX; else on the page of the step, to which the answer leads."""
        row = f'<li class="up" id="file-{made.public_id}"'
        if headers:
            return page.text.lstrip().startswith(row)
        return page.url.endswith(self.steps) and row in page.text and "</html>" in page.text

    def look_at_last_page(self, made: Evidence) -> None:
        """Staff, stamped and as large as it was drawn."""
        drawn = made.drawn_pages.last()
        if drawn is None:
            return
        Case.objects.filter(pk=made.case_id).update(state="SUBMITTED")
        made.case.refresh_from_db()
        now = self.later()
        opened = open_evidence(evidence=made, actor=self.agent, now=now, page=drawn.number)
        Case.objects.filter(pk=made.case_id).update(state="DRAFT")
        with Image.open(io.BytesIO(opened.stream.read())) as shown:
            assert shown.size == (drawn.width, drawn.height)


@contextmanager
def one_child() -> Iterator[None]:
    """The first check inside runs the child, the others get its answer."""
    with ExitStack() as kept:
        check, answers = sandbox.check, []

        @contextmanager
        def check_once(*arguments: Any) -> Iterator[sandbox.Checked]:
            if not answers:
                answers.append(kept.enter_context(check(*arguments)))
            yield answers[0]

        with patch.object(sandbox, "check", check_once):
            yield


@pytest.mark.slow
@pytest.mark.parametrize("files", SETS.values(), ids=SETS.keys())
def test_each_file_fares_as_its_table_says(
    files: Sequence[Paper | FileCase], live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "real_now", lambda: factories.NOW)
    sender = Sender(live_server.url, factories.draft_case())
    wrong = {}
    for file in files:
        with one_child():
            for way, headers in WAYS.items():
                found, wanted = (
                    compared(file, one) for one in (sender.send(file, headers), outcome_of(file))
                )
                if found != wanted:
                    wrong[file.code, way] = found

    assert wrong == {}
