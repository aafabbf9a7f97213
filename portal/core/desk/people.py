"""People at the desk, and 账户变更: what a manager proposes for an account of staff, another decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import staff
from portal.core.desk.columns import yes_no
from portal.core.desk.reasons import ReasonForm
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.kernel.roles import RANK_LABELS, Rank, Role
from portal.core.models import StaffChange, User
from portal.core.web import visitor

if TYPE_CHECKING:  # generic for the type checker only
    _ModelChoiceField = forms.ModelChoiceField[User]
else:
    _ModelChoiceField = forms.ModelChoiceField

Kind = StaffChange.Kind
ACTIVE = yes_no("is_active", "有效")
WARNINGS = {
    Kind.CREATE: "另一位经理复核后建立账户，并得到一个设置码，由本人设置密码。",
    Kind.RANK: "另一位经理复核后生效，本人需要重新登录。",
    Kind.DISABLE: "另一位经理复核后立即退出登录、不能再登录；名下的申请同时转交或退回队列，对话重新排队。",
    Kind.ENABLE: "另一位经理复核后恢复，密码和双重验证需要本人重新设置。",
    Kind.RESET_FACTOR: "请先当面或视频确认是本人。另一位经理复核后，原来的验证器、通行密钥和恢复码失效，本人下次登录时重新绑定。",
    Kind.RESET_PASSWORD: "请先当面或视频确认是本人。另一位经理复核后原密码失效，并得到一个设置码，由本人设置新密码。",
}


class RankForm(ReasonForm):
    field_order = ["rank", "reason"]
    rank = forms.ChoiceField(
        label="职级",
        choices=[("", "请选择"), *((rank.value, RANK_LABELS[rank]) for rank in Rank)],
        error_messages={"required": "职级：请选择", "invalid_choice": "职级：请选择列表中的一项"},
    )


class CreateForm(RankForm):
    field_order = ["username", "name", "rank", "reason"]
    username = forms.CharField(
        label="用户名", max_length=30, error_messages={"required": "用户名：请填写"}
    )
    name = forms.CharField(label="姓名", max_length=40, error_messages={"required": "姓名：请填写"})


class ColleagueField(_ModelChoiceField):
    """Somebody of the staff, by name and rank."""

    def label_from_instance(self, obj: User) -> str:
        return f"{obj.name}（{obj.get_rank_display()}）"


class DisableForm(ReasonForm):
    field_order = ["hand_over_to", "reason"]
    hand_over_to = ColleagueField(
        User.objects.none(),
        label="申请转交给",
        required=False,
        empty_label="退回队列",
        error_messages={"invalid_choice": "申请转交给：请选择列表中的一位同事"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        colleagues = User.objects.filter(role=Role.STAFF, is_active=True)
        field = self.fields["hand_over_to"]
        assert isinstance(field, ColleagueField)
        field.queryset = colleagues.exclude(rank=Rank.AUDITOR).order_by("name")


FORMS: dict[StaffChange.Kind, type[ReasonForm]] = {
    Kind.CREATE: CreateForm,
    Kind.RANK: RankForm,
    Kind.DISABLE: DisableForm,
}


def kinds_for(subject: User, actor: User) -> list[StaffChange.Kind]:
    """What `actor` may propose for this account."""
    kinds = [kind for kind in Kind if kind != Kind.CREATE]
    return [kind for kind in kinds if not staff.why_not_propose(kind, subject, actor)]


def _manager(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not staff.may_manage(user):
        raise PermissionDenied
    return user


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People, names and phones masked; borrowers register, accounts of staff take two managers."""

    change_form_template = "admin/portal/staff/user.html"
    list_display = ["pk", "masked", "staff_number", "shown_phone", "role", "rank", ACTIVE]
    list_display_links = ["pk", "masked"]
    list_filter = ["role", "rank", "is_active"]
    search_fields = ["=phone", "=username"]
    search_help_text = "完整的手机号或用户名"
    fields = ["masked", "shown_phone", "role", "rank", ACTIVE, "date_joined", "last_login"]
    readonly_fields = ["masked", "shown_phone", ACTIVE]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row, actor = self.get_object(request, object_id), request.user
        if isinstance(row, User) and isinstance(actor, User):
            extra_context = {"kinds": kinds_for(row, actor), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="姓名")
    def masked(self, row: User) -> str:
        return row.name if row.is_staff_member else row.masked_name

    @admin.display(description="手机号")
    def shown_phone(self, row: User) -> str:
        return row.masked_phone


