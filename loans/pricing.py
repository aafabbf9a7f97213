"""What a loan comes to by the rules, from a profile and facts alone: no books, no database.

`price(case)` takes what `loans/casefile.py` reads; loans/README.md lists the names. Amounts and rates
are text ("6000.00") or exact numbers, dates "2023-06-10"; an unknown name is refused, and each refusal
names its field as "loan.principal".

The answer is tables; `figures` names each cell as table.row.column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from loans.domain.allocation import Allocation, InstalmentDue, Prepayable, allocate, payoff
from loans.domain.breach import Vesting, vest
from loans.domain.components import LABELS, WAIVABLE, Component, Components
from loans.domain.cost import annualised_cost
from loans.domain.facts import InstalmentFacts, PaymentFact
from loans.domain.penalty.interest import PenaltyExplanation, explain_penalty
from loans.domain.products import product
from loans.domain.profile import ProductProfile
from loans.domain.restructure import (
    DebtFigures,
    PlanPreview,
    ReliefTerms,
    plan_preview,
    waive_by_percent,
)
from loans.domain.schedule import (
    ScheduledInstalment,
    accrued_interest,
    build_schedule,
    recompute_schedule,
    residual_of,
)
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, require_money

PricedCell = str | int | Decimal | date | None
_BEARING = (Component.PRINCIPAL, Component.INTEREST)


class PricedRow(NamedTuple):
    """One line of a table; `key` is its part of the names of its cells."""

    key: str
    cells: tuple[PricedCell, ...]


class PricedTable(NamedTuple):
    """One answer: its name and title, its columns (name, word), its rows."""

    name: str
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[PricedRow, ...]


@dataclass(frozen=True, slots=True)
class Priced:
    """Everything that a case comes to."""

    title: str
    tables: tuple[PricedTable, ...]
    expected: Mapping[str, str]

    @property
    def figures(self) -> dict[str, str]:
        """Every cell that says something, as text, under table.row.column."""
        return {
            f"{table.name}.{row.key}.{name}": str(cell)
            for table in self.tables
            for row in table.rows
            for (name, _), cell in zip(table.columns, row.cells, strict=True)
            if cell is not None
        }

    @property
    def differences(self) -> list[str]:
        """A sentence for each expected figure that came out otherwise."""
        figures = self.figures
        return [
            f"{name}：应为 {value}，得到 {figures.get(name, '（没有这一项）')}"
            for name, value in self.expected.items()
            if figures.get(name) != value
        ]


@dataclass(slots=True)
class _Line:
    """An instalment of the loan as it is lived through: what was promised, what was paid of it."""

    promised: ScheduledInstalment
    opened_on: date | None = None
    closed_on: date | None = None
    payments: list[PaymentFact] = field(default_factory=list)
    charges_paid: Components = field(default_factory=Components)

    def left(self, component: Component) -> Decimal:
        promised: Decimal = getattr(self.promised, component.value)
        return promised - sum((p.amount for p in self.payments if p.component is component), ZERO)

    @property
    def facts(self) -> InstalmentFacts:
        row = self.promised
        return InstalmentFacts(
            row.number,
            row.due_on,
            row.principal,
            row.interest,
            tuple(self.payments),
            closed_on=self.closed_on,
            opened_on=self.opened_on,
        )


@dataclass(slots=True)
class _Loan:
    """The loan lived through its payments, in order of date."""

    profile: ProductProfile
    lent: Decimal
    lines: list[_Line]

    def live(self) -> list[_Line]:
        return [line for line in self.lines if line.closed_on is None]

    def undue(self, on: date) -> list[_Line]:
        return [line for line in self.live() if line.promised.due_on > on]

    def story(self, on: date) -> PenaltyExplanation:
        return explain_penalty(self.profile, [line.facts for line in self.lines], on)

    def owed(self, on: date) -> list[tuple[_Line, Components]]:
        """What each instalment in force owes, its scheduled interest included."""
        owed_lines = []
        for line, item in zip(self.lines, self.story(on).instalments, strict=True):
            if line.closed_on is None:
                charges = Components(penalty=item.total, compound=item.compound, fee=item.fee)
                scheduled = {part.value: line.left(part) for part in _BEARING}
                owed_lines.append((line, Components(**scheduled) + charges - line.charges_paid))
        return owed_lines

    def prepayable(self, on: date) -> Prepayable:
        """Principal not yet due, and its interest from the last due date to the day."""
        undue = self.undue(on)
        principal = sum((line.left(Component.PRINCIPAL) for line in undue), ZERO)
        if not undue or not principal or undue[0].promised.start_on >= on:
            return Prepayable(principal)
        first = undue[0]
        accrued = accrued_interest(
            self.profile, balance=principal, from_on=first.promised.start_on, to_on=on
        )
        paid_interest = first.promised.interest - first.left(Component.INTEREST)
        return Prepayable(principal, max(accrued - paid_interest, ZERO))

    def dues(self, on: date) -> list[InstalmentDue]:
        """What is owed now: instalments due, and penalty that those to come bear already."""
        instalment_dues = []
        for line, parts in self.owed(on):
            if line.promised.due_on > on:
                parts = replace(parts, principal=ZERO, interest=ZERO)
            instalment_dues.append(InstalmentDue(line.promised.number, line.promised.due_on, parts))
        return instalment_dues

    def pay(self, amount: Decimal, on: date) -> Allocation:
        ahead, undue = self.prepayable(on), self.undue(on)
        split = allocate(self.profile, amount, self.dues(on), on, prepayable=ahead)
        by_number = {line.promised.number: line for line in self.live()}
        for one in split.lines:
            if one.instalment is not None:
                self._reduce(by_number[one.instalment], one.component, one.amount, on)
            elif one.component is Component.INTEREST:
                self._reduce(undue[0], one.component, one.amount, on)
            else:
                self._prepay(undue, ahead.principal - one.amount, on)
        return split

    def _reduce(self, line: _Line, component: Component, amount: Decimal, on: date) -> None:
        if component in _BEARING:
            line.payments.append(PaymentFact(on, component, amount))
        else:
            line.charges_paid += Components(**{component.value: amount})

    def _prepay(self, undue: Sequence[_Line], balance: Decimal, on: date) -> None:
        """The rest of the schedule anew on its dates (prepay_effect=reduce_amount)."""
        for line in undue:
            line.closed_on = on
        if balance:
            rows = recompute_schedule(
                self.profile,
                balance=balance,
                from_on=on,
                due_dates=[line.promised.due_on for line in undue],
                first_number=undue[0].promised.number,
                residual=residual_of(self.profile, self.lent),
            )
            self.lines += [_Line(row, opened_on=on) for row in rows]

    def figures(self, on: date) -> DebtFigures:
        """The debt as a plan is made of it: interest due, with what has run since."""
        ahead = self.prepayable(on)
        due = Components.summed(due.parts for due in self.dues(on))
        return DebtFigures(on, due + Components(principal=ahead.principal, interest=ahead.interest))


def price(case: object) -> Priced:
    """Schedule, penalty and its segments, payments, debt, plan, cost and breach of a case.

    Raises InvalidInput naming the field. Example: 6,000 at 0.03 % a day of loans/RULES.md, as of
    2023-09-20, has the figure penalty.total.penalty 110.21.
    """
    data = _CaseData(case, "")
    title = data.text("title", "")
    profile = _profile(data)
    loan = _loan(data, profile)
    as_of = data.day("as_of")
    tables = [_schedule([line.promised for line in loan.lines])]
    payments = _payments(data, loan, as_of)
    tables += [payments] if payments.rows else []
    tables += [*_penalty(loan, as_of), _debt(loan, as_of)]
    plan = data.part("plan")
    broken = data.part("breach")
    if plan is not None:
        tables += _plan(loan, as_of, plan, broken)
    elif broken is not None:
        raise InvalidInput("breach", "违约（breach）要有新还款计划（plan）才能计算。")
    expected = data.part("expect")
    figures = {} if expected is None else {name: expected.text(name) for name in expected.names()}
    data.done()
    return Priced(title, tuple(tables), figures)


def _profile(data: _CaseData) -> ProductProfile:
    code, parameters = data.text("product", ""), data.take("profile", None)
    if bool(code) == (parameters is not None):
        raise InvalidInput("profile", "产品代码（product）和产品参数（profile）要有且只有一个。")
    if code:
        return product(code)
    with _within("profile"):
        if not isinstance(parameters, Mapping):
            raise InvalidInput("", "产品参数应为键值对。")
        plain = {
            name: str(value) if isinstance(value, Decimal) else value
            for name, value in parameters.items()
        }
        rate = plain.get("rate")
        if isinstance(rate, int) and not isinstance(rate, bool):
            plain["rate"] = str(rate)
        return ProductProfile.from_dict({"code": "case", "name": "试算"} | plain)


def _loan(data: _CaseData, profile: ProductProfile) -> _Loan:
    terms, agreed = data.part("loan"), data.parts("instalments")
    if (terms is None) == (not agreed):
        raise InvalidInput("loan", "借款（loan）和各期（instalments）要有且只有一个。")
    if terms is not None:
        with _within("loan"):
            lent = terms.amount("principal")
            rows = build_schedule(
                profile,
                principal=lent,
                drawdown_on=terms.day("drawdown_on"),
                term_months=terms.whole("term_months"),
                due_day=terms.whole("due_day"),
            )
            terms.done()
        return _Loan(profile, lent, [_Line(row) for row in rows])
    facts = sorted(
        (_agreed(one, number) for number, one in enumerate(agreed, start=1)),
        key=lambda fact: (fact.due_on, fact.number),
    )
    if len({fact.number for fact in facts}) < len(facts):
        raise InvalidInput("instalments", "各期的期号（number）不能重复。")
    starts = [facts[0].due_on, *(fact.due_on for fact in facts[:-1])]
    lines = [
        _Line(ScheduledInstalment(fact.number, start, fact.due_on, fact.principal, fact.interest))
        for start, fact in zip(starts, facts, strict=True)
    ]
    return _Loan(profile, sum((fact.principal for fact in facts), ZERO), lines)


def _agreed(data: _CaseData, number: int) -> InstalmentFacts:
    with _within(data.name):
        row = InstalmentFacts(
            data.whole("number", number),
            data.day("due_on"),
            data.amount("principal"),
            data.amount("interest", ZERO),
        )
        data.done()
    return row


def _schedule(rows: Sequence[ScheduledInstalment]) -> PricedTable:
    columns = ("start_on", "起息日"), ("due_on", "到期日"), *_words(_BEARING), ("total", "应还")
    lines = [
        PricedRow(
            str(row.number), (row.start_on, row.due_on, row.principal, row.interest, row.total)
        )
        for row in rows
    ]
    sums = [sum((getattr(row, name) for row in rows), ZERO) for name, _ in columns[2:]]
    return PricedTable(
        "schedule", "还款计划", columns, (*lines, PricedRow("total", (None, None, *sums)))
    )


def _payments(data: _CaseData, loan: _Loan, as_of: date) -> PricedTable:
    received = []
    for payment in data.parts("payments"):
        with _within(payment.name):
            received.append((payment.day("on"), payment.name, payment.amount("amount")))
            payment.done()
    rows = []
    for number, (on, name, amount) in enumerate(sorted(received), start=1):
        if on > as_of:
            continue
        with _within(name):
            split = loan.pay(amount, on)
        for place, line in enumerate(split.lines, start=1):
            where = line.instalment if line.instalment is not None else "提前还款"
            cells = (on, split.order, where, LABELS[line.component], line.amount)
            rows.append(PricedRow(f"{number}.{place}", cells))
    columns = (
        *(("on", "还款日"), ("order", "顺序"), ("instalment", "期次")),
        *(("component", "项目"), ("amount", "金额")),
    )
    return PricedTable("payments", "还款入账", columns, tuple(rows))


def _penalty(loan: _Loan, as_of: date) -> tuple[PricedTable, PricedTable]:
    story = loan.story(as_of)
    segments, sums = [], []
    for line, item in zip(loan.lines, story.instalments, strict=True):
        key = str(item.number) if line.closed_on is None else f"{item.number}@{line.closed_on}"
        for place, part in enumerate(item.segments, start=1):
            cells: tuple[PricedCell, ...] = (
                *(part.first_day, part.last_day, part.days, part.base, part.rate_shown),
                *(part.amount, LABELS[part.component], part.reason),
            )
            segments.append(PricedRow(f"{key}.{place}", cells))
        parts = (item.ordinary_part, item.surcharge_part, item.capped_part, item.total)
        cells = (item.due_on, item.overdue_days, *parts, item.compound, item.fee, item.per_day)
        sums.append(PricedRow(key, cells))
    whole = (story.ordinary_part, story.surcharge_part, story.capped_part, story.total)
    sums.append(PricedRow("total", (None, None, *whole, story.compound, story.fee, story.per_day)))
    return (
        PricedTable("segments", "罚息分段", _SEGMENT_COLUMNS, tuple(segments)),
        PricedTable("penalty", f"罚息（截至 {as_of}）", _PENALTY_COLUMNS, tuple(sums)),
    )


_SEGMENT_COLUMNS = (
    *(("first_day", "起算日（含）"), ("last_day", "截止日（含）"), ("days", "天数")),
    *(("base", "基数"), ("rate", "日利率"), ("amount", "金额（未舍入）")),
    *(("component", "项目"), ("reason", "原因")),
)
_PENALTY_COLUMNS = (
    *(("due_on", "到期日"), ("overdue_days", "逾期天数"), ("ordinary", "按正常利率")),
    *(("surcharge", "逾期加收"), ("capped", "封顶减少"), ("penalty", "罚息")),
    *(("compound", "复利"), ("fee", "逾期费"), ("per_day", "多一天")),
)


def _debt(loan: _Loan, as_of: date) -> PricedTable:
    """What is owed: instalments due, then all of it with the running interest, and the pay-off."""
    kinds = (*_BEARING, Component.PENALTY, Component.COMPOUND, Component.FEE)
    rows = [
        PricedRow(str(due.instalment), (*(due.parts[kind] for kind in kinds), due.total))
        for due in loan.dues(as_of)
        if due.parts
    ]
    whole = loan.figures(as_of)
    settles = payoff(loan.dues(as_of), loan.prepayable(as_of))
    rows.append(PricedRow("payoff", (*(whole.parts[kind] for kind in kinds), settles)))
    columns = (*_words(kinds), ("total", "合计"))
    return PricedTable("debt", f"欠款（截至 {as_of}；payoff 为一次还清）", columns, tuple(rows))


def _plan(loan: _Loan, as_of: date, data: _CaseData, broken: _CaseData | None) -> list[PricedTable]:
    debt = loan.figures(as_of)
    with _within("plan"):
        plan = plan_preview(loan.profile, debt, _terms(debt, data))
        data.done()
    kinds = (*_BEARING, Component.KEPT_INTEREST, Component.KEPT_PENALTY)
    rows = [
        PricedRow(str(row.number), (row.due_on, *(row.parts[kind] for kind in kinds), row.total))
        for row in plan.rows
    ]
    rows.append(PricedRow("total", (None, *(plan.parts[kind] for kind in kinds), plan.total)))
    columns = ("due_on", "到期日"), *_words(kinds), ("total", "应还")
    going_on = [(line.promised.due_on, parts.total) for line, parts in loan.owed(as_of)]
    costs = (
        _cost("plan", plan.waived, plan.total, plan.annualised_cost),
        _cost(
            "going_on",
            ZERO,
            sum((amount for _, amount in going_on), ZERO),
            annualised_cost(debt.principal, as_of, going_on),
        ),
    )
    tables = [
        PricedTable("plan", "新还款计划", columns, tuple(rows)),
        PricedTable("cost", "成本（going_on 为照现在还）", _COST_COLUMNS, costs),
    ]
    return tables if broken is None else [*tables, _breach(plan, broken)]


_COST_COLUMNS = ("waived", "减免"), ("total", "合计应还"), ("annualised", "年化 %（月利率×12）")


def _cost(key: str, waived: Decimal, total: Decimal, annualised: Decimal | None) -> PricedRow:
    return PricedRow(key, (waived, total, None if annualised is None else annualised * 100))


def _terms(debt: DebtFigures, data: _CaseData) -> ReliefTerms:
    percent = data.number("waive_penalty_percent", None)
    waivers = {one.waiver: data.amount(one.waiver, ZERO) for one in WAIVABLE}
    if percent is not None:
        if waivers["waive_penalty"]:
            raise InvalidInput("waive_penalty_percent", "减免罚息按金额或按比例，只填一项。")
        waivers["waive_penalty"] = waive_by_percent(debt.penalty, percent)
    rate = data.number("plan_annual_rate", ZERO)
    return ReliefTerms(
        figures_as_of=debt.as_of,
        term_count=data.whole("term_count"),
        first_due_on=data.day("first_due_on"),
        plan_annual_rate=ZERO if rate is None else rate,
        due_day=data.take("due_day", None),
        period=data.take("period", "monthly"),
        **waivers,
    )


def _breach(plan: PlanPreview, data: _CaseData) -> PricedTable:
    with _within("breach"):
        paid = data.whole("paid_instalments")
        if not 0 <= paid <= len(plan.rows):
            raise InvalidInput("paid_instalments", f"已还期数应在 0 到 {len(plan.rows)} 之间。")
        data.done()
    principal = sum((row.principal for row in plan.rows[:paid]), ZERO)
    vesting: Vesting = vest(plan.waived, plan.principal, principal)
    columns = (
        *(("paid", "已还本金"), ("vested", "减免保留")),
        *(("returned", "减免恢复"), ("due", "到期本金")),
    )
    cells = (principal, vesting.vested, vesting.returned, vesting.remaining_principal)
    return PricedTable("breach", "违约", columns, (PricedRow("total", cells),))


def _words(kinds: Sequence[Component]) -> tuple[tuple[str, str], ...]:
    return tuple((kind.value, LABELS[kind]) for kind in kinds)


# --- reading a case ------------------------------------------------------------------------------

_MISSING = object()


class _CaseData:
    """One mapping of a case, read name by name; what nobody read is refused by its name."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise InvalidInput(name or "case", f"{name or '案例'}应为键值对。")
        self.name = name
        self._given = dict(values)
        self._read: set[str] = set()

    def names(self) -> list[str]:
        return [str(name) for name in self._given]

    def take(self, name: str, otherwise: Any = _MISSING) -> Any:
        self._read.add(name)
        if name not in self._given and otherwise is _MISSING:
            raise InvalidInput(name, f"缺少“{name}”，请补上。")
        return self._given.get(name, otherwise)

    def text(self, name: str, otherwise: Any = _MISSING) -> str:
        value = self.take(name, otherwise)
        if not isinstance(value, str):
            raise InvalidInput(self._path(name), f"“{name}”应为文字。")
        return value

    def day(self, name: str) -> date:
        value = self.take(name)
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise InvalidInput(name, f"“{name}”应为日期，例如 2023-06-10。") from None

    def whole(self, name: str, otherwise: Any = _MISSING) -> int:
        value = self.take(name, otherwise)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise InvalidInput(name, f"“{name}”应为整数。")

    def number(self, name: str, otherwise: Any = _MISSING) -> Decimal | None:
        value = self.take(name, otherwise)
        if value is None or (isinstance(value, Decimal) and value.is_finite()):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidInput(name, f'“{name}”应为精确的数字，例如 "6000.00"。')
        try:
            return Decimal(value)
        except InvalidOperation:
            raise InvalidInput(name, f'“{name}”应为数字，例如 "6000.00"。') from None

    def amount(self, name: str, otherwise: Any = _MISSING) -> Decimal:
        return require_money(self.number(name, otherwise), name)

    def part(self, name: str) -> _CaseData | None:
        value = self.take(name, None)
        return None if value is None else _CaseData(value, self._path(name))

    def parts(self, name: str) -> list[_CaseData]:
        values = self.take(name, [])
        if not isinstance(values, list | tuple):
            raise InvalidInput(name, f"“{name}”应为列表。")
        return [_CaseData(one, f"{name}[{n}]") for n, one in enumerate(values, start=1)]

    def done(self) -> None:
        for name in self._given:
            if name not in self._read:
                raise InvalidInput(str(name), f"不认识“{name}”这一项，请删去或改正名称。")

    def _path(self, name: str) -> str:
        return f"{self.name}.{name}" if self.name else name


@contextmanager
def _within(name: str) -> Iterator[None]:
    """Refusals inside name their field with the part of the case before it."""
    try:
        yield
    except InvalidInput as wrong:
        place = f"{name}.{wrong.field}" if wrong.field else name
        raise InvalidInput(place, wrong.message) from wrong
