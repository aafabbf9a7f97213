"""Acts of staff that need a fresh second factor: one table of addresses, and the door before them.

Whatever approves, revokes, reverses, writes off, exports, or changes a policy, a key or somebody's
rights has a line here. The form that was posted is parked, and goes on once the factor is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse

from portal.core.accounts import parking
from portal.core.models import User
from portal.core.web import drafting, proofs
from portal.core.web.failures import failure
from portal.core.web.htmx import redirect_to


@dataclass(frozen=True, slots=True)
class Act:
    """What is done, in the words of the question; `on_get` where opening the address does it."""

    words: str
    on_get: bool = False


ACTS: dict[str, Act] = {  # by the name of the address
    "admin:relief_case_approve": Act("复核通过并发送方案"),
    "admin:relief_case_revoke": Act("撤销协议"),
    "admin:relief_erasurerequest_approve": Act("同意删除个人信息"),
    "admin:loans_payment_reverse": Act("冲正还款"),
    "admin:loans_proposal_approve": Act("复核通过并入账"),
    "admin:loans_bookexport_file": Act("导出总账"),
    "admin:loans_portfolioreport_file": Act("导出资产组合"),
    "admin:loans_chartversion_changelist": Act("修改会计科目"),
    "admin:portal_staffchange_approve": Act("复核账户变更"),
    "admin:factor-enrol": Act("更换验证器", on_get=True),
    "admin:passkey-add": Act("添加通行密钥", on_get=True),
    "admin:passkey-remove": Act("移除通行密钥"),
    "admin:factor-codes": Act("重新生成恢复码"),
}
PARKED = "parked"  # the field with which a parked form comes back
GONE = "等待确认的内容已失效，没有提交。请返回原页面重新填写。"
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class StepUpMiddleware:
    """Asks for a fresh factor before an act of the table, and puts a parked form back in its place."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match, user = request.resolver_match, request.user
        act = ACTS.get(match.view_name) if match else None
        if act is None or not isinstance(user, User) or not proofs.needs_factor(user):
            return None  # the view itself refuses whoever has no business there
        if drafting.keeps_only(request, view_func):
            return None
        word = request.POST.get(PARKED, "")
        if word:
            fields = parking.take_up(user=user, path=request.path, word=word)
            if fields is None:
                return failure(request, "409.html", status=409, message=GONE)
            request.POST = QueryDict(fields)
        if proofs.is_fresh(request) or (request.method != "POST" and not act.on_get):
            return None
        return _ask(request, user)


def _ask(request: HttpRequest, user: User) -> HttpResponse:
    """To the question, with the form in the park, or with the address when nothing was posted."""
    if request.method == "POST":
        where = {PARKED: parking.park(user=user, path=request.path, fields=_fields(request))}
    else:
        where = {"next": request.get_full_path()}
    return redirect_to(request, f"{reverse('admin:factor-confirm')}?{urlencode(where)}")


def _fields(request: HttpRequest) -> str:
    """The form as it was posted, without what belongs to that one request."""
    kept = request.POST.copy()
    for name in ("csrfmiddlewaretoken", PARKED):
        kept.pop(name, None)
    return kept.urlencode()


def act_at(path: str) -> Act | None:
    """The act of an address; None for one that is not in the table."""
    try:
        return ACTS.get(resolve(path).view_name)
    except Resolver404:
        return None
