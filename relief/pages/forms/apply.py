"""The five steps of an application; a step that is only saved may be unfinished."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from relief.cases.application import ApplicationDraft
from relief.cases.models import Case
from relief.cases.reasons import MAX_STATEMENT, MIN_STATEMENT, REASONS, check_statement
from relief.pages.forms._fields import AmountField, PlainText

DECLARATION = "我承诺以上内容真实，并同意《减免审核授权书》"
AMOUNTS = ("income_before", "monthly_income", "monthly_spending", "affordable_payment")


class StepForm(forms.Form):
    """One step; `complete` asks for all that 下一步 needs, else what is there is saved."""

    def __init__(self, data: Any = None, *, complete: bool = True, **extra: Any) -> None:
        self.complete = complete
        super().__init__(data, auto_id="id_%s", **extra)

    @classmethod
    def of_case(cls, case: Case | None) -> StepForm:
        """The step as it was left."""
        return cls()

    def draft(self, step: int) -> ApplicationDraft:
        """What to save, and where the borrower goes on."""
        return ApplicationDraft(step=step)


class HardshipForm(StepForm):
    """Why it could not be paid: several may be chosen, force majeure first."""

    reasons = forms.MultipleChoiceField(
        label="什么原因导致没能按时还款？",
        help_text="可以选择多项，我们会据此提示需要的材料",
        choices=[(key, f"{name}|{hint}") for key, (name, hint) in REASONS.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "没有这个原因，请从列表中选择。"},
    )

    @classmethod
    def of_case(cls, case: Case | None) -> StepForm:
        return cls(initial={"reasons": case.reasons if case else []})

    def clean_reasons(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["reasons"]
        if self.complete and not chosen:
            raise ValidationError("请至少选择一个没能按时还款的原因。")
        return chosen

    def draft(self, step: int) -> ApplicationDraft:
        return ApplicationDraft(reasons=self.cleaned_data["reasons"] or None, step=step)


class StatementForm(StepForm):
    """What happened, in the borrower's own words."""

    statement = PlainText(
        label=f"请说明情况({MIN_STATEMENT}–{MAX_STATEMENT} 字)",
        help_text="什么时候开始、对收入有什么影响、预计什么时候好转",
        widget=forms.Textarea(
            {"rows": 8, "minlength": str(MIN_STATEMENT), "data-most": str(MAX_STATEMENT)}
        ),
        error_messages={"required": f"情况说明请至少写 {MIN_STATEMENT} 个字。"},
    )

    def __init__(self, data: Any = None, **extra: Any) -> None:
        super().__init__(data, **extra)
        self.fields["statement"].required = self.complete

    @classmethod
    def of_case(cls, case: Case | None) -> StepForm:
        return cls(initial={"statement": case.statement if case else ""})

    def clean_statement(self) -> str:
        text: str = self.cleaned_data["statement"].strip()
        if not self.complete and len(text) <= MAX_STATEMENT:
            return text
        try:
            return check_statement(text)
        except InvalidInput as wrong:
            raise ValidationError(f"{wrong.message}。") from wrong

    def draft(self, step: int) -> ApplicationDraft:
        return ApplicationDraft(statement=self.cleaned_data["statement"], step=step)


class AffordabilityForm(StepForm):
    """What comes in, what has to go out, what can be paid; all of it optional."""

    income_before = AmountField(label="逾期前每月收入", minimum=ZERO)
    monthly_income = AmountField(label="现在每月收入", minimum=ZERO)
    monthly_spending = AmountField(label="每月必要支出", minimum=ZERO)
    affordable_payment = AmountField(label="每月可还金额")

    @classmethod
    def of_case(cls, case: Case | None) -> StepForm:
        return cls(initial={name: getattr(case, name, None) for name in AMOUNTS})

    def draft(self, step: int) -> ApplicationDraft:
        values = {name: self.cleaned_data[name] for name in AMOUNTS}
        empty = [name for name, value in values.items() if value is None]
        return ApplicationDraft(**values, step=step, cleared=empty)


class ConfirmForm(StepForm):
    """The one tick before submitting."""

    agree = forms.BooleanField(label=DECLARATION, required=False)

    def clean_agree(self) -> bool:
        ticked: bool = self.cleaned_data["agree"]
        if self.complete and not ticked:
            raise ValidationError("请先勾选承诺内容真实并同意《减免审核授权书》。")
        return ticked


FORMS: dict[str, type[StepForm]] = {
    "reason": HardshipForm,
    "statement": StatementForm,
    "evidence": StepForm,
    "affordability": AffordabilityForm,
    "confirm": ConfirmForm,
}
