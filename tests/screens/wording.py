"""Looks for words on a page that are not the interface's, and for dates written in two ways."""

from __future__ import annotations

import re
from collections.abc import Set

from playwright.sync_api import Page

# Names of things that have no other: formats, standards, products, browsers, machines.
KNOWN = frozenset(
    [
        "Excel",
        "Microsoft",
        "Google",
        "Authenticator",
        "Chrome",
        "Chromium",
        "HeadlessChrome",
        "Firefox",
        "Safari",
        "Edge",
        "Linux",
        "Windows",
        "Android",
        "iOS",
        "macOS",
        "Shift",
    ]
)
# Capitals alone are codes and formats (PDF, a receipt's letters); beside digits and signs, addresses.
WORD = re.compile(r"(?<![A-Za-z0-9_@./*:-])(?![A-Z]+\b)[A-Za-z]{3,}(?![A-Za-z0-9_@./*:-])")
# All that is seen or heard; what people typed, digests and code are not the interface's words.
READ = """() => {
  const skip = "script, style, noscript, code, pre, .readonly pre, textarea, bdi, [translate=no]";
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest(skip)) found.push(node.data);
  }
  for (const e of document.querySelectorAll("[title], [aria-label], [placeholder], [alt], input[type=submit]")) {
    if (e.closest(skip)) continue;
    for (const name of ["title", "aria-label", "placeholder", "alt"]) found.push(e.getAttribute(name) || "");
    if (e.type === "submit") found.push(e.value || "");
  }
  return found;
}"""


# Each card by itself, as it is read; what is typed or quoted has the writing it came with, and so have
# the texts of the books in the lists of the desk.
MIXED_DATES = """() => {
  const cards = document.querySelectorAll(".card, .cardmsg, .pen-hero, .pp-hero, .hero");
  return [...cards].flatMap((card) => {
    const copy = card.cloneNode(true);
    copy.querySelectorAll(".card, .sr, textarea, pre, code, bdi, [translate=no]").forEach((e) => e.remove());
    const text = copy.textContent.replace(/\\s+/g, " ");
    const written = [/20\\d\\d-\\d\\d-\\d\\d/, /\\d月\\d+日/].map((form) => text.match(form));
    return written.every(Boolean) ? [written.map((date) => text.substr(date.index - 12, 30)).join(" | ")] : [];
  });
}"""


def mixed_dates(page: Page) -> list[str]:
    """Cards of the page that write one date as 2026-11-24 and another as 11月24日."""
    return page.evaluate(MIXED_DATES)


def english(page: Page, logins: Set[str] = frozenset()) -> list[str]:
    """Sentences of the page with an English word in them, once each; `logins` may be named."""
    said = {" ".join(text.split()) for text in page.evaluate(READ)}
    return sorted(text[:80] for text in said if set(WORD.findall(text)) - KNOWN - logins)
