"""An offer as the borrower reads it: comparison, cost, breach, changes; no rule is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.domain.affordability import assess
from loans.domain.breach import vest
from loans.presenters import wording
from loans.queries import Debt, InstalmentState
from portal.kernel.money import ZERO
from relief.domain import agreement_text
from relief.domain.terms import OfferTerms
from relief.models import Case, Offer, OfferStatus, Side
from relief.services.negotiation import seconds_to_read

SOON = timedelta(hours=24)
TONES = {OfferStatus.ACCEPTED: "ok", OfferStatus.PROPOSED: "b"}
LABELS = {OfferStatus.OPEN: "待你确认", OfferStatus.PROPOSED: "等待客服答复"}


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One line of the instalment table; `interest` holds the plan's own and what is kept."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class OfferSums:
    """What all of it costs, in yuan; `annualised` is a fraction a year."""

    principal: Decimal
    plan_interest: Decimal
    kept_interest: Decimal
    kept_penalty: Decimal
    total: Decimal
    annualised: Decimal

    @property
    def interest(self) -> Decimal:
        return self.plan_interest + self.kept_interest


@dataclass(frozen=True, slots=True)
class CompareRow:
    """One line of ui/_compare.html."""

    label: str
    before: str
    after: str = ""
    before_note: str = ""
    note: str = ""
    tone: str = ""
    big: bool = False
    field: str = ""
    value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the version before."""

    label: str
    before: str
    after: str
    tone: str = ""  # good, bad, or nothing where it depends on whom one asks


@dataclass(frozen=True, slots=True)
class OfferView:
    """One version with its figures."""

    offer: Offer
    number: str
    label: str
    tone: str
    answerable: bool
    is_counter: bool
    waived: Decimal
    waived_percent: str
    only_penalty: bool
    delay_waived: Decimal
    rows: tuple[OfferRow, ...]
    sums: OfferSums
    instalment: Decimal
    terms: int
    first_due_on: date
    due_day: int
    soon: bool

    @property
    def last_total(self) -> Decimal:
        """The last instalment where it differs from the others, else nothing."""
        last = self.rows[-1].total
        return last if last != self.instalment else ZERO


@dataclass(frozen=True, slots=True)
class Today:
    """The offer beside the debt of today."""

    rows: tuple[CompareRow, ...]
    going_on: Decimal
    rises: Decimal
    falls: Decimal
    ran_on: Decimal
    per_day: Decimal
    credit: str
    above_guide: bool


def offer_number(offer: Offer) -> str:
    """FA + the case's number + the version: FA20261126-0017-1."""
    return f"FA{offer.case.number.removeprefix('JM')}-{offer.number}"


def is_answerable(offer: Offer, now: datetime) -> bool:
    """Open and within its validity."""
    valid = offer.valid_until is not None and offer.valid_until > now
    return offer.status == OfferStatus.OPEN and valid


def offer_view(offer: Offer, now: datetime) -> OfferView:
    """The stored version; every figure is the stored one, whatever happened since."""
    terms = offer.offer_terms
    rows = tuple(_row(raw) for raw in offer.rows)
    status = OfferStatus(offer.status)
    open_now = is_answerable(offer, now)
    label = LABELS.get(status, str(status.label))
    if status == OfferStatus.OPEN and not open_now:
        label = "已过期"
    return OfferView(
        offer=offer,
        number=offer_number(offer),
        label=label,
        tone=TONES.get(status, "" if open_now else "b"),
        answerable=open_now,
        is_counter=offer.side == Side.BORROWER,
        waived=terms.waived,
        waived_percent=_percent(terms, Decimal(offer.figures["penalty"])),
        only_penalty=terms.waived == terms.waive_penalty,
        delay_waived=terms.delay_waiver,
        rows=rows,
        sums=_sums(offer, rows),
        instalment=rows[0].total,
        terms=len(rows),
        first_due_on=rows[0].due_on,
        due_day=rows[0].due_on.day,
        soon=open_now and offer.valid_until is not None and offer.valid_until - now < SOON,
    )


def _row(raw: dict[str, str]) -> OfferRow:
    return OfferRow(
        number=int(raw["number"]),
        due_on=date.fromisoformat(raw["due_on"]),
        principal=Decimal(raw["principal"]),
        interest=Decimal(raw["interest"]) + Decimal(raw["kept_interest"]),
        penalty=Decimal(raw["kept_penalty"]),
        total=Decimal(raw["total"]),
    )


def _sums(offer: Offer, rows: tuple[OfferRow, ...]) -> OfferSums:
    interest = sum((row.interest for row in rows), ZERO)
    plan_interest = Decimal(offer.figures["plan_interest"])
    return OfferSums(
        principal=sum((row.principal for row in rows), ZERO),
        plan_interest=plan_interest,
        kept_interest=interest - plan_interest,
        kept_penalty=sum((row.penalty for row in rows), ZERO),
        total=Decimal(offer.figures["plan_total"]),
        annualised=Decimal(offer.figures["annualised_cost"]),
    )


def _percent(terms: OfferTerms, penalty: Decimal) -> str:
    """As it was stated, or the share of the penalty DOWN to a tenth of a per cent: 60%, 49.9%."""
    if not penalty or not terms.waive_penalty:
        return ""
    if terms.penalty_percent is not None and not terms.delay_waiver:
        return f"{wording.plain(terms.penalty_percent)}%"
    return f"{wording.plain(Decimal(int(terms.waive_penalty * 1000 // penalty)) / 10)}%"


