"""What a borrower answers to an offer; a wrong value becomes a sentence at its field."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.core.fields import DayField, WholeNumberField
from portal.core.kernel import money
from portal.core.kernel.businesstime import add_months
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from portal.core.kernel.typed import compact
from relief.cases.policy import ReliefPolicy
from relief.cases.reasons import COUNTER_REASONS
from relief.offers.compose import CounterDraft
from relief.offers.models import Offer

CODE, PASSWORD = "code", "password"
LATEST = {
    "required": "页面内容不完整，请返回方案重新打开。",
    "max_length": "页面内容有误，请返回方案重新打开。",
}
TOLD_REASONS = {
    "required": "请选择不接受的主要原因。",
    "invalid_choice": "请从列表中选择不接受的原因。",
    "invalid_list": "请从列表中选择不接受的原因。",
}


class SeenForm(forms.Form):
    """Every answer brings back the digest of the version that was seen."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput, error_messages=LATEST)


class AcceptForm(SeenForm):
    """Two ticks, and a code or the password."""

    agree = forms.BooleanField(
        label="我已阅读并同意",
        error_messages={"required": "请先阅读并勾选同意《罚息减免与还款变更协议》。"},
    )
    know = forms.BooleanField(
        label="我知道没有按时还款时新计划会终止，其余减免恢复",
        error_messages={"required": "请确认你已知道违约的后果。"},
    )
    by = forms.CharField(required=False, widget=forms.HiddenInput)
    code = forms.CharField(
        label="短信验证码",
        required=False,
        max_length=20,
        widget=forms.TextInput(
            {"inputmode": "numeric", "autocomplete": "one-time-code", "class": "num"}
        ),
        error_messages={
            "required": "请填写短信里的 6 位验证码。",
            "max_length": "短信验证码：请只填写 6 位数字。",
        },
    )
    password = forms.CharField(
        label="登录密码",
        required=False,
        strip=False,
        max_length=128,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={
            "required": "请填写登录密码。",
            "max_length": "登录密码：最多 128 位，请重新填写。",
        },
    )

    def __init__(self, *args: Any, method: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = method or (self.data.get("by") if self.is_bound else CODE)
        self.method = PASSWORD if chosen == PASSWORD else CODE
        self.fields[self.method].required = True

    def clean_code(self) -> str:
        """As it is pasted: full-width digits, spaces, brackets."""
        return compact(self.cleaned_data["code"])

    @property
    def secret(self) -> str:
        return str(self.cleaned_data[self.method])


class RefusingForm(SeenForm):
    """Why the offer does not fit."""

    reasons = forms.MultipleChoiceField(
        label="不接受的主要原因",
        choices=list(COUNTER_REASONS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages=TOLD_REASONS,
    )
    note = forms.CharField(
        label="补充说明",
        required=False,
        widget=forms.Textarea({"rows": 3, "maxlength": "200"}),
    )

    def clean_note(self) -> str:
        text: str = self.cleaned_data["note"].replace("\r\n", "\n")
        if len(text) > 200:
            raise ValidationError(f"补充说明最多 200 字，现在有 {len(text)} 字，请缩短。")
        return text


class DeclineForm(RefusingForm):
    """Ending the talks, on purpose."""

    sure = forms.BooleanField(
        label="我知道拒绝后本次协商结束，罚息照常计收",
        error_messages={"required": "请勾选，确认你要结束本次协商。"},
    )


class CounterForm(RefusingForm):
    """What would be better: a waiver, a monthly sum or a term, and a first date."""

    field_order = ["seen", "reasons", "waive", "monthly", "terms", "first_due_on", "note"]
    waive = forms.CharField(
        label="希望减免的罚息",
        max_length=40,
        error_messages={
            "required": "希望减免的罚息：请填写金额，不减免请填 0。",
            "max_length": "希望减免的罚息：内容过长，请只填写金额，例如 88.18。",
        },
    )
    monthly = forms.CharField(
        label="每月可还金额",
        required=False,
        max_length=40,
        widget=forms.TextInput({"data-with": "terms"}),
        error_messages={"max_length": "每月可还金额：内容过长，请只填写金额，例如 1000.00。"},
    )
    terms = WholeNumberField(
        label="或者选期数",
        required=False,
        error_messages={"invalid": "期数：请填写整数，例如 12。"},
        widget=forms.TextInput(
            {
                "inputmode": "numeric",
                "autocomplete": "off",
                "class": "num",
                "data-with": "monthly",
            }
        ),
    )
    first_due_on = DayField(
        label="首期日期",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "首期日期：请选择第一期的还款日期。",
            "invalid": "首期日期：请按“年-月-日”填写，例如 2026-12-26。",
        },
    )

    def __init__(
        self, *args: Any, offer: Offer, penalty: Decimal, today: date, **kwargs: Any
    ) -> None:
        terms = offer.offer_terms
        kwargs["initial"] = {
            "seen": offer.digest,
            "waive": f"{penalty:.2f}",
            "first_due_on": terms.first_due_on,
            **kwargs.get("initial", {}),
        }
        super().__init__(*args, **kwargs)
        self.rules: ReliefPolicy = offer.case.policy.rules
        attrs = self.fields["first_due_on"].widget.attrs
        attrs["min"] = f"{today + timedelta(days=2)}"
        attrs["max"] = f"{add_months(today, self.rules.deferral_months + 1)}"

    def clean_waive(self) -> Decimal:
        text: str = self.cleaned_data["waive"]
        return _amount(text, "waive", "希望减免的罚息", ZERO)

    def clean_monthly(self) -> Decimal | None:
        text: str = self.cleaned_data["monthly"]
        return _amount(text, "monthly", "每月可还金额", money.FEN) if text else None

    def clean_terms(self) -> int | None:
        count: int | None = self.cleaned_data["terms"]
        if count is not None and not 1 <= count <= self.rules.max_plan_terms:
            raise ValidationError(f"期数要在 1 到 {self.rules.max_plan_terms} 之间。")
        return count

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if {"monthly", "terms"} & set(self.errors):
            return values
        monthly, terms = values.get("monthly"), values.get("terms")
        if monthly is None and terms is None:
            self.add_error("monthly", "请填写每月可还金额，或填写期数。")
        if monthly is not None and terms is not None:
            self.add_error("terms", "每月可还金额和期数只填一项，请清空其中一项。")
        return values

    def draft(self) -> CounterDraft | None:
        """The proposal, as far as its own fields are right; reasons may still be missing."""
        if {"waive", "monthly", "terms", "first_due_on"} & set(self.errors):
            return None
        values = self.cleaned_data
        return CounterDraft(
            waive_penalty=values["waive"],
            first_due_on=values["first_due_on"],
            monthly=values["monthly"],
            term_count=values["terms"],
        )


def _amount(text: str, field: str, label: str, minimum: Decimal) -> Decimal:
    try:
        return money.parse(text, field=field, label=label, minimum=minimum)
    except InvalidInput as wrong:
        raise ValidationError(f"{wrong.message}。") from wrong
