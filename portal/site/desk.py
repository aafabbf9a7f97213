"""The staff desk as a site: its own throttled login, grouped navigation, and boards on its front page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from portal.core import clock
from portal.core.accounts import accounts, sessions, trail
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.security import SecurityKind
from portal.core.models import User
from portal.core.notifications.inbox import inbox, read_all_notices
from portal.core.web.visitor import known_here, log_out, origin
from portal.site.pages import notices, visit
from portal.site.pages.signing_in import factor, login, security, setup

Board = Callable[[HttpRequest], dict[str, Any]]
NOT_STAFF = "这个账户不是工作人员账户，请到借款人登录页登录"
# Navigation: caption, then the models (app.Model) below it; the rest follow under 系统.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "减免",
        (
            "relief.Case",
            "relief.Offer",
            "relief.Agreement",
            "relief.ErasureRequest",
            "relief.Event",
        ),
    ),
    (
        "借款",
        ("loans.Loan", "loans.Schedule", "loans.Payment", "loans.Entry", "loans.Proposal"),
    ),
    ("会计", ("loans.PortfolioReport", "loans.BookExport", "loans.ChartVersion")),
    ("沟通", ("relief.Conversation", "portal.PhoneTask", "portal.Delivery", "portal.Notice")),
)
REST = "系统"


class DeskLoginForm(AdminAuthenticationForm):
    """User name and password; attempts are counted in the database, in the words of the main login."""

    username = forms.CharField(
        label="用户名",
        max_length=150,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "username"}),
        error_messages={"required": "请填写用户名", "max_length": "用户名过长，请检查"},
    )
    password = forms.CharField(
        label="密码",
        strip=False,
        max_length=accounts.MAX_PASSWORD,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={
            "required": "请填写密码",
            "max_length": f"密码最多 {accounts.MAX_PASSWORD} 位，请检查",
        },
    )

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if self.errors:
            return values
        here = origin(self.request) if self.request else Origin()
        try:
            user = accounts.authenticate_password(
                phone=values["username"],
                password=values["password"],
                origin=here,
                known_here=known_here(self.request) if self.request else (),
            )
        except InvalidInput as wrong:
            raise ValidationError("账号或密码不正确，请检查用户名") from wrong
        except RuleViolation as refusal:
            raise ValidationError(refusal.message, code=refusal.code) from refusal
        if not user.is_staff_member:
            failure = SecurityKind.LOGIN_FAILED
            trail.record(failure, user=user, origin=here, detail="不是工作人员账户")
            raise ValidationError(NOT_STAFF, code="not-staff")
        self.user_cache = user
        return values


class DeskLogin(LoginView):
    """The desk's form; what follows on it is the same as at the main login."""

    authentication_form = DeskLoginForm
    template_name = "admin/login.html"

    def get_template_names(self) -> list[str]:
        over_page = visit.signs_in_over_page(self.request)
        return [factor.LOGIN_PART] if over_page else [self.template_name]

    def get_form_kwargs(self) -> dict[str, Any]:
        over_page = visit.signs_in_over_page(self.request)
        return super().get_form_kwargs() | ({"auto_id": visit.OVER_PAGE_ID} if over_page else {})

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        return redirect(visit.enter(self.request, user, by="密码"))


