"""An empty database after all migrations, made once for each state of them: tests and stacks begin with a copy.

Only SQLite: `migrate` still runs on the copy, finds nothing to do, and makes what it makes each time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sqlite3
from functools import cache
from pathlib import Path

import django
from django.conf import settings

from tests.architecture import PACKAGES, ROOT

IMPORTED = re.compile(r"^(?:from|import) ((?:portal|relief|loans)\.[\w.]+)", re.M)


@cache
def kept_file() -> Path:
    """Where the copy of this version is, or will be; it is named after all that decides what is in it."""
    sources = sorted(
        path for name in PACKAGES for path in (ROOT / name / "migrations").glob("*.py")
    )
    modules = {name for path in sources for name in IMPORTED.findall(path.read_text())}
    folders = {Path(str(importlib.util.find_spec(name).origin)).parent for name in modules}  # type: ignore[union-attr]  # ours
    sources += sorted(path for folder in folders for path in folder.glob("*.py"))
    digest = hashlib.sha256(f"{django.VERSION}{sqlite3.sqlite_version}".encode())
    for path in sources:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return Path(settings.BASE_DIR) / "var" / f"migrated-{digest.hexdigest()[:16]}.sqlite3"


def begin_with_copy(database: Path) -> bool:
    """Put the copy where a database is to be; False when there is none yet."""
    if not kept_file().exists():
        return False
    shutil.copyfile(kept_file(), database)
    return True


def keep_copy(database: Path) -> None:
    """Keep a database that was just migrated, instead of those of other versions."""
    kept_file().parent.mkdir(exist_ok=True)
    part = kept_file().with_suffix(f".{os.getpid()}")
    with sqlite3.connect(database) as source, sqlite3.connect(part) as target:
        source.backup(target)
    os.replace(part, kept_file())
    for other in kept_file().parent.glob("migrated-*.sqlite3"):
        if other != kept_file():
            other.unlink(missing_ok=True)
