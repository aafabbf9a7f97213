"""What a person types on the loan pages; a wrong value becomes a sentence at its field."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from portal.core.fields import DayField, WholeNumberField
from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput

MAX_DAYS = 90
DUE, NEXT, CUSTOM, PAYOFF = "due", "next", "custom", "payoff"
TOKEN = re.compile(r"^[0-9a-z]{12,32}$")


class WhatIfForm(forms.Form):
    """A day in the future: in so many days, or on a date; 1 to 90 days, else moved to the limit."""

    days = WholeNumberField(
        required=False, error_messages={"invalid": "天数：请填写 1 到 90 之间的整数。"}
    )
    on = DayField(
        required=False,
        error_messages={"invalid": "日期：请按“年-月-日”填写，例如 2026-12-08。"},
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "what-if-%s"} | kwargs)
        self.today = today

    @property
    def asked(self) -> date:
        """The day asked for, before any limit; seven days ahead when nothing sensible was asked."""
        on: date | None = self.cleaned_data.get("on")
        if on is not None:
            return on
        days = None if self.errors else self.cleaned_data.get("days")
        return self.today + timedelta(days=min(max(7 if days is None else days, -1), 9999))

    @property
    def day(self) -> date:
        """The day asked for, within 1 to 90 days."""
        first, last = self.today + timedelta(days=1), self.today + timedelta(days=MAX_DAYS)
        return min(max(self.asked, first), last)


class PeriodForm(forms.Form):
    """The first and last day of a statement, both included; empty means as far as it goes."""

    from_on = forms.DateField(
        label="开始日期",
        required=False,
        error_messages={"invalid": "开始日期：请按“年-月-日”填写，例如 2026-06-01。"},
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    to_on = forms.DateField(
        label="结束日期",
        required=False,
        error_messages={"invalid": "结束日期：请按“年-月-日”填写，例如 2026-11-30。"},
        widget=forms.DateInput(attrs={"type": "date", "data-with": "from_on"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, first: date, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first, self.today = first, today

    def clean_from_on(self) -> date | None:
        on: date | None = self.cleaned_data.get("from_on")
        if on is not None and on > self.today:
            raise forms.ValidationError("开始日期：不能晚于今天。")
        return on

    def clean_to_on(self) -> date | None:
        on: date | None = self.cleaned_data.get("to_on")
        if on is not None and on < self.first:
            raise forms.ValidationError("结束日期：不能早于借款发放的那一天。")
        return min(on, self.today) if on is not None else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        from_on, to_on = cleaned.get("from_on"), cleaned.get("to_on")
        if from_on is not None and to_on is not None and from_on > to_on:
            self.add_error("to_on", "结束日期：不能早于开始日期。")
        return cleaned


class AmountForm(forms.Form):
    """How much to pay: what is due, an amount of one's own, or everything."""

    scope = forms.ChoiceField(
        choices=[(DUE, "还本期"), (NEXT, "还下一期"), (CUSTOM, "自定义金额"), (PAYOFF, "提前结清")],
        error_messages={"invalid_choice": "还款范围：请选择还本期、自定义金额或提前结清。"},
        required=False,
    )
    amount = forms.CharField(
        required=False,
        max_length=40,
        error_messages={"max_length": "还款金额：内容过长，请只填写金额，例如 1500.00。"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "%s"} | kwargs)

    def clean_amount(self) -> Decimal | None:
        text = self.cleaned_data.get("amount", "")
        if not text:
            return None
        try:
            return money.parse(text, field="amount", label="还款金额")
        except InvalidInput as wrong:
            raise forms.ValidationError(wrong.message) from wrong


class PayForm(AmountForm):
    """The confirmed payment: the amount that was shown, and the token issued with the form."""

    token = forms.CharField(required=False, max_length=32)

    def clean_amount(self) -> Decimal | None:
        amount = super().clean_amount()
        if amount is None:
            raise forms.ValidationError("还款金额：请填写要还多少，例如 1500.00。")
        return amount

    def clean_token(self) -> str:
        token: str = self.cleaned_data.get("token", "")
        if not TOKEN.match(token):
            raise forms.ValidationError("页面已失效，请刷新后重新确认还款。")
        return token


