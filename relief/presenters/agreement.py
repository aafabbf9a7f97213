"""The agreement as accepting now would write it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

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
