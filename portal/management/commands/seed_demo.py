"""manage.py seed_demo [--reset]: the cast of the demo and their stories, through the services."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core.errors import RuleViolation
from portal.site.demo import cast
from portal.site.demo.opening import open_demo


class Command(BaseCommand):
    help = "Seed the demo if it is empty; --reset wipes it and begins anew. Needs DEMO=1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="wipe everything first")

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.monotonic()
        try:
            lines = open_demo(anew=options["reset"])
        except RuleViolation as refused:
            raise CommandError(f"DEMO: {refused.message}") from refused
        took = time.monotonic() - begun
        self._report(lines, took, everything=options["verbosity"] > 0)

    def _report(self, lines: list[str], took: float, *, everything: bool) -> None:
        """Everything, or (verbosity 0) only what is not plain from the cast itself."""
        if not everything:
            for line in lines[: -len(cast.MEMBERS)]:
                self.stdout.write(line)
            return
        if not lines:
            self.stdout.write("演示数据已经存在，没有改动（重新开始：seed_demo --reset）")
            return
        for line in lines:
            self.stdout.write(line)
        self.stdout.write(f"演示数据已就绪，共同密码 {cast.PASSWORD}（{took:.1f} 秒）")
