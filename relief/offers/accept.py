"""Accepting an offer: may it be answered, is it they who sign, and the one act that executes it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.core.accounts import accounts, codes, trail
from portal.core.errors import RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.devices import Origin
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role
from portal.core.kernel.security import SecurityKind
from portal.core.models import User
from portal.core.retry import retried
from relief.cases.gate import Actor, check, last_move
from relief.cases.models import Case
from relief.cases.moves import locked
from relief.cases.permissions import OFFER_EXPIRED, Task
from relief.offers import agreement, compose
from relief.offers.models import Agreement, Offer, OfferStatus


def sign_and_accept(
    *,
    case: Case,
    offer: Offer,
    seen: str,
    method: str,
    secret: str,
    session_key: str,
    origin: Origin,
    actor: User,
    now: datetime,
) -> Agreement:
    """Checks the offer, then the signature, then executes; the same form twice is one agreement.

    TermsChanged before a code is used up when the offer cannot be accepted any more. A refused
    signature (a code that the first of two clicks has used) still finds what the first one made.
    """
    if offer.status != OfferStatus.OPEN:
        agreement = accepted(case=case, offer=offer, seen=seen)
        if agreement is not None:
            return agreement
    check_acceptable(case, offer, seen=seen, now=now)
    try:
        check_signature(
            offer=offer,
            actor=actor,
            method=method,
            secret=secret,
            session_key=session_key,
            origin=origin,
        )
    except RuleViolation:
        agreement = accepted(case=case, offer=offer, seen=seen)
        if agreement is None:
            raise
        return agreement
    return accept_offer(
        case=case,
        number=offer.number,
        seen=seen,
        method=method,
        actor=actor,
        now=now,
        ip=origin.address,
    )


def accepted(*, case: Case, offer: Offer, seen: str) -> Agreement | None:
    """The agreement of this very version, waiting for one that is being concluded just now."""
    with transaction.atomic():
        locked(case)
        accepted_offer = Offer.objects.filter(pk=offer.pk, digest=seen, status=OfferStatus.ACCEPTED)
        if not accepted_offer.exists():
            return None
        return Agreement.objects.select_related("case").get(offer=offer)


@retried
def accept_offer(
    *,
    case: Case,
    number: int,
    seen: str,
    method: str,
    actor: User,
    now: datetime,
    ip: str | None = None,
) -> Agreement:
    """Accepts exactly the version whose digest was seen, and executes it; twice is once.

    TermsChanged if it is expired, superseded or altered; RuleViolation before it has been open
    for 10 seconds. The caller has checked password or code (check_signature).
    """
    if method not in {"password", "code"}:
        raise InvalidInput("method", "请选择用登录密码或短信验证码确认")
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    with transaction.atomic():
        fresh = locked(case)
        offer = compose.find_offer(fresh, number, for_borrower=True, lock=True)
        if offer.status == OfferStatus.ACCEPTED and offer.digest == seen:
            return offer.agreement
        check_acceptable(fresh, offer, seen=seen, now=now)
        signed = agreement.conclude(
            case=fresh, offer=offer, method=method, ip=ip, actor=actor, now=now
        )
    return signed


def check_acceptable(case: Case, offer: Offer, *, seen: str, now: datetime) -> None:
    """TermsChanged or RuleViolation unless the offer can be accepted now as it was seen."""
    check_open(offer, seen=seen, now=now)
    wait = seconds_to_read(offer, case.policy.rules.forced_read_seconds, now)
    if wait:
        raise RuleViolation(f"请先读完方案和条件，{wait} 秒后可以接受。", code="read-first")
    if not compose.is_intact(offer):
        raise TermsChanged(
            "方案内容与发出时的摘要不一致，已停止接受，请联系客服。", code="tampered"
        )
    if not compose.still_granted(case, offer):
        raise TermsChanged(
            "这笔借款的减免合计已超出复核权限，请联系客服重新出方案。", code="authority"
        )
    if offer.offer_terms.first_due_on <= business_date(now):
        raise TermsChanged("方案的首期日期已过，请联系客服重新出方案。", code="expired")


def seconds_to_read(offer: Offer, forced: int, now: datetime) -> int:
    """How many seconds of forced reading are left; all of them when it was never opened."""
    if offer.first_read_at is None:
        return forced
    passed = int((now - offer.first_read_at).total_seconds())
    return min(forced, max(0, forced - passed))


def check_open(offer: Offer, *, seen: str, now: datetime) -> None:
    """TermsChanged unless the offer waits for an answer and is the version that was seen."""
    if offer.status == OfferStatus.SUPERSEDED:
        raise TermsChanged(
            f"{last_move(offer.case)}这份方案已被新方案替代，请查看最新方案后再答复。",
            code="superseded",
        )
    if offer.status == OfferStatus.EXPIRED or (
        offer.status == OfferStatus.OPEN
        and offer.valid_until is not None
        and offer.valid_until <= now
    ):
        raise TermsChanged(OFFER_EXPIRED.sentence, code=OFFER_EXPIRED.code)
    if offer.status != OfferStatus.OPEN:
        raise TermsChanged(
            f"{last_move(offer.case)}这份方案{offer.get_status_display()}，不能再答复。",
            code="closed",
        )
    if offer.digest != seen:
        raise TermsChanged("方案内容与你看到的不一致，请重新查看后再答复。", code="altered")


def purpose_of(offer: Offer) -> str:
    """What a code is good for: this version and no other."""
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
    *, offer: Offer, actor: User, method: str, secret: str, session_key: str, origin: Origin
) -> None:
    """RuleViolation (with the tries left) unless password or code is right.

    Outside the accepting transaction, so that a wrong try is counted whatever happens next.
    """
    if not secret:
        label = "短信验证码" if method == "code" else "登录密码"
        raise InvalidInput("secret", f"请填写{label}")
    if method == "code":
        try:
            codes.check_code(
                phone=actor.phone or "",
                purpose=purpose_of(offer),
                session_key=session_key,
                code=secret,
            )
        except RuleViolation as refusal:
            if refusal.code == "code-wrong":
                failure = SecurityKind.SIGNING_FAILED
                trail.record(failure, user=actor, origin=origin, detail="短信验证码")
            raise
    elif method == "password":
        user = accounts.authenticate_password(
            phone=actor.phone or "",
            password=secret,
            origin=origin,
            known_here=[actor.pk],
            failure=SecurityKind.SIGNING_FAILED,
            otherwise="或改用短信验证码确认",
        )
        if user.pk != actor.pk:
            raise RuleViolation("只有申请人本人可以确认。", code="not-borrower")
    else:
        raise InvalidInput("method", "请选择用登录密码或短信验证码确认")
