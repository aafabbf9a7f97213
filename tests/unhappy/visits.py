"""Opens everything that somebody is shown on a day, and reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import pypdfium2
from django.test import Client
from django.urls import reverse

from loans.models import Account, Entry, Loan, Posting
from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery, Notice, User
from relief.cases.models import Case
from tests.unhappy.reader import Page, about_of, read, read_words

FIRST = ("/me/", "/jiebei/", "/relief/", "/service/")
OPENED = re.compile(r"^/(jiebei|relief)/")
PASSED_BY = re.compile(r"\.(csv|xlsx|pdf|ics)|/(files|evidence|withdraw|appeal|receipt|reopen)/|\?")
SCOPES = re.compile(r"/repay/\?scope=(due|payoff|next|plan)")
PAPERS = re.compile(r"^/(jiebei|relief)/[a-z0-9]+/(agreement|statement|penalty)\.pdf$")
MOST_PAPERS = 28  # of one life: more are refused within 10 minutes
ENOUGH = 60  # pages; more would be a loop


@dataclass
class Reading:
    """What one borrower was told at one instant, on screen and by message."""

    at: datetime
    title: str
    pages: list[Page]
    messages: list[Page]
    loan_of: dict[str, str]  # public id of a case or loan → public id of its loan
    loans: list[str]  # those not settled
    restored: dict[str, Decimal] = field(default_factory=dict)  # by the books, on a breach
    numbers: dict[str, str] = field(default_factory=dict)  # public id of a loan → its number
    papers: dict[str, str] = field(default_factory=dict)  # address → words of a PDF, unspaced
    kept: dict[str, Any] = field(default_factory=dict)  # what a comparison worked out once

    def all(self) -> Iterator[Page]:
        yield from self.pages
        yield from self.messages

    def whom(self, about: str) -> str:
        """The loan that a piece is about, with the version of an offer; "" is all of them."""
        head, _, version = about.partition("#")
        loan = self.loan_of.get(head, "")
        if not loan and len(self.numbers) == 1:
            loan = next(iter(self.numbers))
        return f"{loan}#{version}" if version else loan


@dataclass
class Borrower:
    """One borrower and everything read of them so far."""

    user: User
    readings: list[Reading] = field(default_factory=list)
    seen_notice: int = 0
    seen_delivery: int = 0
    printed: int = 0  # papers read so far

    def __post_init__(self) -> None:
        self.client = Client()
        self.client.force_login(self.user)
        self._new_messages(clock.real_now())

    def look(self, at: datetime, title: str = "") -> Reading:
        """Open every page that can be reached by links, and take the messages since the last look.

        A look with a title is a turn of the story: its papers are read too, and what the desk shows
        of the cases with its dialogues.
        """
        with clock.frozen(at):
            pages = list(self._pages(at))
            papers = self._papers(pages) if title else {}
            pages += self._desk(at) if title else []
        reading = Reading(
            at=at,
            title=title,
            pages=pages,
            messages=self._new_messages(at),
            loan_of=self._loans(),
            loans=[loan.public_id for loan in self._own() if not loan.is_settled],
            restored={loan.public_id: restored(loan) for loan in self._own()},
            numbers={loan.public_id: loan.number for loan in self._own()},
            papers=papers,
        )
        self.readings.append(reading)
        return reading

    def _own(self) -> list[Loan]:
        return list(Loan.objects.filter(borrower=self.user))

    def _loans(self) -> dict[str, str]:
        found = {loan.public_id: loan.public_id for loan in self._own()}
        cases = Case.objects.filter(borrower=self.user).select_related("loan")
        return found | {case.public_id: case.loan.public_id for case in cases}

    def _pages(self, at: datetime) -> Iterator[Page]:
        waiting, seen = list(FIRST), set(FIRST)
        today = business_date(at)
        while waiting:
            path = waiting.pop(0)
            answer = self.client.get(path)
            if answer.status_code in (301, 302):
                continue
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            if "text/html" not in answer["Content-Type"]:
                continue
            page = read(path.split("?")[0], answer.content.decode(), today)
            page.path = path
            yield page
            for link in page.links:
                link = link.partition("#")[0]
                if link in seen or not OPENED.match(link):
                    continue
                if PASSED_BY.search(link) and not SCOPES.search(link):
                    continue
                seen.add(link)
                waiting.append(link)
            assert len(seen) < ENOUGH, f"too many pages: {sorted(seen)}"

    def _papers(self, pages: list[Page]) -> dict[str, str]:
        """The agreements and statements that the pages offer, as printed."""
        links = {link for page in pages for link in page.links if PAPERS.match(link)}
        read_papers = {}
        for link in sorted(links)[: MOST_PAPERS - self.printed]:
            self.printed += 1
            answer = self.client.get(link)
            assert answer.status_code == 200, f"{link}: {answer.status_code}"
            read_papers[link] = words_of_pdf(b"".join(answer))  # type: ignore[arg-type]
        return read_papers

    def _desk(self, at: datetime) -> list[Page]:
        """The case as a manager has it, every dialogue open: what an act would do is told there."""
        desk = Client()
        desk.force_login(User.objects.get(username="manager"))
        pages = []
        for case in Case.objects.filter(borrower=self.user).exclude(state="DRAFT"):
            answer = desk.get(reverse("admin:relief_case_change", args=[case.pk]))
            assert answer.status_code == 200, f"desk of {case}: {answer.status_code}"
            page = read(
                f"/relief/{case.public_id}/desk/", answer.content.decode(), business_date(at)
            )
            page.states.clear()  # staff have words of their own for whose turn it is
            pages.append(page)
        return pages

    def _new_messages(self, at: datetime) -> list[Page]:
        today = business_date(at)
        notices = list(
            Notice.objects.filter(user=self.user, pk__gt=self.seen_notice).order_by("pk")
        )
        sent = list(
            Delivery.objects.filter(user=self.user, pk__gt=self.seen_delivery).order_by("pk")
        )
        if notices:
            self.seen_notice = notices[-1].pk
        if sent:
            self.seen_delivery = sent[-1].pk
        found = []
        for one in notices:
            page = read_words(f"消息「{one.title}」", one.body, today, about_of(one.link))
            page.written_at = one.created_at
            found.append(page)
        for row in sent:
            whom = row.about.partition(":")[2]
            name = {"sms": "短信", "phone": "电话"}.get(row.channel, row.channel)
            page = read_words(f"{name}「{row.event}」", row.text, today, whom)
            page.written_at = row.created_at
            found.append(page)
        return found


def words_of_pdf(content: bytes) -> str:
    """All that a PDF prints, without spaces and line ends: a line may break anywhere."""
    document = pypdfium2.PdfDocument(content)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return re.sub(r"\s+", "", text)


def restored(loan: Loan) -> Decimal:
    """What the books put back of waivers on breaches of this loan."""
    rows = Posting.objects.filter(
        entry__loan=loan, entry__kind=Entry.Kind.BREACH, account=Account.WAIVER
    )
    return -sum((row.amount for row in rows), Decimal("0.00"))
