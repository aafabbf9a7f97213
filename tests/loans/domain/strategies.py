"""What Hypothesis draws from in the domain tests: days, fen, and how many examples."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

quick = settings(max_examples=50, deadline=None)

START = date(2023, 12, 1)
days = st.integers(0, 500).map(lambda n: START + timedelta(days=n))


def fen(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: Decimal(n).scaleb(-2))
