"""What somebody hears of a page: Chromium's accessibility tree, and the words of its live region."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import CDPSession, expect

from tests.heard.window import Window


class Ears:
    """Chromium's accessibility tree of a window."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.session: CDPSession = window.page.context.new_cdp_session(window.page)

    def nodes(self) -> list[dict[str, Any]]:
        return self.session.send("Accessibility.getFullAXTree")["nodes"]

    def heard(self) -> list[tuple[str, str]]:
        """Role and name of everything on the page that is read out."""
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in self.nodes()
            if not node["ignored"]
        ]

    def focused(self) -> str:
        """Role and name of what has the focus: `button 登录`."""
        for node in self.nodes():
            properties = {
                one["name"]: one["value"].get("value") for one in node.get("properties", ())
            }
            if properties.get("focused") and node["role"]["value"] != "RootWebArea":
                name = node.get("name", {}).get("value", "")
                return f"{node['role']['value']} {name}".strip()
        return ""

    def said(self) -> str:
        """The words of the live region, once they have changed."""
        region = self.window.page.locator("#live")
        expect(region).not_to_be_empty()
        words = region.inner_text()
        region.evaluate("region => { region.textContent = ''; }")
        return words
