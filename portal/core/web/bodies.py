"""How large the body of a request may be, by address, and what the server has refused of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import TypeVar

from django.conf import settings
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., object])
FILES = 60 * 1024**2  # bytes of a form with files: six of the largest at once
AROUND = 64 * 1024  # bytes of a form besides its values
BUSY_SECONDS = 10  # after which who found no room shall try again; our script does so by itself


def takes_files(view: View) -> View:
    """Marks a view whose forms may carry files; all others take a form's text and no more."""
    view.body_limit = FILES  # type: ignore[attr-defined]  # a function may carry it
    return view


def limit_of(path: str) -> int:
    """Bytes that a body sent to this path may have."""
    try:
        view = resolve(path).func
    except (Resolver404, ValueError):
        view = None
    default_limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + AROUND
    return int(getattr(view, "body_limit", default_limit))


class Body:
    """A body that the server has read, and why it did not read on if it did not."""

    def __init__(self, file: SpooledTemporaryFile[bytes]) -> None:
        self.file = file
        self.length = 0
        self.refused: HTTPStatus | None = None
        self.read: Callable[..., bytes] = file.read
        self.readline, self.readlines = file.readline, file.readlines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def close(self) -> None:
        """Nothing is kept, and nothing is left to read: gunicorn looks before the next request."""
        self.file.close()
        self.read = lambda *_: b""
