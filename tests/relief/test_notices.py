"""Notices: every template is there and filled; short messages say nothing that others may read."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from portal.core.models import Delivery, Notice
from relief.cases.notices import RULES
from relief.cases.workflow import State
from relief.checks import check_notices
from tests import factories

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "notifications"
PRIVATE = ("逾期", "¥", "疾病", "住院", "罚息 ", "豁免", "免债", "停息挂账")


def test_every_notice_has_its_templates() -> None:
    assert check_notices(None) == []


@pytest.mark.parametrize(
    "event", sorted({r.event for rules in RULES.values() for r in rules if "sms" in r.channels})
)
def test_a_short_message_is_discreet_and_short(event: str) -> None:
    text = next(FOLDER.rglob(f"{event}.sms.txt")).read_text(encoding="utf-8")

    assert [word for word in PRIVATE if word in text] == []
    assert "http" not in text
    assert len(text) < 100


@pytest.mark.django_db
@pytest.mark.parametrize("state", list(State))
def test_no_placeholder_stays_empty(state: State, settings: pytest.FixtureRequest) -> None:
    templates = copy.deepcopy(django_settings.TEMPLATES)
    templates[0]["OPTIONS"]["string_if_invalid"] = "⟦%s⟧"
    settings.TEMPLATES = templates  # type: ignore[attr-defined]

    factories.case_at(state)

    texts = [f"{n.event}: {n.title} {n.body}" for n in Notice.objects.all()]
    texts += [f"{d.event}: {d.text}" for d in Delivery.objects.all()]
    assert [text for text in texts if "⟦" in text or "  " in text] == []
