"""The fonts of the house and what they can write: hanzi of names, and names in other alphabets.

All come as packages, so that a bare machine prints what ours does. Noto Sans CJK has the letters
of GB 2312, GBK, 通用规范汉字表 and 2,108 of the rare ones of CJK Extension B (𠮷); Noto Sans adds
Latin, Cyrillic and Greek with their marks (Łukasz), Noto Sans Arabic Uyghur and Kazakh.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import noto_cjk_sans_otc

HANZI = Path(str(noto_cjk_sans_otc.FONT_PATH))
SIMPLIFIED = 2  # which face of that collection has the forms of the mainland
FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans",
    "Noto Sans Arabic",
)  # the first that has a letter writes it
_OTHERS = (fontpkg_noto_sans.ROOT / "files", fontpkg_noto_sans_arabic.ROOT / "files")
FOLDERS = (HANZI.parent, *_OTHERS)


@cache
def letters() -> frozenset[int]:
    """The code points that some font of FAMILIES can write; read once a process (0.3 s)."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # mypy knows of stubs for others of its modules only

    known: set[int] = set()
    for path in [HANZI, *(path for folder in _OTHERS for path in folder.glob("*.ttf"))]:
        if "Italic" not in path.name:
            with TTFont(path, fontNumber=SIMPLIFIED, lazy=True) as font:
                known.update(font.getBestCmap())
    return frozenset(known)