class DeskSite(AdminSite):
    """Django's admin for people with a rank; nobody deletes, whoever loses the rank is out at once."""

    site_header = "宽息工作台"
    site_title = "宽息"
    index_title = "看板"
    index_template = "admin/board.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.boards: list[Board] = []
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and getattr(user, "is_staff_member", False) and user.rank)

    @method_decorator([login_not_required, never_cache])
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As Django's, but whom the form proves goes through our one door, which asks further."""
        if request.method == "GET" and self.has_permission(request):
            over_page = visit.signs_in_over_page(request)
            return redirect(visit.wanted_page(request) if over_page else "admin:index")
        context = {
            **self.each_context(request),
            "has_permission": False,  # framed as for a stranger, also where somebody comes again
            "title": "登录",
            "app_path": request.get_full_path(),
            "next": visit.wanted_page(request) or reverse("admin:index"),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        return DeskLogin.as_view(extra_context=context)(request)  # type: ignore[return-value]  # it is one

    def get_urls(self) -> list[Any]:
        pages = [
            path("setup/", setup.setup, name="setup"),
            path("login/again/", self.admin_view(login.signed_in), name="login-again"),
            path("login/factor/", factor.log_in, name="factor-login"),
            path("factor/enrol/", factor.enrol, name="factor-enrol"),
            path("factor/", self.admin_view(factor.own), name="factor"),
            path("factor/confirm/", self.admin_view(factor.confirm), name="factor-confirm"),
            path("factor/passkeys/", self.admin_view(factor.add_passkey), name="passkey-add"),
            path(
                "factor/passkeys/<slug:passkey>/remove/",
                self.admin_view(factor.remove_passkey),
                name="passkey-remove",
            ),
            path("factor/codes/", self.admin_view(factor.new_codes), name="factor-codes"),
            path(
                "factor/codes/file/", self.admin_view(factor.codes_file), name="factor-codes-file"
            ),
        ]
        pages += [
            path("security/", self.admin_view(self.security), name="security"),
            path("security/end-all/", self.admin_view(self.end_all), name="sessions-end"),
            path("security/<slug:session>/end/", self.admin_view(self.end_one), name="session-end"),
        ]
        pages += [
            path("inbox/", self.admin_view(self.inbox), name="inbox"),
            path("inbox/count/", self.admin_view(self.count_inbox), name="inbox-count"),
            path("inbox/read/", self.admin_view(self.read_inbox), name="inbox-read"),
            path("inbox/<slug:notice>/", self.admin_view(self.open_notice), name="inbox-open"),
        ]
        return [*pages, *super().get_urls()]

    def inbox(self, request: HttpRequest) -> HttpResponse:
        """我的消息: what was said to whoever is logged in, newest first."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        frame = {**self.each_context(request), "title": "我的消息"}
        return TemplateResponse(request, "admin/inbox.html", frame | notices.desk_inbox(request))

    def count_inbox(self, request: HttpRequest) -> HttpResponse:
        """The number beside the bell: asked for by itself, so that no page waits for it."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        unread = inbox(visit.person(request)).unread().count()
        return TemplateResponse(request, "ui/_badge.html", {"count": unread})

    def open_notice(self, request: HttpRequest, notice: str) -> HttpResponse:
        """Mark one as read, and on to what it is about."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        link = notices.read_one(request, notice).link
        return redirect(link if visit.LOCAL_PATH.fullmatch(link) else "admin:inbox")

    def read_inbox(self, request: HttpRequest) -> HttpResponse:
        """全部已读."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        read_all_notices(user=visit.person(request), now=clock.now())
        return redirect("admin:inbox")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        response = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            user = visit.person(request)
            trail.record(SecurityKind.PASSWORD_CHANGED, user=user, origin=origin(request))
            here = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
            sessions.end_all(user=user, why="密码已修改", origin=origin(request), but=here)
        return response

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Log out and have the browser clear what it stored, as the borrowers' logout does."""
        if request.method == "POST":
            log_out(request)
        response = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def security(self, request: HttpRequest) -> HttpResponse:
        """One's own sessions and events."""
        context = security.account_context(request, visit.person(request))
        frame = {**self.each_context(request), "title": "登录与安全", "desk": True}
        return TemplateResponse(request, "admin/security.html", {**frame, **context})

    def end_one(self, request: HttpRequest, session: str) -> HttpResponse:
        """退出 one of one's own sessions."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return security.ended_one(
            request, visit.person(request), session, back=reverse("admin:security")
        )

    def end_all(self, request: HttpRequest) -> HttpResponse:
        """全部退出: every session, this one too."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return security.ended_all(request, visit.person(request), login=reverse("admin:login"))

    def show_on_index(self, board: Board) -> None:
        """Let an app above this one put figures on the front page: a function of the request."""
        self.boards.append(board)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = dict(extra_context or {})
        for board in self.boards:
            context |= board(request)
        return super().index(request, context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The pages of the desk under captions; an app's own page lists just that app."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {
            f"{app['app_label']}.{model['object_name']}": (app, model)
            for app in apps
            for model in app["models"]
        }
        groups = []
        for caption, names in GROUPS:
            groups.append(_group(caption, [models.pop(name) for name in names if name in models]))
        groups.append(_group(REST, list(models.values())))
        return [group for group in groups if group["models"]]


def _group(caption: str, models: list[tuple[Any, Any]]) -> dict[str, Any]:
    """One caption of the navigation, shaped as Django's templates expect an app."""
    first = models[0][0] if models else {}
    return {
        "name": caption,
        "app_label": first.get("app_label", ""),
        "app_url": models[0][1]["admin_url"] if models else "",
        "has_module_perms": True,
        "models": [model for _, model in models],
    }
