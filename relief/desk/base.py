"""What every page of the relief desk begins with: the staff user, the case, and the needed rank."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from portal.core import clock
from portal.core.kernel.roles import Rank, Role
from portal.core.models import User
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case, Event
from relief.cases.permissions import Task
from relief.presenters.case import actor_label


def staff_user(request: HttpRequest) -> User:
    """Who is logged in: somebody with a rank; anybody else gets 403."""
    user = request.user
    if not isinstance(user, User) or not user.is_active or not user.is_staff_member:
        raise PermissionDenied
    return user


def require_rank(request: HttpRequest, needed: Rank = Rank.REVIEWER) -> User:
    """The same with at least `needed`; auditors have no rank that decides."""
    user = staff_user(request)
    if not user.has_rank(needed):
        raise PermissionDenied
    return user


def may_decide(user: User) -> bool:
    """Whether this person may do anything but read."""
    return user.has_rank(Rank.REVIEWER)


def case_of(request: HttpRequest, pk: int) -> Case:
    """The case; 404 for drafts and unknown ones, 403 for one's own loan."""
    user = staff_user(request)
    case = Case.objects.visible_to(user).for_lists().filter(pk=pk).first()
    if case is not None:
        return case
    own_case = Case.objects.filter(pk=pk, borrower_id=user.same_person_as_id or 0).first()
    if own_case is not None:
        raise PermissionDenied(why_not(Task.SAY, own_case, Actor.of(user), clock.now()))
    raise Http404("没有这份申请")


def desk_context(request: HttpRequest, **page_values: Any) -> dict[str, Any]:
    """What Django's admin frame needs, and the page's own values."""
    return {**admin.site.each_context(request), **page_values}


def who_did(event: Event) -> str:
    """Colleagues by name, borrowers masked, 系统."""
    if event.role == Role.BORROWER:
        return f"借款人 {event.actor.masked_name}" if event.actor else "借款人"
    return actor_label(event, for_staff=True)
