"""Writing in bulk what single calls write one by one: collected in a block, written at its end.

There is one way of writing, which takes a list: a call outside a block is a list of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

Item = TypeVar("Item")


class UnitOfWork(Generic[Item]):
    """Hands items to `write`: each at once, or all of a `block()` together, in their order."""

    def __init__(self, name: str, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._waiting: ContextVar[list[Item] | None] = ContextVar(name, default=None)

    def add(self, item: Item) -> None:
        """Write `item`, or keep it until the block around this call ends."""
        pending = self._waiting.get()
        if pending is None:
            self._write([item])
        else:
            pending.append(item)

    @contextmanager
    def block(self) -> Iterator[None]:
        """What is added inside is written at the end; nothing of it if the block raises.

        Inside a transaction, so that it stands or falls with what it tells. A block in a block
        is part of it.
        """
        if self._waiting.get() is not None:
            yield
            return
        items: list[Item] = []
        token = self._waiting.set(items)
        try:
            yield
        finally:
            self._waiting.reset(token)
        if items:
            self._write(items)
