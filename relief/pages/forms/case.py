"""What a borrower says about a case as a whole: withdraw it, appeal against a refusal."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

MOST_APPEAL, MOST_REASON = 1000, 500


class WithdrawForm(forms.Form):
    """Withdrawing a case; the reason is optional."""

    reason = forms.CharField(
        label="撤回原因",
        required=False,
        widget=forms.Textarea({"rows": 3, "maxlength": str(MOST_REASON)}),
    )

    def clean_reason(self) -> str:
        return _short(self.cleaned_data["reason"], "撤回原因", MOST_REASON)


class AppealForm(forms.Form):
    """The one appeal, in the borrower's own words."""

    text = forms.CharField(
        label="申诉理由",
        widget=forms.Textarea({"rows": 6, "maxlength": str(MOST_APPEAL)}),
        error_messages={"required": "申诉理由：请写明你不同意的地方，以及新的情况。"},
    )

    def clean_text(self) -> str:
        return _short(self.cleaned_data["text"], "申诉理由", MOST_APPEAL)


def _short(text: str, label: str, most: int) -> str:
    plain = text.replace("\r\n", "\n")
    if len(plain) > most:
        raise ValidationError(f"{label}最多 {most} 字，现在有 {len(plain)} 字，请缩短。")
    return plain
