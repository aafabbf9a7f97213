"""The agreement as accepting now would write it, and the text of one laid out as a contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from loans.queries.types import Debt
from portal.core.kernel.money import ZERO
from portal.core.lender import lender
from relief.cases.models import Case
from relief.offers import agreement_text
from relief.offers.models import Offer
from relief.presenters.offer import is_answerable


def draft_text(case: Case, offer: Offer, debt: Debt, now: datetime) -> str:
    """The agreement's text as accepting now would write it, without title and signature."""
    rules = case.policy.rules
    since = max(debt.figures.penalty - Decimal(offer.figures["penalty"]), ZERO)
    text = agreement_text.write(
        {
            "agreement": "（接受后生成）",
            "case": case.number,
            "loan": case.loan.number,
            "lender": lender().as_json(),
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


HEADING = re.compile(r"[一二三四五六七八九十]+、")
ROW = re.compile(r"第 \d+ 期　")


@dataclass(frozen=True)
class PaperBlock:
    """Some lines of a signed text that are laid out alike: "heading", "rows" or "text".

    A row is cut where the text has a wide blank: 第 1 期, 2026-12-24, 本金 ¥1,024.01, …, 应还 ¥1,053.62.
    """

    kind: str
    lines: tuple[str, ...]

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(line.split("　")) for line in self.lines)


def paper_blocks(text: str) -> Iterator[PaperBlock]:
    """The text as it was signed, every word of it, in the blocks of a contract; blank lines part them."""

    def kind_of(line: str) -> str:
        if HEADING.match(line):
            return "heading"
        if ROW.match(line):
            return "rows"
        return "text" if line.strip() else ""

    for kind, lines in groupby(text.splitlines(), kind_of):
        if kind:
            yield PaperBlock(kind, tuple(lines))
