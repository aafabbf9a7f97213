"""Log lines: one each, nothing of a person in them."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import pytest

from portal.site.logs import LineFormatter, mask

WORD = r"(?:\"(?:[^\"\\]|\\.)*\"|[^\s\"=]+)"


def line(message: str, *args: object, **extra: Any) -> str:
    record = logging.makeLogRecord({"msg": message, "args": args, "name": "relief.offers", **extra})
    record.levelname = "INFO"
    return LineFormatter().format(record)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13800000001 now", "call 138****0001 now"),
        ("+8613800000001", "+86138****0001"),
        ("138-0000-0001", "138****0001"),
        ("电话13800000001。", "电话138****0001。"),
        ("id 110101199003078515", "id [id-number]"),
        ("11010119900307851x", "[id-number]"),
        ("验证码123456，", "验证码******，"),
        ("code=123456", "code=******"),
        ("case=k7q2m9x4tzbd", "case=k7q2m9x4tzbd"),
        ("0d8f1c1e-1b7a-4c39-9a53-2f0f5c123456", "0d8f1c1e-1b7a-4c39-9a53-2f0f5c123456"),
        ("JM20261123-0017", "JM20261123-0017"),
        ("１３８００００", "１３８００００"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_extras_are_shown_and_masked() -> None:
    assert line("offer.accepted", case="k7q2", phone="13800000001").endswith(
        "INFO relief.offers offer.accepted case=k7q2 phone=138****0001"
    )


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nb", "a\x00b", "a\u2028b", "a\x1b[2Jb"])
def test_nobody_forges_a_second_line(evil: str) -> None:
    text = line("said %s", evil, extra=evil)

    assert text.isprintable()


def test_traceback_is_one_line_too() -> None:
    try:
        raise ValueError("13800000001")
    except ValueError:
        text = line("broken", exc_info=sys.exc_info())

    assert "ValueError: 138****0001" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "value", ["a", "", "a b", 'a="b c"', "a\nb=c", "林*云", "\\", "\x00", 7, None, 'x" level=INFO']
)
def test_a_machine_reads_every_line(value: object) -> None:
    """Four words, then pairs; nothing that is said can look like a pair of its own."""
    text = line("said %s twice", "this", case="k7q2m9x4tzbd", reason=value)

    found = re.fullmatch(rf"{WORD} INFO relief\.offers ({WORD})((?: \w+={WORD})*)", text)

    assert found
    assert json.loads(found[1]) == "said this twice"
    pairs = dict(re.findall(rf"(\w+)=({WORD})", found[2]))
    assert set(pairs) == {"case", "reason"}
    said = pairs["reason"]
    assert (json.loads(said) if said.startswith('"') else said) == str(value).replace("\0", "\\x00")


def test_a_traceback_is_a_pair_too() -> None:
    try:
        raise ValueError("code 123456")
    except ValueError:
        text = line("delivery.crashed", exc_info=sys.exc_info(), delivery="d1")

    found = re.search(rf" trace=({WORD})$", text)
    assert found
    assert json.loads(found[1]).endswith("ValueError: code ******")
    assert " delivery.crashed delivery=d1 trace=" in text
