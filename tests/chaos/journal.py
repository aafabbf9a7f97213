"""What the drivers did: written before each act, and its outcome after it (ok, fail, unknown)."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"


@dataclass
class Act:
    """One act: its kind, the key by which the database knows it, and what the driver saw."""

    kind: str
    key: str
    facts: dict[str, str] = field(default_factory=dict)
    outcome: str = UNKNOWN
    answer: str = ""


class Journal:
    """A list in memory and a line-flushed file beside it."""

    def __init__(self, path: Path) -> None:
        self._file, self._lock = path.open("a", buffering=1), threading.Lock()
        self.acts: list[Act] = []
        self.trouble: list[str] = []  # answers that nobody may get
        self.expect("")

    def begin(self, kind: str, key: str, **facts: str) -> Act:
        act = Act(kind, key, facts)
        with self._lock:
            self.acts.append(act)
            self._file.write(json.dumps({"begin": kind, "key": key, **facts}) + "\n")
        return act

    def end(self, act: Act, outcome: str, answer: str = "") -> None:
        act.outcome, act.answer = outcome, answer
        with self._lock:
            line = {"end": act.kind, "key": act.key, "outcome": outcome, "answer": answer}
            self._file.write(json.dumps(line) + "\n")

    def expect(self, told: str, *, spares_pages: bool = False, unless: str = "") -> None:
        """From now on listen for a sentence; with `spares_pages` only 503 with the sentence `unless` may break."""
        self._told, self._spares_pages, self._unless = told, spares_pages, unless
        self.was_told = False

    def hear(self, address: str, status: int, text: str) -> None:
        """What any page answered."""
        self.was_told |= bool(self._told) and self._told in text
        is_plain = status == 503 and self._unless in text
        if self._spares_pages and status >= 500 and not is_plain:
            self.trouble.append(f"{address}: {status}, though only files were out of reach")

    def close(self) -> None:
        self._file.close()

    def of(self, kind: str) -> Iterator[Act]:
        return (act for act in list(self.acts) if act.kind == kind)

    def totals(self) -> Counter[str]:
        return Counter(f"{act.kind} {act.outcome}" for act in self.acts)
