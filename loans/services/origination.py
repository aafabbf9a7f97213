"""A new loan: profile frozen, schedule made, drawdown posted, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from loans.domain.products import product as product_named
from loans.domain.profile import ProductProfile
from loans.domain.schedule import ScheduledInstalment, build_schedule
from loans.models import Account, Entry, Instalment, Loan, Schedule
from loans.services.ledger import EntryDraft, PostingLine, post
from loans.services.refusals import refusing
from portal.core.errors import RuleViolation
from portal.core.kernel.money import FEN, require_money
from portal.core.models import User


def open_loan(
    *,
    borrower: User,
    product: str | ProductProfile,
    principal: Decimal,
    term_months: int,
    drawdown_on: date,
    due_day: int,
    now: datetime,
    actor: User | None = None,
    number: str = "",
) -> Loan:
    """Lend ``principal`` yuan for ``term_months`` months, due each month on ``due_day``.

    The product's profile is copied into the loan and never changes (loans/RULES.md §1). Errors:
    RuleViolation naming the field. Example: ("daily_004", 6,000, 3 months) makes 3 instalments
    and the entry PRINCIPAL +… per instalment, CASH −6,000.
    """
    if not borrower.is_borrower:
        raise RuleViolation("只有借款人账户可以借款，请换用借款人账户。", field="borrower")
    with refusing():
        profile = product if isinstance(product, ProductProfile) else product_named(product)
        rows = build_schedule(
            profile,
            principal=require_money(principal, "principal"),
            drawdown_on=drawdown_on,
            term_months=term_months,
            due_day=due_day,
        )
    if principal < FEN:
        raise RuleViolation("借款本金应大于 0，请重新填写。", field="principal")
    with transaction.atomic():
        loan = Loan.objects.create(
            number=number or _free_number(drawdown_on),
            borrower=borrower,
            product=profile.code,
            product_name=profile.name,
            profile=profile.to_dict(),
            principal=principal,
            drawdown_on=drawdown_on,
            term_months=term_months,
            due_day=due_day,
            booked_on=drawdown_on,
            created_at=now,
        )
        schedule, instalments = _original_schedule(loan, rows)
        _post_drawdown(loan, schedule, instalments, actor, now)
    return loan


def _original_schedule(
    loan: Loan, rows: Sequence[ScheduledInstalment]
) -> tuple[Schedule, list[Instalment]]:
    schedule = Schedule.objects.create(
        loan=loan, number=1, kind=Schedule.Kind.ORIGINAL, opened_on=loan.drawdown_on, source="放款"
    )
    return schedule, Instalment.objects.bulk_create(
        Instalment(
            schedule=schedule,
            number=row.number,
            start_on=row.start_on,
            due_on=row.due_on,
            principal=row.principal,
            interest=row.interest,
        )
        for row in rows
    )


def _post_drawdown(
    loan: Loan,
    schedule: Schedule,
    instalments: Sequence[Instalment],
    actor: User | None,
    now: datetime,
) -> None:
    lent = [
        PostingLine(Account.PRINCIPAL, row.principal, row.pk)
        for row in instalments
        if row.principal
    ]
    post(
        EntryDraft(
            loan=loan,
            kind=Entry.Kind.DRAWDOWN,
            value_date=loan.drawdown_on,
            key=f"drawdown:{loan.pk}",
            source=f"放款 {loan.principal:,.2f} 元",
            lines=(*lent, PostingLine(Account.CASH, -loan.principal)),
            actor=actor,
            schedule=schedule,
        ),
        now=now,
    )


def _free_number(drawdown_on: date) -> str:
    """A contract number such as JB20260605-8842 that no loan has yet."""
    prefix = f"JB{drawdown_on:%Y%m%d}-"
    used_numbers = set(
        Loan.objects.filter(number__startswith=prefix).values_list("number", flat=True)
    )
    digits = 4 if len(used_numbers) < 5000 else 8
    while True:
        number = f"{prefix}{secrets.randbelow(10**digits):0{digits}d}"
        if number not in used_numbers:
            return number
