"""What no line of the product does: run input, write markup by hand, guess at chance, call strangers.

Each rule is a function over one parsed file, so that a planted violation can be shown to be seen.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import PACKAGES, ROOT

SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "mark_safe", "SafeString"}
FORBIDDEN_CALLS |= {"os.system", "os.popen", "subprocess.getoutput", "Template", "from_string"}
# Deserializers that run what they read, and parsers of XML.
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "yaml", "xml", "lxml", "xmlrpc", "telnetlib"}
# Reads YAML into plain values by a safe loader of its own, without yaml.load.
YAML_READER = "loans/casefile.py"
# Speaking to another machine is for the channels of messages; redis and psycopg have own settings.
NETWORK = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "smtplib", "ftplib"}
# The runner of the demo asks its own web server whether it is up.
CALLERS = ("portal/core/notifications/channels/", "portal/management/commands/run_demo.py")
# Dice that nobody has to guess: the pause before a transaction is tried again, generated books.
DICE = {"portal/core/retry.py", "loans/bulk.py"}
# Names of our own tables, in statements of migrations and of the demo's reset.
OWN_TABLES = "portal/core/trail/row_triggers.py"
APPROVED_HASHES = {"sha256", "sha512", "blake2b", "scrypt", "compare_digest", "new"}


def _name(node: ast.expr) -> str:
    """`os.system` for the expression os.system; the last part alone where it hangs on a value."""
    if isinstance(node, ast.Attribute):
        inner = _name(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _name(node.func)


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _is_in(module: str, forbidden: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in forbidden)


def run_or_marked_safe(tree: ast.AST, path: str) -> Iterator[str]:
    """Code made of text, a shell, a template made of text, markup called safe, XML, pickles."""
    for call, name in _calls(tree):
        run = name in FORBIDDEN_CALLS or name.startswith("yaml.")
        if run or name.rpartition(".")[2] in {"mark_safe", "from_string"}:
            yield f"{path}:{call.lineno} {name}()"
        if any(k.arg == "shell" and getattr(k.value, "value", None) is True for k in call.keywords):
            yield f"{path}:{call.lineno} shell=True"
    for line, module in _imports(tree):
        if _is_in(module, FORBIDDEN_IMPORTS - ({"yaml"} if path == YAML_READER else set())):
            yield f"{path}:{line} import {module}"


def unbound_sql(tree: ast.AST, path: str) -> Iterator[str]:
    """SQL that is put together where it is executed: by +, % or an f-string; raw() and extra()."""
    for call, name in _calls(tree):
        last = name.rpartition(".")[2]
        made = call.args and isinstance(call.args[0], ast.BinOp | ast.JoinedStr)
        made = made and path != OWN_TABLES
        if (last in {"execute", "executemany"} and made) or last in {"raw", "extra", "RawSQL"}:
            yield f"{path}:{call.lineno} {name}()"


def made_patterns(tree: ast.AST, path: str) -> Iterator[str]:
    """Regular expressions that are not written down as they are."""
    for call, name in _calls(tree):
        if name in {
            f"re.{verb}" for verb in ("compile", "match", "search", "fullmatch", "sub")
        } and (not call.args or isinstance(call.args[0], ast.BinOp | ast.Call)):
            yield f"{path}:{call.lineno} {name}()"


def made_formats(tree: ast.AST, path: str) -> Iterator[str]:
    """`.format()` of a text that was put together or came from a request."""
    for call, name in _calls(tree):
        if name.rpartition(".")[2] in {"format", "format_map", "format_html"}:
            target = call.func.value if isinstance(call.func, ast.Attribute) else call.args[0]
            if isinstance(target, ast.BinOp | ast.JoinedStr):
                yield f"{path}:{call.lineno} {name}()"


def calls_strangers(tree: ast.AST, path: str) -> Iterator[str]:
    """A client of the network outside the channels of messages."""
    for line, module in _imports(tree):
        if _is_in(module, NETWORK) and not path.startswith(CALLERS):
            yield f"{path}:{line} import {module}"


def guessable_chance(tree: ast.AST, path: str) -> Iterator[str]:
    """Python's dice where `secrets` belongs."""
    for line, module in _imports(tree):
        if module == "random" and path not in DICE:
            yield f"{path}:{line} import random"


def weak_hashes(tree: ast.AST, path: str) -> Iterator[str]:
    """Hashes that are not approved (ASVS 11.4.1), by name or by string."""
    for call, name in _calls(tree):
        module, _, function = name.rpartition(".")
        if module == "hashlib" and function not in APPROVED_HASHES:
            yield f"{path}:{call.lineno} {name}()"
        for argument in (*call.args, *(k.value for k in call.keywords)):
            if getattr(argument, "value", None) in {"md5", "sha1"}:
                yield f"{path}:{call.lineno} {name}({argument.value!r})"  # type: ignore[attr-defined]


Rule = Callable[[ast.AST, str], Iterator[str]]


def violations(rule: Rule) -> list[str]:
    return [
        line
        for path in SOURCES
        for line in rule(ast.parse(path.read_text()), str(path.relative_to(ROOT)))
    ]


def test_nothing_is_marked_safe_or_run() -> None:
    assert violations(run_or_marked_safe) == []


def test_sql_is_constant_or_has_parameters() -> None:
    assert violations(unbound_sql) == []


def test_patterns_are_constant() -> None:
    assert violations(made_patterns) == []


def test_format_strings_are_constant() -> None:
    assert violations(made_formats) == []


def test_only_the_channels_speak_to_other_machines() -> None:
    assert violations(calls_strangers) == []


def test_chance_that_others_must_not_guess_comes_from_secrets() -> None:
    assert violations(guessable_chance) == []


def test_only_approved_hashes_are_used() -> None:
    assert violations(weak_hashes) == []


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        (run_or_marked_safe, "eval(text)"),
        (run_or_marked_safe, "safestring.mark_safe(text)"),
        (run_or_marked_safe, "engine.from_string(text)"),
        (run_or_marked_safe, "subprocess.run(text, shell=True)"),
        (run_or_marked_safe, "from xml.etree import ElementTree"),
        (run_or_marked_safe, "import pickle"),
        (run_or_marked_safe, "import yaml"),
        (run_or_marked_safe, "yaml.load(text, Loader)"),
        (unbound_sql, "cursor.execute(f'SELECT {name}')"),
        (unbound_sql, "cursor.execute('SELECT ' + name)"),
        (unbound_sql, "Loan.objects.raw(text)"),
        (made_patterns, "re.search('^' + text, line)"),
        (made_formats, "(greeting + name).format(user=user)"),
        (calls_strangers, "import urllib.request"),
        (calls_strangers, "from http import client, HTTPStatus\nimport http.client"),
        (guessable_chance, "import random"),
        (weak_hashes, "hashlib.md5(text)"),
        (weak_hashes, "hmac.new(key, text, 'sha1')"),
    ],
)
def test_a_planted_violation_is_seen(rule: Rule, planted: str) -> None:
    assert list(rule(ast.parse(planted), "relief/planted.py"))


_MARKUP_OR_STORAGE = re.compile(
    r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|localStorage"
    r"|sessionStorage|indexedDB|postMessage|addEventListener\(.message.|__proto__|document\.cookie"
)


def test_our_scripts_write_no_markup_and_store_nothing() -> None:
    used = {
        f"{path.name}: {match}"
        for path in SCRIPTS
        for match in _MARKUP_OR_STORAGE.findall(path.read_text())
    }

    assert SCRIPTS
    assert used == set()
    assert _MARKUP_OR_STORAGE.search("node.innerHTML = text")
