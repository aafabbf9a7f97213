"""A passkey in software: answers the options of a page as a browser does, or wrongly where asked."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 1, 4, 64  # bits of the authenticator's flags


def words(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftKey:
    """One key pair; `count` rises with each use."""

    origin: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    handle: bytes = b""
    identity: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def make(self, options: str) -> str:
        """The answer to the options of a page that adds a passkey."""
        asked = json.loads(options)
        self.handle = raw(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        known = struct.pack(">16sH", b"\0" * 16, len(self.identity)) + self.identity + cose
        data = self._data(asked["rp"]["id"], ATTESTED) + known
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            clientDataJSON=words(self._client_data("webauthn.create", asked["challenge"])),
            attestationObject=words(attestation),
            transports=["internal", "teleport"],
        )

    def use(self, options: str) -> str:
        """The answer to the options of a page that asks for a passkey."""
        asked = json.loads(options)
        self.count += 1
        data = self._data(asked["rpId"], 0)
        client_data = self._client_data("webauthn.get", asked["challenge"])
        signed = data + hashlib.sha256(client_data).digest()
        return self._answer(
            clientDataJSON=words(client_data),
            authenticatorData=words(data),
            signature=words(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            userHandle=words(self.handle),
        )

    def _data(self, rp_id: str, more: int) -> bytes:
        digest = hashlib.sha256(rp_id.encode()).digest()
        return digest + struct.pack(">BI", self.flags | more, self.count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _answer(self, **response: Any) -> str:
        identity = words(self.identity)
        return json.dumps(
            {"id": identity, "rawId": identity, "type": "public-key", "response": response}
        )
