"""Files a person takes away: tables as CSV or XLSX, text as text and numbers as numbers, never a formula.

Rows are written as they come, so that memory does not grow with a table.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO

import xlsxwriter
from django.utils.text import slugify

BOM = "\ufeff"  # Excel reads UTF-8 only with it
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
SHEET_ROWS = 1_048_576  # what one sheet of Excel holds, its heading included
SHEET_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}

ExportCell = str | int | Decimal | date | None


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self]


CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A heading and rows that may be read once; `name` is the file's, without its ending."""

    name: str
    title: str
    head: Sequence[str]
    rows: Iterable[Sequence[ExportCell]]

    def file_name(self, kind: Format) -> str:
        """ASCII only, as it stands in a header."""
        return f"{slugify(self.name)}.{kind.value}"


def safe_cell(value: ExportCell) -> str:
    """Text that begins like a formula gets an apostrophe in front; our own numbers do not.

    "=1+1" → "'=1+1"; Decimal("-64.24") → "-64.24".
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    dangerous = text.startswith(DANGEROUS) or text.lstrip().startswith(DANGEROUS)
    return f"'{text}" if dangerous and not isinstance(value, int) else text


def write(table: ExportTable, kind: Format, out: BinaryIO) -> int:
    """The table as a file; returns how many rows it has below its heading."""
    return _write_xlsx(table, out) if kind is Format.XLSX else _write_csv(table, out)


def to_csv(head: Sequence[str], rows: Iterable[Sequence[ExportCell]]) -> bytes:
    """UTF-8 with BOM, every text cell quoted, CRLF lines."""
    out = io.BytesIO()
    _write_csv(ExportTable("", "", head, rows), out)
    return out.getvalue()


def _write_csv(table: ExportTable, out: BinaryIO) -> int:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    text.write(BOM)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow([safe_cell(cell) for cell in table.head])
    count = 0
    for row in table.rows:
        writer.writerow([safe_cell(cell) for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _write_xlsx(table: ExportTable, out: BinaryIO) -> int:
    """Amounts as numbers with two places (rates with theirs), dates as dates; a full sheet goes on in another."""
    book = xlsxwriter.Workbook(out, SHEET_OPTIONS)
    bold = book.add_format({"bold": True})
    amounts: dict[int, object] = {}  # by decimal places; formats of one book
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    count, sheet = 0, None
    for row in table.rows:
        place = count % (SHEET_ROWS - 1) + 1
        if sheet is None or place == 1:
            sheet = _sheet(book, table, bold)
        for column, cell in enumerate(row):
            if isinstance(cell, Decimal):
                places = max(2, -int(cell.as_tuple().exponent))
                if places not in amounts:
                    amounts[places] = book.add_format({"num_format": f"#,##0.{'0' * places}"})
                sheet.write_number(place, column, cell, amounts[places])
            elif isinstance(cell, date):
                sheet.write_datetime(place, column, cell, day)
            elif isinstance(cell, int):
                sheet.write_number(place, column, cell)
            elif cell:
                sheet.write_string(place, column, cell)
        count += 1
    if sheet is None:
        _sheet(book, table, bold)
    book.close()
    return count


def _sheet(
    book: xlsxwriter.Workbook, table: ExportTable, bold: object
) -> xlsxwriter.worksheet.Worksheet:
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet(table.title if number == 1 else f"{table.title} {number}")
    sheet.set_column(0, len(table.head) - 1, 16)
    sheet.freeze_panes(1, 0)
    for column, words in enumerate(table.head):
        sheet.write_string(0, column, words, bold)
    return sheet
