"""The viewer of a case's papers: which file and page are shown, what was said of each, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from portal.core.models import User
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.desk.forms import DeskForm, JudgeForm
from relief.evidence.filecheck.bundle import Place
from relief.evidence.models import Evidence
from relief.evidence.pages import WordHit, find
from relief.offers.suggestions import affordability_of

# What of an address says where somebody is among the papers; hit 0 is the first from this page on.
PLACE = ("file", "page", "find", "hit")
MOST_WORDS = 80
MARGIN = 3  # pixels of the picture around what is marked


@dataclass(frozen=True)
class WordSearch:
    """What a search found in the open file: hits are numbered from 1 through all its pages."""

    words: str
    hits: list[WordHit] = field(default_factory=list)
    hit: int = 0  # the one that is looked at; 0 where there is none on this page

    @property
    def by_page(self) -> list[tuple[int, int, int]]:
        """Page, how many hits it has, and the number of the first."""
        counts = Counter(hit.page for hit in self.hits)
        firsts = {hit.page: number for number, hit in reversed([*enumerate(self.hits, 1)])}
        return [(page, counts[page], firsts[page]) for page in sorted(counts)]

    def on(self, page: int) -> list[tuple[int, Place]]:
        """What to mark on the picture of a page: the hit's number and a box with a little air."""
        return [
            (number, (left - MARGIN, top - MARGIN, width + 2 * MARGIN, height + 2 * MARGIN))
            for number, hit in enumerate(self.hits, 1)
            if hit.page == page
            for left, top, width, height in hit.places
        ]

    def step(self, page: int, by: int) -> int:
        """The hit before (-1) or behind (1), around the end; from a page without any, the nearest."""
        before = sum(hit.page < page for hit in self.hits)
        here = self.hit or before + (by < 0)
        return (here + by - 1) % len(self.hits) + 1 if self.hits else 0


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
    opened = chosen if chosen and chosen.is_open and chosen.withdrawn_at is None else None
    pages = max(paper.pages, 1) if paper else 1
    page = min(max(_number(choices.get("page", "")), 1), pages)
    search = _search(opened, page, choices)
    page = search.hits[search.hit - 1].page if search.hit else page
    return {
        "case": case,
        "papers": papers,
        "paper_count": len(kept),
        "removed_count": len(papers) - len(kept),
        "unjudged_count": sum(paper.awaits_verdict for paper in kept),
        "paper": paper,
        "paper_open": opened is not None,
        "long_wait": paper.long_wait_note(now) if paper else "",
        "paper_page": page,
        "paper_pages": range(1, pages + 1),
        "page_before": page - 1 if page > 1 else None,
        "page_after": page + 1 if page < pages else None,
        "has_text": opened is not None and bool(opened.text_key),
        "search": search,
        "marks": search.on(page),
        "drawn": opened.drawn_pages.filter(number=page).first() if opened else None,
        "hit_before": search.step(page, -1),
        "hit_after": search.step(page, 1),
        "keep_words": f"&{urlencode({'find': search.words})}" if search.words else "",
        "access_count": (paper.accesses.count() if paper else 0) + (1 if opened else 0),
        "judge": judge or JudgeForm(initial=_judged(case, paper), case=case),
        "judge_why_not": why_not(Task.JUDGE_FILE, case, Actor.of(viewer), now),
        "means": affordability_of(case),
        "place": place(choices),
    }


def _search(paper: Evidence | None, page: int, choices: Mapping[str, str]) -> WordSearch:
    """Where the words stand in the open file, and which hit is looked at: the one that was asked for,
    else the first on this page."""
    words = choices.get("find", "").strip()[:MOST_WORDS]
    hits = find(paper, words) if paper is not None and words else []
    first = next((number for number, hit in enumerate(hits, 1) if hit.page >= page), 1)
    if not hits:
        return WordSearch(words)
    wanted = choices.get("hit", "")
    if wanted and wanted != "0":
        return WordSearch(words, hits, min(_number(wanted), len(hits)))
    is_here = wanted == "0" or hits[first - 1].page == page
    return WordSearch(words, hits, first if is_here else 0)


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
    chosen = {name: choices[name][:MOST_WORDS] for name in PLACE if choices.get(name)}
    return f"?{urlencode(chosen)}" if chosen.get("file", "").isalnum() else ""


def _judged(case: Case, paper: Evidence | None) -> dict[str, Any]:
    return {"seen": case.version, "file": paper.public_id if paper else ""}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1
