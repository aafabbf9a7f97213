"""The product's Celery app with one task more, which does nothing: what a message costs by itself."""

from __future__ import annotations

from portal.site.celery import app

__all__ = ["app", "noop"]


@app.task(name="tests.bench.noop")
def noop() -> None:
    """Nothing."""
