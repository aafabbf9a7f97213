"""Forms that keep a draft: what ui/_draft.html sends while somebody types, and its way back into the form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from portal.core.accounts import drafts
from portal.core.models import User

View = Callable[..., HttpResponseBase]


def keeps_draft(view: View) -> View:
    """A view whose form sends what is typed so far with X-Draft: kept, and nothing else is done."""

    @wraps(view)
    def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST" or "X-Draft" not in request.headers:
            return view(request, *args, **kwargs)
        saved_at = drafts.save(user=_person(request), path=request.path, fields=request.POST)
        return render(request, "ui/_saved.html", {"saved_at": saved_at})

    keeping.keeps_draft = True  # type: ignore[attr-defined]  # see keeps_only
    return keeping


def keeps_only(request: HttpRequest, view: View) -> bool:
    """Whether the request to this view keeps a draft and does nothing else."""
    return "X-Draft" in request.headers and getattr(view, "keeps_draft", False)


def restore(request: HttpRequest, form: Form, *, path: str = "") -> drafts.Typed | None:
    """Put into an unbound form what was typed last on its way to `path` (by default this page's)."""
    typed = drafts.find(user=_person(request), path=path or request.path)
    put_into(form, typed)
    return typed


def put_into(form: Form, typed: drafts.Typed | None) -> None:
    """Put a draft, if there is one, into an unbound form.

    What a field can read becomes its value, so that figures go on being figures; all else comes back
    as it was typed. Nothing that is hidden comes back.
    """
    if typed is None:
        return
    for name, field in form.fields.items():
        value = field.widget.value_from_datadict(typed.fields, {}, name)
        if field.widget.is_hidden or value is None:
            continue
        if not isinstance(value, str):
            form.initial[name] = value
            continue
        try:
            read = field.clean(value)
        except ValidationError:
            read = value
        form.initial[name] = value if isinstance(read, str) else read


def sent(request: HttpRequest) -> None:
    """The form was taken: its draft is over."""
    drafts.forget(user=_person(request), path=request.path)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # behind the login
    return request.user
