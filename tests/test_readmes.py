"""What the READMEs point at is there: paths in backticks, links, and each package's folders told."""

from __future__ import annotations

import re

import pytest

from tests.architecture import PACKAGES, ROOT

READMES = ("README.md", *(f"{package}/README.md" for package in PACKAGES))
_PATH = re.compile(r"`((?:portal|loans|relief|templates|tests)/[\w./]*)`")
_DJANGO = {"migrations", "management"}  # where they are in every app
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")


@pytest.mark.parametrize("name", READMES)
def test_every_path_that_a_readme_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text()
    paths = [ROOT / path for path in _PATH.findall(text)]
    links = [(ROOT / name).parent / link for link in _LINK.findall(text)]

    assert paths
    assert [str(path) for path in paths + links if not path.exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_s_readme_names_each_of_its_folders(package: str) -> None:
    text = (ROOT / package / "README.md").read_text()
    folders = {
        path.name
        for path in (ROOT / package).iterdir()
        if path.is_dir() and any(path.rglob("*.py")) and path.name not in _DJANGO
    }

    assert [name for name in sorted(folders) if f"{package}/{name}/" not in text] == []