@admin.register(StaffChange)
class StaffChangeAdmin(ReadOnlyAdmin):
    """What was proposed for whom, by whom, and what became of it."""

    change_list_template = "admin/portal/staff/change_list.html"
    change_form_template = "admin/portal/staff/change_form.html"
    list_display = ["made_at", "kind", "name", "username", "status", "maker", "checker"]
    list_display_links = ["made_at", "kind"]
    list_filter = ["status", "kind"]
    list_select_related = ["made_by", "decided_by"]
    search_fields = ["username", "name"]
    search_help_text = "用户名或姓名"
    fields = [
        *("kind", "name", "username", "rank", "colleague", "reason", "status"),
        *("maker", "made_at", "checker", "decided_at"),
    ]
    readonly_fields = ["colleague", "maker", "checker"]
    own_pages = {
        "new": "new/",
        "propose": "for/<int:user>/<slug:kind>/",
        **{end: f"<int:pk>/{end}/" for end in ("approve", "refuse", "withdraw")},
    }

    @admin.display(description="接手同事")
    def colleague(self, change: StaffChange) -> str:
        return change.hand_over_to.name if change.hand_over_to else ""

    @admin.display(description="提出人")
    def maker(self, change: StaffChange) -> str:
        return change.made_by.name

    @admin.display(description="复核人")
    def checker(self, change: StaffChange) -> str:
        return change.decided_by.name if change.decided_by else ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may = isinstance(request.user, User) and staff.may_manage(request.user)
        return super().changelist_view(request, {"may_create": may, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        change = self.get_object(request, object_id)
        if isinstance(change, StaffChange) and isinstance(request.user, User):
            why_not = staff.why_not_decide(change, request.user)
            waits = change.status == StaffChange.Status.PENDING
            extra_context = {
                "why_not": why_not if waits else "",
                "may_decide": not why_not,
                "may_withdraw": waits and change.made_by_id == request.user.pk,
                **(extra_context or {}),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """新建 an account, with nobody's page to come from."""
        back = reverse("admin:portal_staffchange_changelist")
        return self._propose(request, Kind.CREATE, None, back)

    def propose_view(self, request: HttpRequest, user: int, kind: str) -> HttpResponse:
        """Anything else for an account that there is."""
        subject = get_object_or_404(User, pk=user, role=Role.STAFF)
        actor, wanted = _manager(request), kind.upper().replace("-", "_")
        if wanted not in Kind.values or wanted == Kind.CREATE:
            return redirect("admin:portal_user_change", user)
        chosen = Kind(wanted)
        problem = staff.why_not_propose(chosen, subject, actor)
        if problem:
            messages.error(request, problem)
            return redirect("admin:portal_user_change", user)
        back = reverse("admin:portal_user_change", args=[user])
        return self._propose(request, chosen, subject, back)

    def _propose(
        self, request: HttpRequest, kind: StaffChange.Kind, subject: User | None, back: str
    ) -> HttpResponse:
        actor = _manager(request)

        def act(values: dict[str, Any]) -> HttpResponse:
            draft = staff.ProposedChange(kind=kind, subject=subject, **values)
            change = staff.propose(draft, actor=actor)
            messages.success(request, "已提交，由另一位经理复核后生效。")
            return redirect("admin:portal_staffchange_change", change.pk)

        whom = f"：{subject.name}（{subject.username}）" if subject else ""
        title, form = f"{kind.label}{whom}", FORMS.get(kind, ReasonForm)
        return self._form_page(request, title, WARNINGS[kind], form, "提交复核", back, act)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """复核通过: it happens now; whoever has no password then is given a code."""
        change, actor = self._change(pk), _manager(request)

        def act(values: dict[str, Any]) -> HttpResponse:
            done = staff.approve(
                change_id=pk, actor=actor, origin=visitor.origin(request), now=clock.now()
            )
            if done.subject is None or not staff.needs_setup_code(done):
                messages.success(request, f"{done}：已生效。")
                return redirect("admin:portal_staffchange_change", pk)
            code = staff.setup_code(done.subject)
            context = {"title": str(done), "code": code, **admin.site.each_context(request)}
            return render(request, "admin/portal/staff/code.html", context)

        warning = WARNINGS[Kind(change.kind)]
        return self._end_page(request, change, f"复核通过：{change}", warning, "复核通过", act)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """退回: nothing changes."""
        change, actor = self._change(pk), _manager(request)

        def act(values: dict[str, Any]) -> HttpResponse:
            staff.refuse(change_id=pk, actor=actor)
            messages.success(request, f"{change}：已退回。")
            return redirect("admin:portal_staffchange_change", pk)

        return self._end_page(request, change, f"退回：{change}", "账户不变。", "退回", act)

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """撤回 by its maker."""
        change, actor = self._change(pk), _manager(request)

        def act(values: dict[str, Any]) -> HttpResponse:
            staff.withdraw(change_id=pk, actor=actor)
            messages.success(request, f"{change}：已撤回。")
            return redirect("admin:portal_staffchange_change", pk)

        return self._end_page(request, change, f"撤回：{change}", "账户不变。", "撤回", act)

    def _change(self, pk: int) -> StaffChange:
        return get_object_or_404(StaffChange.objects.select_related("made_by"), pk=pk)

    def _end_page(
        self,
        request: HttpRequest,
        change: StaffChange,
        title: str,
        warning: str,
        button: str,
        act: Callable[[dict[str, Any]], HttpResponse],
    ) -> HttpResponse:
        back = reverse("admin:portal_staffchange_change", args=[change.pk])
        warning = f"{warning}提出人：{change.made_by.name}，原因：{change.reason}。"
        return self._form_page(request, title, warning, forms.Form, button, back, act)

    def _form_page(
        self,
        request: HttpRequest,
        title: str,
        warning: str,
        form_class: type[forms.Form],
        button: str,
        back: str,
        act: Callable[[dict[str, Any]], HttpResponse],
    ) -> HttpResponse:
        """A form that calls one service; refusals are shown at their field, not lost."""
        form = form_class(request.POST if request.method == "POST" else None)
        status = 422 if form.is_bound else 200
        if form.is_valid():
            try:
                return act(form.cleaned_data)
            except visitor.REFUSALS as refusal:
                visitor.refuse(form, refusal)
                status = 409
        context = {
            **admin.site.each_context(request),
            **{"title": title, "warning": warning, "form": form, "button": button, "back": back},
            "section": "账户变更",
            "section_url": reverse("admin:portal_staffchange_changelist"),
        }
        return render(request, "admin/act.html", context, status=status)
