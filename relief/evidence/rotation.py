"""Puts every private file under the first of EVIDENCE_KEYS, while people go on working.

Only headers change; of a file that an older version kept in plain, the body too. It can be stopped
anywhere and run again: what is done is seen in the file itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from portal.core.storage import private
from portal.core.storage.envelope import Damaged, UnknownKey
from relief.evidence.reconcile import named_among

logger = logging.getLogger(__name__)
BATCH = 100


@dataclass(slots=True)
class Rotation:
    """How many files there are, how many were put under the first key, and which could not be."""

    files: int = 0
    rewrapped: int = 0
    unreadable: int = 0  # the key is gone, or the bytes are damaged
    unnamed: int = 0  # of an upload that is not finished, or of one that failed: nobody's yet

    @property
    def is_complete(self) -> bool:
        """Whether the other keys are not needed any more."""
        return not self.unreadable and not self.unnamed


def rotate_keys(tell: Callable[[Rotation], None] = lambda rotation: None) -> Rotation:
    """One pass over all files; `tell` hears of each batch. OSError where the place does not answer.

    When it is complete, the proof that the start looks at is renewed too.
    """
    rotation = Rotation()
    for batch in _batches(private.keys()):
        _rotate(batch, rotation)
        tell(rotation)
    if rotation.is_complete:
        private.renew_proof()
    return rotation


def _rotate(keys: list[str], rotation: Rotation) -> None:
    """A file is purged by its row first and its bytes after the commit: one that was named before
    it was written anew and is not now was purged meanwhile, and goes again. What no row has named yet
    may be an upload in progress: it is left alone and counted."""
    rotation.files += len(keys)
    named, written = named_among(keys), []
    for key in keys:
        try:
            if private.is_under_first_key(key):
                continue
            if key not in named:
                rotation.unnamed += 1
            elif private.rewrap(key):
                written.append(key)
        except FileNotFoundError:
            continue  # purged meanwhile
        except (UnknownKey, Damaged) as wrong:
            logger.error("files.not_rotated", extra={"file": key, "why": type(wrong).__name__})
            rotation.unreadable += 1
    for key in set(written) - named_among(written):
        private.delete(key)
    rotation.rewrapped += len(written)


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(keys)
    while batch := list(islice(waiting, BATCH)):
        yield batch
