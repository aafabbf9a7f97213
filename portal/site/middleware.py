"""Per request: one frozen business instant, login everywhere, private pages, a net under rules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminToField
from django.contrib.auth import middleware as auth_middleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, FieldError, ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django_htmx.http import HttpResponseClientRedirect

from portal.core import clock
from portal.core.accounts import sessions
from portal.core.errors import RuleViolation
from portal.core.kernel.addresses import parse_address
from portal.core.kernel.errors import InvalidInput
from portal.core.models import User
from portal.core.publicids import new_public_id
from portal.core.storage.store import FileUnavailable
from portal.core.web import proofs, visitor
from portal.core.web.bodies import BUSY_SECONDS, FILES, Body, limit_of
from portal.core.web.failures import failure
from portal.core.web.htmx import wants_part
from portal.site import kept_form
from relief.evidence.kinds import MEGABYTE, MOST_A_FILE

logger = logging.getLogger(__name__)
# Names of our forms, and of Django's lists at the desk, that may come several times.
SEVERAL_VALUES = frozenset({"reasons", "kinds", "consent", "cases", "_selected_action", "action"})
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class AnswerMiddleware:
    """Gives each request its incident number, and each answer the headers that restrict browsers.

    Whoever reports an error page names the number; every log line about the request has it too
    (portal/site/logs.py). Outermost, so that files and errors of other middleware are answers too.
    """

    HEADERS: ClassVar = {
        "Permissions-Policy": ", ".join(
            f"{feature}=()"
            for feature in (
                "camera",
                "display-capture",
                "geolocation",
                "microphone",
                "payment",
                "usb",
            )
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.incident = new_public_id()  # type: ignore[attr-defined]  # ours
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response[name] = value
        return response


class CompressedPagesMiddleware(GZipMiddleware):
    """Compresses pages and parts of pages; files and papers are compressed already, or stream.

    Against BREACH, which guesses a secret of a page by the length of pages that reflect what the
    attacker sent: the CSRF token is masked anew in each answer, session and sign-in codes never stand
    in a page, and Django's middleware adds up to 100 random bytes to each answer.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The answer, compressed where it is a page and the browser takes it."""
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            return super().process_response(request, response)
        return response


class ForwardedMiddleware:
    """Puts the visitor's address and scheme, as trusted proxies report them, where Django looks for them.

    Each proxy of ours writes its peer at the right of X-Forwarded-For, so with TRUSTED_PROXIES=n
    the n-th from the right is what our outermost proxy saw; what stands left of it anybody can
    have written. With fewer entries than that, or none that is an address, the peer's counts.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        count = settings.TRUSTED_PROXIES
        seen = _from_right(request.META.pop("HTTP_X_FORWARDED_FOR", ""), count)
        address = parse_address(seen) or parse_address(request.META.get("REMOTE_ADDR", ""))
        request.META["REMOTE_ADDR"] = address
        schemes = request.META.pop("HTTP_X_FORWARDED_PROTO", "")
        if count and schemes:
            # A proxy may add to this list, as to the other, or write it anew.
            scheme = _from_right(schemes, min(count, schemes.count(",") + 1))
            request.META["HTTP_X_FORWARDED_PROTO"] = scheme.lower()
        return self.get_response(request)


def _from_right(header: str, place: int) -> str:
    """The n-th of a list by commas, counted from the right; nothing when it is shorter."""
    parts = [part.strip() for part in header.split(",")]
    return parts[-place] if 0 < place <= len(parts) else ""


class KnownMethodsMiddleware:
    """Refuses what no page of ours answers: Django's form views would take PUT as a POST."""

    METHODS: ClassVar = ("GET", "HEAD", "OPTIONS", "POST")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in self.METHODS:
            return HttpResponseNotAllowed(self.METHODS)
        return self.get_response(request)


class SecondFactorMiddleware:
    """A session of staff that was begun without a second factor ends here, whoever began it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and proofs.needs_factor(user) and not proofs.is_proven(request):
            visitor.log_out(request)
        return self.get_response(request)


class BoundedBodyMiddleware:
    """Answers bodies that the server did not read: too large (413), too slow (408), no room on disk (503)."""

    TEXTS: ClassVar = {
        413: f"提交的内容太大（一次最多 {FILES // MEGABYTE} MB），什么都没有保存。"
        f"文件每个不超过 {MOST_A_FILE}，请压缩后分几次上传；文字请缩短后再提交。",
        408: "网络太慢，内容没有收完整，什么都没有保存。请换个网络，或减小文件后再提交。",
        503: f"现在提交的人太多，什么都没有保存。请过 {BUSY_SECONDS} 秒再提交。",
    }

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        body = request.META.get("wsgi.input")
        status = body.refused if isinstance(body, Body) else _refused_by_length(request)
        if not status:
            return self.get_response(request)
        length = (request.META.get("CONTENT_LENGTH") or "0")[:20]
        logger.warning(
            "body.refused", extra={"request": request, "status": int(status), "length": length}
        )
        text = self.TEXTS[status]
        busy = status == HTTPStatus.SERVICE_UNAVAILABLE
        headers = {"Retry-After": str(BUSY_SECONDS)} if busy else {}
        if request.headers.get("HX-Request"):
            return HttpResponse(text, status=status, headers=headers)
        page = render_to_string("413.html", {"message": text, "request": request})
        return HttpResponse(page, status=status, headers=headers)


def _refused_by_length(request: HttpRequest) -> HTTPStatus | None:
    """What our own server would have said of the declared length, under any other one."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > limit_of(request.path_info):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return None


