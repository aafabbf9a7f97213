"""Every address of the URL configuration, read from it: nothing new can be left out of a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Address:
    """One URL pattern: `relief:offer`, its parameters, and whether the staff desk serves it."""

    name: str
    parameters: tuple[str, ...]

    @property
    def is_desk(self) -> bool:
        return self.name.startswith("admin:")

    def __str__(self) -> str:
        return self.name


def all_addresses() -> list[Address]:
    """Every named pattern, once for each set of its parameters."""
    found = {(a.name, a.parameters): a for a in _walk(get_resolver().url_patterns, "", ())}
    return sorted(found.values(), key=lambda a: (a.name, a.parameters))


def _walk(
    patterns: list[URLPattern | URLResolver], namespace: str, outer: tuple[str, ...]
) -> Iterator[Address]:
    for pattern in patterns:
        here = (*outer, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, inner, here)
        elif pattern.name:
            yield Address(f"{namespace}{pattern.name}", here)
        elif namespace != "admin:":  # Django's admin has a catch-all and old redirects
            yield Address(f"(without a name) {pattern.pattern}", here)
