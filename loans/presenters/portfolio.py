"""The portfolio of a date as tables: by bucket, by class, and loan by loan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.risk import BUCKETS, CLASS_LABELS, RiskClass, RiskRules
from loans.models import PortfolioLine
from loans.presenters.exports import ExportCell, ExportTable
from loans.queries.portfolio import LoanFigures, PortfolioCell, PortfolioSums, line_sums

SUMS_HEAD = (
    *("笔数", "本金（元）", "利息（元）", "罚息（元）", "费用（元）", "合计（元）"),
    *(
        "其中新计划内（元）",
        "其中已核销（元）",
        "其中表外（元）",
        "已减免（元）",
        "已保留的减免（元）",
    ),
)
LOANS_HEAD = ("借据编号", "逾期天数", "逾期分档", "五级分类", *SUMS_HEAD[1:])


BESIDES = {RiskClass.SPECIAL_MENTION: "，或已协商重组", RiskClass.LOSS: "，或已核销"}


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One line of a table: its key as it stands in an address, its words, its sums."""

    key: str
    label: str
    sums: PortfolioSums


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """Both tables over the same loans; the total of each is the total of all."""

    by_bucket: list[PortfolioRow]
    by_class: list[PortfolioRow]
    total: PortfolioSums

    @property
    def adds_up(self) -> bool:
        return all(
            PortfolioSums.summed(row.sums for row in rows) == self.total
            for rows in (self.by_bucket, self.by_class)
        )


def view_of(cells: Iterable[PortfolioCell], rules: RiskRules) -> PortfolioView:
    """Every bucket and class has a line, also without loans; the days of each are in its words."""
    all_cells = list(cells)
    firsts = dict(zip(CLASS_LABELS, (0, *rules.days), strict=True))
    return PortfolioView(
        by_bucket=[
            PortfolioRow(
                bucket,
                f"{bucket} {_bucket_days(number)}",
                PortfolioSums.summed(cell.sums for cell in all_cells if cell.bucket == bucket),
            )
            for number, bucket in enumerate(BUCKETS)
        ],
        by_class=[
            PortfolioRow(
                risk_class.value,
                _class_words(risk_class, label, firsts[risk_class]),
                PortfolioSums.summed(
                    cell.sums for cell in all_cells if cell.risk_class == risk_class
                ),
            )
            for risk_class, label in CLASS_LABELS.items()
        ],
        total=PortfolioSums.summed(cell.sums for cell in all_cells),
    )


def _class_words(risk_class: RiskClass, label: str, first_day: int) -> str:
    """关注（逾期 1 天起，或已协商重组）; the best class is its name alone."""
    if risk_class is RiskClass.PASS:
        return label
    besides = BESIDES.get(risk_class, "")
    return f"{label}（逾期 {first_day} 天起{besides}）"


def _bucket_days(number: int) -> str:
    """未逾期, 1–30 天, …, 180 天以上."""
    if number == 0:
        return "未逾期"
    if number == len(BUCKETS) - 1:
        return f"{(number - 1) * 30} 天以上"
    return f"{(number - 1) * 30 + 1}–{number * 30} 天"


def sums_cells(sums: PortfolioSums) -> tuple[int | Decimal, ...]:
    """The figures in the order of SUMS_HEAD."""
    return (
        sums.loans,
        *(sums.principal, sums.interest, sums.penalty, sums.fee, sums.total),
        *(sums.in_plan, sums.written_off, sums.off_balance, sums.waived, sums.vested),
    )


def portfolio_table(view: PortfolioView, as_of: date) -> ExportTable:
    """By bucket, then by class, each with its total."""
    rows: list[Sequence[ExportCell]] = []
    for title, lines in (("逾期分档", view.by_bucket), ("五级分类", view.by_class)):
        rows += [(title, row.label, *sums_cells(row.sums)) for row in lines]
        rows.append((title, "合计", *sums_cells(view.total)))
    return ExportTable(f"portfolio-{as_of}", "资产组合报表", ("口径", "分类", *SUMS_HEAD), rows)


def loans_table(rows: Iterable[Sequence[ExportCell]], as_of: date) -> ExportTable:
    """Loan by loan; rows as `loan_cells` makes them."""
    return ExportTable(f"portfolio-loans-{as_of}", "资产组合借款清单", LOANS_HEAD, rows)


def loan_cells(
    number: str, overdue_days: int, bucket: str, risk_class: str, sums: PortfolioSums
) -> Sequence[ExportCell]:
    """One loan in the order of LOANS_HEAD."""
    words = CLASS_LABELS[RiskClass(risk_class)]
    return (number, overdue_days, bucket, words, *sums_cells(sums)[1:])


def counted_cells(loans: Iterable[LoanFigures], rules: RiskRules) -> Iterator[Sequence[ExportCell]]:
    """Loans as they are counted."""
    for one in loans:
        risk_class = one.class_by(rules)
        yield loan_cells(one.number, one.overdue_days, one.bucket, risk_class, one.sums)


def kept_cells(lines: Iterable[PortfolioLine]) -> Iterator[Sequence[ExportCell]]:
    """Loans as a report keeps them."""
    for line in lines:
        place = (line.loan.number, line.overdue_days, line.bucket, line.risk_class)
        yield loan_cells(*place, line_sums(line))
