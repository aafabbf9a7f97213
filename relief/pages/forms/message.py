"""What is typed in the conversation; the service judges it, the form only keeps it."""

from __future__ import annotations

from django import forms

from relief.pages.forms._fields import PlainText


class MessageForm(forms.Form):
    """One message; empty and endless ones come back with a sentence and the text."""

    text = PlainText(label="消息", required=False, strip=False, widget=forms.Textarea({"rows": 1}))
    after = forms.CharField(required=False, widget=forms.HiddenInput)

    @property
    def seen(self) -> int:
        """The last message that the page shows, 0 when it does not say."""
        text = str(self.data.get("after", ""))
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
