"""Very many books for measurements: a few loans lived through the services, then copied by SQL.

Copies are as right as their originals: check_books proves them all. Refused in a database that
holds any loan or borrower, so that real books can never be among them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.core.management.color import no_style
from django.db import connection, models, transaction

from loans.models import Entry, Instalment, Loan, Payment, Posting, Schedule
from loans.services.origination import open_loan
from loans.services.payments.payment import pay
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import instant_at
from portal.core.models import User

ORIGINALS = 200
PRODUCTS = ("daily_004", "daily_005_capped", "annual_144_interest_only")
COPIED: tuple[type[models.Model], ...] = (
    User,
    Loan,
    Schedule,
    Payment,
    Entry,
    Instalment,
    Posting,
)
# Columns that must differ in every copy; {id} is the new id, {n} the number of the copy.
UNIQUE = {
    (User, "username"): "'bench-' || {id}",
    (User, "phone"): "CAST(20000000000 + {id} AS varchar(11))",
    (Loan, "public_id"): "'b' || {id}",
    (Loan, "number"): "'BENCH-' || {id}",
    (Payment, "public_id"): "'b' || {id}",
    (Payment, "reference"): "'bench-' || {id}",
    (Entry, "key"): "'bench-' || {id}",
}


def generate_books(
    *, count: int, as_of: date, seed: int = 1, report: Callable[[str], None] = print
) -> int:
    """At least ``count`` overdue loans as of a date; returns how many.

    Terms of 3 to 12 months, 1 to 12 instalments overdue, every second one with 1 to 3 part
    payments; a borrower each. Errors: RuleViolation when the database is not empty.
    """
    if Loan.objects.exists() or User.objects.filter(role="BORROWER").exists():
        raise RuleViolation(
            "数据库里已有借款或借款人，不能生成测试账本，请换用空的数据库。", code="NOT_EMPTY"
        )
    dice = random.Random(seed)  # the same books from the same seed  # nosec B311
    originals = min(count, ORIGINALS)
    with transaction.atomic():
        for n in range(originals):
            _live(n, as_of, dice)
        copies = -(-count // originals) - 1
        report(f"{originals} loans through the services, {copies} copies of each")
        if copies:
            _copy(copies)
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("ANALYZE")
    return originals * (copies + 1)


def _live(n: int, as_of: date, dice: random.Random) -> None:
    """One loan with at least one instalment overdue, and its part payments."""
    months = dice.choice([3, 6, 12])
    drawn = as_of - timedelta(days=dice.randint(40, 400))
    loan = open_loan(
        borrower=User.objects.create_borrower(f"2{n:010d}", "演示"),
        product=dice.choice(PRODUCTS),
        principal=Decimal(dice.randint(1_000_00, 50_000_00)) / 100,
        term_months=months,
        drawdown_on=drawn,
        due_day=drawn.day,
        now=_noon(drawn),
    )
    for k in range(dice.choice([0, 0, 0, 1, 2, 3])):
        on = as_of - timedelta(days=dice.randint(0, 8) + 10 * (2 - k))
        pay(
            loan_id=loan.pk,
            amount=Decimal(dice.randint(20_00, 60_00)) / 100,
            paid_on=on,
            reference=f"original-{n}-{k}",
            actor=None,
            now=_noon(on),
        )


def _noon(on: date) -> datetime:
    return instant_at(on, time(12))


def _copy(copies: int) -> None:
    """Every row again, ``copies`` times: ids and references move on by the span of their table."""
    spans = {}
    for model in COPIED:
        ids = model._default_manager.aggregate(low=models.Min("pk"), high=models.Max("pk"))
        spans[model] = (ids["high"] or 0) - (ids["low"] or 0) + 1
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one statement a table, as long as it takes
            cursor.execute("SET LOCAL statement_timeout = 0")
        for model in COPIED:
            cursor.execute(_statement(model, spans), [copies])
        for statement in connection.ops.sequence_reset_sql(no_style(), list(COPIED)):
            cursor.execute(statement)


def _statement(model: type[models.Model], spans: dict[type[models.Model], int]) -> str:
    """INSERT … SELECT of one table crossed with the numbers of the copies."""
    quote = connection.ops.quote_name
    columns, values = [], []
    new_id = f"(o.{quote('id')} + n.n * {spans[model]})"
    for field in model._meta.concrete_fields:
        column = quote(str(field.column))
        target = field.related_model if field.is_relation else None
        columns.append(column)
        if field.primary_key:
            values.append(new_id)
        elif (model, field.name) in UNIQUE:
            values.append(UNIQUE[model, field.name].format(id=new_id))
        elif target in spans:
            values.append(f"o.{column} + n.n * {spans[target]}")
        else:
            values.append(f"o.{column}")
    staff = " WHERE o.role = 'BORROWER'" if model is User else ""
    table = quote(model._meta.db_table)
    return (  # names come from the models, the one value is a parameter
        f"INSERT INTO {table} ({', '.join(columns)}) "  # nosec B608
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %s) "
        f"SELECT {', '.join(values)} FROM {table} o CROSS JOIN n{staff}"
    )
