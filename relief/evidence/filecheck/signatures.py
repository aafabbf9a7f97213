"""Digital signatures of a PDF, verified before the copy is written: a rewritten file has none that holds.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django, fetches nothing.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

MAX_SIGNATURES = 20
MAX_SIGNER = 80


def verify(folder: Path) -> list[dict[str, str]]:
    """Each signature of <folder>/in as the fields of relief.evidence.kinds.Signature.

    `roots.pem` beside it, if there is one, holds the certificates that the house trusts.
    """
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko_certvalidator import ValidationContext

    try:
        with (folder / "in").open("rb") as source:
            reader = PdfFileReader(source, strict=False)
            if reader.encrypted:
                reader.decrypt(b"")
            context = ValidationContext(trust_roots=_roots(folder), allow_fetching=False)
            signatures = reader.embedded_regular_signatures[:MAX_SIGNATURES]
            return [_verified(signature, context) for signature in signatures]
    except Exception:  # a signed file that the library cannot read; whether it opens others decide
        return [{"signer": "", "verdict": "unknown", "signed_at": ""}]


def _roots(folder: Path) -> list[Any]:
    from pyhanko.keys import load_certs_from_pemder_data

    path = folder / "roots.pem"
    return list(load_certs_from_pemder_data(path.read_bytes())) if path.exists() else []


def _verified(signature: Any, context: Any) -> dict[str, str]:
    signer, signed_at = "", ""
    try:
        signer = _signer(signature.signer_cert)
        claimed_at = signature.self_reported_timestamp
        signed_at = claimed_at.isoformat() if claimed_at else ""
        verdict = _verdict(signature, context)
    except Exception:  # an algorithm that it does not know (国密), or a broken structure
        verdict = "unknown"
    return {"signer": signer, "verdict": verdict, "signed_at": signed_at}


def _verdict(signature: Any, context: Any) -> str:
    """A SignatureVerdict of relief.evidence.kinds; a change that the signer allowed is none."""
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import validate_pdf_signature

    status = validate_pdf_signature(signature, signer_validation_context=context)
    if not (status.intact and status.valid):
        return "broken"
    if status.modification_level == ModificationLevel.OTHER or not status.docmdp_ok:
        return "changed"
    return "trusted" if status.trusted else "intact"


def _signer(certificate: Any) -> str:
    """Whom the certificate names: organisation or person, without what could mislead on a screen."""
    subject = certificate.subject.native
    name = subject.get("common_name") or subject.get("organization_name") or ""
    plain = "".join(letter for letter in str(name) if unicodedata.category(letter)[0] != "C")
    return plain[:MAX_SIGNER]
