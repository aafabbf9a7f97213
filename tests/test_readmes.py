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


def test_the_pictures_of_readme_are_there_and_light() -> None:
    """What README shows is what `python -m tests.pictures --readme` makes: six, below 400 kB together."""
    shown = re.findall(r"\]\((\.pictures/[^)]+)\)", (ROOT / "README.md").read_text())
    files = [ROOT / path for path in shown]

    assert sorted(files) == sorted((ROOT / ".pictures").iterdir())
    assert len(files) == 6
    assert sum(file.stat().st_size for file in files) < 400_000
