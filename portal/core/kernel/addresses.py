"""Addresses of the internet as text: read from whatever a proxy writes, and the network of one."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address, ip_network

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


def parse_address(text: str) -> str:
    """`203.0.113.9:4711` → `203.0.113.9`, `[2001:DB8::1]` → `2001:db8::1`; nothing for anything else.

    An IPv4 address inside IPv6 (`::ffff:203.0.113.9`) is that IPv4 address.
    """
    with_port = _WITH_PORT.fullmatch(text.strip())
    without_port = (with_port[1] or with_port[2]) if with_port else text.strip()
    try:
        address = ip_address(without_port.partition("%")[0])
    except ValueError:
        return ""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inner or address)


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address itself, of IPv6 the /64; the text if it is neither."""
    try:
        is_wide = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        return address
    return str(ip_network((address, 64), strict=False)) if is_wide else address
