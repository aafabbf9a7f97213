"""The words of notices: plain-text templates, rendered when the row is written, never later."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from django.conf import settings
from django.template import Context, TemplateDoesNotExist, engines
from django.utils.crypto import salted_hmac

from portal.core.kernel.digests import short_code


def template_name(event: str, channel: str) -> str:
    """Where `<event>.<channel>.txt` lies below notifications/: folders by audience and noun.

    What is not there keeps its bare name, for the loader to complain about.
    """
    name = f"{event}.{channel}.txt"
    return _template_names().get(name, f"notifications/{name}")


@cache
def _template_names() -> dict[str, str]:
    """File name → template name, for every message below the templates' folders."""
    folders = cast("list[Path]", settings.TEMPLATES[0]["DIRS"])
    return {
        path.name: path.relative_to(root).as_posix()
        for root in folders
        for path in sorted((root / "notifications").rglob("*.txt"))
    }


def render_text(event: str, channel: str, context: Mapping[str, object]) -> str:
    """The event's template for this channel, not HTML-escaped; TemplateDoesNotExist."""
    engine = engines["django"].engine  # type: ignore[attr-defined]  # the Django backend has one
    template = engine.get_template(template_name(event, channel))
    return str(template.render(Context(dict(context), autoescape=False))).strip()


def sms_text(event: str, context: Mapping[str, object], code: str) -> str:
    """The message as sent: signature, one line of text, and the code that the app shows too."""
    line = " ".join(render_text(event, "sms", context).split())
    return f"【{settings.SMS_SIGNATURE}】{line}（核对码 {code}）"


def phone_script(event: str, context: Mapping[str, object], code: str) -> str:
    """What staff say on the phone; without a script of its own, the message's text."""
    try:
        script = render_text(event, "phone", context)
    except TemplateDoesNotExist:
        script = render_text(event, "sms", context)
    return f"{script}\n（借款人可在“消息”里看到核对码 {code}）"


def verification_code(key: str) -> str:
    """The short code of a notice: the same for one key, not to be guessed without our secret."""
    return short_code(salted_hmac("portal.notifications", key, algorithm="sha256").hexdigest())
