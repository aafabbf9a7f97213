"""`make bench`: medians on this machine, printed as the tables that README quotes."""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    """Run the sections named on the command line, or all of them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests.bench import accept, books, desk, evidence, pages, sweeps

    sections = {
        **{"pages": pages.run, "books": books.run, "sweeps": sweeps.run, "accept": accept.run},
        **{"evidence": evidence.run, "desk": desk.run},
    }
    for name in sys.argv[1:] or sections:
        sections[name]()


if __name__ == "__main__":
    main()
