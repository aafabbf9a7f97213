"""Passkeys (WebAuthn): made, listed, removed, and proven; what a browser signs is judged by py_webauthn.

Borrowers log in with one and nothing else, so theirs must know its owner by finger, face or PIN;
staff give theirs after the password. All in real time.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.core import clock
from portal.core.accounts import trail
from portal.core.accounts.accounts import PER_NETWORK
from portal.core.accounts.throttles import CountedAttempts, attempt_all, take_back, try_again_words
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import network_of
from portal.core.kernel.devices import Origin
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.security import SecurityKind
from portal.core.models import Passkey, User

NAME = "宽息"
AT_MOST = 10  # passkeys a person
BY_PASSKEY = "通行密钥"  # in the trail
REFUSED = "通行密钥没有通过验证，请再试一次，或换一种方式"
# What py_webauthn and its parsers raise for an answer that is none.
UNREADABLE = (
    WebAuthnException,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
    struct.error,
)


def creation_options(user: User) -> tuple[str, bytes]:
    """(options for the browser as JSON, challenge) to make a passkey for this person."""
    made = generate_registration_options(
        rp_id=settings.PASSKEY_RP_ID,
        rp_name=NAME,
        user_id=_handle(user),
        user_name=user.masked_phone or user.username,
        user_display_name=user.name if user.is_staff_member else user.masked_name,
        exclude_credentials=_descriptors(user),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED
            if user.is_staff_member
            else ResidentKeyRequirement.REQUIRED,
            user_verification=_verification(user),
        ),
    )
    return options_to_json(made), made.challenge


def request_options(user: User | None) -> tuple[str, bytes]:
    """(options for the browser as JSON, challenge) to use one: of this person, or whoever comes."""
    made = generate_authentication_options(
        rp_id=settings.PASSKEY_RP_ID,
        allow_credentials=_descriptors(user) if user else None,
        user_verification=_verification(user),
    )
    return options_to_json(made), made.challenge


def add(*, user: User, name: str, credential: str, challenge: bytes, origin: Origin) -> Passkey:
    """Keep the passkey that a browser has made; InvalidInput("name", …), RuleViolation otherwise."""
    label = " ".join(name.split())
    if not 1 <= len(label) <= 30:
        raise InvalidInput("name", "名称：请填写，最多 30 个字，例如“工作手机”")
    if Passkey.objects.filter(user=user).count() >= AT_MOST:
        raise RuleViolation(f"最多 {AT_MOST} 个通行密钥，请先移除不用的", code="passkey-many")
    try:
        answer = _parsed(credential)
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.PASSKEY_RP_ID,
            expected_origin=settings.PASSKEY_ORIGINS,
            require_user_verification=not user.is_staff_member,
        )
        transports = [str(one) for one in answer["response"].get("transports") or []][:10]
    except UNREADABLE as wrong:
        raise RuleViolation("通行密钥没有添加成功，请再试一次", code="passkey-wrong") from wrong
    try:
        with transaction.atomic():
            passkey = Passkey.objects.create(
                user=user,
                name=label,
                credential_id=bytes_to_base64url(made.credential_id),
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                transports=transports,
                created_at=clock.real_now(),
            )
            trail.record(SecurityKind.PASSKEY_ADDED, user=user, origin=origin, detail=label)
    except IntegrityError as twice:
        raise RuleViolation("这个通行密钥已经添加过", code="passkey-twice") from twice
    return passkey


def prove(*, user: User | None, credential: str, challenge: bytes, origin: Origin) -> User:
    """Whose passkey signed the challenge: this person's, or (None) any borrower's.

    RuleViolation otherwise, one sentence for every reason; failures count against the network.
    """
    failures = [CountedAttempts("login-ip", network_of(origin.address), [PER_NETWORK])]
    refused = None if settings.DEMO else attempt_all(failures, now=clock.real_now())
    if refused is not None:
        when = try_again_words(refused[1], now=clock.real_now())
        raise RuleViolation(f"这个网络上登录失败次数过多，{when}", code="throttled")
    passkey = _signer(user, credential, challenge)
    if passkey is None:
        kind = SecurityKind.FACTOR_REFUSED if user else SecurityKind.LOGIN_FAILED
        trail.record(kind, user=user, origin=origin, detail=BY_PASSKEY)
        raise RuleViolation(REFUSED, code="passkey-wrong")
    if not settings.DEMO:
        take_back(failures[0].scope, failures[0].hashed)
    return passkey.user


def _signer(user: User | None, credential: str, challenge: bytes) -> Passkey | None:
    """The passkey that signed, with its count moved on; None when it is none that counts here."""
    try:
        answer = _parsed(credential)
        passkey = Passkey.objects.filter(credential_id=answer["id"]).select_related("user").first()
        if passkey is None or not _may_use(passkey, user, answer):
            return None
        proven = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=settings.PASSKEY_RP_ID,
            expected_origin=settings.PASSKEY_ORIGINS,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=not passkey.user.is_staff_member,
        )
    except UNREADABLE:
        return None
    kept = Passkey.objects.filter(pk=passkey.pk, sign_count=passkey.sign_count)
    used = kept.update(sign_count=proven.new_sign_count, last_used_at=clock.real_now())
    return passkey if used else None


def _may_use(passkey: Passkey, user: User | None, answer: dict[str, Any]) -> bool:
    """Alone only borrowers'; as a factor only the person's own. The handle must be its owner's."""
    owner = passkey.user
    handle = answer["response"].get("userHandle")
    if handle and base64url_to_bytes(handle) != _handle(owner):
        return False
    return owner == user if user is not None else owner.is_borrower and owner.is_active


def remove(*, user: User, public_id: str, origin: Origin) -> bool:
    """Take one away from its owner; False when they have none of that id."""
    with transaction.atomic():
        passkey = Passkey.objects.filter(user=user, public_id=public_id).first()
        if passkey is None:
            return False
        passkey.delete()
        trail.record(SecurityKind.PASSKEY_REMOVED, user=user, origin=origin, detail=passkey.name)
    return True


def _parsed(credential: str) -> dict[str, Any]:
    """The browser's answer; one of UNREADABLE when it is none."""
    answer = json.loads(credential[:20_000])
    if not isinstance(answer["id"], str) or not isinstance(answer["response"], dict):
        raise TypeError("no credential")
    return dict(answer)


def _handle(user: User) -> bytes:
    """What a passkey knows of its owner: nothing that says who they are, and always the same."""
    return salted_hmac("portal.passkeys", str(user.pk), secret="", algorithm="sha256").digest()


def _descriptors(user: User) -> list[PublicKeyCredentialDescriptor]:
    known = {transport.value for transport in AuthenticatorTransport}
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey.credential_id),
            transports=[AuthenticatorTransport(t) for t in passkey.transports if t in known],
        )
        for passkey in Passkey.objects.filter(user=user)
    ]


def _verification(user: User | None) -> UserVerificationRequirement:
    """A borrower's passkey is all they give; staff have given a password before."""
    is_second = user is not None and user.is_staff_member
    return (
        UserVerificationRequirement.PREFERRED if is_second else UserVerificationRequirement.REQUIRED
    )
