"""Reads the marks of contract.md out of a page, as a script outside would."""

from __future__ import annotations

import re
from decimal import Decimal

from django.http import HttpResponse

MARK = re.compile(r'<data value="(?P<value>[^"]*)" data-field="(?P<field>[^"]*)"(?P<rest>[^>]*)>')


def figures(response: HttpResponse, field: str) -> list[Decimal]:
    """Every value marked with the field, in the order of the page."""
    found = MARK.finditer(response.content.decode())
    return [Decimal(mark["value"]) for mark in found if mark["field"] == field]


def by_instalment(response: HttpResponse, field: str) -> dict[int, Decimal]:
    """The same by data-instalment."""
    found = [m for m in MARK.finditer(response.content.decode()) if m["field"] == field]
    numbers = [re.search(r'data-instalment="(\d+)"', mark["rest"]) for mark in found]
    return {
        int(number[1]): Decimal(mark["value"])
        for number, mark in zip(numbers, found, strict=True)
        if number
    }
