"""查看罚息: every instalment's penalty as a formula that multiplies out, from the rules' segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from loans.domain.components import LABELS, Component
from loans.domain.penalty.interest import InstalmentPenalty, PenaltyExplanation
from loans.domain.penalty.segments import Segment
from loans.domain.profile import PenaltyBase, ProductProfile, RateKind
from loans.presenters import rules, wording
from loans.queries.types import Debt, InstalmentDebt
from portal.core.kernel.money import ZERO, round_fen

BASE_WORDS = {
    PenaltyBase.DUE_PRINCIPAL: "逾期本金",
    PenaltyBase.DUE_PRINCIPAL_AND_INTEREST: "逾期本息",
    PenaltyBase.ALL_OUTSTANDING: "未还本金",
}


@dataclass(frozen=True, slots=True)
class Factor:
    """One number of a formula with what it is; `sign` stands in front of it."""

    sign: str
    value: str
    caption: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment in words; base × rate × days is `amount` to the last place shown."""

    first_day: date
    last_day: date
    days: int
    base: Decimal
    rate: str
    amount: str
    component: str
    reason: str
    end_reason: str


@dataclass(frozen=True, slots=True)
class FormulaCard:
    """One instalment: what its penalty is, how it came about, what was paid or waived of it."""

    number: int
    due_on: date
    overdue_days: int
    owed: Decimal
    produced: Decimal
    settled: Decimal
    compound: Decimal
    fee: Decimal
    fee_words: str
    base_label: str
    base: Decimal  # today's; a payment of today is in it already, in the formula from tomorrow
    first_day: date
    last_day: date
    factors: tuple[Factor, ...]
    sentence: str
    rows: tuple[SegmentRow, ...]
    exact_sum: str
    ordinary: Decimal
    surcharge: Decimal  # before the ceiling: ordinary + surcharge − capped = produced
    capped: Decimal
    uncapped: Decimal
    per_day: Decimal


def formula_cards(
    profile: ProductProfile, story: PenaltyExplanation, debt: Debt
) -> tuple[FormulaCard, ...]:
    """A card for every instalment whose penalty still runs or is still owed."""
    return tuple(
        _card(profile, line, row)
        for line, row in zip(story.instalments, debt.instalments, strict=True)
        if line.segments and row.total > 0 and (row.overdue_days > 0 or row.penalty > 0)
    )


@dataclass(frozen=True, slots=True)
class PastPenalty:
    """An instalment that bore penalty once and is settled now, with the segments that made it."""

    number: int
    produced: Decimal
    rows: tuple[SegmentRow, ...]
    exact_sum: str


def past_penalties(
    profile: ProductProfile, story: PenaltyExplanation, debt: Debt
) -> tuple[PastPenalty, ...]:
    """What the cards leave out: penalty of instalments that are settled now."""
    return tuple(
        PastPenalty(
            line.number, line.total, _rows(profile, line.segments), wording.exact(line.exact)
        )
        for line, row in zip(story.instalments, debt.instalments, strict=True)
        if line.total > 0 and row.total == 0
    )


def _card(profile: ProductProfile, line: InstalmentPenalty, row: InstalmentDebt) -> FormulaCard:
    main = [part for part in line.segments if part.component is not Component.COMPOUND]
    parts = main or list(line.segments)
    factors = _factors(profile, line, parts)
    on_principal = profile.penalty_base is PenaltyBase.DUE_PRINCIPAL
    return FormulaCard(
        number=line.number,
        due_on=line.due_on,
        overdue_days=line.overdue_days,
        owed=row.penalty,
        produced=line.total,
        settled=line.total - row.penalty,
        compound=row.compound,
        fee=row.fee,
        fee_words=rules.late_fee_words(line),
        base_label=BASE_WORDS[profile.penalty_base],
        base=line.unpaid_principal if on_principal else parts[-1].base,
        first_day=parts[0].first_day,
        last_day=parts[-1].last_day,
        factors=factors,
        sentence=_sentence(factors),
        rows=_rows(profile, line.segments),
        exact_sum=wording.exact(sum((part.amount_exact for part in parts), Fraction(0))),
        ordinary=line.ordinary_part,
        surcharge=line.surcharge_part + line.capped_part,
        capped=line.capped_part,
        uncapped=line.total + line.capped_part,
        per_day=line.per_day,
    )


