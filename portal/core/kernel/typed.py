"""What people meant by what they typed or pasted: one cleaner for all that is not prose.

A number copied from contacts comes wrapped in marks nobody sees (U+202D…U+202C), from a paper with
the dashes of print, from a Chinese keyboard full-width. Prose is kept as written: there such a mark
may be half of an emoji.
"""

from __future__ import annotations

import re
import unicodedata

_BACKWARDS = "\u202e"
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_BETWEEN_HAN = re.compile(f"(?<=[{_HAN}])([ .])(?=[{_HAN}])")
_NAME_SIGNS = str.maketrans({**dict.fromkeys("•・‧∙⋅", "·"), **dict.fromkeys("‘’", "'")})


def plain(text: str) -> str:
    """One line of ASCII where ASCII was meant: `plain("\\u202d￥１２．５\\u202c")` is "¥12.5".

    Format characters (Cf: direction marks, BOM, zero width) go, every dash is "-", every blank is a
    space, outer blanks go. Other scripts' digits, ² and ① stay what they are, and U+202E stays for
    the reader to refuse: under it 12 is seen as 21.
    """
    return "".join(_plain_sign(sign) for sign in text).strip()


def compact(text: str) -> str:
    """A number or code without what only groups it: `compact("（+86）138–0000 0001")` is "+8613800000001".

    Blanks, dashes, brackets and typographic quotes go. Not for amounts: there (5) and -5 mean something.
    """
    return "".join(
        sign
        for sign in plain(text)
        if sign not in " -" and unicodedata.category(sign) not in ("Ps", "Pe", "Pi", "Pf")
    )


def person_name(text: str) -> str:
    """A name as identity documents have it: `person_name("阿依古丽•买买提")` is "阿依古丽·买买提".

    One middle dot (U+00B7) for all that keyboards have for it, none beside blanks, no blank between
    hanzi (李　雷); rare characters stay, Kangxi radicals out of a PDF become hanzi.
    """
    name = unicodedata.normalize("NFKC", plain(text)).translate(_NAME_SIGNS)
    name = _BETWEEN_HAN.sub(lambda match: "·" if match[1] == "." else "", " ".join(name.split()))
    return re.sub(" ?· ?", "·", name)


def _plain_sign(sign: str) -> str:
    if "\uff01" <= sign <= "\uff5e" or sign == "￥":  # NFKC on all would make digits of ² and ①
        sign = unicodedata.normalize("NFKC", sign)
    category = unicodedata.category(sign)
    if category == "Cf" and sign != _BACKWARDS:
        return ""
    if category == "Pd" or sign == "−":
        return "-"
    return " " if sign.isspace() else sign
