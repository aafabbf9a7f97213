"""Where an act came from: an address, and the device in a few words instead of its whole string."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

# First match wins: Edge, WeChat and the rest also call themselves Chrome, Chrome also Safari.
_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("AlipayClient", "支付宝"),
    ("Edg", "Edge"),
    ("HuaweiBrowser", "华为浏览器"),
    ("MiuiBrowser", "小米浏览器"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "鸿蒙"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
UNKNOWN = "未知设备"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an act came from; both parts are empty for what the system or an operator does."""

    address: str = ""
    device: str = ""


def describe_device(user_agent: str) -> str:
    """`Mozilla/5.0 (iPhone; …) … MicroMessenger/8.0` is 微信 · iPhone; 未知设备 for what says neither."""
    words = [
        next((label for mark, label in marks if mark in user_agent), "")
        for marks in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(word for word in words if word) or UNKNOWN


def mask_address(address: str) -> str:
    """What its owner recognises without naming the line: 203.0.*.*, 2001:db8:*; nothing stays nothing."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv4Address):
        return ".".join([*address.split(".")[:2], "*", "*"])
    return ":".join([*(part.lstrip("0") or "0" for part in parsed.exploded.split(":")[:2]), "*"])
