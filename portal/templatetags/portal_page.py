"""What base.html is built with: main navigation and blocks that may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import template
from django.template.base import NodeList, Parser, Token
from django.urls import NoReverseMatch, get_resolver, get_script_prefix, get_urlconf, reverse
from django.urls.resolvers import URLResolver

from portal.templatetags.portal_ui import where_files_are

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
    if args:
        return _reversed(name, args)
    return _place(get_resolver(get_urlconf()), get_script_prefix(), name)


@lru_cache(maxsize=256)
def _place(resolver: URLResolver, prefix: str, name: str) -> str:
    """An address without parts that change, looked up once for the addresses of a process."""
    return _reversed(name, ())


def _reversed(name: str, args: tuple[object, ...]) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


# --- Markup that is the same on every page -------------------------------------------------------


class OnceNode(template.Node):
    """Renders its content once a process, without the page's context: it can say nothing of a person."""

    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.rendered: tuple[object, str] = (None, "")

    def render(self, context: template.Context) -> str:
        depends_on = get_resolver(get_urlconf()), get_script_prefix(), where_files_are()
        known, text = self.rendered
        if known != depends_on:
            text = self.nodelist.render(context.new())
            self.rendered = (depends_on, text)
        return text


@register.tag
def once(parser: Parser, token: Token) -> OnceNode:
    """{% once %}…{% endonce %}: files, addresses and words that no request changes."""
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return OnceNode(nodelist)


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
