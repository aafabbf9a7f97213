"""Formatting for templates: money, dates, icons, form controls; no rule lives here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.timezone import is_aware, localtime

from portal.core.kernel.money import signed

register = template.Library()

Amount = Decimal | int
NOTHING = "–"  # shown where there is no value


# --- Figures ---------------------------------------------------------------------------------


@register.filter
def yuan(amount: Amount | None) -> str:
    """Yuan with thousands and two decimals, bare: 1234.5 -> 1,234.50."""
    if amount is None or amount == "":
        return NOTHING
    return f"{Decimal(amount):,.2f}".replace("-", "−")


@register.filter
def money(amount: Amount | None) -> str:
    """Yuan for running text and buttons: 1234.5 -> ¥1,234.50, -70.54 -> −¥70.54."""
    if amount is None or amount == "":
        return NOTHING
    sign = "−" if Decimal(amount) < 0 else ""
    return f"{sign}¥{abs(Decimal(amount)):,.2f}"


register.filter("signed", signed)


@register.filter
def rate(value: Decimal | None) -> str:
    """A rate or share as per cent without idle zeros: 0.0004 -> 0.04%, 0.8 -> 80%."""
    if value is None or value == "":
        return NOTHING
    text = f"{Decimal(value) * 100:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


_TOGETHER = re.compile(
    r"(?:\w{1,8} )?¥[\d,]+\.\d\d|\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d\d-\d\d|第 \d+ \w"
)


@register.filter
def kept(text: str) -> str:
    """A sentence whose amounts stay with their word and whose dates stay whole at the end of a line.

    罚息 ¥0.00 and 2026年11月26日 never break; the words are the same.
    """
    parts: list[tuple[str, str]] = []
    end = 0
    for whole in _TOGETHER.finditer(text):
        parts.append((text[end : whole.start()], whole[0]))
        end = whole.end()
    kept_parts = format_html_join("", '{}<span class="keep">{}</span>', parts)
    return format_html("{}{}", kept_parts, text[end:])


@register.filter
def masked_phone(phone: str | None) -> str:
    """The first three and last four digits: 13800136027 -> 138****6027."""
    text = phone or ""
    return f"{text[:3]}****{text[-4:]}" if len(text) >= 8 else text


@register.simple_tag
def data(amount: Amount, field: str, symbol: str = "", **marks: object) -> str:
    """A figure that a rule produced, with its mark (data-field, read by scripts outside).

    {% data row.total "plan-instalment" instalment=4 %} gives
    <data value="1453.82" data-field="plan-instalment" data-instalment="4">1,453.82</data>;
    symbol="¥" puts the sign in front of the shown text.
    """
    exact = Decimal(amount)
    shown = money(exact) if symbol else yuan(exact)
    extra = format_html_attributes({f"data-{name}": value for name, value in marks.items()})
    return format_html(
        '<data value="{}" data-field="{}"{} class="num">{}</data>',
        f"{exact:.2f}",
        field,
        extra,
        shown,
    )


def format_html_attributes(attributes: Mapping[str, object]) -> str:
    """Attributes as safe text, each with a space in front; empty values are left out."""
    text = format_html("{}", "")
    for name, value in attributes.items():
        if value not in (None, ""):
            text = format_html('{} {}="{}"', text, name.replace("_", "-"), value)
    return text


# --- Dates and instants ------------------------------------------------------------------------


def business_now(context: Mapping[str, Any]) -> datetime:
    """The business time of portal.site.context.site, as a plain datetime (there it is lazy)."""
    offered: datetime | None = context.get("business_now")
    if offered is not None:
        return offered + timedelta(0)
    from portal.core import clock  # only where a page has no site context

    return clock.now()


def _this_year(context: Mapping[str, Any]) -> int:
    return localtime(business_now(context)).year


def _day_text(day: date, style: str, this_year: int) -> str:
    long_text = f"{day.year}年{day.month}月{day.day}日"
    return {
        "full": long_text,
        "iso": f"{day:%Y-%m-%d}",
        "compact": f"{day:%y-%m-%d}",
        "slash": f"{day.month}/{day.day}",
        "short": f"{day.month}月{day.day}日",
    }.get(style) or (f"{day.month}月{day.day}日" if day.year == this_year else long_text)


@register.simple_tag(takes_context=True)
def day(context: Mapping[str, Any], value: date | None, style: str = "", field: str = "") -> str:
    """A date: 11月26日, with the year when it is another one than today's.

    Styles: full 2026年11月26日, iso 2026-11-26, compact 26-11-26, slash 11/26, short 11月26日.
    """
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        value = localtime(value).date() if is_aware(value) else value.date()
    mark = format_html_attributes({"data-field": field})
    text = _day_text(value, style, 0 if style else _this_year(context))
    return format_html('<time datetime="{}"{}>{}</time>', value.isoformat(), mark, text)


@register.simple_tag(takes_context=True)
def when(
    context: Mapping[str, Any], value: datetime | None, style: str = "", field: str = ""
) -> str:
    """An instant in Shanghai: 11月26日 18:00; styles as of day, and time (18:00 alone)."""
    if value is None:
        return NOTHING
    local = localtime(value)
    clock_text = f"{local:%H:%M}"
    if style == "time":
        text = clock_text
    else:
        text = _day_text(local.date(), style, 0 if style else _this_year(context))
        text = f"{text} {clock_text}"
    mark = format_html_attributes({"data-field": field})
    exact = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}"{}>{}</time>', exact, mark, text)


@register.simple_tag(takes_context=True)
def time_left(
    context: Mapping[str, Any], until: datetime | None, now: datetime | None = None
) -> list[tuple[int, str]]:
    """What remains until an instant, as (number, unit): [(5, "天"), (1, "小时"), (40, "分")]."""
    at = now or business_now(context)
    if until is None or until <= at:
        return []
    minutes = int((until - at).total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "天"), (hours, "小时"), (rest, "分")]
    return parts if days else parts[1:] if hours else parts[2:]


# --- Signs ----------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, size: int | str = 24, label: str = "") -> str:
    """A stroke drawing of static/img/icons.svg; with a label it speaks, else it is silent."""
    return _drawn(name, str(size), label, asset("img/icons.svg"))


@lru_cache(maxsize=1024)
def _drawn(name: str, size: str, label: str, drawings: str) -> str:
    heard = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else format_html('aria-hidden="{}"', "true")
    )
    return format_html(
        '<svg class="{}" {} focusable="false"><use href="{}#{}"></use></svg>',
        "i" if size == "24" else f"i i-{size}",
        heard,
        drawings,
        name,
    )


def asset(path: str) -> str:
    """The address of a file of static/, asked for once a process: a release's files never change."""
    return _address_of(path, *where_files_are())


