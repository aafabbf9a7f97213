"""What every page asks of a request: its session, its address; and where it shows a refusal."""

from __future__ import annotations

from django.forms import BaseForm
from django.http import HttpRequest

from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput

REFUSALS = (RuleViolation, InvalidInput)


def session_key(request: HttpRequest) -> str:
    """The key of the visit's session, which a code is bound to; made when there is none."""
    if not request.session.session_key:
        request.session.create()
    return str(request.session.session_key)


def address(request: HttpRequest) -> str:
    """The visitor's own address (see ForwardedMiddleware), for limits and the trail."""
    return str(request.META.get("REMOTE_ADDR", ""))


def refuse(form: BaseForm, problem: RuleViolation | InvalidInput, **names: str) -> None:
    """Puts a refusal at the field it names (`names` translates), or over the form."""
    name = names.get(problem.field, problem.field)
    form.add_error(name if name in form.fields else None, problem.message)
