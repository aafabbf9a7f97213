"""Fields that several forms of relief share: plain text and amounts of yuan as people type them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput


class PlainText(forms.CharField):
    """Text as it was typed, but without NUL, and with one kind of line end."""

    def to_python(self, value: object) -> str:
        text = str(value or "").replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
        return super().to_python(text) or ""


class AmountField(forms.CharField):
    """Yuan: １,２３４．５ and ¥1234.50 are both 1234.50; empty is None."""

    def __init__(self, *, label: str, minimum: Decimal = money.FEN, **extra: Any) -> None:
        self.minimum = minimum
        widget = forms.TextInput({"maxlength": "40", "placeholder": "0.00"})
        super().__init__(label=label, required=False, widget=widget, **extra)

    def clean(self, value: object) -> Any:
        text = str(value or "").replace("\x00", "")
        if not text.strip():
            return None
        try:
            return money.parse(text, label=str(self.label), minimum=self.minimum)
        except InvalidInput as wrong:
            raise ValidationError(wrong.message) from wrong