class ClockMiddleware:
    """Every part of one request sees the same business instant."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with clock.frozen():
            return self.get_response(request)


class SessionLifeMiddleware:
    """Ends a session that was left alone or is too old, before the page is made; notes its use after.

    What a page asks by itself (static/js/poll.js) is nobody's use. Borrowers may leave their session
    alone as long as they like on pages without money; on those with it they log in once more.
    """

    MONEY: ClassVar = {"loans", "relief"}  # and 我的, which sums up both

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user, session = request.user, request.session
        if isinstance(user, User):
            if "X-Poll" not in request.headers:
                sessions.note_use(session, user)
            if request.COOKIES.get(settings.SESSION_COOKIE_NAME) != session.session_key:
                sessions.follow_key(session)
        return response

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        """Whoever is logged out here goes on to the login, and from there back to this page."""
        user, match = request.user, request.resolver_match
        if not isinstance(user, User) or match is None:
            return
        shows_money = bool(self.MONEY & {*match.namespaces}) or match.view_name == "portal:me"
        idle_counts = user.is_staff_member or shows_money
        why = sessions.why_over(request.session, user, idle_counts=idle_counts)
        if why:
            page_stays = getattr(request, "htmx", False)  # with what was typed, and says why itself
            if not page_stays:
                request.kept = kept_form.keep(request, user)  # type: ignore[attr-defined]  # ours
            visitor.end_session(request, user, why=why)
            if not page_stays:
                messages.info(request, f"{why}，为保护你的账户，请重新登录。")


class LoginRequiredMiddleware(auth_middleware.LoginRequiredMiddleware):
    """Login everywhere but at @login_not_required, and each page for whom it was made.

    A part of a page is answered 401 and sent to the login as a whole page (HX-Redirect); but by X-Login
    its script gets the form that signs in over the page, which stays (static/js/stay.js). A page that
    is another person's (X-Owner) makes room for theirs.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        answer: HttpResponseBase | None = super().process_view(request, view_func, args, kwargs)
        if answer is not None:
            return answer
        owner, user = request.headers.get("X-Owner"), request.user
        if owner and isinstance(user, User) and owner != visitor.page_owner(user):
            return HttpResponseClientRedirect(reverse("portal:front"))
        # A form asks before it is sent whether it would be taken; the view hears nothing of it.
        return HttpResponse(status=204) if "X-Ask" in request.headers else None

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> Any:
        login = reverse("admin:login") if _is_desk(request) else reverse("portal:login")
        if getattr(request, "htmx", False):
            back = _path_of(request.headers.get("HX-Current-URL", "")) or "/"
            response = HttpResponseClientRedirect(
                f"{login}?{urlencode({'next': back})}", status=401
            )
            response["X-Login"] = login_again(request)
            return response
        if request.method in {"GET", "HEAD"}:
            return redirect_to_login(request.get_full_path(), login)
        # What SessionLifeMiddleware kept of the form; else the page that it stood on: where a form
        # goes is often no page.
        kept: str = getattr(request, "kept", "")
        back = kept or _path_of(request.headers.get("Referer", "")) or "/"
        return redirect_to_login(back, login)


def login_again(request: HttpRequest) -> str:
    """Where a page gets the form that signs in over it, and with it the token of the new session."""
    site = "admin" if _is_desk(request) else "portal"
    query = urlencode({"next": reverse(f"{site}:login-again")})
    return f"{reverse(f'{site}:login')}?{query}"