def today(view: OfferView, debt: Debt, case: Case) -> Today:
    """The offer beside going on as now, on the debt of today (domain.md §7)."""
    going_on = sum((row.total for row in debt.instalments), ZERO)
    difference = view.sums.total - going_on
    locked = Decimal(view.offer.figures["penalty"])
    told = assess(case.monthly_income, case.monthly_spending, case.affordable_payment)
    return Today(
        rows=tuple(_compare(view, debt, going_on)),
        going_on=going_on,
        rises=max(difference, ZERO),
        falls=max(-difference, ZERO),
        ran_on=max(debt.figures.penalty - locked, ZERO),
        per_day=debt.penalty_per_day,
        credit=wording.credit_class(debt.overdue_days),
        above_guide=told.exceeds_guide(max(row.total for row in view.rows)),
    )


def _compare(view: OfferView, debt: Debt, going_on: Decimal) -> list[CompareRow]:
    figures, sums = debt.figures, view.sums
    live = [
        row
        for row in debt.instalments
        if row.total and row.state not in (InstalmentState.PAID, InstalmentState.CLOSED)
    ]
    usual = debt.next_due.scheduled if debt.next_due else (live[-1].scheduled if live else ZERO)
    charges = figures.penalty + figures.compound + figures.fee
    first = wording.near_day(view.first_due_on, debt.as_of)
    return [
        _money("本金", figures.principal, sums.principal),
        _money("未付利息", figures.interest, sums.kept_interest),
        _money("罚息", charges, sums.kept_penalty),
        _money("每期应还", usual, view.instalment, big=True, field="offer-instalment", each="每期"),
        CompareRow("剩余期数", f"{len(live)} 期", f"{view.terms} 期", note=_terms(view, len(live))),
        CompareRow(
            "首次应付",
            _yuan(debt.due_now),
            _yuan(view.instalment),
            before_note="现在" if debt.due_now else "",
            note=first,
        ),
        _money("还款总额", going_on, sums.total, field="offer-total"),
    ]


def _terms(view: OfferView, now: int) -> str:
    more = view.terms - now
    return f"{'多' if more > 0 else '少'} {abs(more)} 期" if more else "不变"


def _money(
    label: str,
    before: Decimal,
    after: Decimal,
    *,
    big: bool = False,
    field: str = "",
    each: str = "",
) -> CompareRow:
    less = before - after
    note = f"{each}{'少' if less > 0 else '多'} {_yuan(abs(less))}" if less else ""
    tone = "good" if less > 0 else "bad" if less else ""
    return CompareRow(label, _yuan(before), _yuan(after), "", note, tone, big, field, after)


def _yuan(amount: Decimal) -> str:
    return wording.yuan(amount)


@dataclass(frozen=True, slots=True)
class Comeback:
    """What a breach after so many instalments would bring back of the waiver (domain.md §9)."""

    paid: int
    returned: Decimal
    remaining: Decimal


def comebacks(view: OfferView) -> tuple[Comeback, ...]:
    """With nothing paid, and half way."""
    found = []
    for paid in sorted({0, view.terms // 2}):
        principal = sum((row.principal for row in view.rows[:paid]), ZERO)
        vesting = vest(view.waived, view.sums.principal, principal)
        found.append(Comeback(paid, vesting.returned, vesting.remaining_principal))
    return tuple(found)


def changes(view: OfferView, before: OfferView) -> tuple[Change, ...]:
    """What changed since the version before, line by line; same things are left out."""
    lines = [
        ("减免合计", before.waived, view.waived, view.waived > before.waived),
        ("每期应还", before.instalment, view.instalment, view.instalment < before.instalment),
        ("还款总额", before.sums.total, view.sums.total, view.sums.total < before.sums.total),
    ]
    found = [
        Change(name, _yuan(a), _yuan(b), "good" if better else "bad")
        for name, a, b, better in lines
        if a != b
    ]
    if view.terms != before.terms:
        found.append(Change("期数", f"{before.terms} 期", f"{view.terms} 期"))
    if view.first_due_on != before.first_due_on:
        dates = (before.first_due_on.isoformat(), view.first_due_on.isoformat())
        found.append(Change("首期日期", *dates))
    return tuple(found)


def read_left(case: Case, offer: Offer, now: datetime) -> int:
    """Seconds of forced reading that are left."""
    return seconds_to_read(offer, case.policy.rules.forced_read_seconds, now)


def draft_text(case: Case, offer: Offer, debt: Debt, now: datetime) -> str:
    """The agreement's text as accepting now would write it, without title and signature."""
    rules = case.policy.rules
    since = max(debt.figures.penalty - Decimal(offer.figures["penalty"]), ZERO)
    text = agreement_text.write(
        {
            "agreement": "（接受后生成）",
            "case": case.number,
            "loan": case.loan.number,
            "borrower": case.borrower.name,
            "phone": case.borrower.masked_phone,
            "offer": offer.number,
            "offer_digest": offer.digest,
            "terms": offer.terms,
            "figures": offer.figures,
            "rows": offer.rows,
            "penalty_waived_since": since if is_answerable(offer, now) else ZERO,
            "plan_grace_days": rules.plan_grace_days,
            "cure_days": rules.cure_days,
            "accepted_at": now,
            "method": "password",
        }
    )
    return text.partition("\n")[2].partition("\n\n确认时间")[0]
