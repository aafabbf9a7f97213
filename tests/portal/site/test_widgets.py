"""Our short way to draw <select> writes what Django's templates write, sign by sign."""

from __future__ import annotations

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates

from portal.core.web.widgets import Renderer

GROUPED = [("", "请选择"), ("甲<", [("a&b", '一"二'), ("c", "三")]), ("d", "四")]
CHOICES = [
    forms.Select(choices=GROUPED),
    forms.Select(attrs={"class": 'x"y', "required": True, "disabled": False, "size": 3}),
    forms.SelectMultiple(choices=GROUPED),
    forms.NullBooleanSelect(),
    forms.RadioSelect(choices=GROUPED),
    forms.TextInput(attrs={"maxlength": 9}),
]


@pytest.mark.parametrize("widget", CHOICES, ids=lambda widget: type(widget).__name__)
@pytest.mark.parametrize("value", ["", "c", "a&b", None])
def test_same_markup_as_django(widget: forms.Widget, value: object) -> None:
    ours = widget.render("wahl<", value, {"id": "id_1"}, renderer=Renderer())
    theirs = widget.render("wahl<", value, {"id": "id_1"}, renderer=DjangoTemplates())

    assert ours == theirs
