"""Lists and counts of cases, each in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Prefetch

from loans.queries import papers
from loans.queries.debt import debt_of
from loans.queries.position import load_positions
from loans.queries.stage import LoanStage, PlanWatch, stages
from loans.queries.types import Debt
from portal.core.kernel.roles import Rank, Role
from portal.core.models import Delivery, User
from relief.cases import labels
from relief.cases.models import Case, CaseQuerySet, Deadline, Event, Policy
from relief.cases.notices import AuditEvent
from relief.cases.policy import ReliefPolicy
from relief.cases.timing.deadlines import escalated_to
from relief.cases.workflow import IN_PLAN, Action, State
from relief.offers.models import Agreement, Offer, OfferStatus

PLANNED = IN_PLAN | {State.BREACHED}  # the stage of the loan says what is next


def rules_for(case: Case | None) -> ReliefPolicy:
    """The policy whose numbers a page shows: the one the case is under, else the current one.

    A draft is under none yet: the version of the day it is submitted on will govern it.
    """
    if case is None or case.state == State.DRAFT:
        return Policy.current_rules()
    return case.policy.rules


def borrower_inbox(user: User) -> CaseQuerySet:
    """The borrower's cases, newest first."""
    return user.cases.of_visitor().order_by("-created_at", "-pk")


def loan_stages(cases: Iterable[Case], on: date) -> dict[int, LoanStage]:
    """How the loans of cases whose plan runs or broke stand, by case id; four queries at most."""
    planned = [case for case in cases if State(case.state) in PLANNED]
    if not planned:
        return {}
    positions = load_positions([case.loan for case in planned])
    return stages_in(planned, {pk: debt_of(position, on) for pk, position in positions.items()})


def stages_in(
    cases: Iterable[Case],
    debts: Mapping[int, Debt],
    watches: Mapping[int, PlanWatch] | None = None,
) -> dict[int, LoanStage]:
    """The same from debts by loan id: one query, none with the `watches` of plans that run.

    The case then says what the loan's own pages say. A broken plan followed by a newer one is
    left out: the loan's stage is no longer about it.
    """
    planned = [case for case in cases if State(case.state) in PLANNED]
    stage_by_loan = stages([(case.loan, debts[case.loan_id]) for case in planned], watches)
    return {
        case.pk: stage_by_loan[case.loan_id]
        for case in planned
        if stage_by_loan[case.loan_id].is_broken == (State(case.state) == State.BREACHED)
    }


def label_of(case: Case, role: Role, stage: LoanStage | None) -> str:
    """What a page calls a case: by the stage of its loan where there is one (loan_stages)."""
    return labels.label(case.state, role) if stage is None else stage.badge


@dataclass(frozen=True)
class TimelineEntry:
    """One event with the deliveries of its notices: the screen says no more than is known."""

    event: Event
    deliveries: tuple[Delivery, ...]


def timeline(case: Case, *, newest_first: bool = True) -> list[TimelineEntry]:
    """The audit trail with delivery status, in two queries."""
    events = list(case.events.select_related("actor").order_by("at", "pk"))
    sent: dict[str, list[Delivery]] = {}
    about = [f"case:{case.public_id}", papers.about(case.loan)]
    rows = Delivery.objects.with_fallback().filter(about__in=about, user=case.borrower_id)
    for delivery in rows.order_by("pk"):
        sent.setdefault(_event_key(delivery.key), []).append(delivery)
    entries = [
        TimelineEntry(event, tuple(sent.get(str(event.data.get("key", event.pk)), ())))
        for event in events
    ]
    return entries[::-1] if newest_first else entries


def _event_key(key: str) -> str:
    """case|loan:<id>:<event>:<key …>:<user>:<channel>[:call] -> key."""
    parts = key.removesuffix(":call").split(":")
    return ":".join(parts[3:-2])


@dataclass(frozen=True)
class BrokenPromise:
    """One promise of ours that was not kept, and what was promised instead."""

    promised_at: datetime
    renewed_at: datetime | None
    notified_at: datetime
    rank: Rank


