"""Mainland mobile numbers, names and how they are masked; nothing else is accepted as a phone."""

from __future__ import annotations

import re

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.typed import compact, plain

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PREFIX = re.compile(r"(?:\+86|0086|86)(?=1[3-9][0-9]{9}$)")


def parse_phone(text: str, *, field: str = "phone") -> str:
    """Eleven digits from what a person typed: `+86 138-0000-0001` is 13800000001.

    What `compact` cleans and +86 or 0086 before it are understood; a landline or anything else
    raises InvalidInput(field, sentence).
    """
    if len(text) > 40:
        raise InvalidInput(field, "手机号太长，请填写 11 位手机号")
    digits = _PREFIX.sub("", compact(text))
    if not digits:
        raise InvalidInput(field, "请填写手机号")
    if not _MOBILE.fullmatch(digits):
        raise InvalidInput(field, "手机号不正确，请填写 1 开头的 11 位手机号，不要填固定电话")
    return digits


def search_words(text: str) -> str:
    """What to look for at the desk: a mobile number however it was typed as its eleven digits."""
    try:
        return parse_phone(text)
    except InvalidInput:
        return plain(text)


def mask_phone(phone: str) -> str:
    """138****0001; anything too short to mask is hidden whole."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) == 11 else "****"


def mask_name(name: str) -> str:
    """First and last character, the rest two stars at most: 林小云 is 林*云, 李雷 is 李*.

    A long name (阿依努尔·买买提) is 阿**提: more stars would tell its length and fill the line.
    """
    if len(name) <= 2:
        return f"{name[:1]}*"
    return f"{name[0]}{'*' * min(len(name) - 2, 2)}{name[-1]}"
