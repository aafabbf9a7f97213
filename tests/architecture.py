"""The rules of the layout as functions over source text, so that a planted violation can be shown.

Three packages, one direction: portal's ground ← loans ← relief ← portal's roof. Inside each:
pure domain → models → queries → services → edges.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("portal", "loans", "relief")
FLOORS = ("portal.core", "loans", "relief", "portal.site")  # a floor imports itself and those below
LAYERS = ("pure", "models", "queries", "services", "presenters", "pages", "wiring")


def _below(parent: str, **layers: str) -> dict[str, str]:
    """The layer of each name below `parent`: _below("loans", pure="domain") → {"loans.domain": "pure"}."""
    return {f"{parent}.{name}": layer for layer, names in layers.items() for name in names.split()}


# Every module has a layer: the longest name here that it equals or lies below. What has none fails.
# Django and Celery find modules at an app's root by name: these wire, and nobody imports them.
LAYER_OF: dict[str, str] = {
    **dict.fromkeys(PACKAGES, "pure"),
    **_below(
        "portal",
        pure="core site",
        presenters="templatetags",
        wiring="admin apps management models tasks",
    ),
    **_below(
        "portal.core",
        pure="kernel trail",
        models="errors fields hashers lender models probes publicids retry sealed snapshot storage unit_of_work",
        services="accounts background calendar clock documents notifications nudge",
        presenters="charts filenames web",
        pages="desk",
    ),
    **_below("portal.core.trail", models="row_triggers seals", services="chain"),
    **_below(
        "portal.site",
        pure="celery environment logs parent_death private_redis settings",
        presenters="checks context crash_points kept_form middleware passing_messages step_up",
        pages="demo desk pages",
        wiring="server static_files urls wsgi",
    ),
    **_below(
        "loans",
        pure="domain pricing",
        models="models",
        queries="queries",
        services="proofs services",
        presenters="casefile presenters pages.forms",
        pages="desk pages",
        wiring="admin apps bulk management tasks urls",
    ),
    **_below(
        "relief",
        pure="cases conversation evidence offers plans rights",
        presenters="invariants presenters pages.forms desk.forms desk.offer_form",  # all of them read
        pages="desk pages",
        wiring="admin apps checks management models tasks urls",
    ),
    **_below(
        "relief.cases",
        pure="drawing labels notices permissions policy reasons timing workflow",
        models="models",
        queries="queries urgency",
        services="application collection gate handover moves people reopening review",
    ),
    **_below("relief.cases.timing", pure="deadlines", services="batch lateness sweep"),
    **_below("relief.conversation", pure="answers", models="models", services="bot cards messages"),
    **_below(
        "relief.evidence",
        pure="consent_texts filecheck kinds",
        models="models",
        services="access_log antivirus checks consents files pages reconcile retention rotation sandbox watermark",
    ),
    **_below(
        "relief.offers",
        pure="agreement_text terms",
        models="models",
        services="accept agreement approval compose negotiate revoke suggestions",
    ),
    **_below("relief.plans", pure="health", services="clock loan_watch watch"),
    **_below("relief.rights", pure="keeping", models="models", services="erasure exports"),
}
# Folders of which only what is listed is known: a new module in them must say what it is.
LISTED_ONE_BY_ONE = {
    *PACKAGES,
    *("portal.core", "portal.core.trail", "portal.site"),
    *(
        "relief.cases",
        "relief.cases.timing",
        "relief.conversation",
        "relief.evidence",
        "relief.offers",
        "relief.plans",
        "relief.rights",
    ),
}
# The sandboxed child reads pictures and PDFs; it is pure of Django and of the rest of the product.
LIBRARIES_OF_THE_SANDBOX = (
    *("PIL", "pikepdf", "pillow_heif", "pypdfium2", "pypdfium2_raw", "noto_cjk_sans_otc"),
    *("pyhanko", "pyhanko_certvalidator"),
)

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


def layer_of(module: str) -> str | None:
    """The layer of a module, or None where nobody said what it is."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in LAYER_OF:
            above = ".".join(parts[: length + 1])
            return None if name in LISTED_ONE_BY_ONE and above != name else LAYER_OF[name]
    return None


def floor_of(module: str) -> int:
    """Which floor a module stands on; portal's root wires, so it stands on the roof."""
    if module in ("portal", "portal.templatetags") or module.startswith("portal.templatetags."):
        return 0
    for rank, floor in enumerate(FLOORS):
        if module == floor or module.startswith(floor + "."):
            return rank
    return len(FLOORS) - 1


def unknown_modules(sources: Sources) -> list[str]:
    """Modules whose layer nobody has said."""
    return [f"{module} has no layer" for module in sources if layer_of(module) is None]


