"""The text of a priced case, YAML or JSON, as plain values; refuses what could be read in two ways.

Text that begins with "{" is JSON, all else YAML. Numbers stay exact (int, Decimal), dates stay text,
only true and false are flags: YAML's ``no``, ``010`` and ``1:30`` are the texts they look like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import yaml

from portal.core.kernel.errors import InvalidInput


def read_case(text: str) -> object:
    """What ``loans.pricing.price`` takes.

    Errors: InvalidInput for a text that is neither JSON nor YAML, or names something twice.
    Example: "loan: {principal: 6000.00}" → {"loan": {"principal": Decimal("6000.00")}}.
    """
    try:
        return _from_json(text) if text.lstrip().startswith("{") else _from_yaml(text)
    except (ValueError, ArithmeticError, RecursionError, yaml.YAMLError) as wrong:
        detail = " ".join(str(wrong).split())
        raise InvalidInput("file", f"内容不是 JSON 或 YAML，请检查（{detail}）。") from wrong


def _from_json(text: str) -> object:
    return json.loads(
        text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once_each
    )


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _once_each(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    values: dict[Any, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"{name} stands twice")
        values[name] = value
    return values


class _PlainValues(yaml.SafeLoader):
    """YAML's texts, lists and mappings, with the few plain values registered below."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def exact_number(self, node: yaml.ScalarNode) -> Decimal:
        return Decimal(self.construct_scalar(node))

    def mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        return _once_each(
            (self.construct_object(name, deep=True), self.construct_object(value, deep=True))
            for name, value in node.value
        )


_TAG = "tag:yaml.org,2002:"
for _name, _pattern, _begins in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?[0-9]+\.[0-9]+", list("-+0123456789")),
):
    _PlainValues.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _begins)
_PlainValues.add_constructor(_TAG + "float", _PlainValues.exact_number)
_PlainValues.add_constructor(_TAG + "map", _PlainValues.mapping)


def _from_yaml(text: str) -> object:
    loader = _PlainValues(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
