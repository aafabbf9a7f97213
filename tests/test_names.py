"""Names say what they are, and mean one thing: no riddles, and no class or alias of two meanings."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.architecture import ROOT, Sources, read_sources, tree_of

BY_FRAMEWORK = {"Command"}  # Django looks for a management command's class by this name
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


def meanings(sources: Sources) -> dict[str, list[str]]:
    """The places at which each class or type alias of more than one meaning is defined.

    Names inside a class are told apart by the class, names with an underscore by their module, and
    aliases that say the same twice mean the same. A short word for a nested class is no new name.
    """
    places: dict[str, dict[str, str]] = defaultdict(dict)  # name -> what it says -> where
    for module, source in sources.items():
        for node in tree_of(source).body:
            if isinstance(node, ast.ClassDef):
                name, says = node.name, f"class of {module}"
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, (ast.Subscript, ast.BinOp, ast.Name))
            ):
                name, says = node.targets[0].id, ast.unparse(node.value)
            else:
                continue
            if name[0].isupper() and not name.isupper() and name not in BY_FRAMEWORK:
                places[name].setdefault(says, f"{module}:{node.lineno}")
    return {name: list(said.values()) for name, said in sorted(places.items()) if len(said) > 1}


def test_no_class_name_means_two_things() -> None:
    sources = read_sources()

    assert len(sources) > 300
    assert meanings(sources) == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("class Draft: ...", "class Draft: ..."),
        ("class Draft: ...", "Draft = tuple[int, str]"),
        ("Cell = str | int", "Cell = str | None"),
        ("Column = Any", "class Column(NamedTuple): ..."),
    ],
)
def test_a_planted_second_meaning_is_seen(first: str, second: str) -> None:
    (places,) = meanings({"loans.one": first, "relief.two": second}).values()

    assert places == ["loans.one:1", "relief.two:1"]


@pytest.mark.parametrize(
    "both",
    [
        ("class Loan:\n    class Kind: ...", "class Case:\n    class Kind: ..."),
        ("Pair = tuple[int, str]", "Pair = tuple[int, str]"),
        ("class Command: ...", "class Command: ..."),
        ("Kind = Loan.Kind", "Kind = Case.Kind"),
    ],
)
def test_what_its_owner_or_the_framework_tells_apart_is_allowed(both: tuple[str, str]) -> None:
    assert meanings({"loans.one": both[0], "relief.two": both[1]}) == {}
