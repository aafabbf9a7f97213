"""What is typed in the conversation; the service judges it, the form only keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from portal.core.kernel.roles import Role
from relief.cases import labels
from relief.cases.models import Case
from relief.pages.forms._fields import PlainText

WHICH = "你有几份申请在办理，请先选好材料交给哪一份，再上传。"


class MessageForm(forms.Form):
    """One message; empty and endless ones come back with a sentence and the text.

    `once` is a word that no other message has: sent twice, the message is stored once.
    With several applications that take files, `case` asks which of them a file is for.
    """

    text = PlainText(label="消息", required=False, strip=False, widget=forms.Textarea({"rows": 1}))
    once = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    after = forms.CharField(required=False, widget=forms.HiddenInput)
    case = forms.ChoiceField(label="材料交给", required=False)

    def __init__(self, *args: Any, cases: Sequence[Case], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(cases) < 2:
            del self.fields["case"]
            return
        self.fields["case"] = forms.ChoiceField(
            label="材料交给",
            required=False,
            choices=[("", "请选择借款")]
            + [
                (
                    case.public_id,
                    f"借款 {case.loan.number} · {labels.label(case.state, Role.BORROWER)}",
                )
                for case in cases
            ],
            error_messages={"invalid_choice": WHICH},
        )

    @property
    def seen(self) -> int:
        """The last message that the page shows, 0 when it does not say."""
        text = str(self.data.get("after", ""))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