def wrong_directions(sources: Sources) -> list[str]:
    """Imports that point to a floor above, or to a layer above, across packages too."""
    wrong = []
    for module, source in sources.items():
        here = layer_of(module)
        for target in imports_of(module, source, sources):
            there = layer_of(target) if target.split(".")[0] in PACKAGES else None
            if here is None or there is None:
                continue
            too_high = floor_of(target) > floor_of(module)
            if too_high or LAYERS.index(there) > LAYERS.index(here):
                wrong.append(f"{module} ({here}) imports {target} ({there})")
    return wrong


DOTTED = re.compile(r"(?:portal|loans|relief)(?:\.\w+)+")


def upward_strings(sources: Sources) -> list[str]:
    """Names in strings (import_string, models, views) of something on a floor above.

    Tasks are nudged by name, and what wires may name what it wires.
    """
    wrong = []
    for module, source in sources.items():
        if layer_of(module) == "wiring" or floor_of(module) == len(FLOORS) - 1:
            continue
        for node in ast.walk(tree_of(source)):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if not DOTTED.fullmatch(node.value) or ".tasks." in node.value:
                continue
            parts = node.value.split(".")
            names = (".".join(parts[:n]) for n in range(len(parts), 1, -1))
            target = next((name for name in names if name in sources), None)
            if target is None and len(parts) == 2 and parts[1][:1].isupper():  # "relief.Case"
                target = "portal.core" if parts[0] == "portal" else parts[0]
            if target is not None and floor_of(target) > floor_of(module):
                wrong.append(f"{module}:{node.lineno} names {node.value}")
    return wrong


def impure_modules(sources: Sources) -> list[str]:
    """Pure modules that import more than the standard library and each other."""
    wrong = []
    for module, source in sources.items():
        if layer_of(module) != "pure" or module.startswith("portal.site"):
            continue
        for target in imports_of(module, source, sources):
            head = target.split(".")[0]
            sandboxed = "filecheck" in module and head in LIBRARIES_OF_THE_SANDBOX
            if head not in PACKAGES and head not in sys.stdlib_module_names and not sandboxed:
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
    """Writing a case's state, or the books, outside the one door of each."""
    return _state_writers(sources) + _ledger_writers(sources)


def _state_writers(sources: Sources) -> list[str]:
    """`case.state = …`, `setattr(case, "state", …)` and `Case.objects….update(state=…)`."""
    wrong = []
    for module, source in sources.items():
        if not module.startswith(("relief", "portal.site")) or module == "relief.cases.moves":
            continue
        for node in ast.walk(tree_of(source)):
            targets = node.targets if isinstance(node, ast.Assign) else []
            assigned = any(
                isinstance(t, ast.Attribute)
                and t.attr == "state"
                and name_of(t.value).endswith("case")
                for t in targets
            )
            updated = (
                isinstance(node, ast.Call)
                and name_of(node.func) in ("update", "bulk_update", "setattr")
                and root_of(node.func).lower().endswith(("case", "cases", "setattr"))
                and (
                    any(k.arg == "state" for k in node.keywords)
                    or any(
                        isinstance(c, ast.Constant) and c.value == "state"
                        for a in node.args
                        for c in ast.walk(a)
                    )
                )
            )
            if assigned or updated:
                wrong.append(f"{module}:{getattr(node, 'lineno', 0)} writes a case's state")
    return wrong


def _ledger_writers(sources: Sources) -> list[str]:
    """Making entries or postings, or writing their tables by SQL; the bulk generator may."""
    wrong = []
    for module, source in sources.items():
        if module in ("loans.services.ledger", "loans.bulk"):
            continue
        for node in ast.walk(tree_of(source)):
            made = isinstance(node, ast.Call) and (
                name_of(node.func) in ("Posting", "Entry")
                or (
                    name_of(node.func) in ("create", "bulk_create", "get_or_create")
                    and root_of(node.func) in ("Posting", "Entry")
                )
            )
            sql = (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.search(
                    r"(?i)(insert into|update|delete from) loans_(entry|posting)", node.value
                )
            )
            if made or sql:
                wrong.append(f"{module}:{node.lineno} writes the books")
    return wrong


def root_of(node: ast.expr) -> str:
    """The first name of a chain of calls: Case in Case.objects.filter(…).update."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


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
        if layer_of(module) == "services" and module.split(".")[0] != "portal":
            wrong += [
                f"{module} imports {t}"
                for t in imports_of(module, source, sources)
                if t == "portal.core.clock"
            ]
    return wrong


def own_zones(sources: Sources) -> list[str]:
    """A time zone or the length of a month worked out outside the one module of business time."""
    return [
        f"{module}:{node.lineno} {name_of(node.func)}("
        for module, source in sources.items()
        if module != "portal.core.kernel.businesstime"
        for node in ast.walk(tree_of(source))
        if isinstance(node, ast.Call) and name_of(node.func) in ("ZoneInfo", "monthrange")
    ]


def floats(sources: Sources) -> list[str]:
    """float( and float literals in the pure rules."""
    wrong = []
    for module, source in sources.items():
        if layer_of(module) != "pure" or module.startswith("portal.site") or "filecheck" in module:
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
