"""What every page about a case begins with: the case of this borrower, or 404."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal.core.models import User
from relief.cases.models import Case
from relief.offers.models import Offer


def borrower(request: HttpRequest) -> User:
    """Who is logged in; @borrower_only has seen to it that there is somebody."""
    assert isinstance(request.user, User)
    return request.user


def own_case(request: HttpRequest, public_id: str) -> Case:
    """The user's case; a stranger's is 404, not 403."""
    return get_object_or_404(borrower(request).cases.of_visitor(), public_id=public_id)


def own_offer(case: Case, number: int) -> Offer:
    """A version that the borrower may see, or 404."""
    return get_object_or_404(case.offers.shown(), number=number)
