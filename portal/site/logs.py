"""One line a log record, with ids only; what looks like a phone, identity number or code is masked.

A record about a request (Django's own have it as `request`) has its incident number, which the error
page shows. Read by people and by machines: time, level, logger, event, then key=value; what holds a space, a
quote or an equals sign is a JSON string.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = (
    (re.compile(r"(?<![\dA-Za-z])\d{17}[\dXxＸｘ](?![\dA-Za-z])"), "[id-number]"),
    (re.compile(r"(?<!\d)((?:86)?1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)"), r"\1****\2"),
    (re.compile(r"(?<![\dA-Za-z_.:-])\d{6}(?![\dA-Za-z_:-])"), "******"),
)
_NEEDS_QUOTES = re.compile(r"[\s\"=\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def mask(text: str) -> str:
    """The text with phones (138****0001), identity numbers and six-digit codes masked."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """Control characters, CR and LF among them, as escapes: nobody can forge a second record."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def word(text: object) -> str:
    """One word for one value, masked: k7q2m9x4tzbd, "with spaces", "" for nothing."""
    masked = mask(str(text))
    if masked and not _NEEDS_QUOTES.search(masked):
        return one_line(masked)
    return one_line(json.dumps(masked, ensure_ascii=False))


class LineFormatter(logging.Formatter):
    """`2026-03-02T02:00:00Z INFO relief.offers offer.accepted case=k7q2m9x4tzbd`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = [at, record.levelname, record.name, word(record.getMessage())]
        extras = {k: v for k, v in sorted(vars(record).items()) if k not in _STANDARD}
        if incident := getattr(extras.pop("request", None), "incident", ""):
            extras["incident"] = incident
        if record.exc_info:
            extras["trace"] = self.formatException(record.exc_info)
        elif record.exc_text:
            extras["trace"] = record.exc_text
        return " ".join([*words, *(f"{one_line(k)}={word(v)}" for k, v in extras.items())])
