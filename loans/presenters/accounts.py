"""The journal and the trial balance as tables, in the words and codes of the lender's chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from loans.domain.chart import Chart
from loans.presenters.exports import ExportCell, ExportTable
from loans.queries.journal import AccountMovement, JournalLine, Period
from portal.core.kernel.businesstime import in_shanghai
from portal.core.kernel.money import ZERO

JOURNAL_HEAD = (
    *("账务日期", "记账时间", "分录号", "类型", "科目代码", "科目名称", "借方（元）", "贷方（元）"),
    *("借据编号", "期次", "流水号", "事由"),
)
BALANCE_HEAD = (
    *(
        "科目代码",
        "科目名称",
        "期初借方（元）",
        "期初贷方（元）",
        "本期借方（元）",
        "本期贷方（元）",
    ),
    *("期末借方（元）", "期末贷方（元）"),
)


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One line of the trial balance (yuan): a code of the chart, or the sum of all lines."""

    code: str
    name: str
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit

    @property
    def cells(self) -> tuple[Decimal, ...]:
        """Opening, moved and closing, each as debit and credit; a side that is empty is zero."""
        return (*_sides(self.opening), self.debit, self.credit, *_sides(self.closing))


def _sides(balance: Decimal) -> tuple[Decimal, Decimal]:
    return max(balance, ZERO), max(-balance, ZERO)


def balance_lines(movements: Iterable[AccountMovement], chart: Chart) -> list[BalanceLine]:
    """A line for each code, in order of code: accounts that share a code are one line."""
    by_code: dict[str, BalanceLine] = {}
    for moved in movements:
        code, name = chart[moved.account]
        before = by_code.get(code, BalanceLine(code, name, ZERO, ZERO, ZERO))
        by_code[code] = BalanceLine(
            code,
            name,
            before.opening + moved.opening,
            before.debit + moved.debit,
            before.credit + moved.credit,
        )
    return [by_code[code] for code in sorted(by_code)]


def balance_totals(lines: Sequence[BalanceLine]) -> tuple[Decimal, ...]:
    """The sums of the six columns: each pair is equal, else the books are wrong."""
    columns = zip(*(line.cells for line in lines), strict=True)
    return tuple(sum(column, ZERO) for column in columns) or (ZERO,) * 6


def is_balanced(totals: Sequence[Decimal]) -> bool:
    """Debit = credit in each pair of columns."""
    return all(debit == credit for debit, credit in zip(totals[::2], totals[1::2], strict=True))


def journal_table(lines: Iterable[JournalLine], period: Period, chart: Chart) -> ExportTable:
    """总账明细, or 借款明细账 where one loan is named."""
    stem, title = ("loan-ledger", "借款明细账") if period.loan else ("journal", "总账明细")
    name = f"{stem}-{period.loan.number}" if period.loan else stem
    return ExportTable(
        f"{name}-{period.from_on}-{period.to_on}", title, JOURNAL_HEAD, _rows(lines, chart)
    )


def _rows(lines: Iterable[JournalLine], chart: Chart) -> Iterator[Sequence[ExportCell]]:
    for line in lines:
        code, name = chart[line.account]
        yield (
            line.on,
            f"{in_shanghai(line.booked_at):%Y-%m-%d %H:%M:%S}",
            line.entry,
            line.kind_label,
            code,
            name,
            line.debit,
            line.credit,
            line.loan,
            line.instalment,
            line.reference,
            line.reason,
        )


def balance_table(lines: Sequence[BalanceLine], period: Period) -> ExportTable:
    """试算平衡表 with its sums as the last line."""
    rows: list[Sequence[ExportCell]] = [(line.code, line.name, *line.cells) for line in lines]
    rows.append(("", "合计", *balance_totals(lines)))
    stem = f"trial-balance-{period.loan.number}" if period.loan else "trial-balance"
    return ExportTable(f"{stem}-{period.from_on}-{period.to_on}", "试算平衡表", BALANCE_HEAD, rows)
