"""What staff type in at the desk; a wrong value becomes a sentence at its field, nothing is lost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.kernel import money
from portal.kernel.errors import InvalidInput
from portal.kernel.money import ZERO
from portal.models import User
from relief.domain.evidence import KIND_LABELS, REASON_LABELS, STAFF_REASONS
from relief.domain.reasons import REJECTIONS
from relief.services.negotiation import OfferDraft

PERCENT, AMOUNT = "percent", "amount"


def _text(label: str, *, rows: int = 2, longest: int = 500, required: bool = True) -> Any:
    return forms.CharField(
        label=label,
        required=required,
        max_length=longest,
        widget=forms.Textarea({"rows": rows}),
        error_messages={
            "required": f"请填写{label}",
            "max_length": f"{label}最多 {longest} 字，请缩短",
        },
    )


class DeskForm(forms.Form):
    """Every act brings back the version of the case that was on the screen."""

    template = "admin/relief/case/_act.html"
    use_required_attribute = False
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, case: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{kwargs.get('prefix') or type(self).__name__.lower()}-%s")
        super().__init__(*args, **kwargs)
        self.case = case


class ClaimForm(DeskForm):
    """Nothing to say."""


class NoteForm(DeskForm):
    """A remark that only staff read."""

    note = _text("内部备注", required=False)


class PassForm(DeskForm):
    """The finding of the review, for colleagues."""

    note = _text("审核意见", required=False)


class AssignForm(DeskForm):
    """To whom a case is handed."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label="转交给",
        empty_label="请选择同事",
        error_messages={"required": "请选择同事", "invalid_choice": "请从列表中选择同事"},
    )
    note = _text("转交说明", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = User.objects.filter(role="STAFF", is_active=True).exclude(rank="AUDITOR")
        if self.case is not None:
            staff = staff.exclude(same_person_as=self.case.borrower_id)
            staff = staff.exclude(pk=self.case.assigned_to_id or 0)
        field: Any = self.fields["to"]
        field.queryset = staff.order_by("name", "pk")
        field.label_from_instance = lambda user: f"{user.name}（{user.get_rank_display()}）"


class ProofForm(DeskForm):
    """Which papers are missing, and a sentence to the borrower."""

    kinds = forms.MultipleChoiceField(
        label="需要的材料",
        choices=[(kind.value, label) for kind, label in KIND_LABELS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "请选择需要补充的材料类型",
            "invalid_choice": "请从列表中选择材料类型",
            "invalid_list": "请从列表中选择材料类型",
        },
    )
    text = _text("给借款人的说明")


class RejectForm(DeskForm):
    """Code, the sentence the borrower reads, what would change it."""

    code = forms.ChoiceField(
        label="原因",
        choices=[("", "请选择"), *((c.value, REJECTIONS[c][0]) for c in REJECTIONS)],
        error_messages={"required": "请选择不通过的原因", "invalid_choice": "请从列表中选择原因"},
    )
    text = _text("给借款人的说明", required=False)
    advice = _text("怎样可以改变结果", required=False)
    note_internal = _text("内部备注", required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("code") == "OTHER" and not values.get("text") and "text" not in self.errors:
            self.add_error("text", "选择其他原因时，请写明借款人会读到的说明")
        return values


class NumberedForm(DeskForm):
    """An answer to one version of an offer."""

    number = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages={"required": "页面内容不完整，请刷新", "invalid": "页面内容有误，请刷新"},
    )


class ApproveForm(NumberedForm):
    note = _text("复核意见", required=False)


class SendBackForm(NumberedForm):
    reason = _text("退回原因")


class TakeBackForm(NumberedForm):
    reason = _text("撤回原因（借款人会读到）")


class AgreeForm(NumberedForm):
    note = _text("给借款人的说明", required=False)


class BreachForm(DeskForm):
    reason = _text("确认违约的说明")


class RevokeForm(DeskForm):
    reason = _text("撤销原因（借款人会读到）")


class SayForm(DeskForm):
    """An answer to the borrower, or a note for colleagues."""

    text = forms.CharField(
        label="回复借款人",
        max_length=1000,
        widget=forms.Textarea({"rows": 2, "placeholder": "回复借款人…"}),
        error_messages={
            "required": "请先输入内容再发送",
            "max_length": "消息最多 1000 字，请分几次发送",
        },
    )
    internal = forms.BooleanField(label="内部备注（借款人看不到）", required=False)


class JudgeForm(DeskForm):
    """Whether one file is good, or must be replaced and why."""

    file = forms.CharField(max_length=16, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(
        choices=[("passed", "采信"), ("replace", "需更换")],
        error_messages={"required": "请选择采信或需更换", "invalid_choice": "请选择采信或需更换"},
    )
    reason = forms.ChoiceField(
        label="更换原因",
        required=False,
        choices=[("", "请选择原因"), *((r.value, REASON_LABELS[r]) for r in STAFF_REASONS)],
        error_messages={"invalid_choice": "请从列表中选择更换原因"},
    )
    text = forms.CharField(
        label="说明",
        required=False,
        max_length=200,
        error_messages={"max_length": "说明最多 200 字，请缩短"},
    )


def _figure(label: str, unit: str, *, initial: str = "0") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=40,
        initial=initial,
        help_text=unit,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "class": "num"}),
        error_messages={"max_length": f"{label}：内容过长，请只填写数字"},
    )


