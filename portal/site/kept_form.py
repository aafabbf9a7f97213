"""What somebody had typed when their session ran out: parked, and sent on after the login.

The form goes on as it was posted, once, for the same person, within half an hour. Passwords, codes and
files are not kept: the page that the form stood on asks for them again and shows the rest.
"""

from __future__ import annotations

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from portal.core.accounts import parking
from portal.core.models import User

KEPT = "kept"  # the field with which the form comes back
KEEP = parking.LONGEST
MINUTES = int(KEEP.total_seconds() // 60)
GONE = f"保留的内容已经提交过，或者超过了 {MINUTES} 分钟，没有再次提交。请返回原页面核对。"


def keep(request: HttpRequest, user: User) -> str:
    """Park the form that is being posted; the address that offers it again, or nothing to keep."""
    fields = request.POST.copy() if request.method == "POST" else QueryDict(mutable=True)
    for name in [name for name in fields if _is_of_one_request(name)]:
        del fields[name]
    if not any(value.strip() for _, values in fields.lists() for value in values):
        return ""
    word = parking.park(user=user, path=request.path, fields=fields.urlencode())
    return f"{reverse('portal:kept')}?word={word}"


def _is_of_one_request(name: str) -> bool:
    return "password" in name or name in {"csrfmiddlewaretoken", "current", "code", KEPT}


def put_back(request: HttpRequest, user: User) -> bool:
    """Give a form that comes back with its word the fields it had; False when nothing waits for it."""
    fields = parking.take_up(user=user, path=request.path, word=request.POST[KEPT], keep=KEEP)
    if fields is not None:
        request.POST = QueryDict(fields)
    return fields is not None
