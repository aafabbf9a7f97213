"""MoneyField and RateField on a real table: exact, fen below, yuan above, floats refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.db.utils import IntegrityError
from django.test.utils import isolate_apps

from portal.core.fields import MoneyField, MoneyFormField, RateField, money_value

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bill() -> Iterator[Any]:
    """A model made for these tests only."""
    with isolate_apps("portal"):

        class Bill(models.Model):
            amount = MoneyField(default=Decimal("0.00"))
            paid = MoneyField(null=True, blank=True)
            rate = RateField(default=Decimal("0.0004"))

            class Meta:
                app_label = "portal"
                constraints = [
                    models.CheckConstraint(
                        condition=Q(amount__gte=Decimal("0.00")), name="bill_not_negative"
                    )
                ]

            def __str__(self) -> str:
                return str(self.amount)

        with connection.schema_editor() as editor:
            editor.create_model(Bill)
        try:
            yield Bill
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(Bill)


def test_round_trip_in_whole_fen(bill: Any) -> None:
    made = bill.objects.create(amount=Decimal("1234.50"), rate=Decimal("0.00048"))

    read = bill.objects.get(pk=made.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT amount, rate FROM {bill._meta.db_table}")
        raw = cursor.fetchone()

    assert (str(read.amount), read.paid, str(read.rate)) == ("1234.50", None, "0.00048000")
    assert raw == (123450, 48000)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        (True, TypeError),
        (Decimal("1.005"), ValueError),
        (Decimal("NaN"), ValueError),
        ("x", ValueError),
    ],
)
def test_refuses_floats_and_parts_of_a_fen(bill: Any, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        bill.objects.create(amount=value)
    assert not bill.objects.exists()


def test_expressions_answer_yuan(bill: Any) -> None:
    bill.objects.create(amount=Decimal("10.10"), paid=Decimal("0.10"))
    bill.objects.create(amount=Decimal("0.01"), paid=Decimal("0.01"))

    total = bill.objects.aggregate(all=Sum("amount"), left=Sum(F("amount") - F("paid")))
    none = bill.objects.none().aggregate(all=Coalesce(Sum("amount"), money_value()))
    bill.objects.filter(amount__gt=Decimal("10")).update(amount=F("amount") + money_value())
    more = bill.objects.annotate(more=F("amount") + F("paid")).order_by("more")

    assert str(total["all"]) == "10.11"
    assert str(total["left"]) == "10.00"
    assert none["all"] == Decimal(0)
    assert [str(row.more) for row in more] == ["0.02", "10.20"]


def test_constraint_is_in_the_database(bill: Any) -> None:
    with pytest.raises(IntegrityError):
        bill.objects.create(amount=Decimal("-0.01"))


def test_form_field_reads_what_people_type(bill: Any) -> None:
    field = bill._meta.get_field("amount").formfield()

    assert isinstance(field, MoneyFormField)
    assert field.clean("１,２３４．５元") == Decimal("1234.50")
    assert field.prepare_value(Decimal("1234.5")) == "1234.50"
    assert field.prepare_value("1e5") == "1e5"
    with pytest.raises(ValidationError, match="不能是负数"):
        field.clean("-1")
