"""Django's sentences from one page to the next, in a cookie that the browser keeps to this host and TLS."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookie(CookieStorage):
    """As the cookies of session and form are named, so is this one."""

    cookie_name = "__Host-messages" if settings.HTTPS else "messages"


class PassingMessages(FallbackStorage):
    """What is too long for a cookie goes into the session."""

    storage_classes = (HostCookie, SessionStorage)
