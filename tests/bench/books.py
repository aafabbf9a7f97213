"""The books, measured: explanations a second, the longest 查看罚息, one repayment, the portfolio.

The portfolio needs PostgreSQL: it is measured in databases of its own (10,000 and 100,000 loans),
by a process of its own each, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, PaymentFact
from loans.domain.penalty.interest import (
    PenaltyExplanation,
    _explained_by_runs,
    explain_penalty,
    penalty_totals,
)
from loans.domain.products import product
from loans.models import Loan
from loans.services.payments.payment import pay
from portal.core import clock
from portal.site.celery import app
from tests.loans.books import at, example_loan, make_borrower, paid
from tests.stack import ROOT, administer

SECONDS = 3.0
INSTALMENTS = (3, 12, 36, 60)
PAYMENTS = (0, 3, 20, 200)
SIZES = (10_000, 100_000)
AS_OF = date(2026, 11, 20)
PAGE_ON = date(2028, 9, 20)
ROUNDS = 30


def run() -> None:
    """All sections; the portfolio only where there is a PostgreSQL."""
    explanations()
    growth()
    with empty_database():
        page()
        repayment()
    if connection.vendor == "postgresql":
        portfolio()
    else:
        print("\nPortfolio: skipped, needs DATABASE_URL=postgres://…")


# --- the pure rule -----------------------------------------------------------------------------


def explanations() -> None:
    """12 instalments overdue, 3 part payments: how often a second on one core."""
    profile, as_of = product("daily_004"), date(2025, 3, 1)
    facts = [_fact(n) for n in range(12)]
    print("\nPenalty of 12 instalments with 3 part payments, one core\n")
    print("| what | a second of CPU |\n|---|---:|")
    for what, act in (
        ("the sums alone", lambda: penalty_totals(profile, facts, as_of)),
        ("every total, segments unread", lambda: _summed(explain_penalty(profile, facts, as_of))),
        ("the same over runs", lambda: _summed(_explained_by_runs(profile, facts, as_of))),
        ("every segment written out", lambda: _read(explain_penalty(profile, facts, as_of))),
    ):
        print(f"| {what} | {_rate(act):,} |")


def _summed(story: PenaltyExplanation) -> tuple[Decimal, ...]:
    """The totals of the loan, as a page reads them."""
    penalty = story.total, story.ordinary_part, story.surcharge_part, story.capped_part
    return *penalty, story.compound, story.fee, story.per_day


def _read(story: PenaltyExplanation) -> list[tuple[object, ...]]:
    """Every segment's dates, sentences, rate and amount, as a screen or the CSV reads them."""
    return [
        (*segment, segment.amount, segment.rate_shown)
        for line in story.instalments
        for segment in line.segments
    ]


def _fact(n: int) -> InstalmentFacts:
    part = PaymentFact(date(2025, 1, 15), Component.PRINCIPAL, Decimal("100.00"))
    return InstalmentFacts(
        number=n + 1,
        due_on=date(2024, 1, 10) + timedelta(days=30 * n),
        principal=Decimal("1000.00"),
        interest=Decimal("20.00"),
        payments=(part,) if n < 3 else (),
    )


