"""罚息明细 and 对账单 as files: the rows are the very figures of the screens."""

from __future__ import annotations

from decimal import Decimal

from loans.domain.components import LABELS
from loans.domain.penalty.interest import InstalmentPenalty, PenaltyExplanation
from loans.domain.profile import ProductProfile
from loans.models import Loan
from loans.presenters import rules, wording
from loans.presenters.amounts import figure, penalty_all
from loans.presenters.booked import events
from loans.presenters.exports import ExportCell, ExportTable
from loans.presenters.penalty import rate_formula
from loans.queries.types import Debt, Statement
from portal.core.documents.blocks import PaperFact
from portal.core.documents.pdf import PaperColumn, TablePaper
from portal.core.kernel.money import ZERO
from portal.core.lender import lender

PENALTY_HEAD = (
    *("类别", "期次", "到期日", "起算日（含）", "截止日（含）", "天数", "计收基数（元）"),
    *("利率算式", "日利率（小数）", "基数×日利率×天数（元，未舍入）", "开始原因", "结束原因"),
)
STATEMENT_HEAD = (
    *(
        "账务日期",
        "类型",
        "科目",
        "期次",
        "金额（元）",
        "余额（元）",
        "事由",
        "流水号",
        "是否已冲正",
    ),
)


def _segments(profile: ProductProfile, story: PenaltyExplanation) -> list[list[ExportCell]]:
    return [
        [
            LABELS[part.component],
            line.number,
            line.due_on,
            part.first_day,
            part.last_day,
            part.days,
            part.base,
            rate_formula(profile, part),
            part.rate_shown,
            part.amount,
            part.reason,
            part.end_reason,
        ]
        for line in story.instalments
        for part in line.segments
    ]


def _shares(line: InstalmentPenalty) -> tuple[Decimal, Decimal, Decimal]:
    """Ordinary part, surcharge before the ceiling, and what the ceiling took: a + b − c = total."""
    return line.ordinary_part, line.surcharge_part + line.capped_part, line.capped_part


def penalty_table(
    loan: Loan, profile: ProductProfile, story: PenaltyExplanation, debt: Debt
) -> ExportTable:
    """Segments, then per instalment what they round to and what is still owed of it.

    Recompute: base × daily rate × days per row, add the rows of one instalment, round once.
    """
    rows = _segments(profile, story)
    rows += [[]]
    rows += [
        [
            *("合计", "期次", "到期日", "累计产生（舍入到分）", "已还或已减免", "当前罚息"),
            *("按正常利率（1 倍）", "逾期加收", "封顶减少"),
        ]
    ]
    for line, row in zip(story.instalments, debt.instalments, strict=True):
        if line.segments:
            paid = line.total - row.penalty
            owed_of: list[ExportCell] = [line.total, paid, row.penalty]
            rows.append(["罚息", line.number, line.due_on, *owed_of, *_shares(line)])
        if line.compound:
            paid = line.compound - row.compound
            rows.append(["复利", line.number, line.due_on, line.compound, paid, row.compound])
        if line.late_fee:
            owed_of = [line.fee, line.fee - row.fee, row.fee]
            words = rules.late_fee_words(line)
            rows.append(["逾期费", line.number, line.due_on, *owed_of, words])
    (_, owed), *more_sums = _penalties(debt)  # the word alone begins the rows of the instalments
    sums = [("当前罚息", owed), *more_sums]
    rows += [[word, "", debt.as_of, "", "", amount] for word, amount in sums]
    rows += [["借据编号", loan.number]]
    rows += [[rule.title, rule.text] for rule in rules.penalty_rules(profile)]
    name = f"penalty-{loan.public_id}-{debt.as_of}"
    return ExportTable(name, "罚息明细", PENALTY_HEAD, rows)


def _penalties(debt: Debt) -> list[tuple[str, Decimal]]:
    """What the rows above add up to, what is kept beside it, and the sum where there are both."""
    names = ["penalty"]
    names += ["kept_penalty"] if debt.kept_penalty else []
    names += ["penalty_all"] if penalty_all(debt) else []
    return [(one.word, one.amount) for one in (figure(debt, name) for name in names)]


