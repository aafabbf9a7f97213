"""Writes relief/WORKFLOW.md, the table of moves as a picture; a test compares it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from relief.cases.drawing import workflow_page

PAGE = Path(__file__).resolve().parents[2] / "WORKFLOW.md"


class Command(BaseCommand):
    help = "Write relief/WORKFLOW.md from relief.cases.workflow.MOVES"

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(workflow_page(), encoding="utf-8")
        self.stdout.write(f"wrote {PAGE}")
