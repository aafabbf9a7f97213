"""Rows of the books are written once: Django's own ways to change them are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from loans.models import (
    Account,
    Correction,
    Entry,
    Instalment,
    Loan,
    Payment,
    Posting,
    Schedule,
)
from loans.services.booking import open_books
from loans.services.ledger import EntryDraft, PostingLine, UnbalancedEntry, post
from portal.core.errors import RuleViolation, StaleWrite
from portal.core.models.append_only import AppendOnlyError
from tests.loans.books import D, assert_clean, at, day, example_loan, paid

pytestmark = pytest.mark.django_db
NOW = at(day("09-20"))
CHANGES: list[Callable[[], object]] = [
    lambda: Entry.objects.first().save(),
    lambda: Posting.objects.first().save(),
    lambda: Instalment.objects.first().save(),
    lambda: Posting.objects.first().delete(),
    lambda: Posting.objects.all().delete(),
    lambda: Posting.objects.update(amount=D("1.00")),
    lambda: Entry.objects.filter(pk__gt=0).update(source="x"),
    lambda: Instalment.objects.bulk_update(Instalment.objects.all(), ["principal"]),
    lambda: Entry.objects.update_or_create(key="x"),
    lambda: Posting.objects.bulk_create([], ignore_conflicts=True),
    lambda: Loan.objects.first().entries.update(source="x"),
    lambda: Correction.objects.first().save(),
    lambda: Correction.objects.all().delete(),
    lambda: Payment.objects.first().delete(),
    lambda: Schedule.objects.first().delete(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_history_is_never_rewritten(change: Callable[[], object]) -> None:
    loan = example_loan()
    paid(loan, "100.00", "09-20", now="09-21")  # back-dated: a correction

    with pytest.raises(AppendOnlyError):
        change()

    assert_clean()


def draft(loan: Loan, key: str, *amounts: str) -> EntryDraft:
    row = Instalment.objects.filter(schedule__loan=loan).first()
    assert row is not None
    accounts = (Account.FEE, Account.FEE_INCOME)
    return EntryDraft(
        loan=loan,
        kind=Entry.Kind.PENALTY,
        value_date=day("09-20"),
        key=key,
        source="试记",
        lines=tuple(PostingLine(a, D(x), row.pk) for a, x in zip(accounts, amounts, strict=True)),
    )


def test_post_is_idempotent_by_key_and_refuses_other_lines() -> None:
    loan = example_loan()
    first = post(draft(loan, "k", "5.00", "-5.00"), now=NOW)

    assert post(draft(loan, "k", "5.00", "-5.00"), now=NOW) == first
    with pytest.raises(RuleViolation) as refused:
        post(draft(loan, "k", "6.00", "-6.00"), now=NOW)

    assert refused.value.code == "KEY_REUSED"
    assert Posting.objects.filter(entry=first).count() == 2


@pytest.mark.parametrize("amounts", [("5.00", "-4.99"), ("0.00", "0.00")])
def test_post_refuses_what_does_not_balance(amounts: tuple[str, str]) -> None:
    loan = example_loan()

    with pytest.raises(UnbalancedEntry):
        post(draft(loan, "k", *amounts), now=NOW)


def test_stale_version_writes_nothing() -> None:
    loan = example_loan()
    count = Entry.objects.count()

    def race() -> None:
        with open_books(loan.pk, actor=None, now=NOW) as books:
            books.bring_to(day("09-20"))
            Loan.objects.filter(pk=loan.pk).update(version=99)
            books.close()

    with pytest.raises(StaleWrite):
        race()

    assert Entry.objects.count() == count


def test_one_live_schedule_is_a_constraint() -> None:
    loan = example_loan()
    live = Schedule.objects.get(loan=loan)

    with pytest.raises(IntegrityError), transaction.atomic():
        Schedule.objects.create(
            loan=loan,
            number=2,
            kind=Schedule.Kind.PLAN,
            opened_on=live.opened_on + timedelta(days=1),
            replaces=live,
            source="x",
        )


@pytest.mark.postgres
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE loans_posting SET amount = amount + 1",
        "DELETE FROM loans_entry",
        "UPDATE loans_instalment SET principal = principal + 1",
        "UPDATE loans_payment SET amount = amount + 1",
        "DELETE FROM loans_payment",
        "UPDATE loans_schedule SET opened_on = opened_on - 1",
        "UPDATE loans_correction SET penalty_after = 0",
        "DELETE FROM loans_correction",
    ],
)
def test_postgresql_refuses_it_too(sql: str) -> None:
    loan = example_loan()
    paid(loan, "100.00", "09-20", now="09-21")

    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
