"""Every template is used: named by code, by another template, or found by Django's own convention."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
# Names that code puts together, as patterns of what comes out.
PUT_TOGETHER = (
    r"notifications/.+",  # tests/relief/test_notices.py holds these against the rules
    r"portal/info/legal_\w+\.html",  # portal/site/pages/info.py: one for each text
    r"relief/apply/_?apply_\w+\.html",  # relief/pages/apply.py: one for each step
    r"relief/cases/(case_\w+|_case_\w+_form)\.html",  # relief/pages/cases.py: one for each act
    r"relief/offers/_\w+\.html",  # relief/pages/{offers,counter}.py: the part that is swapped
    r"admin/relief/case/_\w+\.html",  # relief/desk: the part that is swapped
)
# Django finds these by their names.
BY_CONVENTION = (
    r"(400|403|403_csrf|404|500)\.html",
    r"admin/.+/(change_list|change_form)\.html",
    r"admin/(app_list|search_form)\.html",  # Django's own, in Chinese throughout
)


def unused(names: set[str], texts: list[str]) -> set[str]:
    """The templates that nothing names, in quotes, and no pattern covers."""
    named = {name for text in texts for name in re.findall(r"[\w./-]+\.(?:html|txt|css|js)", text)}
    patterns = [re.compile(pattern) for pattern in (*PUT_TOGETHER, *BY_CONVENTION)]
    return {
        name for name in names - named if not any(pattern.fullmatch(name) for pattern in patterns)
    }


def test_every_template_is_used() -> None:
    names = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*")}
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("portal", "loans", "relief", "templates")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".html")
    ]

    assert unused(names, sources) == set()


def test_a_template_that_nothing_names_is_found() -> None:
    assert unused({"ui/_gone.html", "ui/_used.html"}, ['{% include "ui/_used.html" %}']) == {
        "ui/_gone.html"
    }
