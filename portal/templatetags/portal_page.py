"""What base.html is built with: main navigation and blocks that may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.template.base import NodeList, Parser, Token
from django.urls import NoReverseMatch, reverse

register = template.Library()


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place of the main navigation."""

    label: str
    url: str
    icon: str
    current: bool
    count: int


NAV = (  # label, URL name, icon, URL names (or beginnings) at which it is the current one
    ("借呗", "loans:home", "yuan", ("loans:",)),
    ("减免", "relief:cases", "scale", ("relief:",)),
    ("消息", "portal:notices", "message", ("portal:notice",)),
    ("我的", "portal:me", "user", ("portal:me", "portal:settings", "portal:verify")),
)


@register.simple_tag(takes_context=True)
def main_nav(context: Mapping[str, Any]) -> list[NavItem]:
    """The places of the tab bar and the site header; pages that do not exist are left out."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = getattr(match, "view_name", "") or ""
    unread = (context.get("unread_notices") or 0) + 0  # lazy until now
    items: list[NavItem] = []
    for label, name, drawing, places in NAV:
        address = optional_url(name)
        if address:
            count = unread if name == "portal:notices" else 0
            items.append(NavItem(label, address, drawing, here.startswith(places), count))
    return items


@register.simple_tag
def optional_url(name: str, *args: object) -> str:
    """The address of a page, or nothing where the page does not exist (e.g. the demo's)."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


# --- Blocks that may be empty ----------------------------------------------------------------------------


class CaptureNode(template.Node):
    """Renders its content into a variable; blank content becomes an empty string."""

    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist
        self.name = name

    def render(self, context: template.Context) -> str:
        text = self.nodelist.render(context)
        context[self.name] = text if text.strip() else ""
        return ""


@register.tag
def capture(parser: Parser, token: Token) -> CaptureNode:
    """{% capture as aside %}{% block aside %}{% endblock %}{% endcapture %}{% if aside %}…"""
    words = token.split_contents()
    if len(words) != 3 or words[1] != "as":
        raise template.TemplateSyntaxError("capture is written {% capture as name %}")
    nodelist = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodelist, words[2])
