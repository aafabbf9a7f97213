"""Columns and filters of the desk's lists in the words of the glossary."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

DeskColumn = Any  # a callable; Django takes one wherever it takes a name, its stubs do not say so


def column(path: str, label: str) -> DeskColumn:
    """A value of the row, or of what it points to ("loan.number"), under a Chinese heading."""
    value_of = attrgetter(path)

    @admin.display(description=label, ordering=path.replace(".", "__"))
    def shown(row: Any) -> Any:
        return value_of(row)

    return shown


def yes_no(path: str, label: str) -> DeskColumn:
    """是 or 否; the icons that Django draws instead are called True and False."""
    value_of = attrgetter(path)

    @admin.display(description=label, ordering=path.replace(".", "__"))
    def shown(row: Any) -> str:
        return "是" if value_of(row) else "否"

    return shown


def money(path: str, label: str) -> DeskColumn:
    """An amount in yuan with thousands: 10000.00 is shown as 10,000.00."""
    amount_of = attrgetter(path)

    @admin.display(description=label, ordering=path.replace(".", "__"))
    def shown(row: Any) -> str:
        amount: Decimal = amount_of(row)
        return f"{amount:,.2f}"

    return shown


def filled(field: str, label: str, *, no: str, yes: str) -> type[admin.SimpleListFilter]:
    """A filter on whether a field holds something, with a word for each: 待拨打, 已完成."""

    class Filled(admin.SimpleListFilter):
        title = label
        parameter_name = f"{field}_filled"

        def lookups(
            self, request: HttpRequest, model_admin: ModelAdmin[Any]
        ) -> Iterable[tuple[str, str]]:
            return [("no", no), ("yes", yes)]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            if self.value() not in {"no", "yes"}:
                return queryset
            return queryset.filter(**{f"{field}__isnull": self.value() == "no"})

    return Filled
