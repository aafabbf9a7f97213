"""manage.py price FILE: what a loan comes to by the rules, from YAML or JSON; no database is read."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loans.casefile import read_case
from loans.presenters.exports import to_csv
from loans.pricing import Priced, price
from portal.core.kernel.errors import InvalidInput

STANDARD_INPUT = "-"


class Command(BaseCommand):
    help = "Print what the case of a YAML or JSON file comes to (schema: loans/README.md); exit 1 if it expects otherwise."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a YAML or JSON file, or - for standard input")
        parser.add_argument("--as-of", help="the date of every figure instead of the case's own")
        parser.add_argument("--csv", action="store_true", help="one table for a spreadsheet")

    def handle(self, *args: Any, **options: Any) -> None:
        text = _read(options["file"])
        try:
            case = read_case(text)
            if options["as_of"] and isinstance(case, dict):
                case = {**case, "as_of": options["as_of"], "expect": {}}
            priced = price(case)
        except InvalidInput as wrong:
            raise CommandError(str(wrong)) from wrong
        self.stdout.write(_csv(priced) if options["csv"] else _text(priced), ending="")
        for difference in priced.differences:
            self.stderr.write(difference)
        if priced.differences:
            sys.exit(1)


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == STANDARD_INPUT else Path(name).read_text("utf-8")
    except OSError as wrong:
        raise CommandError(f"file: 读不到文件 {name}（{wrong.strerror}）。") from wrong
    except UnicodeDecodeError as wrong:
        raise CommandError(f"file: 文件 {name} 不是 UTF-8 编码的文字。") from wrong


def _text(priced: Priced) -> str:
    lines = [priced.title] if priced.title else []
    for table in priced.tables:
        lines += ["", f"# {table.title}", " | ".join(["", *(word for _, word in table.columns)])]
        lines += [" | ".join([row.key, *map(_cell, row.cells)]) for row in table.rows]
    return "\n".join([*lines, ""])


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _csv(priced: Priced) -> str:
    """Every figure a line: table, row, column, value."""
    words = {table.name: (table.title, dict(table.columns)) for table in priced.tables}
    rows = []
    for name, value in priced.figures.items():
        table, _, rest = name.partition(".")
        row, _, column = rest.rpartition(".")
        title, columns = words[table]
        rows.append([title, row, columns[column], value])
    return to_csv(["表", "行", "列", "值"], rows).decode()
