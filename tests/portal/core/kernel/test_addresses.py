"""Addresses are read from whatever a proxy writes; a network is what one subscriber has."""

from __future__ import annotations

import pytest

from portal.core.kernel.addresses import network_of, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9:4711 ", "203.0.113.9"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        *(
            (text, "")
            for text in ("", "unknown", "1.2.3", "1.2.3.4.5", "０.0.0.1", "<b>", "[1.2.3.4")
        ),
    ],
)
def test_address_of(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_network_of(address: str, network: str) -> None:
    assert network_of(address) == network
