"""Both sides of an offer short of accepting it: make, open, counter, decline, take back, agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role, rank_at_least
from portal.core.models import User
from portal.core.retry import retried
from relief.cases import notices
from relief.cases.gate import Actor, check, last_move
from relief.cases.models import Case
from relief.cases.moves import NOTE, Occasion, locked, move, record
from relief.cases.permissions import Task
from relief.cases.reasons import check_counter_reasons, check_line
from relief.cases.timing.lateness import locked_at
from relief.cases.workflow import Action
from relief.evidence.access_log import unread_by
from relief.offers import compose
from relief.offers.accept import check_open
from relief.offers.compose import Composed, CounterDraft, OfferDraft, preview_counter
from relief.offers.models import Offer, OfferStatus, Side


@retried
def make_offer(
    *,
    case: Case,
    draft: OfferDraft,
    actor: User,
    now: datetime,
    note: str = "",
    note_internal: str = "",
    unread_reason: str | None = None,
) -> Offer:
    """The next version: sent at once within the maker's authority, else waiting for a checker.

    Waiving 96.90 of 161.50 (60 %) by a reviewer waits for a supervisor (relief/RULES.md §7).
    A maker who has not opened every file says why in `unread_reason`, which the trail keeps beside
    the files: InvalidInput when it is empty. None asks nobody (the demo's stories).
    """
    with transaction.atomic():
        fresh = locked_at(case, now)
        check(Action.OFFER, fresh, Actor(actor, Role.STAFF), now)
        composed = compose.compose_draft(fresh, draft, business_date(now))
        unread = _unread(fresh, actor, unread_reason)
        return _send(
            fresh,
            composed,
            Action.OFFER,
            actor,
            now,
            note=note,
            internal=note_internal,
            unread=unread,
        )


def _unread(case: Case, maker: User, reason: str | None) -> str:
    """For the trail: which files the maker has not opened, and why; "" where all were."""
    papers = unread_by(maker, case.pk)
    if not papers or reason is None:
        return ""
    names = "、".join(paper.original_name for paper in papers)
    if not reason.strip():
        raise InvalidInput(
            "unread_reason",
            f"还有 {len(papers)} 份材料你没有打开过：{names}。请先查看；确实不需要看的，请写明原因。",
        )
    line = check_line(reason, field="unread_reason", label="没有查看材料的原因")
    return f"未查看材料 {len(papers)} 份（{line}）：{names}"


@retried
def accept_counter(
    *,
    case: Case,
    number: int,
    actor: User,
    now: datetime,
    note: str = "",
    unread_reason: str | None = None,
) -> Offer:
    """Staff agree to the borrower's terms as they are, on today's debt; the borrower confirms.

    `unread_reason` as for `make_offer`.
    """
    with transaction.atomic():
        fresh = locked_at(case, now)
        check(Action.ACCEPT_COUNTER, fresh, Actor(actor, Role.STAFF), now)
        counter = compose.find_offer(fresh, number)
        if counter.status != OfferStatus.PROPOSED:
            raise RuleViolation("这份还款建议已经答复过，请刷新页面。", code="answered")
        figures = compose.figures_of(fresh.loan, business_date(now))
        proposed = counter.offer_terms.on_debt(
            figures, delay_waiver=compose.delay_waiver(fresh, figures)
        )
        composed = compose.compose(fresh, proposed, figures=figures)
        compose.check_first_due(composed.terms.first_due_on, business_date(now))
        unread = _unread(fresh, actor, unread_reason)
        return _send(
            fresh,
            composed,
            Action.ACCEPT_COUNTER,
            actor,
            now,
            note=note,
            internal="",
            unread=unread,
        )


def _send(
    case: Case,
    composed: Composed,
    action: Action,
    actor: User,
    now: datetime,
    *,
    note: str,
    internal: str,
    unread: str,
) -> Offer:
    public_note = check_line(note, field="note", label="说明", empty=True)
    inner = check_line(internal, field="note_internal", label="复核说明", empty=True)
    within = rank_at_least(actor.rank, composed.needed_rank)
    due = compose.offer_due(now, composed.terms.first_due_on, case.policy.rules)
    if within:  # one that waits for a checker replaces nothing yet: the borrower has not seen it
        compose.answer_counters(case)
    offer = compose.write_offer(
        case,
        composed,
        side=Side.STAFF,
        status=OfferStatus.OPEN if within else OfferStatus.PENDING,
        made_by=actor,
        now=now,
        note=public_note,
        note_internal=inner,
        sent_at=now if within else None,
        valid_until=due.at if within else None,
    )
    changes: dict[str, object] = {"assigned_to": case.assigned_to or actor}
    if case.delay_from is not None and case.delay_to is None:
        changes["delay_to"] = business_date(now)
    move(
        case,
        action if within else Action.ASK_APPROVAL,
        Occasion(
            Actor(actor, Role.STAFF),
            now,
            note_public=public_note if within else "",
            note_internal=f"{inner}\n{unread}".strip()[:NOTE],
            data={
                **{"offer": offer.number, "needs_rank": offer.needs_rank},
                **({"unread": unread} if unread else {}),  # whole; many long names overfill a note
            },
            context={"offer": offer, "needs_rank": offer.needs_rank},
        ),
        due=due if within else None,
        changes=changes,
    )
    return offer


def waits_to_be_read(offer: Offer) -> bool:
    """Whether an open offer was never opened: `open_offer` then notes when it was."""
    return offer.status == OfferStatus.OPEN and offer.first_read_at is None


def open_offer(*, case: Case, number: int, actor: User, now: datetime) -> Offer:
    """The borrower opens an offer; the first time is stored, and forced reading counts from it."""
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    offer = compose.find_offer(case, number, for_borrower=True)
    if not waits_to_be_read(offer):
        return offer
    with transaction.atomic():
        fresh = locked(case)
        if Offer.objects.filter(pk=offer.pk, first_read_at=None).update(first_read_at=now):
            record(
                fresh,
                notices.AuditEvent.OFFER_OPENED,
                Occasion(Actor(actor, Role.BORROWER), now, data={"offer": number}),
            )
    offer.refresh_from_db()
    return offer


@retried
def reject_offer(
    *,
    case: Case,
    number: int,
    seen: str,
    reasons: Sequence[str],
    draft: CounterDraft,
    actor: User,
    now: datetime,
    note: str = "",
) -> Offer:
    """Says no to an offer with reasons and a counter-offer; at most three times a case."""
    chosen = check_counter_reasons(reasons)
    public_note = check_line(note, field="note", label="补充说明", longest=200, empty=True)
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    with transaction.atomic():
        fresh = locked(case)
        offer = compose.find_offer(fresh, number, for_borrower=True, lock=True)
        check_open(offer, seen=seen, now=now)
        check(Action.COUNTER, fresh, Actor(actor, Role.BORROWER), now)
        composed = preview_counter(case=fresh, number=number, draft=draft, on=business_date(now))
        Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.COUNTERED, reasons=chosen)
        counter = compose.write_offer(
            fresh,
            composed,
            side=Side.BORROWER,
            status=OfferStatus.PROPOSED,
            made_by=actor,
            now=now,
            reasons=chosen,
            note=public_note,
        )
        move(
            fresh,
            Action.COUNTER,
            Occasion(
                Actor(actor, Role.BORROWER),
                now,
                note_public=public_note,
                data={"offer": number, "counter": counter.number, "reasons": chosen},
                context={"offer": counter},
            ),
            changes={"rounds": fresh.rounds + 1},
        )
        return counter


@retried
def decline_offer(
    *,
    case: Case,
    number: int,
    seen: str,
    reasons: Sequence[str],
    actor: User,
    now: datetime,
    note: str = "",
) -> Case:
    """Says no to an offer and ends the talks; penalty has run on as usual."""
    chosen = check_counter_reasons(reasons)
    public_note = check_line(note, field="note", label="补充说明", longest=200, empty=True)
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    with transaction.atomic():
        fresh = locked(case)
        offer = compose.find_offer(fresh, number, for_borrower=True, lock=True)
        check_open(offer, seen=seen, now=now)
        Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.DECLINED, reasons=chosen)
        return move(
            fresh,
            Action.DECLINE,
            Occasion(
                Actor(actor, Role.BORROWER),
                now,
                note_public=public_note,
                data={"offer": number, "reasons": chosen},
                context={"offer": offer},
            ),
        )


@retried
def withdraw_offer(*, case: Case, number: int, reason: str, actor: User, now: datetime) -> Case:
    """Staff take an open offer back, with a reason the borrower reads."""
    public_reason = check_line(reason, field="reason", label="撤回原因")
    with transaction.atomic():
        fresh = locked(case)
        check(Action.WITHDRAW_OFFER, fresh, Actor(actor, Role.STAFF), now)
        offer = compose.find_offer(fresh, number, lock=True)
        if offer.status != OfferStatus.OPEN:
            raise RuleViolation(
                f"{last_move(fresh)}这份方案不在等待答复，请刷新页面。", code="closed"
            )
        Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.TAKEN_BACK)
        return move(
            fresh,
            Action.WITHDRAW_OFFER,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=public_reason,
                data={"offer": number},
                context={"offer": offer},
            ),
        )
