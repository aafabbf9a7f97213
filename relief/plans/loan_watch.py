"""Hears from the books that a debt changed: reissues offers, settles, cures, completes, reopens."""

from __future__ import annotations

from datetime import datetime

from loans.models import Correction, Loan
from loans.services.notices import key_of
from loans.services.observers import DebtChange
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role
from relief.cases import reopening
from relief.cases.gate import SYSTEM, Actor
from relief.cases.models import Case, CaseQuerySet
from relief.cases.moves import Occasion, locked, move, record
from relief.cases.notices import AuditEvent
from relief.cases.timing.lateness import admit_unanswered
from relief.cases.workflow import (
    BEFORE_PLAN,
    COLLECTION_STOPS,
    IN_PLAN,
    OPEN,
    PAID_OFF,
    Action,
    State,
)
from relief.offers import compose
from relief.offers.models import Offer, OfferStatus, Side
from relief.plans import watch as plan_watch

PAID = frozenset({DebtChange.PAYMENT, DebtChange.REVERSAL, DebtChange.ADJUSTED})
CONCERNED = OPEN | PAID_OFF | {State.BREACHED}  # cases that a payment or its reversal may move
NOTE = 1000  # characters of an audit row's note


class LoanWatch:
    """The observer that relief registers with loans (apps.ready); called in their transaction."""

    def lock(self, loan_id: int) -> None:
        """Locks the cases of the loan that may move, and open offers, before the loan is locked."""
        cases = _concerned(loan_id).select_for_update(of=("self",))
        pks = [case.pk for case in cases]
        if pks:
            list(
                Offer.objects.filter(case__in=pks, status__in=["open", "pending"])
                .select_for_update(of=("self",))
                .order_by("pk")
            )

    def veto(self, loan: Loan, change: str, now: datetime) -> None:
        """No acceleration while a case is talked about or a plan is active (loans/RULES.md §8)."""
        if change != DebtChange.ACCELERATED:
            return
        case = Case.objects.filter(loan=loan, state__in=sorted(COLLECTION_STOPS)).first()
        if case is not None:
            raise RuleViolation(
                f"减免申请 {case.number} 正在办理或新还款计划正在执行，不能宣布提前到期。"
                "请先办结这项申请。",
                code="CASE_OPEN",
            )

    def corrected(self, correction: Correction, now: datetime) -> None:
        """A line in the audit trail of each case concerned; the books tell the borrower."""
        actor = correction.actor
        role = Role.SYSTEM if actor is None else Role.STAFF
        if actor is not None and actor.is_borrower:
            role = Role.BORROWER
        payment = correction.payment
        payment_text = f"{payment.paid_on:%Y-%m-%d} 的还款 {payment.amount:,.2f} 元。"
        change_text = "".join(
            [f"{correction.get_kind_display()}：{payment_text}", *correction.changes]
        )
        for case in _concerned(correction.loan_id).exclude(state=State.DRAFT):
            record(
                case,
                AuditEvent.CORRECTED,
                Occasion(
                    Actor(actor, role),
                    now,
                    note_public=change_text
                    if len(change_text) <= NOTE
                    else f"{change_text[: NOTE - 1]}…",
                    data={"key": key_of(correction.pk)},
                ),
            )

    def debt_changed(self, loan: Loan, change: str, now: datetime) -> None:
        """A payment, its reversal, an adjustment: same terms on the new debt, or a look at the plan."""
        if change not in PAID or loan.is_settled:
            return
        case = Case.objects.open().filter(loan_id=loan.pk).first()
        if case is None:
            if change == DebtChange.REVERSAL:
                reopening.take_back_settlement(loan, now)
        elif case.state in {State.OFFERED, State.AWAITING_APPROVAL}:
            reissue(case=case, now=now)
        elif State(case.state) in IN_PLAN and plan_watch.cure(case=case, now=now) is None:
            _look_at_plan(case, change, now)

    def settled(self, loan: Loan, now: datetime) -> None:
        """Everything is paid: an application ends as settled, a plan as completed.

        What a broken plan left is paid too: that case ends as settled, its plan stays broken.
        """
        for case in _concerned(loan.pk).exclude(state__in=sorted(PAID_OFF)):
            if State(case.state) in IN_PLAN:
                plan_watch.complete(case=case, now=now)
                continue
            fresh = locked(case)
            admit_unanswered(fresh, now)
            if State(case.state) in BEFORE_PLAN:
                fresh.offers.filter(status__in=["open", "pending", "proposed"]).update(
                    status=OfferStatus.SUPERSEDED
                )
            move(fresh, Action.SETTLE, Occasion(SYSTEM, now))


def _concerned(loan_id: int) -> CaseQuerySet:
    return Case.objects.filter(loan_id=loan_id, state__in=sorted(CONCERNED)).order_by("pk")


def _look_at_plan(case: Case, change: str, now: datetime) -> None:
    """Less is paid than before after a reversal: an instalment may be late, the warning is due."""
    if change == DebtChange.REVERSAL:
        plan_watch.watch_plan(case=case, now=now)
    else:
        plan_watch.renew_clock(locked(case), now)


def reissue(*, case: Case, now: datetime) -> Offer | None:
    """The same terms on the new debt as the next version, valid as long as the old; no round.

    60 % of a penalty of 161.50 was 96.90; after 100.00 was paid it is 60 % of 61.50 = 36.90.
    """
    fresh = locked(case)
    old = fresh.offers.filter(status__in=["open", "pending"]).first()
    if old is None or (old.valid_until is not None and old.valid_until <= now):
        return None
    try:
        composed = _on_new_debt(fresh, old, now)
    except (InvalidInput, RuleViolation):
        _give_up(fresh, old, now)
        return None
    status = OfferStatus(old.status)
    Offer.objects.filter(pk=old.pk).update(status=OfferStatus.SUPERSEDED)
    offer = compose.write_offer(
        fresh,
        composed,
        side=Side.SYSTEM,
        status=status,
        made_by=old.made_by,
        now=now,
        approved_by=old.approved_by,
        sent_at=now if status == OfferStatus.OPEN else None,
        valid_until=old.valid_until,
        note=old.note,
        note_internal=old.note_internal,
    )
    move(
        fresh,
        Action.REISSUE,
        Occasion(
            SYSTEM,
            now,
            data={"offer": offer.number, "instead_of": old.number},
            context={"offer": offer, "borrower_sees": status == OfferStatus.OPEN},
        ),
    )
    return offer


def _on_new_debt(case: Case, old: Offer, now: datetime) -> compose.Composed:
    figures = compose.figures_of(case.loan, business_date(now))
    renewed_terms = old.offer_terms.on_debt(
        figures, delay_waiver=compose.delay_waiver(case, figures)
    )
    judged_on = compose.at_least_as_granted(figures, case, before=old.number + 1)
    return compose.compose(case, renewed_terms, figures=figures, judged_on=judged_on)


def _give_up(case: Case, old: Offer, now: datetime) -> None:
    """The terms no longer fit the debt: a payment is never refused for that, staff offer anew."""
    was_open = old.status == OfferStatus.OPEN
    Offer.objects.filter(pk=old.pk).update(status=OfferStatus.SUPERSEDED)
    move(
        case,
        Action.WITHDRAW_OFFER if was_open else Action.SEND_BACK,
        Occasion(
            SYSTEM,
            now,
            note_public="欠款已变化，原方案不再适用，客服会重新拟定方案。" if was_open else "",
            note_internal="还款后原条款不再适用，请重新拟定。",
            data={"offer": old.number},
            context={"offer": old, "note": "欠款已变化，原方案不再适用"},
        ),
    )
