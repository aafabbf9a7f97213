"""What a Chinese keyboard makes of plain signs: full-width digits and points, folded to ASCII."""

from __future__ import annotations

import unicodedata


def fold_wide(text: str) -> str:
    """Only U+FF01–U+FF5E and ￥ are folded: NFKC alone would turn ² and ① into digits.

    `fold_wide("￥１２．５")` is "¥12.5"; "١٢" and "²" stay what they are.
    """
    return "".join(
        unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "￥" else c
        for c in text
    )
