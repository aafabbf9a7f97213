"""What every template knows: the site's name, whether this is a demo, the time, whose page it is, unread notices."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.core import clock
from portal.core.models import Notice, User
from portal.core.web import visitor

SITE_NAME = "宽息"


def site(request: HttpRequest) -> dict[str, Any]:
    """`site_name`, `demo`, `business_now`, `page_owner` and `unread_notices`; the last three are only computed when a template uses them.

    They are lazy objects: write `{{ unread_notices }}` and `{% when business_now %}`.
    """
    return {
        "site_name": SITE_NAME,
        "demo": settings.DEMO,
        "business_now": SimpleLazyObject(clock.now),
        "page_owner": SimpleLazyObject(lambda: _owner(request)),
        "unread_notices": SimpleLazyObject(lambda: _unread(request)),
    }


def _owner(request: HttpRequest) -> str:
    """Whose page this is; nobody's before the login."""
    user = getattr(request, "user", None)
    return visitor.page_owner(user) if isinstance(user, User) else ""


def _unread(request: HttpRequest) -> int:
    """How many notices the person logged in has not read."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return 0
    return Notice.objects.for_user(user).unread().count()
