"""The words of notices: plain-text templates, rendered when the row is written, never later."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.template import Context, TemplateDoesNotExist, engines
from django.utils.crypto import salted_hmac

from portal.kernel.digests import short_code


def render_text(event: str, channel: str, context: Mapping[str, object]) -> str:
    """`templates/notifications/<event>.<channel>.txt`, not HTML-escaped; TemplateDoesNotExist."""
    engine = engines["django"].engine  # type: ignore[attr-defined]  # the Django backend has one
    template = engine.get_template(f"notifications/{event}.{channel}.txt")
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
