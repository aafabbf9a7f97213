"""The article's eight steps, both sides, in a real browser: with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys import steps
from tests.journeys.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_from_an_overdue_loan_to_a_plan(arrive: Callable[..., Person], script: bool) -> None:
    borrower, phone = arrive(script=script), steps.new_phone()

    steps.register(borrower, phone, "林晓云")
    steps.log_out(borrower)
    steps.log_in_by_password(borrower, phone)
    steps.take_sample_loan(borrower)
    loan = steps.look_at_penalty(borrower)
    assert loan
