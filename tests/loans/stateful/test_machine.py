"""Runs the machine: a few sequences here, STATEFUL_SEQUENCES=10000 for the long run of the README.

    STATEFUL_SEQUENCES=10000 python -m pytest tests/loans/stateful --timeout=0

runs on SQLite, and on PostgreSQL when DATABASE_URL names one. STATEFUL_STEPS is the most steps of
one sequence; check_books runs after each of them.
"""

from __future__ import annotations

import os
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from loans.domain.profile import ProductProfile
from tests.loans.books import make_borrower
from tests.loans.stateful.machine import LoanMachine
from tests.loans.stateful.profiles import FIELDS

SEQUENCES = int(os.environ.get("STATEFUL_SEQUENCES", "40"))
STEPS = int(os.environ.get("STATEFUL_STEPS", "12"))
SHORT = 200


def test_every_parameter_of_a_profile_is_drawn() -> None:
    """A new parameter that the machine does not vary fails here."""
    assert {field.name for field in fields(ProductProfile)} == {
        *FIELDS, "code", "name", "rate_kind", "rate", "method", "balloon_share", "interest_days",
        "penalty_cause", "penalty_multiplier", "penalty_rate_stated",
        "late_fee", "late_fee_share", "late_fee_most",
    }  # fmt: skip


@pytest.mark.django_db(transaction=SEQUENCES > SHORT)  # lets PostgreSQL clean up in between
def test_any_sequence_leaves_the_books_right() -> None:
    class Machine(LoanMachine):
        borrower = make_borrower()

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=SEQUENCES <= SHORT,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
