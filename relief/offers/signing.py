"""The borrower proves who accepts: by password or by an SMS code bound to the offer's digest."""

from __future__ import annotations

from datetime import datetime

from portal.core.accounts import accounts, codes
from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.models import User
from relief.offers.models import Offer


def purpose_of(offer: Offer) -> str:
    """The purpose that a code is bound to: accepting this version and no other."""
    return f"accept:{offer.digest}"


def send_signing_code(
    *, offer: Offer, actor: User, session_key: str, ip: str, now: datetime
) -> None:
    """Sends a code to the borrower's own phone for accepting this version."""
    codes.send_code(
        phone=actor.phone or "",
        purpose=purpose_of(offer),
        session_key=session_key,
        ip=ip,
        now=now,
    )


def check_signature(
    *, offer: Offer, actor: User, method: str, secret: str, session_key: str, ip: str
) -> None:
    """RuleViolation (with the tries left) unless password or code is right.

    Outside the accepting transaction, so that a wrong try is counted whatever happens next.
    """
    if not secret:
        label = "短信验证码" if method == "code" else "登录密码"
        raise InvalidInput("secret", f"请填写{label}")
    if method == "code":
        codes.check_code(
            phone=actor.phone or "", purpose=purpose_of(offer), session_key=session_key, code=secret
        )
    elif method == "password":
        user = accounts.authenticate_password(
            phone=actor.phone or "", password=secret, ip=ip, known=[actor.pk]
        )
        if user.pk != actor.pk:
            raise RuleViolation("只有申请人本人可以确认。", code="not-borrower")
    else:
        raise InvalidInput("method", "请选择用登录密码或短信验证码确认")
