"""Database fields for exact decimals: yuan stored as whole fen, rates as whole hundred-millionths.

They refuse floats and anything finer than their unit, so that rounding must have happened in the
domain. They are deliberately no IntegerField: `F("a") + F("b")` would then answer fen, not yuan.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from django.db.models.expressions import Combinable, register_combinable_fields

from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.typed import plain

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_Set = TypeVar("_Set", contravariant=True)
_Get = TypeVar("_Get", covariant=True)

if TYPE_CHECKING:

    class _Field(models.Field[_Set, _Get]):
        """What type checkers know: set from exact numbers, read as Decimal (or None if null)."""

        _pyi_private_set_type: Decimal | int | Combinable
        _pyi_private_get_type: Decimal
        _pyi_lookup_exact_type: Decimal | int

else:

    class _Field(models.Field):
        """Django's fields take no type parameters at run time."""

        def __class_getitem__(cls, parameters: object) -> type:
            return cls


class ScaledField(_Field[_Set, _Get]):
    """Decimal in Python, integer of 10**-places in the database."""

    places = 2
    unit = Decimal("0.01")
    description = "exact decimal with %(places)s places"

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        if value is None:
            return None
        if value != int(value):
            raise ValueError(f"{value!r} is no whole number of 1e-{self.places}")
        return int(value) * self.unit  # exact below 28 digits

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            return self._exact(value)
        except (TypeError, ValueError) as wrong:
            raise ValidationError(str(wrong), code="invalid") from wrong

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return int(self._exact(value).scaleb(self.places))

    def _exact(self, value: Any) -> Decimal:
        """`value` with exactly `places` places; TypeError for floats, ValueError if finer."""
        if isinstance(value, bool | float) or not isinstance(value, Decimal | int | str):
            raise TypeError(f"{self.name or 'value'} must be Decimal, not {type(value).__name__}")
        try:
            number = Decimal(value)
            exact = number.quantize(Decimal(1).scaleb(-self.places))
        except InvalidOperation as wrong:
            raise ValueError(f"{value!r} is no finite number that fits") from wrong
        if exact != number:
            raise ValueError(f"{value} is finer than {self.places} places")
        return exact

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)


class MoneyField(ScaledField[_Set, _Get]):
    """Yuan with two places ↔ integer fen."""

    places = 2

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MoneyFormField, **kwargs})


class RateField(ScaledField[_Set, _Get]):
    """A rate as a fraction with eight places ↔ integer 1e-8: 0.04 % a day is Decimal("0.0004")."""

    places = 8
    unit = Decimal("0.00000001")


for _field in (MoneyField, RateField):
    for _operator in (Combinable.ADD, Combinable.SUB):
        register_combinable_fields(_field, _operator, _field, _field)
    register_combinable_fields(_field, Combinable.MUL, models.IntegerField, _field)


def money_value(amount: Decimal = money.ZERO) -> Value:
    """An amount for use in expressions: `Coalesce(Sum("amount"), money_value())`."""
    return Value(amount, output_field=MoneyField())


class MoneyFormField(forms.CharField):
    """Typed money, read by `money.parse` only; `minimum` and `maximum` in yuan."""

    def __init__(
        self, *, minimum: Decimal = money.FEN, maximum: Decimal = money.MAXIMUM, **kwargs: Any
    ) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return value
        text = super().to_python(value)
        if text is None or text in self.empty_values:
            return None
        label = str(self.label or "金额")
        try:
            return money.parse(text, label=label, minimum=self.minimum, maximum=self.maximum)
        except InvalidInput as wrong:
            raise ValidationError(wrong.message, code="invalid") from wrong

    def prepare_value(self, value: Any) -> Any:
        return f"{value:.2f}" if isinstance(value, Decimal) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "decimal", "autocomplete": "off"}


class WholeNumberField(forms.IntegerField):
    """A count as people type it: `12` or `１２`; 1_2, +5, 1e3 and other scripts' digits are refused."""

    def to_python(self, value: Any) -> int | None:
        text = plain(str("" if value is None else value))
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return int(text)


class DayField(forms.DateField):
    """A date as people type it: 2026-12-08, 2026/12/8, 2026年12月8日, full-width digits as well."""

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return super().to_python(value)
        match = _DAY.fullmatch(plain(str(value)))
        try:
            if match:
                return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            pass
        raise ValidationError(self.error_messages["invalid"], code="invalid")
