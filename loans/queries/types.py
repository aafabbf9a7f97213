"""What the queries answer with: frozen figures in yuan that screens and services read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from loans.domain.components import Components, InParts
from loans.domain.plan_rules import PlanRules
from loans.domain.restructure import DebtFigures
from loans.models import Schedule
from portal.core.kernel.money import ZERO


class InstalmentState(StrEnum):
    """How one instalment stands on a date."""

    PAID = "paid"  # 已还清
    OVERDUE = "overdue"  # 逾期
    DUE = "due"  # 今日到期
    UPCOMING = "upcoming"  # 未到期
    CLOSED = "closed"  # 已由新计划替换


STATE_LABELS: dict[InstalmentState, str] = {
    InstalmentState.PAID: "已还清",
    InstalmentState.OVERDUE: "已逾期",
    InstalmentState.DUE: "今日到期",
    InstalmentState.UPCOMING: "未到期",
    InstalmentState.CLOSED: "已替换",
}


@dataclass(frozen=True, slots=True)
class InstalmentDebt(InParts):
    """What is still owed on one instalment; ``interest`` of a future one is the scheduled sum."""

    id: int
    number: int
    start_on: date
    due_on: date
    parts: Components
    scheduled: Decimal  # what was promised at first: principal + interest + kept columns
    scheduled_principal: Decimal
    scheduled_interest: Decimal
    paid: Decimal  # all money received for this instalment
    overdue_days: int
    state: InstalmentState
    last_paid_on: date | None
    is_added: bool  # put beside the schedule: money that was paid and went back

    @property
    def state_label(self) -> str:
        return STATE_LABELS[self.state]

    @property
    def is_due(self) -> bool:
        """Owed now: overdue or due today."""
        return self.state in (InstalmentState.OVERDUE, InstalmentState.DUE)


@dataclass(frozen=True, slots=True)
class Debt(InParts):
    """A loan's debt on a date. Interest is what is due; ``accrued_interest`` runs beside it.

    total = Σ parts; payoff = total + accrued_interest (interest from the last due date to ``as_of``).
    """

    as_of: date
    parts: Components  # principal: all of it, due or not
    principal_due: Decimal
    accrued_interest: Decimal
    due_now: Decimal  # everything on instalments overdue or due today
    overdue_days: int  # of the oldest unpaid instalment
    oldest_due_on: date | None
    penalty_per_day: Decimal  # what one more day costs
    instalments: tuple[InstalmentDebt, ...]
    next_due: InstalmentDebt | None  # 下一期: the first after ``as_of`` with something to pay
    base_kind: str  # Schedule.Kind of the schedule all this goes back to: original, plan, breached
    base_opened_on: date
    plan_rules: PlanRules | None  # of the plan in force

    @property
    def payoff(self) -> Decimal:
        """The amount that settles the loan on ``as_of``."""
        return self.total + self.accrued_interest

    @property
    def figures(self) -> DebtFigures:
        """What a plan is made of: kept columns join their kind, running interest is included."""
        running = Components(interest=self.accrued_interest)
        kept = Components(kept_interest=self.kept_interest, kept_penalty=self.kept_penalty)
        parts = self.parts.with_kept_joined + running
        return DebtFigures(self.as_of, parts, kept, self.accrued_interest)

    @property
    def is_overdue(self) -> bool:
        return self.overdue_days > 0

    @property
    def is_plan(self) -> bool:
        """An agreed plan is in force."""
        return self.base_kind == Schedule.Kind.PLAN

    @property
    def due_rows(self) -> list[InstalmentDebt]:
        """The instalments that are owed now, overdue or due today, oldest first."""
        return [row for row in self.instalments if row.is_due and row.total > 0]

    @property
    def first_due_on(self) -> date:
        """The date of the oldest instalment with something to pay; the last of all without one."""
        return min((row.due_on for row in self.instalments if row.total > 0), default=date.max)

    @property
    def by_schedule(self) -> Decimal:
        """What is still to pay when every instalment is paid on its date: future interest too."""
        return sum((row.total for row in self.instalments), ZERO)

    @property
    def penalty_all(self) -> Decimal:
        """罚息合计: what runs and what an agreement or its breach has fixed."""
        return self.penalty + self.kept_penalty


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting to what the borrower owes: why, how much, and the balance after it."""

    entry: int  # the event it belongs to
    on: date
    kind: str
    kind_label: str
    source: str
    account: str
    account_label: str
    instalment: int | None
    amount: Decimal  # plus: owed more; minus: owed less
    balance: Decimal
    reference: str
    reversed: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """对账单: opening balance + all lines = closing balance."""

    from_on: date
    to_on: date
    opening: Decimal
    lines: tuple[StatementLine, ...]
    closing: Decimal
    credit: (
        Decimal  # paid beyond all that was owed and not refunded; the closing balance is less by it
    )
