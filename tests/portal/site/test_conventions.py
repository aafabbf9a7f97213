"""What browsers, phones, search engines and password managers look for where they look for it."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import reverse

from portal.site.static_files import BUNDLES
from tests import factories

PUBLIC_PAGES = [
    *(reverse(f"portal:{name}") for name in ("login", "register", "reset", "help", "verify")),
    reverse("portal:legal", args=["privacy"]),
]


def test_search_engines_read_public_pages_only(client: Any) -> None:
    answer = client.get("/robots.txt")

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[:2] == ["User-agent: *", "Disallow: /"]
    assert "Allow: /help/$" in lines
    assert not any("/me/" in line or "/admin/" in line for line in lines)


@pytest.mark.parametrize(
    ("contact", "shown"),
    [("", "http://testserver/help/"), ("mailto:safe@lender.example", "mailto:safe@lender.example")],
)
def test_who_finds_a_hole_learns_whom_to_tell(
    client: Any, settings: Any, contact: str, shown: str
) -> None:
    settings.SECURITY_CONTACT = contact

    text = client.get("/.well-known/security.txt").text

    told = dict(line.split(": ", 1) for line in text.splitlines())
    assert told["Contact"] == shown
    assert told["Canonical"] == "http://testserver/.well-known/security.txt"
    ends = datetime.fromisoformat(told["Expires"])
    assert timedelta(days=30) < ends - datetime.now(UTC) < timedelta(days=365)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("staff", "form"), [(False, "portal:change-password"), (True, "admin:password_change")]
)
def test_password_managers_find_the_form(client: Any, staff: bool, form: str) -> None:
    if staff:
        client.force_login(factories.staff())

    answer = client.get("/.well-known/change-password")

    assert answer.status_code == 302
    assert answer["Location"] == reverse(form)


@pytest.mark.django_db
@pytest.mark.parametrize("address", PUBLIC_PAGES)
def test_public_pages_say_what_they_are(client: Any, address: str) -> None:
    page = client.get(address).text

    about = re.search(r'<meta name="description" content="([^"]+)">', page)
    assert about
    assert len(about[1]) > 8
    assert page.count('name="theme-color"') == 2
    assert page.count('rel="stylesheet"') == 1


def test_the_manifest_names_icons_that_are_there() -> None:
    manifest = Path(finders.find("site.webmanifest"))

    for icon in json.loads(manifest.read_text())["icons"]:
        assert (manifest.parent / icon["src"]).is_file()


@pytest.mark.slow
def test_each_audience_gets_one_sheet_with_all_that_it_imports(
    settings: Any, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    bundling = {"BACKEND": "portal.site.static_files.BundlingStorage"}  # the suite goes without
    settings.STORAGES = {**settings.STORAGES, "staticfiles": bundling}

    call_command("collectstatic", interactive=False, verbosity=0)

    hashed = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    for name in BUNDLES:
        served = (tmp_path / hashed[name]).read_text()
        sources = re.findall(r'@import "(.+)";', Path(finders.find(name)).read_text())
        assert sources
        assert "@import" not in served
        for source in sources:
            sheet = Path(finders.find(f"css/{source}")).read_text()
            last_rule = [line for line in sheet.splitlines() if "{" in line][-1]
            assert last_rule in served, source
        assert (tmp_path / f"{hashed[name]}.gz").is_file()


@pytest.mark.django_db
def test_pages_are_compressed_and_differ_in_length_each_time(client: Any) -> None:
    """BREACH compares lengths: the same page twice has another token and other random bytes."""
    answers = [client.get(PUBLIC_PAGES[0], headers={"accept-encoding": "gzip"}) for _ in range(12)]

    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert "登录" in gzip.decompress(answers[0].content).decode()
    assert len({len(answer.content) for answer in answers}) > 1


def test_what_is_no_page_is_left_as_it_is(client: Any) -> None:
    answer = client.get("/robots.txt", headers={"accept-encoding": "gzip"})

    assert "Content-Encoding" not in answer
