"""manage.py check_books: prove the books over the whole database; exit 1 naming each violation."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from loans.proofs import find_violations
from portal.core.snapshot import snapshot


class Command(BaseCommand):
    help = "Check every rule of the books; exit 1 and name each violation."

    def handle(self, *args: Any, **options: Any) -> None:
        violation_count = 0
        with snapshot():
            for violation in find_violations():
                violation_count += 1
                self.stderr.write(str(violation))
        if violation_count:
            self.stderr.write(f"{violation_count} violations")
            sys.exit(1)
        self.stdout.write("check_books: no violation")
