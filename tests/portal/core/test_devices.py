"""The device in a few words, and an address that its owner recognises."""

from __future__ import annotations

import pytest

from portal.core.kernel.devices import describe_device, mask_address

SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (f"{SAFARI} Mobile/15E148 Safari/604.1", "Safari · iPhone"),
        (f"{SAFARI} Mobile MicroMessenger/8.0.50", "微信 · iPhone"),
        (CHROME, "Chrome · Windows"),
        (f"{CHROME} Edg/130.0", "Edge · Windows"),
        (ANDROID, "Chrome · Android"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "Firefox · Linux",
        ),
        ("curl/8.5.0", "未知设备"),
        ("", "未知设备"),
        ("<script>alert(1)</script>", "未知设备"),
    ],
)
def test_device_is_named_by_what_its_owner_calls_it(user_agent: str, words: str) -> None:
    assert describe_device(user_agent) == words


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.9", "203.0.*.*"),
        ("2001:db8:85a3::8a2e:370:7334", "2001:db8:*"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_address_is_shown_without_its_line(address: str, shown: str) -> None:
    assert mask_address(address) == shown
