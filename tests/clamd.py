"""A stand-in for clamd that speaks its protocol: PING and INSTREAM with its limit, and knows EICAR.

In a thread for tests; as a process for the fault rig: `python -m tests.clamd SOCKET RECORD` listens until it is
ended, and puts the SHA-256 of each file into the record before it says what it found.
"""

from __future__ import annotations

import hashlib
import signal
import socketserver
import sys
from pathlib import Path
from threading import Thread
from typing import Any

# In two halves, so that no scanner takes this file for the test virus.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LIMIT = 12 * 1024 * 1024


class Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        command = self._until_nul()
        if command == b"zPING":
            self.wfile.write(b"PONG\0")
        elif command == b"zINSTREAM":
            self.wfile.write(self._verdict() + b"\0")
        else:
            self.wfile.write(b"UNKNOWN COMMAND\0")

    def _until_nul(self) -> bytes:
        command = b""
        while (byte := self.rfile.read(1)) not in (b"", b"\0"):
            command += byte
        return command

    def _verdict(self) -> bytes:
        stub: Clamd = self.server.stub
        data = b""
        while length := int.from_bytes(self.rfile.read(4)):
            if len(data) + length > stub.limit:
                return b"INSTREAM size limit exceeded. ERROR"
            data += self.rfile.read(length)
            if stub.dies_after is not None and len(data) > stub.dies_after:
                self.request.close()
                return b""
        stub.scanned.append(data)
        if stub.trouble:
            return stub.trouble
        return b"stream: Eicar-Test-Signature FOUND" if EICAR in data else b"stream: OK"


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    stub: Clamd

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is no error here."""


class Clamd:
    """Listens on a unix socket from `start` to `stop`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"unix://{path}"
        self.limit, self.trouble = LIMIT, b""
        self.dies_after: int | None = None
        self.scanned: list[bytes] = []

    def start(self) -> None:
        self.server = _Server(str(self.path), Session)
        self.server.stub = self
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.path.unlink()


class Record(list[bytes]):
    """A line for each file that was scanned; it outlives the process."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def append(self, data: bytes) -> None:
        with self.path.open("a") as lines:
            lines.write(hashlib.sha256(data).hexdigest() + "\n")


def main() -> None:
    clamd = Clamd(Path(sys.argv[1]))
    clamd.scanned = Record(Path(sys.argv[2]))
    clamd.path.unlink(missing_ok=True)  # of one that was killed
    clamd.start()
    signal.pause()


if __name__ == "__main__":
    main()
