"""What staff type in at the desk; a wrong value becomes a sentence at its field, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from portal.core import clock
from portal.core.fields import WholeNumberField
from portal.core.models import User
from portal.core.publicids import new_public_id
from relief.cases.gate import Actor, why_not
from relief.cases.permissions import Task
from relief.cases.reasons import REJECTIONS
from relief.evidence.kinds import KIND_LABELS, REASON_LABELS, STAFF_REASONS


def text_field(label: str, *, rows: int = 2, longest: int = 500, required: bool = True) -> Any:
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
    seen = WholeNumberField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": "页面版本 seen 不正确，请刷新页面后再决定。"},
    )

    def __init__(self, *args: Any, case: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{kwargs.get('prefix') or type(self).__name__.lower()}-%s")
        super().__init__(*args, **kwargs)
        self.case = case

    def add_error(self, field: str | None, error: Any) -> None:
        """What is wrong with a field that nobody sees stands over the form."""
        shown = field in self.fields and not self.fields[field].widget.is_hidden
        super().add_error(field if shown else None, error)


class ClaimForm(DeskForm):
    """No input but the version."""


class NoteForm(DeskForm):
    """A remark that only staff read."""

    note = text_field("内部备注", required=False)


class PassForm(DeskForm):
    """The finding of the review, for colleagues."""

    note = text_field("审核意见", required=False)


class AssignForm(DeskForm):
    """To whom a case is handed."""

    to = forms.ModelChoiceField(
        User.objects.none(),
        label="转交给",
        empty_label="请选择同事",
        error_messages={"required": "请选择同事", "invalid_choice": "请从列表中选择同事"},
    )
    note = text_field("转交说明", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = User.objects.filter(role="STAFF", is_active=True)
        if self.case is not None:
            staff = staff.filter(pk__in=self._who_may_have_it(staff))
        field: Any = self.fields["to"]
        field.queryset = staff.order_by("name", "pk")
        field.label_from_instance = lambda user: f"{user.name}（{user.get_rank_display()}）"

    def _who_may_have_it(self, staff: Iterable[User]) -> list[int]:
        """Everybody to whom the case may be handed, but who has it."""
        now = clock.now()
        return [
            user.pk
            for user in staff
            if user.pk != self.case.assigned_to_id
            and not why_not(Task.TAKE_OVER, self.case, Actor.of(user), now)
        ]


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
    text = text_field("给借款人的说明")


class RejectForm(DeskForm):
    """Reason, the sentence the borrower reads, what would change it."""

    reason = forms.ChoiceField(
        label="原因",
        choices=[("", "请选择"), *((c.value, REJECTIONS[c][0]) for c in REJECTIONS)],
        error_messages={"required": "请选择不通过的原因", "invalid_choice": "请从列表中选择原因"},
    )
    text = text_field("给借款人的说明", required=False)
    advice = text_field("怎样可以改变结果", required=False)
    note_internal = text_field("内部备注", required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("reason") == "OTHER" and not values.get("text") and "text" not in self.errors:
            self.add_error("text", "选择其他原因时，请写明借款人会读到的说明")
        return values


class NumberedForm(DeskForm):
    """An answer to one version of an offer."""

    number = WholeNumberField(
        widget=forms.HiddenInput,
        error_messages={"required": "页面内容不完整，请刷新", "invalid": "页面内容有误，请刷新"},
    )


def unread_reason_field() -> Any:
    """Why an offer is made without having opened every file; asked for only where one was not."""
    return text_field("没有查看材料的原因", required=False)


class ApproveForm(NumberedForm):
    note = text_field("复核意见", required=False)


class SendBackForm(NumberedForm):
    reason = text_field("退回原因")


class TakeBackForm(NumberedForm):
    reason = text_field("撤回原因（借款人会读到）")


class AgreeForm(NumberedForm):
    note = text_field("给借款人的说明", required=False)
    unread_reason = unread_reason_field()


class BreachForm(DeskForm):
    reason = text_field("确认违约的说明")


class RevokeForm(DeskForm):
    reason = text_field("撤销原因（借款人会读到）")


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
    once = forms.CharField(  # a word that no other message has: sent twice, it is stored once
        required=False, max_length=40, widget=forms.HiddenInput, initial=new_public_id
    )


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
