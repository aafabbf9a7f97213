"""What comes with a file: its kind, and the separate consents for sensitive papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from relief.evidence.kinds import KIND_LABELS, EvidenceKind


class UploadForm(forms.Form):
    """The kind of the files that are sent next; suggested ones stand first."""

    kind = forms.ChoiceField(
        label="材料类型",
        error_messages={
            "required": "请选择材料类型。",
            "invalid_choice": "请选择材料类型。",
        },
    )

    def __init__(
        self, data: Any = None, *, suggested: Sequence[EvidenceKind] = (), **extra: Any
    ) -> None:
        super().__init__(data, auto_id="id_%s", **extra)
        wanted = [(kind.value, KIND_LABELS[kind]) for kind in suggested]
        others = [(kind.value, KIND_LABELS[kind]) for kind in EvidenceKind if kind not in suggested]
        choices: list[Any] = [("建议提供", wanted), ("其他类型", others)] if wanted else others
        kinds = self.fields["kind"]
        assert isinstance(kinds, forms.ChoiceField)
        kinds.choices = choices
        kinds.initial = wanted[0][0] if wanted else EvidenceKind.INCOME.value
