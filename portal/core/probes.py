"""Figures that /readyz and /metrics show, and facts beside them; an app above adds its own, so portal imports none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Measure = Callable[[datetime], int]
Fact = Callable[[], str]


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
_facts: dict[str, Fact] = {}


def add_probe(name: str, measure: Measure, *, limit: int | None = None) -> None:
    """Show `measure(now)` under `name`; the same name again replaces it."""
    _probes[name] = Probe(name, measure, limit)


def all_probes() -> tuple[Probe, ...]:
    """In the order in which they were added."""
    return tuple(_probes.values())


def add_fact(name: str, tell: Fact) -> None:
    """Say in /readyz, under `name`, what is in force here; it makes nobody ready or not."""
    _facts[name] = tell


def all_facts() -> dict[str, str]:
    """What is in force, by name."""
    return {name: tell() for name, tell in _facts.items()}
