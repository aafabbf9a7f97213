"""manage.py verify_invariants: prove the whole database; exit 1 naming each violation."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from portal.core import clock
from relief.invariants import RULES, violations


class Command(BaseCommand):
    help = "Check every invariant in one snapshot, read only; exit 1 and name each violation."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = violations(now=clock.now(), real_now=clock.real_now())
        for violation in broken:
            self.stderr.write(str(violation))
        if broken:
            self.stderr.write(f"verify_invariants: {len(broken)} violations")
            sys.exit(1)
        self.stdout.write(f"verify_invariants: {len(RULES)} rules hold, no violation")
