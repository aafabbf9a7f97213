"""Forms of the account pages; every refusal is a Chinese sentence that says what to do."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.core.accounts.accounts import clean_name, clean_password
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.phones import parse_phone
from portal.core.kernel.typed import compact, plain
from portal.core.notifications.hours import CLOSES, OPENS, SPAN

AGREE = "请先阅读并勾选同意《用户服务协议》和《隐私政策》"
PASSWORD_RULE = (
    "至少 8 位，不能全是数字，不要用常见密码，也不要只是自己的姓名、手机号或“宽息”“借呗”"
)
# Every half hour of the day in which calls are allowed at all.
_HALF_HOURS = [time(half // 2, 30 * (half % 2)) for half in range(48)]
CALL_TIMES = [half_hour for half_hour in _HALF_HOURS if OPENS <= half_hour <= CLOSES]
STAFF_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{1,29}")


class PhoneField(forms.CharField):
    """A mainland mobile number as eleven digits, from whatever way it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "tel", "autocomplete": "tel", "class": "num", "placeholder": "手机号"}
        messages = {"required": "请填写手机号"}
        super().__init__(
            label="手机号", widget=forms.TextInput(attrs), error_messages=messages, **kwargs
        )

    def to_python(self, value: object) -> str:
        text = super().to_python(value) or ""
        if not text:
            return ""
        try:
            return parse_phone(text)
        except InvalidInput as problem:
            raise ValidationError(problem.message) from problem


class AccountField(PhoneField):
    """A phone, or the user name with which a member of staff logs in."""

    def to_python(self, value: object) -> str:
        text = plain(str(value or ""))
        return text if STAFF_NAME.fullmatch(text) else super().to_python(text)


class CodeField(forms.CharField):
    """Six digits of a short message; spaces and what a phone pastes around them are understood."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "class": "num",
            "placeholder": "6 位短信验证码",
            "maxlength": "12",
        }
        messages = {"required": "请填写短信里的 6 位验证码"}
        super().__init__(
            label="短信验证码", widget=forms.TextInput(attrs), error_messages=messages, **kwargs
        )

    def to_python(self, value: object) -> str:
        text = compact(str(value or "")[:40])
        if text and not re.fullmatch(r"[0-9]{6}", text):
            raise ValidationError("验证码应为 6 位数字，请按短信里的数字填写")
        return text


def password_field(label: str, *, new: bool = False) -> forms.CharField:
    """A password as it is typed, spaces kept."""
    name = label.removeprefix("设置")
    attrs = {
        "autocomplete": "new-password" if new else "current-password",
        "placeholder": label,
    }
    return forms.CharField(
        label=label,
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs),
        help_text=PASSWORD_RULE if new else "",
        error_messages={
            "required": f"请填写{name}",
            "max_length": f"{name}最多 128 位，请缩短",
        },
    )


class PasswordForm(forms.Form):
    """The password of who is logged in, before an act that must be their own."""

    password = password_field("登录密码")


class SendCodeForm(forms.Form):
    """获取验证码: the phone alone."""

    phone = PhoneField()


class AgreeingForm(forms.Form):
    """A form that needs the tick under the agreements."""

    agree = forms.BooleanField(label="我已阅读并同意", error_messages={"required": AGREE})


class CodeLoginForm(AgreeingForm):
    """验证码登录."""

    field_order = ["phone", "code", "agree"]
    phone = PhoneField()
    code = CodeField()


class PasswordLoginForm(AgreeingForm):
    """密码登录; members of staff type their user name where borrowers type the phone."""

    field_order = ["phone", "password", "agree"]
    phone = AccountField()
    password = password_field("登录密码")


class NewPasswordForm(forms.Form):
    """Checks a new password against the rules of the settings."""

    def clean_password(self) -> str:
        try:
            return clean_password(str(self.cleaned_data["password"]))
        except InvalidInput as problem:
            raise ValidationError(problem.message) from problem


class RegisterForm(NewPasswordForm, AgreeingForm):
    """注册新账号."""

    field_order = ["phone", "code", "name", "password", "agree"]
    phone = PhoneField()
    code = CodeField()
    name = forms.CharField(
        label="姓名",
        widget=forms.TextInput({"autocomplete": "name", "placeholder": "真实姓名"}),
        error_messages={"required": "请填写姓名"},
    )
    password = password_field("设置登录密码", new=True)

    def clean_name(self) -> str:
        try:
            return clean_name(str(self.cleaned_data["name"]))
        except InvalidInput as problem:
            raise ValidationError(problem.message) from problem


class ResetForm(NewPasswordForm):
    """忘记密码: a code proves the phone, then a new password is set."""

    field_order = ["phone", "code", "password"]
    phone = PhoneField()
    code = CodeField()
    password = password_field("新密码", new=True)


class ChangePasswordForm(NewPasswordForm):
    """修改密码: the present one first."""

    field_order = ["current", "password"]
    current = password_field("当前密码")
    password = password_field("新密码", new=True)


def _time_field(label: str, **attrs: str) -> forms.TypedChoiceField:
    """A half hour of the time in which calls are allowed at all."""
    return forms.TypedChoiceField(
        label=label,
        widget=forms.Select(attrs),
        choices=[(f"{half_hour:%H:%M}:00", f"{half_hour:%H:%M}") for half_hour in CALL_TIMES],
        coerce=time.fromisoformat,
        error_messages={
            "required": f"请选择{label}时间",
            "invalid_choice": f"{label}时间请在 {SPAN} 之间选择",
        },
    )


class PreferencesForm(forms.Form):
    """How and when to be reached, and how big the letters are."""

    sms_enabled = forms.BooleanField(label="接收短信通知", required=False)
    call_from = _time_field("电话最早")
    call_to = _time_field("电话最晚", **{"data-with": "call_from"})
    large_type = forms.BooleanField(label="大字模式", required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        start, end = values.get("call_from"), values.get("call_to")
        if start and end and start >= end:
            self.add_error("call_to", "电话最晚时间要晚于最早时间，请重新填写")
        return values


class VerifyForm(forms.Form):
    """A code of a paper or a short message, or the number of a member of staff."""

    code = forms.CharField(
        label="文书核验码、短信核对码或客服工号",
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
        error_messages={
            "required": "请填写要核验的核验码、核对码或工号",
            "max_length": "内容太长，请只填写核验码、核对码或工号",
        },
    )

    def clean_code(self) -> str:
        text = compact(str(self.cleaned_data["code"]))
        if not re.fullmatch(r"[A-Za-z0-9_.]{2,32}", text):
            raise ValidationError("只能包含字母和数字，请对照文书、短信或工牌重新填写")
        return text