def _is_desk(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and "admin" in match.app_names


def _path_of(address: str) -> str:
    """Path and query of an address; empty when it cannot be parsed ("http://[zz")."""
    try:
        page = urlsplit(address)
    except ValueError:
        return ""
    return page.path + (f"?{page.query}" if page.query else "")


class PlainQueryMiddleware:
    """400 for an address with a NUL sign, which PostgreSQL would refuse with an error; names where."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\x00" in request.path:
            raise BadRequest("NUL in the address")
        if "%00" in request.META.get("QUERY_STRING", ""):
            return refusal(request, _unfit_text(request), status=400)
        return self.get_response(request)


class OneValueMiddleware:
    """A field that came twice with two values is refused: nobody means amount=1&amount=9."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if getattr(view_func, "csrf_exempt", False):  # no form: its body is read by the view
            return None
        for name, values in (request.POST if request.method == "POST" else request.GET).lists():
            if len(set(values)) > 1 and name not in SEVERAL_VALUES:
                text = (
                    f"“{name[:40]}”收到了不同的值，什么都没有保存。请返回原页面，只填写一个再提交。"
                )
                return refusal(request, text, status=422)
        return None


class KeptFormMiddleware:
    """A form that comes back with its word has the fields it had when its session ran out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        user = request.user
        if not request.POST.get(kept_form.KEPT) or not isinstance(user, User):
            return None
        if kept_form.put_back(request, user):
            return None
        return failure(request, "409.html", status=409, message=kept_form.GONE)


class DeskListMiddleware:
    """Checks the query parameters of the desk's lists, which Django reads unchecked.

    Django looks up whatever row, year or day it is given, and fails where Python or the database
    cannot: `_selected_action=x`, `…__year=9999`, the 30th of February, `number__range=x`.
    """

    YEARS = range(1900, 2200)
    LOOKUPS = frozenset(
        {"exact", "isnull", "isempty", "gte", "lt", "year", "month", "day"}
    )  # of our own links
    PARTS: ClassVar = {"year": YEARS, "month": range(1, 13), "day": range(1, 32)}

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not _is_desk_list(request):
            return None
        parameter = self._wrong_parameter(request)
        return _no_such_list(request, parameter) if parameter else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """404 for a filter that Django could not read."""
        if not _is_desk_list(request) or not isinstance(
            exception, ValueError | ValidationError | FieldError | DisallowedModelAdminToField
        ):
            return None
        logger.error("desk.list.unreadable", extra={"request": request}, exc_info=exception)
        return _no_such_list(request, "、".join(sorted(request.GET)) or "action")

    def _wrong_parameter(self, request: HttpRequest) -> str:
        """The name of the first parameter with an impossible value; empty if there is none."""
        for name in ("_selected_action", "index"):
            for value in request.POST.getlist(name):
                if not _is_number(value, range(2**63)):
                    return name
        dates: dict[str, dict[str, int]] = {}
        for name in request.GET:
            value = request.GET[name]
            field, _, part = name.rpartition("__")
            if field and part not in self.LOOKUPS:
                return name
            if part not in self.PARTS or not field:
                continue
            if not _is_number(value, self.PARTS[part]):
                return name
            dates.setdefault(field, {})[part] = int(value)
        for field, parts in dates.items():
            try:
                date(parts.get("year", 2000), parts.get("month", 1), parts.get("day", 1))
            except ValueError:
                return f"{field}__day"
        return ""


def _is_number(text: str, allowed: range) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) in allowed


def _is_desk_list(request: HttpRequest) -> bool:
    match = request.resolver_match
    return (
        match is not None
        and match.view_name.startswith("admin:")
        and "changelist" in str(match.url_name)
    )


def _no_such_list(request: HttpRequest, name: str) -> HttpResponse:
    text = f"列表条件“{name[:80]}”不正确，没有执行任何操作。请返回列表重新选择。"
    return refusal(request, text, status=422)


class PrivatePagesMiddleware:
    """Pages of somebody logged in are kept by no cache; the device is known as theirs from then on."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated:
            if "public" in response.get("Cache-Control", ""):
                del response["Cache-Control"]
            patch_cache_control(response, no_store=True, private=True)
            visitor.remember_device(request, response)
        return response


NO_FILE_NOW = "文件现在读不出来，没有丢失，请过几分钟再试；一直不行请联系客服。"


class RuleViolationMiddleware:
    """Safety net: a refusal that no view has answered becomes a page, never a 500.

    The database's own refusal counts too: a NUL or a number without end is bad input, not a fault.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        view = request.resolver_match.view_name if request.resolver_match else ""
        kind = type(exception).__name__
        if isinstance(exception, DataError | OverflowError):
            logger.error(
                "input.unfit",
                extra={"request": request, "view": view, "kind": kind},
                exc_info=exception,
            )
            return refusal(request, _unfit_text(request), status=400)
        if isinstance(exception, FileUnavailable):
            logger.error("file.unavailable", extra={"request": request, "view": view, "kind": kind})
            return refusal(request, NO_FILE_NOW, status=503)
        if not isinstance(exception, RuleViolation | InvalidInput):
            return None
        logger.warning("rule.unanswered", extra={"request": request, "view": view, "kind": kind})
        status = 409 if isinstance(exception, RuleViolation) else 422
        return refusal(request, exception.message, status=status)


def _unfit_text(request: HttpRequest) -> str:
    """The sentence about what no database keeps: which fields have a NUL sign or an endless number."""
    unfit_names = [
        name.replace("\x00", "")
        for name, values in (*request.GET.lists(), *request.POST.lists())
        if any(
            "\x00" in text or (len(text) > 15 and text.strip().isdigit())
            for text in (name, *values)
        )
    ]
    shown = "、".join(f"“{name[:40]}”" for name in dict.fromkeys(unfit_names)) or "提交的内容"
    return f"{shown}里有无法保存的字符，或者数字太大，什么都没有保存。请返回检查后再提交。"


def refusal(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """A sentence as a whole page, or as a part for HTMX."""
    if wants_part(request):
        part = format_html('<p class="refusal" role="alert">{}</p>', text)
        return HttpResponse(part, status=status)
    return failure(request, "409.html", status=status, message=text)