def rate_factors(profile: ProductProfile, part: Segment) -> tuple[Factor, ...]:
    """The rate of a segment as factors: 0.04% × 1.5, or 24% ÷ 365 where the ceiling bites."""
    if profile.annual_cap is not None and part.nominal_rate > part.rate == profile.cap_daily_rate:
        cap = wording.percent(profile.annual_cap)
        return Factor("×", cap, "年化上限"), Factor("÷", str(profile.cap_year_basis), "天/年")
    if part.rate != profile.nominal_penalty_rate:
        return (Factor("×", wording.percent(part.rate), "日罚息率"),)
    stated = profile.penalty_rate_stated
    rate, word = (profile.rate, "利率") if stated is None else (stated, "罚息利率")
    times = Factor("×", wording.plain(profile.penalty_multiplier), "罚息倍数")
    daily = profile.rate_kind is RateKind.DAILY
    factors = [Factor("×", wording.percent(rate), f"{'日' if daily else '年'}{word}")]
    factors += [] if daily else [Factor("÷", str(profile.year_basis), "天/年")]
    return (*factors, times) if stated is None else tuple(factors)


def _factors(
    profile: ProductProfile, line: InstalmentPenalty, parts: Sequence[Segment]
) -> tuple[Factor, ...]:
    """base × rate × days of the only segment; nothing when there are several (see the table)."""
    if len(parts) != 1:
        return ()
    part = parts[0]
    return (
        Factor("", wording.yuan(part.base), BASE_WORDS[profile.penalty_base]),
        *rate_factors(profile, part),
        Factor("×", str(part.days), "天"),
        Factor("=", wording.yuan(line.total), "罚息"),
    )


WORDS = {"": "", "×": "乘 ", "÷": "除以 ", "=": "等于 "}


def _sentence(factors: Sequence[Factor]) -> str:
    """The formula for screen readers: 1,603.65 乘 0.05% 乘 1.5 乘 49 天 等于 58.93 元."""
    spoken = [
        f"{WORDS[one.sign]}{one.value}{ {'天': ' 天', '罚息': ' 元'}.get(one.caption, '') }"
        for one in factors
    ]
    return " ".join(spoken)


def rate_formula(profile: ProductProfile, part: Segment) -> str:
    """The rate as one text: "0.04% × 1.5"."""
    factors = rate_factors(profile, part)
    first, *others = factors
    return " ".join([first.value, *(f"{one.sign} {one.value}" for one in others)])


def _rows(profile: ProductProfile, parts: Sequence[Segment]) -> tuple[SegmentRow, ...]:
    return tuple(
        SegmentRow(
            first_day=part.first_day,
            last_day=part.last_day,
            days=part.days,
            base=part.base,
            rate=rate_formula(profile, part),
            amount=wording.exact(part.amount_exact),
            component=LABELS[part.component],
            reason=part.reason,
            end_reason=part.end_reason,
        )
        for part in parts
    )


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Paying on a later day beside paying today."""

    on: date
    days: int
    is_custom: bool
    clipped: str
    now_due: Decimal
    now_penalty: Decimal
    then_due: Decimal
    then_penalty: Decimal
    more_penalty: Decimal
    new_instalments: tuple[int, ...]
    first: date
    last: date


def what_if(now: Debt, then: Debt, *, asked: date, first: date, last: date) -> WhatIf:
    """Both debts are computed by the same rule on their own day; nothing is extrapolated."""
    due_today = {row.id for row in now.instalments if row.is_due and row.total > 0}
    newly_due = [
        row for row in then.instalments if row.is_due and row.total > 0 and row.id not in due_today
    ]
    clipped = ""
    if asked > last:
        clipped = f"最多测算 90 天，已按 {wording.full_day(last)} 计算。"
    elif asked < first:
        clipped = f"只能测算今天以后的日期，已按 {wording.full_day(first)} 计算。"
    days = (then.as_of - now.as_of).days
    return WhatIf(
        on=then.as_of,
        days=days,
        is_custom=days not in (7, 15),
        clipped=clipped,
        now_due=now.due_now,
        now_penalty=_penalty(now),
        then_due=then.due_now,
        then_penalty=_penalty(then),
        more_penalty=_penalty(then) - _penalty(now),
        new_instalments=tuple(row.number for row in newly_due),
        first=first,
        last=last,
    )


def _penalty(debt: Debt) -> Decimal:
    return debt.penalty + debt.compound + debt.fee


@dataclass(frozen=True, slots=True)
class PenaltyTotals:
    """The head of the page."""

    owed: Decimal
    compound: Decimal
    overdue_count: int
    per_day: Decimal
    ordinary: Decimal
    surcharge: Decimal
    capped: Decimal
    produced: Decimal
    settled: Decimal


def totals(cards: Sequence[FormulaCard], debt: Debt) -> PenaltyTotals:
    """Sums over the cards; `owed` is the debt's own figure."""

    def sum_of(name: str) -> Decimal:
        return round_fen(sum((getattr(card, name) for card in cards), ZERO))

    return PenaltyTotals(
        owed=debt.penalty,
        compound=debt.compound,
        overdue_count=sum(row.overdue_days > 0 for row in debt.instalments),
        per_day=debt.penalty_per_day,
        ordinary=sum_of("ordinary"),
        surcharge=sum_of("surcharge"),
        capped=sum_of("capped"),
        produced=sum_of("produced"),
        settled=sum_of("settled"),
    )
