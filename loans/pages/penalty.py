"""查看罚息 as page, CSV, XLSX and PDF: the same segments, from one reading of the books."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from loans.pages._common import borrower, download, own_loan, spreadsheet
from loans.pages.forms import MAX_DAYS, WhatIfForm
from loans.presenters import chart, papers, rules
from loans.presenters import origins as sources
from loans.presenters import penalty as present
from loans.presenters.amounts import penalty_all
from loans.presenters.exports import Format
from loans.presenters.loan import LoanName, penalty_of_all, places
from loans.presenters.relief_status import promises_of, relief_status_of
from loans.queries.debt import borrower_positions, debt_of
from loans.queries.penalty import penalty_owed, story_of
from loans.queries.position import Position, load_position
from loans.queries.stage import stage_of
from loans.queries.statement import corrections_of
from loans.queries.types import Debt
from portal.core import clock
from portal.core.documents import pdf
from portal.core.lender import lender
from portal.core.web.access import borrower_only, costly
from portal.core.web.htmx import render_part, wants_part


@require_GET
@borrower_only
def penalty(request: HttpRequest, loan: str) -> HttpResponse:
    """The whole story; HTMX asks only for the what-if card."""
    visitor_loan = own_loan(request, loan)
    form = WhatIfForm(request.GET, today=clock.today())
    status = 200 if form.is_valid() else 422
    part = wants_part(request)
    positions = [] if part else borrower_positions(borrower(request))
    books = load_position(visitor_loan) if part else dict(positions)[visitor_loan]
    debt = debt_of(books, form.today)
    context = {
        "loan": visitor_loan,
        "debt": debt,
        "form": form,
        "what_if": _what_if(books, debt, form),
    }
    if not part:
        context |= _story(books, debt)
        pairs = [(each_loan, debt_of(position, form.today)) for each_loan, position in positions]
        context |= {
            "name": places(pairs).get(visitor_loan.pk, LoanName(visitor_loan.number)),
            "of_all": penalty_of_all(pairs),
            "standing": relief_status_of(visitor_loan),
            "corrections": corrections_of(visitor_loan),
        }
        if not context["cards"]:  # nothing owed: no such question on the page, so nothing refused
            status = 200
    return render_part(
        request,
        page="loans/penalty/penalty.html",
        part="loans/penalty/_what_if.html",
        context=context,
        status=status,
    )


def _what_if(books: Position, debt: Debt, form: WhatIfForm) -> present.WhatIf:
    first, last = form.today + timedelta(days=1), form.today + timedelta(days=MAX_DAYS)
    later_debt = debt_of(books, form.day)
    return present.what_if(debt, later_debt, asked=form.asked, first=first, last=last)


def _story(books: Position, debt: Debt) -> dict[str, Any]:
    story = story_of(books, debt.as_of)
    stage, promises = stage_of(books.loan, debt), promises_of(books.loan)
    cards = present.formula_cards(books.profile, story, debt)
    return {
        "stage": stage,
        "cards": cards,
        "past": present.past_penalties(books.profile, story, debt),
        "totals": present.totals(cards, debt),
        "origins": sources.origins(books, debt, without=sources.ON_PENALTY),
        "penalty_all": penalty_all(debt),
        "chart": chart.penalty_chart(story, debt, lambda on: penalty_owed(books, on)),
        "rules": rules.penalty_rules(books.profile),
        "promises": promises,
        "questions": rules.questions(books.profile, debt, stage, promises),
    }


@require_GET
@borrower_only
@costly
def penalty_table(request: HttpRequest, loan: str, kind: Format) -> HttpResponse:
    """Each segment with base, rate and days, so that a spreadsheet gives the same sums."""
    visitor_loan = own_loan(request, loan)
    books, today = load_position(visitor_loan), clock.today()
    story, debt = story_of(books, today), debt_of(books, today)
    return spreadsheet(papers.penalty_table(visitor_loan, books.profile, story, debt), kind)


@require_GET
@borrower_only
@costly
def penalty_pdf(request: HttpRequest, loan: str) -> HttpResponse:
    """The same segments on paper."""
    visitor_loan = own_loan(request, loan)
    books, today = load_position(visitor_loan), clock.today()
    story, debt = story_of(books, today), debt_of(books, today)
    paper = papers.penalty_paper(visitor_loan, books.profile, story, debt)
    content = pdf.render_statement(paper, author=lender().name)
    return download(
        content, kind="application/pdf", name=f"penalty-{visitor_loan.public_id}-{today}.pdf"
    )
