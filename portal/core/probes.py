"""Figures that /readyz and /metrics show; an app above adds its own, so portal imports none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Measure = Callable[[datetime], int]


@dataclass(frozen=True, slots=True)
class Probe:
    """A whole number measured at a business instant; above `limit` the site is not ready."""

    name: str
    measure: Measure
    limit: int | None = None

    def is_bad(self, value: int) -> bool:
        """Whether this value means trouble: 1 with limit 0 does."""
        return self.limit is not None and value > self.limit


_probes: dict[str, Probe] = {}


def add_probe(name: str, measure: Measure, *, limit: int | None = None) -> None:
    """Show `measure(now)` under `name`; the same name again replaces it."""
    _probes[name] = Probe(name, measure, limit)


def all_probes() -> tuple[Probe, ...]:
    """In the order in which they were added."""
    return tuple(_probes.values())