def penalty_paper(
    loan: Loan, profile: ProductProfile, story: PenaltyExplanation, debt: Debt
) -> TablePaper:
    """罚息明细 for the printer."""
    rows: list[list[str]] = []
    for line, row in zip(story.instalments, debt.instalments, strict=True):
        for part in line.segments:
            days = f"{part.first_day} 至 {part.last_day}"
            sum_ = f"{wording.yuan(part.base)} × {rate_formula(profile, part)} × {part.days}"
            reasons = f"起：{part.reason}；止：{part.end_reason}"
            rows.append([f"{line.number}", days, sum_, f"{part.amount:.6f}", reasons])
        if line.segments:
            ordinary, surcharge, capped = (wording.yuan(share) for share in _shares(line))
            made_of = f"正常利率 {ordinary} + 逾期加收 {surcharge}"
            made_of += f" − 封顶减少 {capped}" if line.capped_part else ""
            owed_words = f"已还或已减免 {line.total - row.penalty}，本期罚息还剩 {row.penalty}"
            rows.append(
                [f"{line.number}", "小计（舍入到分）", made_of, f"{line.total}", owed_words]
            )
        if line.late_fee:
            paid_words = f"已还或已减免 {line.fee - row.fee}，本期逾期费还剩 {row.fee}"
            words = rules.late_fee_words(line)
            rows.append([f"{line.number}", "逾期费", words, f"{line.fee}", paid_words])
    facts = [
        *_parties(loan),
        PaperFact("截至", f"{debt.as_of}"),
        *(PaperFact(word, f"{wording.yuan(amount)} 元") for word, amount in _penalties(debt)),
        PaperFact("剩余本金", f"{wording.yuan(debt.principal)} 元"),
    ]
    columns = (
        PaperColumn("期次", 0.5),
        PaperColumn("计收区间（首尾都算）", 1.8),
        PaperColumn("基数 × 利率 × 天数", 2.1),
        PaperColumn("金额（元）", 1.0, "R"),
        PaperColumn("起止原因", 2.4),
    )
    notes = [f"{rule.title}：{rule.text}" for rule in rules.penalty_rules(profile)]
    return TablePaper("罚息明细", facts, columns, rows, notes, made_on=debt.as_of)


def statement_table(loan: Loan, statement: Statement) -> ExportTable:
    """The rows of a statement for a spreadsheet."""
    name = statement_name(loan, statement)
    return ExportTable(name, "对账单", STATEMENT_HEAD, statement_rows(statement))


def statement_name(loan: Loan, statement: Statement) -> str:
    """What its files are called, without their ending."""
    return f"statement-{loan.public_id}-{statement.from_on}-{statement.to_on}"


def statement_rows(statement: Statement) -> list[list[ExportCell]]:
    """Opening balance, every posting with its reason, closing balance."""
    rows: list[list[ExportCell]] = [
        [statement.from_on, "期初余额", "", "", "", statement.opening, "", "", ""]
    ]
    rows += [
        [
            line.on,
            line.kind_label,
            line.account_label,
            line.instalment,
            line.amount,
            line.balance,
            line.source,
            line.reference,
            "已冲正" if line.reversed else "",
        ]
        for line in statement.lines
    ]
    rows += [[statement.to_on, "期末余额", "", "", "", statement.closing, "", "", ""]]
    return rows


def statement_paper(loan: Loan, statement: Statement, debt: Debt) -> TablePaper:
    """对账单 for the printer, as a bank prints it: one row an event, and the balance after it."""
    shown = events(statement)
    added = sum((event.amount for event in shown if event.amount > 0), ZERO)
    taken = sum((-event.amount for event in shown if event.amount < 0), ZERO)
    opening, closing = wording.yuan(statement.opening), wording.yuan(statement.closing)
    sums = [wording.yuan(added), wording.yuan(taken)]
    rows = [
        [f"{statement.from_on}", "期初余额", "", "", opening, ""],
        *(
            [
                f"{event.on}",
                f"{event.what}{'（已冲正）' if event.reversed else ''}",
                wording.yuan(event.amount) if event.amount > 0 else "",
                wording.yuan(-event.amount) if event.amount < 0 else "",
                wording.yuan(event.balance),
                event.source,
            ]
            for event in shown
        ),
        [f"{statement.to_on}", "本期合计 · 期末余额", *sums, closing, ""],
    ]
    facts = [
        *_parties(loan),
        PaperFact("区间", f"{statement.from_on} 至 {statement.to_on}"),
        PaperFact("期初余额", f"{opening} 元"),
        PaperFact("期末余额", f"{closing} 元"),
        PaperFact("制表日期", f"{debt.as_of}"),
    ]
    notes = ["每一行是一件事；逐项记账在网页的对账单里展开，或下载 XLSX、CSV。"]
    credit = f" + 溢缴款 {wording.yuan(statement.credit)}" if statement.credit else ""
    if statement.to_on == debt.as_of:
        notes.append(
            f"期末余额 {closing} + 已产生、还没有记账的利息和罚息 "
            f"{wording.yuan(unbooked(statement, debt))}{credit} = "
            f"今天总待还 {wording.yuan(debt.total)} 元。"
        )
    columns = (
        PaperColumn("日期", 0.9),
        PaperColumn("摘要", 1.6),
        PaperColumn("应还增加", 0.8, "R"),
        PaperColumn("应还减少", 0.8, "R"),
        PaperColumn("余额（元）", 0.9, "R"),
        PaperColumn("事由", 2.0),
    )
    return TablePaper("对账单", facts, columns, rows, notes, made_on=debt.as_of)


def unbooked(statement: Statement, debt: Debt) -> Decimal:
    """Interest and penalty that ran up to today and that no event has booked yet, in yuan."""
    return debt.total - statement.credit - statement.closing


def _parties(loan: Loan) -> tuple[PaperFact, ...]:
    """Who lends to whom, under which number."""
    return (
        PaperFact("出借人", lender().words),
        PaperFact("借款人", loan.borrower.name),
        PaperFact("借据编号", loan.number),
    )
