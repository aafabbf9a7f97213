"""The lender of this installation, as its settings LENDER_* name it."""

from __future__ import annotations

from django.conf import settings

from portal.core.kernel.lender import Lender


def lender() -> Lender:
    """The lender of this installation."""
    return Lender(settings.LENDER_NAME, settings.LENDER_ADDRESS, settings.LENDER_CODE)
