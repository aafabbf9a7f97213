"""The two RULES.md say what the code does: examples are computed, numbers compared, sections found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date, time, timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from loans.domain import risk
from loans.domain.affordability import assess
from loans.domain.allocation import InstalmentDue, allocate
from loans.domain.breach import vest
from loans.domain.components import Components
from loans.domain.penalty.interest import InstalmentPenalty, explain_penalty, overdue_days
from loans.domain.products import PRODUCTS
from loans.domain.profile import ProductProfile
from loans.domain.restructure import PlanPreview, plan_preview, waive_by_percent
from loans.domain.risk import CLASS_LABELS, RiskRules, bucket_of
from loans.domain.schedule import build_schedule, due_date
from portal.core.accounts import codes, drafts
from portal.core.calendar.days import days_of_year
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank, Role
from portal.core.kernel.workdays import WorkCalendar
from portal.core.notifications import calls, dispatch, hours
from relief.cases import reasons
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import State, open_moves
from relief.evidence import access_log, checks
from relief.evidence import kinds as evidence
from relief.evidence.filecheck import pages as file_pages
from relief.evidence.filecheck import pdf as file_pdf
from relief.evidence.filecheck import pictures as file_pictures
from relief.offers.terms import OfferTerms, check_offer_terms, needed_rank, penalty_by_percent
from relief.plans.health import PlanDue, look_at
from relief.rights import exports, keeping
from tests.loans.domain.support import DEBT_3, LOAN_3, day, fact, profile, terms, yuan

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("loans/RULES.md", "relief/RULES.md")
POLICY = ReliefPolicy()
D_2023_10_09 = DEBT_3
Row = dict[str, str]

# --- The examples: name of a table -> what the code answers to one row of it ----------------------


def _product(row: Row) -> Row:
    chosen = PRODUCTS[row["code"]]
    return {
        "daily rate %": f"{float(chosen.daily_rate * 100):.6g}",
        "penalty rate a day %": f"{float(chosen.penalty_rate * 100):.5g}",
        "ceiling bites": _yes(chosen.penalty_rate < chosen.nominal_penalty_rate),
    }


def _schedule(row: Row) -> Row:
    rounded = profile(round_instalment=row["rounding"], round_interest=row["rounding"])
    rows = build_schedule(
        rounded,
        principal=yuan("6000.00"),
        drawdown_on=day("2023-06-10"),
        term_months=3,
        due_day=10,
    )
    one = rows[int(row["№k"]) - 1]
    return {"due": str(one.due_on), "principal": str(one.principal), "interest": str(one.interest)}


def _method(row: Row) -> Row:
    rate, _, unit = row["rate"].partition(" a ")
    share = yuan("0.4" if row["method"] == "balloon" else "0")
    product = profile(
        rate,
        rate_kind={"day": "daily", "year": "annual"}[unit],
        method=row["method"],
        interest_days=row["interest_days"],
        balloon_share=share,
    )
    rows = build_schedule(
        product,
        principal=yuan("10000.00"),
        drawdown_on=day("2024-01-10"),
        term_months=3,
        due_day=10,
    )
    return {str(one.number): f"{one.principal} + {one.interest}" for one in rows}


def _due_date(row: Row) -> Row:
    return {"due": str(due_date(day(row["drawn on"]), int(row["months"]), int(row["due day"])))}


def _penalty(row: Row) -> Row:
    story = explain_penalty(profile(), LOAN_3, day(row["as of"]))
    parts = {f"№{item.number}": str(item.total) for item in story.instalments}
    return parts | {"total": str(story.total)}


def _late(rules: ProductProfile, principal: str, due_on: date, as_of: date) -> InstalmentPenalty:
    return explain_penalty(rules, [fact(str(due_on), principal)], as_of).instalments[0]


def _penalty_rate(row: Row) -> Row:
    due_on, stated = day("2023-01-01"), row["stated"]
    try:
        rules = profile(
            penalty_cause=row["cause"],
            penalty_multiplier=yuan(row["multiplier"]),
            penalty_rate_stated=yuan(stated) if stated else None,
        )
    except InvalidInput as refused:
        return {"ordinary": "", "surcharge": "", "refused for": refused.field}
    item = _late(rules, "10000.00", due_on, due_on + timedelta(days=30))
    return {
        "ordinary": str(item.ordinary_part),
        "surcharge": str(item.surcharge_part),
        "refused for": "",
    }


def _late_fee(row: Row) -> Row:
    product = profile(
        late_fee=yuan(row["fixed"]),
        late_fee_share=yuan(row["share"]),
        late_fee_most=yuan(row["at most"]) if row["at most"] else None,
        round_penalty="DOWN",
    )
    first, second, _ = explain_penalty(product, LOAN_3, day(row["as of"])).instalments
    return {"№1": str(first.fee), "№2": str(second.fee)}


def _parts(row: Row) -> Row:
    due_on = day("2023-01-01")
    as_of = due_on + timedelta(days=int(row["days"]))
    item = _late(profile(row["rate"]), "10000.00", due_on, as_of)
    return {
        "ordinary": str(item.ordinary_part),
        "surcharge": str(item.surcharge_part),
        "cut": str(item.capped_part),
        "penalty": str(item.total),
    }


def _ceiling(row: Row) -> Row:
    due_on = day("2023-01-01")
    as_of = due_on + timedelta(days=int(row["days"]))
    rules, days = profile("0.0005"), int(row["days"])
    most = (rules.cap_daily_rate or 0) * Fraction(row["overdue"]) * days
    return {
        "ceiling, exact": f"{int(most * 10000) / 10000:.4f}",
        "penalty": str(_late(rules, row["overdue"], due_on, as_of).total),
    }


def _counting(row: Row) -> Row:
    name, _, value = row["parameter"].partition("=")
    changes: dict[str, Any] = {name: value == "True" or int(value)} if value else {}
    rules, due_on, as_of = profile(**changes), day("2023-07-10"), day(row["as of"])
    return {
        "days": str(overdue_days(rules, due_on, as_of)),
        "penalty": str(_late(rules, "1982.70", due_on, as_of).total),
    }


def _allocation(row: Row) -> Row:
    on = day(row["paid on"])
    story = explain_penalty(profile(), LOAN_3, on)
    dues = [
        InstalmentDue(f.number, f.due_on, Components(f.principal, f.interest, item.total))
        for f, item in zip(LOAN_3, story.instalments, strict=True)
    ]
    lines = allocate(profile(), yuan("2100.00"), dues, on).lines
    parts = [f"№{line.instalment} {line.component.value} {line.amount}" for line in lines]
    return dict(zip(("1st part", "2nd part", "3rd part"), [*parts, "", ""], strict=False))


def _plan_of(row: Row, **changes: Any) -> PlanPreview:
    percent = yuan(row["waive penalty"].rstrip("%"))
    asked = terms(
        waive_penalty=waive_by_percent(D_2023_10_09.penalty, percent),
        waive_interest=yuan(row["waive interest"]),
        plan_annual_rate=yuan(row["rate a year"]),
        term_count=int(row["terms"]),
        period=row.get("period", "monthly"),
        **changes,
    )
    return plan_preview(profile(), D_2023_10_09, asked)


def _plan(row: Row) -> Row:
    plan = _plan_of(row)
    return {
        "first": str(plan.rows[0].total),
        "last": str(plan.rows[-1].total),
        "total": str(plan.total),
        "ends": str(plan.rows[-1].due_on),
    }


def _cost(row: Row) -> Row:
    plan = _plan_of(row, first_due_on=day("2023-11-09"))
    return {"annualised %": f"{plan.annualised_cost * 100:.2f}"}


def _percent(row: Row) -> Row:
    return {"waived": str(waive_by_percent(yuan(row["owed"]), yuan(row["percent"])))}


def _breach(row: Row) -> Row:
    vesting = vest(yuan(row["waived"]), yuan(row["plan principal"]), yuan(row["paid"]))
    return {
        "vested": str(vesting.vested),
        "comes back": str(vesting.returned),
        "due": str(vesting.remaining_principal),
    }


def _risk(row: Row) -> Row:
    days = int(row["days"])
    found = RiskRules().class_of(days, restructured=row["restructured"] == "yes")
    return {"bucket": bucket_of(days), "class": CLASS_LABELS[found]}


def _moves(row: Row) -> Row:
    def may(role: Role) -> str:
        return ", ".join(sorted({move.action.value for move in open_moves(row["state"], role)}))

    return {"borrower may": may(Role.BORROWER), "staff may": may(Role.STAFF)}


def _affordability(row: Row) -> Row:
    names = ("income", "spending", "payable")
    numbers = {name: yuan(row[name]) if row[name] else None for name in names}
    told = assess(**numbers, share=POLICY.affordability_share)
    return {
        "left over": str(told.left_over),
        "guide": str(told.guide),
        "limit": str(told.limit),
    }


def _working_days(row: Row) -> Row:
    submitted = day(row["submitted"])
    days = [d for year in (submitted.year, submitted.year + 1) for d in days_of_year(year)]
    calendar = WorkCalendar({one.date: one.kind == "work" for one in days})
    first, second = (str(calendar.add_working_days(submitted, n)) for n in (1, 2))
    return {"1st": first, "2nd": second}


def _waiver(row: Row) -> Row:
    numbers = (yuan(row[name]) for name in ("penalty", "percent", "delay"))
    return {"waived": str(penalty_by_percent(*numbers))}


def _offer(**changes: Any) -> OfferTerms:
    usual: dict[str, Any] = {
        "figures_as_of": D_2023_10_09.as_of,
        "term_count": 12,
        "first_due_on": day("2023-11-10"),
    }
    return OfferTerms(**(usual | changes))


def _bounds(row: Row) -> Row:
    name, _, value = row["changed"].partition("=")
    kinds: dict[str, Callable[[str], Any]] = {"term_count": int, "first_due_on": day}
    changes = {name: kinds.get(name, yuan)(value)} if value else {}
    try:
        check_offer_terms(POLICY, profile(), D_2023_10_09, _offer(**changes))
    except InvalidInput as refused:
        return {"refused for": refused.field}
    return {"refused for": ""}


def _tiers(row: Row) -> Row:
    tier = POLICY.tier(Rank(row["rank"].upper()))
    assert tier is not None
    return {
        "at most": "any" if tier.amount is None else str(tier.amount),
        "of the penalty": f"{tier.penalty_share:.0%}",
        "interest waiver": _yes(tier.interest),
        "terms": str(tier.terms),
        "second plan": _yes(tier.second_plan),
    }


def _authority(row: Row) -> Row:
    asked = _offer(
        waive_penalty=yuan(row["waive penalty"]),
        waive_interest=yuan(row["waive interest"]),
        term_count=int(row["terms"]),
    )
    rank = needed_rank(POLICY, D_2023_10_09, asked, plan_number=int(row["plan"]))
    return {"needs": rank.value.lower()}


def _act_tiers(row: Row) -> Row:
    return {"approved by": POLICY.act_rules.needed_rank(yuan(row["amount"])).value.lower()}


def _plan_watch(row: Row) -> Row:
    unpaid = [PlanDue(1, day("2026-12-26"), yuan("509.17"))]
    health = look_at(unpaid, day(row["on"]), POLICY.plan_rules)
    return {"reminder": health.reminder or "", "warn": _yes(health.must_warn)}


def _retention(row: Row) -> Row:
    kept = evidence.purge_date(ended_on=day(row["ended"]), settled=row["settled"] == "yes")
    return {"deleted": str(kept)}


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


EXAMPLES: dict[str, Callable[[Row], Row]] = {
    "product": _product,
    "schedule": _schedule,
    "method": _method,
    "due date": _due_date,
    "penalty": _penalty,
    "penalty rate": _penalty_rate,
    "late fee": _late_fee,
    "parts": _parts,
    "ceiling": _ceiling,
    "counting": _counting,
    "allocation": _allocation,
    "plan": _plan,
    "cost": _cost,
    "percent": _percent,
    "breach": _breach,
    "risk": _risk,
    "moves": _moves,
    "affordability": _affordability,
    "working days": _working_days,
    "waiver": _waiver,
    "bounds": _bounds,
    "tiers": _tiers,
    "act tiers": _act_tiers,
    "authority": _authority,
    "plan watch": _plan_watch,
    "retention": _retention,
}
_EXAMPLE = re.compile(r"<!-- example: (?P<name>[^>]+?) -->\n(?P<table>(?:\|.*\n)+)")


def _examples() -> Iterator[tuple[str, Row, Row]]:
    """(name, the row's questions, the answers it prints) of every example in the documents."""
    for document in DOCUMENTS:
        for found in _EXAMPLE.finditer((ROOT / document).read_text()):
            head, _, *rows = (_cells(line) for line in found["table"].splitlines())
            for row in rows:
                told = dict(zip(head, row, strict=True))
                asked = {key: value for key, value in told.items() if not key.startswith("→")}
                answers = {
                    key.removeprefix("→ "): value
                    for key, value in told.items()
                    if key.startswith("→")
                }
                yield found["name"], asked, answers


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@pytest.mark.parametrize(
    ("name", "asked", "printed"),
    [
        pytest.param(*example, id=f"{example[0]}: {', '.join(example[1].values())}")
        for example in _examples()
    ],
)
def test_the_code_answers_what_the_rules_print(name: str, asked: Row, printed: Row) -> None:
    assert printed
    assert EXAMPLES[name](asked) == printed


def test_every_table_of_examples_is_asked() -> None:
    marks = [
        mark
        for document in DOCUMENTS
        for mark in re.findall(r"<!-- example: (.+?) -->", (ROOT / document).read_text())
    ]

    assert sorted(marks) == sorted(EXAMPLES)
    assert {name for name, _, _ in _examples()} == set(marks)


def test_every_state_with_a_choice_is_in_the_table_of_moves() -> None:
    told = {asked["state"] for name, asked, _ in _examples() if name == "moves"}

    assert told == {
        state.value
        for state in State
        if open_moves(state, Role.BORROWER) or open_moves(state, Role.STAFF)
    }


# --- The numbers: every `name=value` is the default in the code ----------------------------------

_CONSTANTS = {
    name: getattr(module, name)
    for module, names in (
        (risk, ("BUCKET_DAYS",)),
        (reasons, ("MIN_STATEMENT", "MAX_STATEMENT")),
        (
            evidence,
            (
                "MAX_FILE_BYTES",
                "MAX_CASE_FILES",
                "MAX_USER_BYTES",
                "DAYS_AFTER_REFUSAL",
                "DAYS_AFTER_SETTLEMENT",
            ),
        ),
        (access_log, ("LEAFING",)),
        (checks, ("CHECKS_A_MINUTE",)),
        (file_pages, ("PAGE_SIDE",)),
        (file_pictures, ("MAX_PIXELS",)),
        (file_pdf, ("MAX_PAGES",)),
        (hours, ("OPENS", "CLOSES")),
        (calls, ("MAX_CALLS_A_DAY",)),
        (codes, ("LIFE", "MAX_TRIES")),
        (drafts, ("DRAFT_DAYS",)),
        (dispatch, ("MAX_ATTEMPTS",)),
        (exports, ("EXPORTS_A_DAY", "LINK_LIVES")),
        (keeping, ("ANSWER_DAYS", "BOOKS_YEARS", "RECORDS_YEARS", "NOTICES_YEARS")),
    )
    for name in names
}
_PROFILE = {f.name: f.default for f in fields(ProductProfile)}
_PARAMETERS = (
    _PROFILE
    | {f.name: f.default for f in fields(RiskRules)}
    | {f.name: getattr(POLICY, f.name) for f in fields(ReliefPolicy)}
)
# Said otherwise: what a product is, in words and by examples, and the tiers, by a table.
_IN_WORDS = {"code", "name", "rate_kind", "rate", "method", "tiers", "act_tiers"}


def _printed_parameters() -> list[tuple[str, str]]:
    texts = (_EXAMPLE.sub("", (ROOT / document).read_text()) for document in DOCUMENTS)
    return [pair for text in texts for pair in re.findall(r"`([A-Za-z_]+)=([^`|]+)`", text)]


def _as_printed(name: str, value: object) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        hours_only = value % timedelta(hours=1) == timedelta(0)
        return (
            f"{value // timedelta(hours=1)} h"
            if hours_only
            else f"{value // timedelta(minutes=1)} min"
        )
    if name.endswith("_BYTES"):
        assert isinstance(value, int)
        return f"{value // evidence.MEGABYTE} MB"
    if name.endswith("_PIXELS"):
        assert isinstance(value, int)
        return f"{value // 1_000_000} MP"
    return value.value if isinstance(value, StrEnum) else str(value)


def test_every_printed_number_is_the_default_in_the_code() -> None:
    known = _PARAMETERS | _CONSTANTS
    printed = [pair for pair in _printed_parameters() if pair != ("name", "value")]

    wrong = [
        f"{name}={value}"
        for name, value in printed
        if name not in known or value != _as_printed(name, known[name])
    ]

    assert not wrong


def test_every_parameter_of_product_and_policy_is_printed() -> None:
    printed = {name for name, _ in _printed_parameters()}

    assert set(_PARAMETERS) | set(_CONSTANTS) <= printed | _IN_WORDS


# --- The references: what a reader can open, and sections that exist -------------------------------

_UNREADABLE = re.compile(
    r"\b(?:domain|contract|reliability|architecture|dependencies|exemplars|peers|screens|tokens)\.md"
    r"|\bdesign/|/work/|\bshared/(?:design|screens|mission)"
)
_REFERENCE = re.compile(
    r"(?P<document>(?:loans|relief)/RULES\.md)(?:\)|\]\([^)]*\))? §(?P<first>\d+)"
    r"(?:(?: to |–|, §| and )§?(?P<last>\d+))?"
)
_THIS = "tests/test_rules.py"  # which has to name what it looks for
_FOLDERS = [
    ROOT / name for name in ("portal", "loans", "relief", "tests", "templates", "static", ".ci")
]
_TEXT_SUFFIXES = {"", ".py", ".html", ".txt", ".md", ".js", ".css", ".toml"}


def _texts() -> Iterator[tuple[str, str]]:
    """(path, text) of every text file that a reader of the repository gets."""
    for file in (
        *ROOT.glob("[!.]*"),
        ROOT / "Makefile",
        *(f for d in _FOLDERS for f in d.rglob("*")),
    ):
        path = str(file.relative_to(ROOT))
        if path != _THIS and file.suffix in _TEXT_SUFFIXES and file.is_file():
            yield path, file.read_text()


def test_no_reference_to_a_document_that_a_reader_cannot_open() -> None:
    found = [
        f"{path}: {match[0]}" for path, text in _texts() for match in _UNREADABLE.finditer(text)
    ]

    assert not found


def test_every_reference_to_the_rules_names_a_section_that_is_there() -> None:
    sections = {
        document: set(re.findall(r"^## §(\d+) ", (ROOT / document).read_text(), re.M))
        for document in DOCUMENTS
    }
    references = [
        (path, match["document"], number)
        for path, text in _texts()
        for match in _REFERENCE.finditer(text)
        for number in (match["first"], match["last"])
        if number
    ]

    assert len(references) > 30
    assert [ref for ref in references if ref[2] not in sections[ref[1]]] == []


def test_sections_are_numbered_in_order() -> None:
    for document in DOCUMENTS:
        numbers = re.findall(r"^## §(\d+) ", (ROOT / document).read_text(), re.M)
        assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
