"""The product's settings with the bench's addresses (tests/bench/floor.py)."""

from portal.site.settings import *  # noqa: F403 - a settings module is its names

ROOT_URLCONF = "tests.bench.floor"
