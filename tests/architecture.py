"""The rules of the layout as functions over source text, so that a planted violation can be shown.

Three packages, one direction: portal's ground ← loans ← relief ← portal's roof. Inside each:
pure domain → models → queries → services → edges.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "loans", "relief")
ROOF = ("pages", "urls", "settings", "celery", "wsgi")
GROUND = {
    "kernel": 0,
    **dict.fromkeys(
        [
            "fields",
            "errors",
            "storage",
            "htmx",
            "publicids",
            "hashers",
            "logs",
            "pdf",
            "private_redis",
            "crash_points",
            "leash",
            "together",
        ],
        1,
    ),
    "models": 2,
    **dict.fromkeys(["clock", "access", "nudge", "notifications", "services", "context"], 3),
    **dict.fromkeys(
        ["middleware", "checks", "admin", "tasks", "templatetags", "management", "apps"], 4
    ),
}
LAYERS = {"domain": 0, "notices": 0, "models": 1, "queries": 2, "services": 3}
EDGE = 4

Sources = dict[str, str]  # module name -> source text


def read_sources() -> Sources:
    """Every module of the three packages, migrations left out."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


@cache
def tree_of(source: str) -> ast.Module:
    """Each file is parsed once for all rules."""
    return ast.parse(source)


def imports_of(module: str, source: str, known: Sources) -> Iterator[str]:
    """Absolute names of what a module imports, relative ones resolved."""
    is_package = any(name.startswith(module + ".") for name in known)
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + (1 if is_package else 0)
                base = ".".join([*parts[:keep], *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in known else base


def place(module: str) -> tuple[int, int]:
    """(package, layer) rank: imports may only point to a lower or equal place."""
    parts = module.split(".")
    second = parts[1] if len(parts) > 1 else ""
    if parts[0] == "portal":
        if second in ROOF:
            return (3, 0)
        return (0, GROUND.get(second, 0 if not second else EDGE))
    return (PACKAGES.index(parts[0]), LAYERS.get(second, EDGE if second else 0))


def wrong_directions(sources: Sources) -> list[str]:
    """Imports that point upwards."""
    wrong = []
    for module, source in sources.items():
        for target in imports_of(module, source, sources):
            if target.split(".")[0] not in PACKAGES:
                continue
            here, there = place(module), place(target)
            if there > here if there[0] == here[0] else there[0] > here[0]:
                wrong.append(f"{module} imports {target}")
    return wrong


def impure_domains(sources: Sources) -> list[str]:
    """Domain and kernel modules that import more than the standard library and each other."""
    allowed = {
        "portal.core.kernel": ("portal.core.kernel",),
        "loans.domain": ("portal.core.kernel", "loans.domain"),
        "relief.domain": ("portal.core.kernel", "loans.domain", "relief.domain"),
    }
    wrong = []
    for module, source in sources.items():
        home = ".".join(module.split(".")[:2])
        if home not in allowed:
            continue
        for target in imports_of(module, source, sources):
            stdlib = target.split(".")[0] in sys.stdlib_module_names
            ours = any(target == base or target.startswith(base + ".") for base in allowed[home])
            if not stdlib and not ours:
                wrong.append(f"{module} imports {target}")
    return wrong


def cycles(sources: Sources) -> list[str]:
    """Modules that import themselves by way of others."""
    graph = {
        module: {
            target
            for target in imports_of(module, source, sources)
            if target in sources and target != module and not module.startswith(target + ".")
        }
        for module, source in sources.items()
    }
    done: set[str] = set()
    found: list[str] = []

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            found.append(" → ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for target in sorted(graph[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())
    return found


def second_doors(sources: Sources) -> list[str]:
    """Assignments to a case's state outside the one door."""
    wrong = []
    for module, source in sources.items():
        if not module.startswith("relief") or module == "relief.cases.moves":
            continue
        for node in ast.walk(tree_of(source)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(
                isinstance(t, ast.Attribute)
                and t.attr == "state"
                and name_of(t.value).endswith("case")
                for t in targets
            ):
                wrong.append(f"{module}:{node.lineno}")
    return wrong


def name_of(node: ast.expr) -> str:
    """The last name of a dotted expression."""
    return getattr(node, "id", getattr(node, "attr", ""))


def own_clocks(sources: Sources) -> list[str]:
    """Readings of the machine's clock outside portal.core.clock, and of any clock in a service."""
    wrong = []
    for module, source in sources.items():
        for node in ast.walk(tree_of(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                call = f"{name_of(node.func.value)}.{node.func.attr}"
                if (
                    call in {"timezone.now", "datetime.now", "datetime.utcnow", "date.today"}
                    and module != "portal.core.clock"
                ):
                    wrong.append(f"{module}:{node.lineno} {call}")
        if ".services" in module and module.split(".")[0] != "portal":
            wrong += [
                f"{module} imports {t}"
                for t in imports_of(module, source, sources)
                if t == "portal.core.clock"
            ]
    return wrong


def floats(sources: Sources) -> list[str]:
    """float( and float literals in the pure rules."""
    wrong = []
    for module, source in sources.items():
        if ".domain" not in module and ".kernel" not in module:
            continue
        for node in ast.walk(tree_of(source)):
            call = isinstance(node, ast.Call) and name_of(node.func) == "float"
            literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if call or literal:
                wrong.append(f"{module}:{node.lineno}")
    return wrong


def positional_flags(sources: Sources) -> list[str]:
    """Boolean parameters that may be given without their name."""
    return [
        f"{module}:{node.lineno} {node.name}({argument.arg})"
        for module, source in sources.items()
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.FunctionDef)
        for argument in node.args.args
        if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "bool"
    ]


def side_doors(sources: Sources) -> list[str]:
    """Trust in user text, or Celery run eagerly."""
    return [
        f"{module} uses {word}"
        for module, source in sources.items()
        for word in ("mark_safe", "TASK_ALWAYS_EAGER", "task_always_eager")
        if word in source
    ]
