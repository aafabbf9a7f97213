"""What the explanation shows: the segments of one instalment, written out when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple, overload

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.penalty._accrual import CountedRuns, Run
from loans.domain.penalty._reasons import begin_reason, end_reason
from loans.domain.profile import ProductProfile
from portal.core.kernel.money import from_fen

_WIDE = Context(prec=60)
_PLACES = 12


def _shown(numerator: int, denominator: int) -> Decimal:
    """The quotient to 12 places, half to even; neither is negative."""
    whole, remainder = divmod(numerator * 10**_PLACES, denominator)
    up = 2 * remainder > denominator or (2 * remainder == denominator and whole % 2)
    return Decimal(whole + 1 if up else whole).scaleb(-_PLACES, _WIDE)


class Segment(NamedTuple):
    """Days [from_on, to_on) of one instalment in which base and rate did not change.

    Read half-open day numbers as nights: the night from the due date to the next day is the first
    day of penalty, so people are shown `first_day`–`last_day`, both included. `rate` and
    `amount_exact` are Fractions (24 % over 365 days has no finite decimal); `amount` and
    `rate_shown` are those to 12 places, for screens and CSV. Nothing here is rounded to fen: the
    sum of amount_exact is rounded once per instalment and component.
    """

    from_on: date
    to_on: date
    days: int
    base: Decimal
    rate: Fraction
    reason: str
    end_reason: str
    component: Component
    first_day: date
    last_day: date
    ordinary_rate: Fraction
    nominal_rate: Fraction

    @property
    def amount_exact(self) -> Fraction:
        """base × rate × days in yuan, exact: 1982.70 × 0.00045 × 72 = 64.239480."""
        return Fraction(self.base) * self.rate * self.days

    @property
    def amount(self) -> Decimal:
        """amount_exact to 12 decimal places."""
        fen, rate = int(self.base.scaleb(2)), self.rate
        return _shown(fen * rate.numerator * self.days, 100 * rate.denominator)

    @property
    def rate_shown(self) -> Decimal:
        """The effective daily rate to 12 decimal places: 0.24/365 is 0.000657534247."""
        return _shown(self.rate.numerator, self.rate.denominator)


class Segments(Sequence[Segment]):
    """The segments of one instalment, in the order in which they are counted; never changes.

    They are the calculation of the penalty; found, and written with dates, Decimals and sentences,
    when a segment is first read. Most callers want the sums and never read one. Equal and hashed
    by what they show, like a tuple.
    """

    __slots__ = ("_built", "_source")

    def __init__(
        self, profile: ProductProfile, fact: InstalmentFacts, counted: Callable[[], CountedRuns]
    ) -> None:
        self._source = profile, fact, counted
        self._built: tuple[Segment, ...] | None = None

    def _all(self) -> tuple[Segment, ...]:
        if self._built is None:
            profile, fact, counted = self._source
            self._built = tuple([_segment(profile, fact, run) for run in counted().cut()])
        return self._built

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        counted = self._source[2]()
        return any(run.start < counted.stop for run in counted.runs)

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Segment, ...]: ...
    def __getitem__(self, index: int | slice) -> Segment | tuple[Segment, ...]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return self._all() == other._all() if isinstance(other, Segments) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return f"Segments({self._all()!r})"


def _segment(profile: ProductProfile, fact: InstalmentFacts, run: Run) -> Segment:
    shift = 0 if profile.as_of_inclusive else 1
    return Segment(
        date.fromordinal(run.start),
        date.fromordinal(run.end),
        run.end - run.start,
        from_fen(run.base),
        run.price.rate,
        begin_reason(profile, fact, run),
        end_reason(fact, run, date.fromordinal(run.end - 1 + shift)),
        run.component,
        date.fromordinal(run.start + shift),
        date.fromordinal(run.end - 1 + shift),
        run.price.ordinary,
        run.price.nominal,
    )
