"""How the steps went: a line each, a table by kind, and the closing line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Step:
    """One fault: whether a proof failed, whether its point was reached, and seconds: until all was
    sent and handled again, and of the whole step with its load and proofs."""

    name: str
    failed: bool
    reached: bool
    healing: float
    total: float

    @property
    def passed(self) -> bool:
        return self.reached and not self.failed

    def __str__(self) -> str:
        word = "ok" if self.passed else "FAILED" if self.failed else "NOT REACHED"
        return f"{self.name:34} healed in {self.healing:5.1f} s, {self.total:5.1f} s in all  {word}"


def table(steps: Sequence[Step]) -> str:
    """Rows by kind of fault."""
    kinds: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        kinds[step.name].append(step)
    lines = [
        "| fault | times | passed | median s to heal | longest |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, those in sorted(kinds.items()):
        healing = [step.healing for step in those]
        passed = sum(step.passed for step in those)
        lines.append(
            f"| {name} | {len(those)} | {passed} | {median(healing):.1f} | {max(healing):.1f} |"
        )
    return "\n".join(lines)


def closing_line(steps: Sequence[Step]) -> str:
    """What counts: a point that nobody came by is not passed, and said by name."""
    failed = sum(step.failed for step in steps)
    missed = sum(not step.failed and not step.reached for step in steps)
    line = f"{len(steps) - failed - missed} passed, {failed} failed"
    return f"{line}, {missed} not reached" if missed else line
