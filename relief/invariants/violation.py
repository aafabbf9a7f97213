"""One broken rule, as a line that names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is I1 … I18, `where` an id that staff can look up, never a name or a phone."""

    rule: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} | {self.where} | {self.detail}"
