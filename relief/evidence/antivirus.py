"""Asks clamd about each uploaded file where CLAMD names one; off by default, and /readyz says so.

A file waits until there is a verdict: a scanner that does not answer passes nothing.
"""

from __future__ import annotations

import socket
from enum import StrEnum
from typing import BinaryIO
from urllib.parse import urlsplit

from django.conf import settings

CONNECT_SECONDS, ANSWER_SECONDS = 3, 30
PIECE = 64 * 1024
REPLY_BYTES = 4096  # clamd's is a line


class ScannerDown(OSError):
    """No verdict: clamd does not answer, or answers with an error of its own."""


class Verdict(StrEnum):
    CLEAN = "clean"
    INFECTED = "infected"
    TOO_LARGE = "too_large"  # above clamd's StreamMaxLength: it has not looked


def is_on() -> bool:
    """Whether files are scanned."""
    return bool(settings.CLAMD)


def scan(source: BinaryIO) -> Verdict:
    """What clamd says of the bytes, by INSTREAM; ScannerDown when it says nothing."""
    try:
        with _connected() as clamd:
            try:
                clamd.sendall(b"zINSTREAM\0")
                while piece := source.read(PIECE):
                    clamd.sendall(len(piece).to_bytes(4) + piece)
                clamd.sendall(bytes(4))
            except (BrokenPipeError, ConnectionResetError):
                pass  # above its limit clamd answers and hangs up while we still send
            reply = _reply(clamd)
    except OSError as silence:
        raise ScannerDown(str(silence)) from silence
    if reply.endswith("size limit exceeded. ERROR"):
        return Verdict.TOO_LARGE
    if reply.endswith(" FOUND"):
        return Verdict.INFECTED
    if reply == "stream: OK":
        return Verdict.CLEAN
    raise ScannerDown(reply or "no reply")


def answers() -> bool:
    """Whether clamd is there: its PING."""
    try:
        with _connected() as clamd:
            clamd.sendall(b"zPING\0")
            return _reply(clamd) == "PONG"
    except OSError:
        return False


def _connected() -> socket.socket:
    place = urlsplit(settings.CLAMD)
    if place.scheme == "tcp":
        clamd = socket.create_connection((place.hostname or "", place.port or 0), CONNECT_SECONDS)
    else:
        clamd = socket.socket(socket.AF_UNIX)
        try:
            clamd.settimeout(CONNECT_SECONDS)
            clamd.connect(place.path)
        except OSError:
            clamd.close()
            raise
    clamd.settimeout(ANSWER_SECONDS)
    return clamd


def _reply(clamd: socket.socket) -> str:
    reply = b""
    while not reply.endswith(b"\0") and len(reply) < REPLY_BYTES and (more := clamd.recv(1024)):
        reply += more
    return reply.rstrip(b"\0").decode("utf-8", "replace").strip()
