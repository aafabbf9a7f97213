"""The reason that an act of staff is done with, as the desk asks for it."""

from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    """An act that says why; the form of another act adds its own fields."""

    use_required_attribute = False
    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.TextInput({"size": 60}),
        error_messages={"required": "原因：请填写", "max_length": "原因：最多 200 个字，请缩短"},
    )