def where_files_are() -> tuple[str, str]:
    """What the addresses of static/ depend on: the folder's own, and who makes names of it."""
    return settings.STATIC_URL, settings.STORAGES["staticfiles"]["BACKEND"]


@lru_cache(maxsize=256)
def _address_of(path: str, address: str, storage: str) -> str:
    return static(path)


# Tone of a case's state: b in work, w wants the borrower, s good, d bad, "" over.
STATE_TONES = {
    "SUBMITTED": "b",
    "IN_REVIEW": "b",
    "NEED_MORE": "w",
    "NEGOTIATING": "b",
    "AWAITING_APPROVAL": "b",
    "OFFERED": "w",
    "COUNTERED": "b",
    "PLAN_ACTIVE": "s",
    "WARNED": "w",
    "BREACHED": "d",
    "COMPLETED": "s",
    "SETTLED": "s",
    "REJECTED": "d",
}


@register.simple_tag
def case_state(case: object = None, state: str = "", label: str = "", look: str = "") -> str:
    """The state of a case as a tag with its mark.

    Takes a case (its state, and state_label or get_state_display()) or state= and label=;
    look adds classes, e.g. "solid pill" on a blue head.
    """
    value = str(getattr(case, "state", "") or state)
    if not label:
        label = getattr(case, "state_label", "") or getattr(case, "get_state_display", str)()
    return format_html(
        '<span class="{}" data-field="case-state" data-value="{}">{}</span>',
        " ".join(filter(None, ["tag", look or STATE_TONES.get(value, "")])),
        value,
        label or value,
    )


# --- Forms ------------------------------------------------------------------------------------------


@register.filter
def kind(field: BoundField) -> str:
    """What a form field is drawn as: checkbox, radio, select, textarea, file, date, text…"""
    widget = field.field.widget
    name = type(widget).__name__.lower()
    for widget_kind in ("textarea", "checkboxselectmultiple", "radioselect", "select"):
        if widget_kind in name:
            return widget_kind
    return str(getattr(widget, "input_type", "text"))


@register.simple_tag
def control(field: BoundField, hint: str = "", **attributes: object) -> str:
    """A field's input alone, tied to its hint and error (ids <id>-hint and <id>-error)."""
    attrs: dict[str, Any] = {
        name.replace("_", "-"): value for name, value in attributes.items() if value
    }
    own_id = field.auto_id or field.name
    described = [f"{own_id}-error"] if field.errors else []
    if hint or field.help_text:
        described.append(f"{own_id}-hint")
    extra = str(attrs.pop("describedby", ""))
    described += [extra] if extra else []
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if field.errors:
        attrs["aria-invalid"] = "true"
    if field.field.required and not field.form.use_required_attribute:
        attrs["aria-required"] = "true"
    return field.as_widget(attrs=attrs)


@register.filter
def initial(name: str | Iterable[str] | None) -> str:
    """The first character of a name, for a face: 林*云 -> 林."""
    return str(name or "")[:1]


@register.filter
def before_bar(text: str) -> str:
    """The part of a choice's label in front of |: 失业|被裁员 -> 失业."""
    return str(text).partition("|")[0]


@register.filter
def after_bar(text: str) -> str:
    """The small line of a choice's label: 失业|被裁员 -> 被裁员."""
    return str(text).partition("|")[2]