class ActReasonForm(forms.Form):
    """A staff act on the books needs a reason that others can check later."""

    use_required_attribute = False
    reason = forms.CharField(
        label="原因",
        min_length=5,
        max_length=200,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": "原因：请写明为什么这样做，至少 5 个字。",
            "min_length": "原因：请写得更具体，至少 5 个字。",
            "max_length": "原因：请控制在 200 字以内。",
        },
    )


class ApprovalForm(forms.Form):
    """A word of the checker's, if there is anything to say."""

    note = forms.CharField(
        label="复核意见（可不填）",
        required=False,
        max_length=200,
        strip=True,
        error_messages={"max_length": "复核意见：请控制在 200 字以内。"},
    )


def _parsed(text: str) -> Decimal:
    try:
        return money.parse(text, field="amount", label="金额")
    except InvalidInput as wrong:
        raise forms.ValidationError(wrong.message) from wrong


class AmountOfActForm(ActReasonForm):
    """An act of a certain amount."""

    amount = forms.CharField(
        label="金额（元）",
        max_length=40,
        error_messages={
            "required": "金额：请填写多少，例如 20.00。",
            "max_length": "金额：内容过长，请只填写金额，例如 20.00。",
        },
    )
    field_order = ["amount"]

    def clean_amount(self) -> Decimal:
        return _parsed(self.cleaned_data["amount"])


class LatePaymentForm(AmountOfActForm):
    """Money that arrived on an earlier day and is booked only now."""

    paid_on = forms.DateField(
        label="付款日",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={
            "required": "付款日：请填写款项到账的日期。",
            "invalid": "付款日：请按“年-月-日”填写，例如 2026-11-08。",
        },
    )
    reference = forms.CharField(
        label="渠道流水号",
        max_length=80,
        strip=True,
        error_messages={
            "required": "渠道流水号：请填写，同一笔流水只入账一次。",
            "max_length": "渠道流水号：请控制在 80 字以内。",
        },
    )
    keep_excess = forms.BooleanField(label="超出全部应还的部分记为溢缴款，以后退还", required=False)
    field_order = ["amount", "paid_on", "reference", "keep_excess"]


class WriteOffForm(ActReasonForm):
    """What is written off: all that is left, or so much of each part."""

    whole = forms.BooleanField(label="全部核销（不用填下面的金额）", required=False)
    principal = forms.CharField(label="本金（元）", required=False, max_length=40)
    interest = forms.CharField(label="利息（元）", required=False, max_length=40)
    charges = forms.CharField(label="罚息和费用（元）", required=False, max_length=40)
    field_order = ["whole", "principal", "interest", "charges"]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        for name in ("principal", "interest", "charges"):
            if text := asked.get(name):
                try:
                    asked[name] = money.parse(text, field=name, label=str(self.fields[name].label))
                except InvalidInput as wrong:
                    self.add_error(name, wrong.message)
        filled = [name for name in ("principal", "interest", "charges") if asked.get(name)]
        if not self.errors and bool(filled) == bool(asked.get("whole")):
            self.add_error(None, "请勾选“全部核销”，或者只填写要核销的金额，二选一。")
        return asked


PARTS_OF_DEBT = [("principal", "本金"), ("interest", "利息"), ("penalty", "罚息和费用")]


class AdjustmentForm(AmountOfActForm):
    """From which part of the debt to which other."""

    from_part = forms.ChoiceField(
        label="调出科目",
        choices=PARTS_OF_DEBT,
        error_messages={
            "required": "调出科目：请选择。",
            "invalid_choice": "调出科目：请重新选择。",
        },
    )
    to_part = forms.ChoiceField(
        label="调入科目",
        choices=PARTS_OF_DEBT,
        initial="interest",
        error_messages={
            "required": "调入科目：请选择。",
            "invalid_choice": "调入科目：请重新选择。",
        },
    )
    field_order = ["from_part", "to_part", "amount"]


class ReferenceForm(ActReasonForm):
    """Something known by the reference of a pay-out."""

    reference = forms.CharField(
        label="付款流水号",
        max_length=80,
        strip=True,
        error_messages={
            "required": "付款流水号：请填写，同一个流水号只登记一次。",
            "max_length": "付款流水号：请控制在 80 字以内。",
        },
    )
    field_order = ["reference"]


class RefundForm(AmountOfActForm, ReferenceForm):
    """How much is paid back, and by which pay-out."""

    field_order = ["amount", "reference"]
