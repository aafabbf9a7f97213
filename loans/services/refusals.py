"""Turns a pure rule's InvalidInput into the RuleViolation that pages answer with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from loans.models import Loan
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput


@contextmanager
def refusing() -> Iterator[None]:
    """Inside, InvalidInput(field, sentence) becomes RuleViolation(sentence, field=field)."""
    try:
        yield
    except InvalidInput as wrong:
        raise RuleViolation(wrong.message, code="INVALID", field=wrong.field) from wrong


def check_event_date(loan: Loan, on: date, now: datetime, *, field: str, label: str) -> None:
    """An event lies between the drawdown and today."""
    if on < loan.drawdown_on:
        raise RuleViolation(
            f"{label}不能早于放款日 {loan.drawdown_on:%Y-%m-%d}，请改为之后的日期。", field=field
        )
    today = business_date(now)
    if on > today:
        raise RuleViolation(
            f"{label}不能晚于今天（{today:%Y-%m-%d}），请改为今天或之前的日期。", field=field
        )


def check_open(loan: Loan) -> None:
    """Nothing can be done to a settled loan."""
    if loan.is_settled:
        raise RuleViolation("这笔借款已经结清，没有需要归还的金额。", code="SETTLED")
