"""The offer builder's form: every amount through the one parser, every refusal at its field.

It is read with `desk.builder`; the short forms of all other acts are in `desk.forms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from loans.domain.schedule import PERIOD_LABELS, PlanPeriod
from portal.core import clock
from portal.core.fields import DayField, WholeNumberField
from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from portal.core.kernel.typed import plain
from relief.desk.forms import DeskForm, text_field, unread_reason_field
from relief.offers.compose import OfferDraft, check_first_due

PERCENT, AMOUNT = "percent", "amount"
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")


def _figure(label: str, unit: str, *, initial: str = "0") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=40,
        initial=initial,
        help_text=unit,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "class": "num"}),
        error_messages={"max_length": f"{label}：内容过长，请只填写数字"},
    )


@contextmanager
def _at_its_field() -> Iterator[None]:
    """What a rule refuses, as the form says it: each field for itself, however many are wrong."""
    try:
        yield
    except InvalidInput as wrong:
        raise ValidationError(wrong.message) from wrong


class OfferForm(DeskForm):
    """The terms that staff propose: a percentage of the penalty or an amount, and the plan."""

    template = "admin/relief/case/_builder.html"
    by = forms.ChoiceField(
        label="减免方式",
        choices=[(PERCENT, "按比例"), (AMOUNT, "按金额")],
        widget=forms.RadioSelect,
        initial=PERCENT,
        error_messages={
            "required": "请选择按比例或按金额",
            "invalid_choice": "请选择按比例或按金额",
        },
    )
    penalty_percent = _figure("减免比例", "%", initial="50")
    waive_penalty = _figure("减免金额", "元", initial="")
    waive_interest = _figure("减免利息", "元")
    waive_compound = _figure("减免复利", "元")
    waive_fee = _figure("减免费用", "元")
    plan_annual_rate = _figure("计划年利率", "%")
    term_count = WholeNumberField(
        label="期数",
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "class": "num"}),
        error_messages={"required": "请填写期数", "invalid": "期数：请填写整数，例如 12"},
    )
    first_due_on = DayField(
        label="首期到期",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "请选择首期到期日",
            "invalid": "首期到期：请按“年-月-日”填写，例如 2026-12-26",
        },
    )
    period = forms.ChoiceField(
        label="还款周期",
        required=False,
        choices=[(period.value, label) for period, label in PERIOD_LABELS.items()],
        widget=forms.RadioSelect,
        initial=PlanPeriod.MONTHLY.value,
        error_messages={"invalid_choice": "还款周期：请选择每月、每半月或每周"},
    )
    note = text_field("给借款人的说明", required=False)
    note_internal = text_field("复核说明（仅同事可见）", required=False)
    unread_reason = unread_reason_field()

    def clean_term_count(self) -> int:
        count: int = self.cleaned_data["term_count"]
        with _at_its_field():
            self.case.policy.rules.plan_rules.check_count(count)
        return count

    def clean_first_due_on(self) -> date:
        first: date = self.cleaned_data["first_due_on"]
        with _at_its_field():
            self.case.policy.rules.plan_rules.check_first_due(first, figures_as_of=clock.today())
            check_first_due(first, clock.today())
        return first

    def clean_penalty_percent(self) -> Decimal | None:
        return self._number("penalty_percent", "减免比例", highest=Decimal(100))

    def clean_plan_annual_rate(self) -> Decimal | None:
        return self._number("plan_annual_rate", "计划年利率", highest=Decimal(100))

    def _number(self, name: str, label: str, *, highest: Decimal) -> Decimal | None:
        """A percentage with at most two decimals."""
        text = plain(self.cleaned_data[name]).rstrip("%").strip()
        if not text:
            return None
        error = ValidationError(f"{label}：请填写 0 到 {highest} 之间的数字，最多两位小数")
        if not _PERCENT.fullmatch(text) or Decimal(text) > highest:
            raise error
        return Decimal(text)

    def _amount(self, name: str) -> Decimal | None:
        text = self.cleaned_data[name].strip()
        if not text:
            return None
        label = str(self.fields[name].label)
        with _at_its_field():
            return money.parse(text, field=name, label=label, minimum=ZERO)

    def clean_waive_penalty(self) -> Decimal | None:
        return self._amount("waive_penalty")

    def clean_waive_interest(self) -> Decimal | None:
        return self._amount("waive_interest")

    def clean_waive_compound(self) -> Decimal | None:
        return self._amount("waive_compound")

    def clean_waive_fee(self) -> Decimal | None:
        return self._amount("waive_fee")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        chosen = {PERCENT: "penalty_percent", AMOUNT: "waive_penalty"}.get(values.get("by", ""))
        if chosen and chosen not in self.errors and values.get(chosen) is None:
            self.add_error(chosen, f"请填写{self.fields[chosen].label}，不减免请填 0")
        return values

    def draft(self) -> OfferDraft:
        """What the service takes; rates as a fraction a year."""
        values = self.cleaned_data
        by_percent = values["by"] == PERCENT
        first: date = values["first_due_on"]
        return OfferDraft(
            term_count=values["term_count"],
            first_due_on=first,
            penalty_percent=values["penalty_percent"] if by_percent else None,
            waive_penalty=None if by_percent else values["waive_penalty"],
            waive_interest=values["waive_interest"] or ZERO,
            waive_compound=values["waive_compound"] or ZERO,
            waive_fee=values["waive_fee"] or ZERO,
            plan_annual_rate=(values["plan_annual_rate"] or ZERO) / 100,
            period=PlanPeriod(values["period"] or PlanPeriod.MONTHLY),
        )
