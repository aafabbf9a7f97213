"""The viewer of a case's papers: which file and page are shown, what was said of each, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from portal.core.models import User
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.desk.forms import DeskForm, JudgeForm
from relief.evidence.models import Evidence
from relief.evidence.pages import find
from relief.offers.suggestions import affordability_of

PLACE = ("file", "page")  # what of an address says where somebody is among the papers


def papers_of(
    case: Case,
    viewer: User,
    now: datetime,
    choices: Mapping[str, str],
    judge: DeskForm | None = None,
) -> dict[str, Any]:
    """What admin/relief/case/_papers.html needs; `judge` is a refused verdict.

    Nothing is opened, and logged, before somebody chooses a file. The picture that comes with the
    page is a look too, so it is counted before it is written down.
    """
    papers = shelf(case)
    kept = [paper for paper in papers if paper.withdrawn_at is None]
    wanted = choices.get("file", "")
    chosen = next((paper for paper in papers if paper.public_id == wanted), None)
    paper = chosen or next_to_judge(papers, None) or next(iter(papers), None)
    is_open = chosen is not None and chosen.is_open and chosen.withdrawn_at is None
    pages = max(paper.pages, 1) if paper else 1
    page = min(max(_number(choices.get("page", "")), 1), pages)
    return {
        "case": case,
        "papers": papers,
        "paper_count": len(kept),
        "removed_count": len(papers) - len(kept),
        "unjudged_count": sum(paper.awaits_verdict for paper in kept),
        "paper": paper,
        "paper_open": is_open,
        "long_wait": paper.long_wait_note(now) if paper else "",
        "paper_page": page,
        "paper_pages": range(1, pages + 1),
        "page_before": page - 1 if page > 1 else None,
        "page_after": page + 1 if page < pages else None,
        **_search(paper if is_open else None, choices.get("find", "")),
        "access_count": (paper.accesses.count() if paper else 0) + (1 if is_open else 0),
        "judge": judge or JudgeForm(initial=_judged(case, paper), case=case),
        "judge_why_not": why_not(Task.JUDGE_FILE, case, Actor.of(viewer), now),
        "means": affordability_of(case),
        "place": place(choices),
    }


def _search(paper: Evidence | None, words: str) -> dict[str, Any]:
    """On which pages of the open file the words stand; what stands around them is seen by opening one."""
    words = words.strip()[:80]
    has_text = paper is not None and bool(paper.text_key)
    numbers = sorted(find(paper, words)) if paper is not None and has_text and words else []
    return {
        "has_text": has_text,
        "words": words,
        "found": numbers,
        "keep_words": f"&{urlencode({'find': words})}" if words else "",
    }


def shelf(case: Case) -> list[Evidence]:
    """Every file of the case as the list shows it: those that count first, removed ones last."""
    papers = case.evidence.select_related("judged_by").order_by("pk")
    return sorted(papers, key=lambda paper: paper.withdrawn_at is not None)


def next_to_judge(papers: list[Evidence], after: Evidence | None) -> Evidence | None:
    """The next file without a verdict behind `after`, and from the top when there is none behind."""
    start = papers.index(after) + 1 if after in papers else 0
    return next((paper for paper in papers[start:] + papers[:start] if paper.awaits_verdict), None)


def address_of(case: Case, paper: Evidence | None) -> str:
    """The case's page with this file open; without one, the page."""
    page = reverse("admin:relief_case_change", args=[case.pk])
    return page + (f"{place({'file': paper.public_id})}#papers" if paper else "")


def place(choices: Mapping[str, str]) -> str:
    """Where somebody is among the papers, as the query of an address: "?file=…&page=2"."""
    chosen = {name: choices[name] for name in PLACE if choices.get(name, "").isalnum()}
    return f"?{urlencode(chosen)}" if "file" in chosen else ""


def _judged(case: Case, paper: Evidence | None) -> dict[str, Any]:
    return {"seen": case.version, "file": paper.public_id if paper else ""}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
