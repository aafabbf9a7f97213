"""The one error of the pure rules: a value that cannot be right, and what to do about it."""

from __future__ import annotations


class InvalidInput(ValueError):
    """`field` is the English name of the parameter; `message` the Chinese sentence to show."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
