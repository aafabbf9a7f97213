"""A refusal by a rule, with the Chinese sentence the person reads; pages answer it with 409."""

from __future__ import annotations


class RuleViolation(Exception):
    """`message` says what happened and what to do; `field` names the input at fault, if one is."""

    def __init__(self, message: str, *, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class NotYourTurn(RuleViolation):
    """Somebody else has to act first."""


class StaleWrite(RuleViolation):
    """Somebody else changed it meanwhile: nothing was written."""


class TermsChanged(RuleViolation):
    """What the borrower saw is no longer what is on offer."""
