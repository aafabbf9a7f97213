"""Locals say what they are: the riddles that once stood for anything are refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RIDDLES = {"found", "own", "told"}  # what was found, whose own, told to whom?


def riddles(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each variable or parameter that is called one of them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in RIDDLES:
            yield node.lineno, node.id
        elif isinstance(node, ast.arg) and node.arg in RIDDLES:
            yield node.lineno, node.arg


def test_no_local_is_a_riddle() -> None:
    files = [file for top in ("loans", "portal", "relief") for file in (ROOT / top).rglob("*.py")]

    assert len(files) > 300
    assert [
        f"{file.relative_to(ROOT)}:{line} {name}: name what it is"
        for file in sorted(files)
        for line, name in riddles(file.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    "source", ["found = []", "for own in rows: pass", "def f(*, told): ...", "[own for own in x]"]
)
def test_a_planted_riddle_is_seen(source: str) -> None:
    assert list(riddles(source))
