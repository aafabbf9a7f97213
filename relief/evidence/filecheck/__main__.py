"""The check of one uploaded file in a small, limited process; it imports no Django and no network.

`python -m relief.evidence.filecheck image|heic|pdf|nothing <folder>` reads <folder>/in, draws its pages as pictures
beside it, of a PDF also a harmless <folder>/copy, and prints one JSON line. The process limits its own
memory and time first and leaves network and files behind (confinement.py), so a hostile file
ends this process and nothing else. `nothing` only answers what of that is in force.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from functools import partial
from pathlib import Path

from relief.evidence.filecheck.confinement import confine
from relief.evidence.filecheck.pages import Pages, Refused
from relief.evidence.filecheck.pdf import check_pdf
from relief.evidence.filecheck.pictures import check_picture

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 10  # more for a PDF of many pages, up to
MOST_CPU_SECONDS = 40
OUTPUT_BYTES = 64 * 1024 * 1024


def limit_process() -> None:
    """Cap the memory, processor time and output of this process; called before anything is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(kind: str, folder: Path) -> dict[str, object]:
    """One check as a plain dictionary: {"ok": true, …} or {"ok": false, "code": "…"}."""
    pages = Pages(folder)
    try:
        check = check_pdf if kind == "pdf" else partial(check_picture, kind)
        result = check(folder, pages)
        pages.write_text()
    except Refused as refused:
        return {"ok": False, "code": refused.code}
    except MemoryError:
        return {"ok": False, "code": "too_heavy"}
    except Exception as broken:  # any decoder's complaint means: this file cannot be read
        return {"ok": False, "code": "unreadable", "why": type(broken).__name__}
    return {"ok": True, "dropped": [], "signatures": [], "pages": pages.sizes, **result}


def main(arguments: list[str]) -> int:
    """Entry of the child process; always prints one JSON line when it lives to the end."""
    kind, folder = arguments[0], Path(arguments[1])
    limit_process()
    in_force = confine(folder)
    with contextlib.redirect_stdout(sys.stderr):
        answer = {"in_force": in_force} if kind == "nothing" else run(kind, folder)
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
