"""Sensitive papers need consent; every access of staff is stamped and logged."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageChops

from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.models import Notice
from portal.core.storage import private
from relief.cases.workflow import State
from relief.evidence import access_log, consent_texts, consents
from relief.evidence.access_log import open_evidence
from relief.evidence.models import Consent, EvidenceAccess
from tests.relief.people import NOW, add, added_and_checked, borrower, draft, in_state, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, settings) -> None:
    settings.PRIVATE_ROOT = tmp_path


def test_sensitive_papers_need_their_own_consent() -> None:
    case = draft(borrower())

    with pytest.raises(InvalidInput) as refused:
        add(case, kind="medical")
    assert refused.value.field == "consent"
    assert list(private.keys()) == []

    add(case, kind="medical", consent=True, ip="127.0.0.1")
    add(case, "P01", kind="medical")
    given = Consent.objects.get(user=case.borrower)

    assert (given.kind, given.version, given.given_from) == ("medical", "2026-01", "127.0.0.1")
    assert len(given.text_digest) == 64
    with pytest.raises(InvalidInput):
        add(case, "I01b", kind="identity")


def test_withdrawing_consent_closes_the_files_it_covered() -> None:
    case = draft(borrower())
    medical = added_and_checked(case, kind="medical", consent=True)
    income = added_and_checked(case, "P01")

    count = consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW)

    medical.refresh_from_db()
    income.refresh_from_db()
    assert count == 1
    assert medical.withdrawn_at == NOW
    assert medical.purge_on == NOW.date()
    assert income.purge_on is None
    assert consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW) == 0


def test_a_new_text_asks_again_and_the_old_consent_keeps_its_own(monkeypatch) -> None:
    monkeypatch.setitem(consent_texts._TEXTS, "2025-07", "旧文：处理{label}。")
    case = draft(borrower())
    before = NOW - timedelta(days=90)
    old = Consent.objects.create(
        user=case.borrower, kind="medical", version="2025-07", text_digest="0" * 64, given_at=before
    )

    with pytest.raises(InvalidInput, match="单独同意"):
        add(case, kind="medical")
    assert (old.is_outdated, old.text) == (True, "旧文：处理医疗健康信息。")

    add(case, kind="medical", consent=True)

    old.refresh_from_db()
    given = Consent.objects.in_force().get(user=case.borrower)
    assert old.withdrawn_at == given.given_at == NOW
    assert (given.version, given.text_digest) == ("2026-01", consent_texts.text_digest("medical"))


def test_withdrawing_is_in_the_trail_and_told_to_staff_who_talk() -> None:
    case = draft(borrower())
    for code in ("I01a", "P01"):
        added_and_checked(case, code, kind="medical", consent=True)
    agent = staff()
    in_state(case, State.IN_REVIEW, assigned_to=agent)

    consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW)
    consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW)

    line = case.events.get(action="CONSENT_WITHDRAWN")
    assert line.note_public == "医疗证明 2 份停止使用，文件随后删除"
    notice = Notice.objects.get(user=agent, event="staff_consent_withdrawn")
    assert case.number in notice.body
    assert "医疗证明 2 份停止使用" in notice.body


def test_nobody_is_told_of_a_draft() -> None:
    case = draft(borrower())
    added_and_checked(case, kind="medical", consent=True)
    staff()

    consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW)

    assert case.events.filter(action="CONSENT_WITHDRAWN").count() == 1
    assert not Notice.objects.filter(event="staff_consent_withdrawn").exists()


def test_a_consent_withdrawn_while_the_file_was_read_counts(monkeypatch) -> None:
    case = draft(borrower())
    add(case, kind="medical", consent=True)
    save = private.save

    def withdrawn_meanwhile(*args: object, **more: object) -> object:
        consents.withdraw_consent(kind="medical", actor=case.borrower, now=NOW)
        return save(*args, **more)

    monkeypatch.setattr(private, "save", withdrawn_meanwhile)
    with pytest.raises(InvalidInput, match="单独同意"):
        add(case, "P01", kind="medical")

    assert case.evidence.count() == 1


def test_the_whole_of_a_file_is_what_was_drawn_with_the_mark_on_every_page() -> None:
    case = draft(borrower())
    paper = added_and_checked(case, "P06d")  # with links that a reader would follow
    in_state(case, State.SUBMITTED)

    with open_evidence(evidence=paper, actor=staff(), now=NOW, whole=True).stream as stream:
        whole = pdfium.PdfDocument(stream.read())

    page = whole[0]
    assert page.get_textpage().get_text_range() == "Proof of income"
    assert not list(page.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_PATH]))
    drawn = page.render(scale=2).to_pil().convert("L")
    blank_half = drawn.crop((0, drawn.height // 2, *drawn.size)).tobytes()
    assert sum(value < 250 for value in blank_half) > 3_000  # the mark, where nothing is written
    whole.close()


def test_every_access_of_staff_is_stamped_and_written_down() -> None:
    case = draft(borrower())
    image, paper = added_and_checked(case), added_and_checked(case, "P01")
    in_state(case, State.SUBMITTED)
    agent = staff()

    with open_evidence(evidence=image, actor=case.borrower, now=NOW).stream as own:
        plain = own.read()
    seen = open_evidence(evidence=image, actor=agent, now=NOW)
    second = open_evidence(evidence=paper, actor=agent, now=NOW, page=2)
    whole = open_evidence(evidence=paper, actor=agent, now=NOW, whole=True)
    with whole.stream as stream:
        assert stream.read(5) == b"%PDF-"

    assert (seen.content_type, second.content_type) == ("image/jpeg", "image/jpeg")
    assert (second.page, second.pages, second.file_name) == (2, 2, "流水-2.jpg")
    with Image.open(io.BytesIO(plain)) as a, Image.open(seen.stream) as b:
        assert a.size == b.size
        assert ImageChops.difference(a.convert("L"), b.convert("L")).getextrema()[1] > 20
    log = list(EvidenceAccess.objects.of_borrower(case.borrower))
    assert [(access.evidence, access.page, access.whole) for access in log[::-1]] == [
        (image, 1, False),
        (paper, 2, False),
        (paper, 1, True),
    ]
    assert log[0].viewer_label == f"{log[0].viewer.public_name}（审核员）"
    with pytest.raises(RuleViolation, match="没有第 3 页"):
        open_evidence(evidence=paper, actor=agent, now=NOW, page=3)
    with pytest.raises(RuleViolation, match="没有权限"):
        open_evidence(evidence=paper, actor=borrower("13900000002", "赵强"), now=NOW)


def test_the_stamp_names_the_viewer_and_when() -> None:
    viewer = staff()

    assert access_log.stamp_text(viewer, NOW) == f"{viewer.public_name} 2026-11-23 19:12 仅供审核"
    assert re.fullmatch(r"客服 K\d{4}", viewer.public_name)


def test_the_access_log_cannot_be_rewritten() -> None:
    case = in_state(draft(borrower()), State.SUBMITTED)
    made = added_and_checked(case)
    open_evidence(evidence=made, actor=staff(), now=NOW)
    access = EvidenceAccess.objects.get()

    with pytest.raises(TypeError):
        access.save()
    with pytest.raises(TypeError):
        EvidenceAccess.objects.all().delete()
