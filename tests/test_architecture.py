"""The layout holds, and each guard has been seen to fail on a planted violation."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests import architecture

LOCKS = ("requirements.txt", "requirements-extras.txt", "requirements-dev.txt")
RULES = {
    "unknown": architecture.unknown_modules,
    "direction": architecture.wrong_directions,
    "strings": architecture.upward_strings,
    "purity": architecture.impure_modules,
    "cycles": architecture.cycles,
    "one door": architecture.second_doors,
    "clock": architecture.own_clocks,
    "zone": architecture.own_zones,
    "floats": architecture.floats,
    "flags": architecture.positional_flags,
    "side doors": architecture.side_doors,
}
PLANTED = [
    ("unknown", {"relief.cases.helpers": ""}),
    ("unknown", {"portal.misc": ""}),
    ("direction", {"loans.domain.penalty.interest": "from loans.services import payment"}),
    ("direction", {"loans.services.payments.payment": "from loans.pages import repay"}),
    ("direction", {"loans.queries": "from relief.cases.models import Case"}),
    ("direction", {"portal.core.clock": "from portal.site.pages import me"}),
    ("direction", {"relief.cases.review": "from ..tasks import sweep", "relief.tasks": ""}),
    ("direction", {"relief.cases.review": "from loans.pages import repay"}),
    ("direction", {"relief.offers.terms": "from loans.services import payment"}),
    ("direction", {"relief.presenters.case": "from portal.core.desk import records"}),
    (
        "direction",
        {"relief.plans.watch": "import portal.site.demo.seed", "portal.site.demo.seed": ""},
    ),
    (
        "strings",
        {"portal.core.nudge": "import_string('portal.site.celery.app')", "portal.site.celery": ""},
    ),
    ("strings", {"loans.models.loan": "case = ForeignKey('relief.Case')"}),
    ("purity", {"portal.core.kernel.money": "import django"}),
    ("purity", {"relief.cases.workflow": "from django.db import models"}),
    ("direction", {"loans.domain.penalty.interest": "from portal.core.models import User"}),
    ("cycles", {"loans.a": "from loans import b", "loans.b": "from loans import a"}),
    ("one door", {"relief.cases.review": "def f(case):\n    case.state = 'OFFERED'"}),
    ("one door", {"relief.cases.review": "Case.objects.filter(pk=1).update(state='OFFERED')"}),
    ("one door", {"relief.plans.watch": "setattr(case, 'state', 'OFFERED')"}),
    ("one door", {"relief.desk.acts": "Case.objects.bulk_update(cases, ['state'])"}),
    ("one door", {"loans.services.payments.payment": "Posting.objects.bulk_create(lines)"}),
    ("one door", {"relief.offers.agreement": "Entry(loan=loan).save()"}),
    ("one door", {"loans.services.plans.breach": "run('INSERT INTO loans_posting VALUES (1)')"}),
    ("clock", {"relief.cases.queries": "from django.utils import timezone\ntimezone.now()"}),
    (
        "clock",
        {"relief.cases.review": "from portal.core.clock import now", "portal.core.clock": ""},
    ),
    ("zone", {"loans.bulk": "SHANGHAI = ZoneInfo('Asia/Shanghai')"}),
    (
        "zone",
        {"relief.cases.timing.deadlines": "import calendar\nlast = calendar.monthrange(2026, 2)"},
    ),
    ("floats", {"loans.domain.penalty.interest": "float('1.5')"}),
    ("floats", {"relief.offers.terms": "rate = 0.5"}),
    ("flags", {"loans.queries": "def f(loan, paid: bool): ..."}),
    ("side doors", {"relief.presenters": "from django.utils.safestring import mark_safe"}),
]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_layout(rule: Callable[[architecture.Sources], list[str]]) -> None:
    assert rule(architecture.read_sources()) == []


@pytest.mark.parametrize(("rule", "sources"), PLANTED)
def test_guard_sees_a_planted_violation(rule: str, sources: architecture.Sources) -> None:
    found = RULES[rule](sources)

    assert found != []
    assert next(iter(sources)) in found[0]


def test_only_the_agreed_names_stand_at_the_top() -> None:
    allowed = {
        *(
            "manage.py",
            "pyproject.toml",
            "README.md",
            "Makefile",
            "Procfile",
            "LICENSE",
            "gunicorn.conf.py",
        ),
        *LOCKS,
        *("portal", "relief", "loans", "templates", "static", "tests", "var"),
    }

    names = {path.name for path in architecture.ROOT.iterdir() if not path.name.startswith(".")}

    assert names <= allowed


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_hashed_and_name_no_registry(name: str) -> None:
    text = (architecture.ROOT / name).read_text()

    assert "://" not in text
    pinned = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert all("==" in line and line.rstrip().endswith("\\") for line in pinned)


def test_each_lock_adds_to_the_one_before() -> None:
    """Tests run with exactly what the product runs with, and only production's choice has extras."""
    product, extras, dev = (
        {
            line.split()[0]  # the pin; where it is needed may differ
            for line in (architecture.ROOT / name).read_text().splitlines()
            if re.match(r"[\w.\[\]-]+==", line)
        }
        for name in LOCKS
    )

    assert product < extras < dev
    assert {line.partition("==")[0] for line in extras - product} >= {
        "alibabacloud-dysmsapi20170525",
        "django-prometheus",
    }