def broken_promises(case: Case) -> list[BrokenPromise]:
    """The promises broken of the clock that runs now, in the order in which it happened."""
    if not case.missed_promises:
        return []
    missed = [AuditEvent.REVIEW_MISSED.value, AuditEvent.PROMISE_MISSED.value]
    last = case.events.filter(action__in=missed).order_by("-pk")[: case.missed_promises]
    return [_broken(case, event, times) for times, event in enumerate(reversed(last), 1)]


def _broken(case: Case, event: Event, times: int) -> BrokenPromise:
    """From the trail; older lines, written before it kept the promises, have those of the case."""
    is_review = event.action == AuditEvent.REVIEW_MISSED
    before = case.review_due_at if is_review else None
    promised, renewed = event.data.get("promised"), event.data.get("renewed")
    return BrokenPromise(
        promised_at=datetime.fromisoformat(promised) if promised else before or event.at,
        renewed_at=datetime.fromisoformat(renewed) if renewed else None,
        notified_at=event.at,
        rank=Rank(event.data.get("rank") or escalated_to(times)),
    )


def offers_of(case: Case, *, for_borrower: bool) -> list[Offer]:
    """The versions of a case in order; for staff with who made and checked them."""
    offers = case.offers.order_by("number")
    return list(offers.shown() if for_borrower else offers.select_related("made_by", "approved_by"))


def sent_back(case: Case) -> Event | None:
    """The checker's answer where the newest version was sent back, else None.

    `data["offer"]` is its number, `note_internal` the reason.
    """
    newest = case.offers.order_by("-number").first()
    if newest is None or newest.status != OfferStatus.SENT_BACK:
        return None
    answers = case.events.filter(action=Action.SEND_BACK).select_related("actor")
    return answers.order_by("-pk").first()


def held_since(case: Case) -> datetime | None:
    """Since when the one in charge has it; None where nobody has."""
    if case.assigned_to_id is None:
        return None
    given = case.events.filter(action__in=[Action.CLAIM, AuditEvent.ASSIGNED])
    return given.order_by("-pk").values_list("at", flat=True).first()


def agreement_of(case: Case) -> Agreement | None:
    """The agreement in force or last ended, with its paper."""
    newest_first = list(case.agreements.select_related("offer", "document", "plan"))
    return next((one for one in newest_first if one.end_kind != "revoked"), None) or next(
        iter(newest_first), None
    )


def later_agreement(agreement: Agreement) -> Agreement | None:
    """The newest agreement of the same loan after this one, revoked ones aside; its plan is the loan's."""
    same_loan = Agreement.objects.filter(case__loan_id=agreement.case.loan_id)
    later = same_loan.filter(accepted_at__gt=agreement.accepted_at).exclude(end_kind="revoked")
    return later.select_related("case").order_by("-accepted_at").first()


def next_deadline(case: Case | None = None) -> datetime | None:
    """The earliest instant at which something happens by itself (demo: to the next deadline)."""
    waiting = Deadline.objects.waiting()
    if case is not None:
        waiting = waiting.filter(case=case)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def overdue_sweeps(now: datetime) -> int:
    """Deadlines that should have been handled more than two minutes ago (for /readyz)."""
    return Deadline.objects.waiting().filter(due_at__lte=now - timedelta(minutes=2)).count()


def oldest_overdue_sweep_seconds(now: datetime) -> int:
    """Whole seconds that the longest-waiting due deadline has waited; 0 if none is due."""
    first = Deadline.objects.waiting().filter(due_at__lte=now).order_by("due_at").first()
    return int((now - first.due_at).total_seconds()) if first else 0


def with_offers(cases: CaseQuerySet) -> CaseQuerySet:
    """Cases with their shown versions prefetched (lists)."""
    return cases.prefetch_related(Prefetch("offers", Offer.objects.shown(), "shown_offers"))
