"""Names of uploaded files in whatever letters a device writes them: none is lost for its name.

Django reads the head of a part of a form as UTF-8 and drops a part whose head is not, and the file
in it with it. Old systems write GB18030 there (GBK, 国标码). Here such heads become UTF-8 before
Django reads them; signs that are neither become "�".
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser

from portal.core.storage import Readable

MOST_HEAD = 1024  # bytes that Django reads of a part's head
END_OF_HEAD = b"\r\n\r\n"


class Utf8Heads:
    """A multipart body with every head in UTF-8; the contents pass through as they are."""

    def __init__(self, body: Readable, boundary: bytes) -> None:
        self._body = body
        self._mark = b"--" + boundary + b"\r\n"
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """About `size` bytes; none only at the end."""
        while True:
            piece = self._body.read(size)
            self._waiting += piece
            ready = self._take(is_last=not piece)
            if ready or not piece:
                return ready

    def _take(self, *, is_last: bool) -> bytes:
        """What can be told apart of what is waiting; a mark or head that is cut in two waits on."""
        data = self._waiting
        done: list[bytes] = []
        while (start := data.find(self._mark)) >= 0:
            start += len(self._mark)
            end = data.find(END_OF_HEAD, start, start + MOST_HEAD)
            if end < 0 and len(data) < start + MOST_HEAD and not is_last:
                self._waiting = data[start - len(self._mark) :]
                return b"".join([*done, data[: start - len(self._mark)]])
            head = data[start:end] if end >= 0 else b""
            done += [data[:start], _as_utf8(head)]
            data = data[start + len(head) :]
        cut = len(data) if is_last else max(len(data) - len(self._mark) + 1, 0)
        self._waiting = data[cut:]
        return b"".join([*done, data[:cut]])


def _as_utf8(head: bytes) -> bytes:
    try:
        head.decode()
    except UnicodeDecodeError:
        return head.decode("gb18030", errors="replace").encode()
    return head


class NamesInAnyLetters(FileUploadHandler):
    """Stands first among FILE_UPLOAD_HANDLERS and lets the others read heads in UTF-8."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> Any:
        assert self.request is not None
        others = [handler for handler in self.request.upload_handlers if handler is not self]
        return MultiPartParser(META, Utf8Heads(input_data, boundary), others, encoding).parse()  # type: ignore[arg-type]  # read() is all it asks for

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
