"""Reads the environment for the settings: on or off, secrets, and the one sentence that stops."""

from __future__ import annotations

import importlib.util
import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SECRET_LENGTH = 32


def stop(variable: str, problem: str) -> ImproperlyConfigured:
    """The one sentence with which a wrong setting stops the start."""
    return ImproperlyConfigured(f"{variable}: {problem}")


def flag(name: str, *, default: bool) -> bool:
    """An on/off variable: 1/0, true/false, yes/no, on/off."""
    text = os.environ.get(name, "").strip().lower()
    if text in {"", "1", "0", "true", "false", "yes", "no", "on", "off"}:
        return default if text == "" else text in {"1", "true", "yes", "on"}
    raise stop(name, f"must be 1 or 0, not {text!r}")


def needed(name: str, reason: str) -> str:
    """A variable that must be there because of `reason`."""
    text = os.environ.get(name, "").strip()
    if not text:
        raise stop(name, f"is missing; {reason}")
    return text


def secret(name: str) -> str:
    """A shared secret of at least 32 characters, or nothing if it is not set."""
    text = os.environ.get(name, "").strip()
    if text and len(text) < SECRET_LENGTH:
        raise stop(name, f"must have at least {SECRET_LENGTH} characters")
    return text


def number(name: str, *, default: int, least: int, most: int) -> int:
    """A whole number between two bounds; the default when it is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise stop(name, f"must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def rising(name: str, *, default: str, count: int) -> tuple[int, ...]:
    """So many whole numbers from 1 up, each greater than the one before, by commas."""
    text = os.environ.get(name, "").strip() or default
    parts = [part.strip() for part in text.split(",")]
    whole = all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts)
    numbers = [int(part) for part in parts] if whole else []
    if len(numbers) != count or numbers[0] < 1 or numbers != sorted(set(numbers)):
        raise stop(name, f"must be {count} rising whole numbers by commas, like {default}")
    return tuple(numbers)


def need_extra(variable: str, module: str, extra: str) -> None:
    """Stop unless the optional package behind `variable` is installed."""
    if importlib.util.find_spec(module) is None:
        raise stop(variable, f"needs the extra {extra}: pip install -r requirements-extras.txt")


def made_once(path: Path) -> str:
    """A random secret in a file that only we may read; whoever starts first makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(32))
    with suppress(FileExistsError):  # a link appears whole, and never over another
        os.link(fresh, path)
    fresh.unlink()
    return path.read_text()
