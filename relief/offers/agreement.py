"""An accepted offer becomes an agreement: snapshot, text, digest and the plan on the books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from loans.domain.components import WAIVABLE
from loans.models import Schedule
from loans.services.plans import restructure
from portal.core.documents import papers as documents
from portal.core.errors import TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.digests import digest_of
from portal.core.kernel.roles import Role
from portal.core.lender import lender
from portal.core.models import User
from relief.cases.gate import Actor
from relief.cases.models import Case
from relief.cases.moves import Occasion, move
from relief.cases.workflow import Action
from relief.offers import agreement_text
from relief.offers.compose import is_intact, row_dict
from relief.offers.models import Agreement, Offer, OfferStatus
from relief.plans.clock import new_plan_due

TITLE = "罚息减免与还款变更协议"


def conclude(
    *, case: Case, offer: Offer, method: str, ip: str | None, actor: User, now: datetime
) -> Agreement:
    """Executes `offer` on the books and writes the agreement, in the caller's transaction.

    The caller holds the locks of case and offer and has checked it. Order (loans/RULES.md §6):
    penalty booked, waived, old schedule closed, plan opened (loans), then agreement and notices.
    """
    with transaction.atomic(savepoint=False):
        plan = restructure.apply_relief(
            loan_id=case.loan_id,
            terms=offer.offer_terms.relief_terms(),
            rules=case.policy.rules.plan_rules,
            on=business_date(now),
            key=relief_key(case, offer),
            actor=actor,
            now=now,
        )
        agreement = _sign(case, offer, plan, method=method, ip=ip, actor=actor, now=now)
        Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.ACCEPTED)
        move(
            case,
            Action.ACCEPT,
            Occasion(
                Actor(actor, Role.BORROWER),
                now,
                data={
                    "offer": offer.number,
                    "agreement": agreement.number,
                    "digest": agreement.digest,
                },
                context={"offer": offer, "agreement": agreement},
            ),
            due=new_plan_due(offer.rows, plan.plan_rules, now),
        )
    return agreement


def _sign(
    case: Case,
    offer: Offer,
    plan: Schedule,
    *,
    method: str,
    ip: str | None,
    actor: User,
    now: datetime,
) -> Agreement:
    """The snapshot, its text and its paper, and the row that ties them to case, offer and plan.

    TermsChanged when the books opened another plan than the one that is signed (a formula may have
    changed since the offer was made): the caller's transaction is undone, nothing is executed.
    """
    snapshot = _snapshot(case, offer, plan, method=method, ip=ip, actor=actor, now=now)
    if booked_otherwise(snapshot, plan):
        raise TermsChanged(
            "按现在的规则计算，新还款计划与方案所列的不一致，已停止接受，请联系客服重新出方案。",
            code="recomputed",
        )
    text = agreement_text.write(snapshot)
    paper = documents.issue(
        kind="agreement",
        number=snapshot["agreement"],
        user=actor,
        about=f"case:{case.public_id}",
        title=TITLE,
        snapshot=snapshot,
        text=text,
        now=now,
    )
    return Agreement.objects.create(
        case=case,
        offer=offer,
        document=paper,
        plan=plan,
        number=paper.number,
        snapshot=paper.snapshot,
        text=text,
        digest=paper.digest,
        code=paper.code,
        accepted_by=actor,
        accepted_at=now,
        accepted_from=ip,
        method=method,
    )


def relief_key(case: Case, offer: Offer) -> str:
    """The key under which the books know this execution; the same key executes once."""
    return f"relief:{case.number}:{offer.number}"


def agreement_number(case: Case, offer: Offer) -> str:
    """XY + the case's number + the offer's version: XY20261123-0017-2."""
    return f"XY{case.number.removeprefix('JM')}-{offer.number}"


def booked_otherwise(snapshot: Mapping[str, Any], plan: Schedule) -> str:
    """The first difference between the plan on the books and the signed one; "" when none.

    Checked while accepting, and for every agreement by verify_invariants (signed = booked).
    "row 3: signed 521.79, booked 522.79".
    """
    signed: list[Mapping[str, Any]] = snapshot["rows"]
    booked = [row_dict(row) for row in sorted(plan.instalments.all(), key=lambda row: row.number)]
    if len(signed) != len(booked):
        return f"{len(signed)} rows signed, {len(booked)} booked"
    for signed_row, booked_row in zip(signed, booked, strict=True):
        for name, value in booked_row.items():
            if signed_row[name] != value:
                return (
                    f"row {booked_row['number']} {name}: signed {signed_row[name]}, booked {value}"
                )
    executed: Mapping[str, Any] = plan.terms or {}
    for name in (component.waiver for component in WAIVABLE):
        if Decimal(snapshot["terms"][name]) != Decimal(executed.get(name, "0.00")):
            return f"{name}: signed {snapshot['terms'][name]}, booked {executed.get(name)}"
    for name in ("plan_grace_days", "cure_days"):
        if snapshot[name] != (plan.rules or {}).get(name):
            return f"{name}: signed {snapshot[name]}, kept with the plan {plan.rules}"
    return ""


def is_untouched(agreement: Agreement) -> bool:
    """Whether the stored terms, the paper and the offer still agree with their digests."""
    paper = agreement.document
    return (
        documents.is_intact(paper)
        and paper.digest == agreement.digest
        and paper.text == agreement.text
        and digest_of(paper.snapshot) == digest_of(agreement.snapshot)
        and agreement.snapshot["offer_digest"] == agreement.offer.digest
        and is_intact(agreement.offer)
    )


def _snapshot(
    case: Case,
    offer: Offer,
    plan: Schedule,
    *,
    method: str,
    ip: str | None,
    actor: User,
    now: datetime,
) -> dict[str, Any]:
    rules = plan.plan_rules
    return {
        "agreement": agreement_number(case, offer),
        "case": case.number,
        "loan": case.loan.number,
        "lender": lender().as_json(),
        "borrower": actor.name,
        "phone": actor.masked_phone,
        "offer": offer.number,
        "offer_digest": offer.digest,
        "policy": case.policy.version,
        "terms": offer.terms,
        "figures": offer.figures,
        "rows": offer.rows,
        "penalty_waived_since": Decimal((plan.terms or {}).get("waived_meanwhile", "0.00")),
        "plan_grace_days": rules.plan_grace_days,
        "cure_days": rules.cure_days,
        "accepted_at": now,
        "accepted_from": ip or "",
        "method": method,
    }