def growth() -> None:
    """How the cost of one loan grows with its instalments and payments, all overdue, all on principal."""
    profile, as_of = product("daily_004"), date(2030, 3, 1)
    print("\nPenalty of one loan by the length of its life, µs of CPU: sums / every segment read\n")
    print(f"| instalments | {' | '.join(f'{many} payments' for many in PAYMENTS)} |")
    print("|---:|" + "---:|" * len(PAYMENTS))
    for terms in INSTALMENTS:
        cells = []
        for payments in PAYMENTS:
            facts = [
                _paid_fact(n, payments // terms + (n < payments % terms)) for n in range(terms)
            ]
            sums = _rate(partial(penalty_totals, profile, facts, as_of), 0.3)
            lines = _rate(lambda facts=facts: _read(explain_penalty(profile, facts, as_of)), 0.3)
            cells.append(f"{1e6 / sums:,.0f} / {1e6 / lines:,.0f}")
        print(f"| {terms} | {' | '.join(cells)} |")


def _paid_fact(n: int, payments: int) -> InstalmentFacts:
    """An instalment with so many payments on days of their own."""
    paid = [
        PaymentFact(date(2029, 8, 1) + timedelta(days=k), Component.PRINCIPAL, Decimal("2.00"))
        for k in range(payments)
    ]
    return replace(_fact(n), payments=tuple(paid))


def _rate(act: Callable[[], object], seconds: float = SECONDS) -> int:
    started, count = time.process_time(), 0
    while time.process_time() - started < seconds:
        act()
        count += 1
    return round(count / (time.process_time() - started))


# --- on a database -----------------------------------------------------------------------------


@contextmanager
def empty_database() -> Iterator[None]:
    """A test database for the sections that write; dropped at the end."""
    setup_test_environment(debug=False)
    name = str(connection.settings_dict["NAME"])
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def page() -> None:
    """查看罚息 of a short and of a very long life: the same number of queries."""
    print("\n查看罚息, the page through the whole stack of middleware (test client)\n")
    print("| loan | queries | median CPU ms |\n|---|---:|---:|")
    for terms, payments in ((12, 3), (60, 200)):
        loan = _lived(terms, payments)
        queries, middle = _opened(loan)
        print(f"| {terms} instalments, {payments} payments | {queries} | {middle:.1f} |")


def _lived(terms: int, payments: int) -> Loan:
    loan = example_loan(
        make_borrower(f"139{terms:08d}"), term_months=terms, principal=Decimal("60000.00")
    )
    for n in range(payments):
        on = PAGE_ON - timedelta(days=payments - n)
        reference, amount = f"{terms}-{n}", Decimal("50.00")
        pay(
            loan_id=loan.pk,
            amount=amount,
            paid_on=on,
            reference=reference,
            actor=None,
            now=at(on),
        )
    return loan


def _opened(loan: Loan) -> tuple[int, float]:
    client = Client()
    client.force_login(loan.borrower)
    path = f"/jiebei/{loan.public_id}/penalty/"
    times = []
    with clock.frozen(at(PAGE_ON)):
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(path)
        queries = len(seen)
        assert answer.status_code == 200, answer.status_code
        for _ in range(ROUNDS):
            started = time.process_time()
            client.get(path)
            times.append((time.process_time() - started) * 1000)
    return queries, statistics.median(times)


def repayment() -> None:
    """SQL statements of one repayment, and of a night."""
    loan = example_loan(make_borrower("13900000099"))
    with CaptureQueriesContext(connection) as seen:
        paid(loan, "2100.00", "09-20")
    tasks = {x["task"] for x in app.conf.beat_schedule.values() if x["task"].startswith("loans")}
    assert tasks == {"loans.tasks.count_portfolio"}, tasks  # counts what was ordered, posts nothing
    print("\nSQL statements\n")
    print("| what | here | the best open peer |\n|---|---:|---:|")
    print(f"| one repayment, savepoints included | {len(seen)} | 459 |")
    print("| bringing a loan to the next day (no job exists) | 0 | 199 |")


# --- the portfolio -----------------------------------------------------------------------------


def portfolio() -> None:
    """Generate, then the penalty, every figure of the report, and the journal; each by size."""
    told = {size: _portfolio_of(size) for size in SIZES}
    print(f"\nOutstanding penalty of the portfolio as of {AS_OF}, PostgreSQL\n")
    print("| overdue loans | generated in s | summed in s | of them CPU | peak MB | penalty |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        one = told[size]["penalty"]
        print(
            f"| {one['rows']:,} | {told[size]['generated']:.1f} | {one['seconds']:.1f} "
            f"| {one['cpu']:.1f} | {one['peak']} | {one['told']} |"
        )
    small, large = (told[size]["penalty"]["cpu"] for size in SIZES)
    print(f"\n{SIZES[-1] / SIZES[0]:.0f} × the loans take {large / small:.1f} × the CPU.")
    print("\nThe portfolio report (all figures) and the journal of all time, PostgreSQL\n")
    print("| what | rows | in s | of them CPU | PostgreSQL's | a second of CPU | peak MB | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for what in ("figures", "whole", "csv", "xlsx"):
        for size in SIZES:
            one = told[size].get(what)
            if one is None:
                continue
            print(
                f"| {what} | {one['rows']:,} | {one['seconds']:.1f} | {one['cpu']:.1f} "
                f"| {one['session']:.1f} | {one['rows'] / one['cpu']:,.0f} | {one['peak']} "
                f"| {one['told']} |"
            )
    for size in SIZES:
        added, whole = told[size]["figures"], told[size]["whole"]
        assert added["told"] == whole["told"], size
        print(f"\n{size:,} loans: {whole['cpu'] / added['cpu']:.1f} × less CPU than read whole.")
    print("\nThe report in chunks, as Celery's workers claim them\n")
    print("| loans | workers | in s | CPU of the busiest | CPU of all | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        for workers, one in told[size]["chunks"].items():
            print(
                f"| {size:,} | {workers} | {one['seconds']:.1f} | {one['busiest']:.1f} "
                f"| {one['cpu']:.1f} | {one['peak']} |"
            )


def _portfolio_of(size: int) -> dict[str, Any]:
    """What the processes say of one size, in a database of its own."""
    name = f"kuanxi_bench_{size}_{os.getpid()}"
    administer(f'CREATE DATABASE "{name}"')
    try:
        url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name
        answer = subprocess.run(
            [sys.executable, "-m", "tests.bench.portfolio", str(size), AS_OF.isoformat()],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, "DEMO": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(answer.stderr[-3000:])
        found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
        return found
    finally:
        administer(f'DROP DATABASE "{name}" WITH (FORCE)')