class OfferForm(DeskForm):
    """The terms that staff propose: a percentage of the penalty or an amount, and the plan."""

    template = "admin/relief/case/_builder.html"
    by = forms.ChoiceField(
        label="减免方式",
        choices=[(PERCENT, "按比例"), (AMOUNT, "按金额")],
        widget=forms.RadioSelect,
        initial=PERCENT,
        error_messages={
            "required": "请选择按比例或按金额",
            "invalid_choice": "请选择按比例或按金额",
        },
    )
    penalty_percent = _figure("减免比例", "%", initial="50")
    waive_penalty = _figure("减免金额", "元", initial="")
    waive_interest = _figure("减免利息", "元")
    waive_compound = _figure("减免复利", "元")
    waive_fee = _figure("减免费用", "元")
    plan_annual_rate = _figure("计划年利率", "%")
    term_count = forms.IntegerField(
        label="期数",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "class": "num"}),
        error_messages={"required": "请填写期数", "invalid": "期数：请填写整数，例如 12"},
    )
    first_due_on = forms.DateField(
        label="首期到期",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "请选择首期到期日",
            "invalid": "首期到期：请按“年-月-日”填写，例如 2026-12-26",
        },
    )
    note = _text("给借款人的说明", required=False)
    note_internal = _text("复核说明（仅同事可见）", required=False)

    def clean_penalty_percent(self) -> Decimal | None:
        return self._number("penalty_percent", "减免比例", highest=Decimal(100))

    def clean_plan_annual_rate(self) -> Decimal | None:
        return self._number("plan_annual_rate", "计划年利率", highest=Decimal(100))

    def _number(self, name: str, label: str, *, highest: Decimal) -> Decimal | None:
        """A percentage with at most two decimals."""
        text = self.cleaned_data[name].strip().rstrip("%％").strip()
        if not text:
            return None
        wrong = ValidationError(f"{label}：请填写 0 到 {highest} 之间的数字，最多两位小数")
        if not text.isascii() or not text.replace(".", "", 1).isdigit():
            raise wrong
        try:
            value = Decimal(text)
        except InvalidOperation as broken:
            raise wrong from broken
        if value > highest or value != value.quantize(Decimal("0.01")):
            raise wrong
        return value

    def _amount(self, name: str) -> Decimal | None:
        text = self.cleaned_data[name].strip()
        if not text:
            return None
        label = str(self.fields[name].label)
        try:
            return money.parse(text, field=name, label=label, minimum=ZERO)
        except InvalidInput as wrong:
            raise ValidationError(wrong.message) from wrong

    def clean_waive_penalty(self) -> Decimal | None:
        return self._amount("waive_penalty")

    def clean_waive_interest(self) -> Decimal | None:
        return self._amount("waive_interest")

    def clean_waive_compound(self) -> Decimal | None:
        return self._amount("waive_compound")

    def clean_waive_fee(self) -> Decimal | None:
        return self._amount("waive_fee")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        chosen = {PERCENT: "penalty_percent", AMOUNT: "waive_penalty"}.get(values.get("by", ""))
        if chosen and chosen not in self.errors and values.get(chosen) is None:
            self.add_error(chosen, f"请填写{self.fields[chosen].label}，不减免请填 0")
        return values

    def draft(self) -> OfferDraft:
        """What the service takes; rates as a fraction a year."""
        values = self.cleaned_data
        by_percent = values["by"] == PERCENT
        first: date = values["first_due_on"]
        return OfferDraft(
            term_count=values["term_count"],
            first_due_on=first,
            penalty_percent=values["penalty_percent"] if by_percent else None,
            waive_penalty=None if by_percent else values["waive_penalty"],
            waive_interest=values["waive_interest"] or ZERO,
            waive_compound=values["waive_compound"] or ZERO,
            waive_fee=values["waive_fee"] or ZERO,
            plan_annual_rate=(values["plan_annual_rate"] or ZERO) / 100,
        )
