"""Everything the page of one case shows to staff: facts, penalty, papers, talk, trail, buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from loans.presenters.amounts import desk_parts
from loans.presenters.penalty import formula_cards
from loans.queries.debt import debt_of
from loans.queries.penalty import story_of
from loans.queries.plan import plan_vesting
from loans.queries.position import load_position
from portal.core.accounts import drafts
from portal.core.accounts.drafts import Typed
from portal.core.accounts.sessions import last_used
from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import ZERO
from portal.core.kernel.roles import RANK_LABELS
from portal.core.models import User
from portal.core.web.drafting import put_into
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.cases.queries import (
    broken_promises,
    held_since,
    loan_stages,
    offers_of,
    sent_back,
    timeline,
)
from relief.cases.reasons import checklist
from relief.cases.review import rank_to_reject, rejection_words
from relief.cases.workflow import Action, State, find_move
from relief.desk.acts import ACTS, DeskAct
from relief.desk.base import may_decide, who_did
from relief.desk.builder import builder_for
from relief.desk.forms import AgreeForm, DeskForm, NumberedForm
from relief.desk.offer_form import OfferForm
from relief.desk.papers import papers_of
from relief.desk.queue import pill
from relief.desk.talk import addresses, conversation_for, talk_of
from relief.evidence.access_log import unread_by
from relief.evidence.kinds import KIND_LABELS
from relief.offers.models import Agreement, Offer, OfferStatus
from relief.offers.suggestions import affordability_of
from relief.presenters.case import calendar_warning, case_view, event_label
from relief.presenters.comparison import today
from relief.presenters.cost import plan_sums
from relief.presenters.offer import offer_view

Forms = Mapping[str, DeskForm]
IN_PANELS = [slug for slug in ACTS if slug not in {"say", "judge", "offer"}]


@dataclass(frozen=True)
class Panel:
    """One act as a foldable form; `why_not` is the sentence why it is refused now.

    It is open when it was refused, or when somebody had begun to write in it (`draft`).
    """

    act: DeskAct
    form: DeskForm
    why_not: str
    open: bool
    hint: str
    draft: Typed | None


@dataclass(frozen=True)
class TrailLine:
    """One line of the audit trail with what is known of its messages."""

    label: str
    who: str
    at: datetime
    note: str
    inner: str
    sent: str


def case_page(
    case: Case, viewer: User, now: datetime, choices: Mapping[str, str], forms: Forms
) -> dict[str, Any]:
    """The context of the page; `forms` holds a refused form under its act's name."""
    position = load_position(case.loan)
    debt = debt_of(position, business_date(now))
    stage = loan_stages([case], business_date(now)).get(case.pk)
    view, calendar = case_view(case, viewer, now, stage), load_calendar()
    offers = offers_of(case, for_borrower=False)
    at = addresses("case", case.pk)
    drafted = drafts.under(user=viewer, path=at["say_url"].removesuffix("say/"))
    panels = _panels(case, viewer, offers, forms, drafted, now)
    context = {
        "case": case,
        "held_since": held_since(case),
        "view": view,
        "pill": pill(case, now, calendar, stage),
        "calendar_note": calendar_warning(case, now, calendar),
        "debt": debt,
        "debt_parts": desk_parts(debt),
        "vesting": plan_vesting(position, business_date(now)),
        "cards": formula_cards(position.profile, story_of(position, business_date(now)), debt),
        "profile": position.profile,
        "facts": _facts(case),
        "trail": trail_of(case),
        "broken": [(row, RANK_LABELS[row.rank]) for row in broken_promises(case)],
        # The first promise, while it is still ahead and its time not paused for the borrower.
        "review_runs": case.state in (State.SUBMITTED, State.IN_REVIEW)
        and case.review_due_at is not None
        and case.review_due_at > now,
        "offers": offers,
        "shown": _shown_offer(case, offers, debt, now),
        "panels": panels,
        "builder": None,
        "may_decide": may_decide(viewer),
        "words": words_of(case, viewer, forms.get("reject"), now),
        "read_only": why_not(Task.SAY, case, Actor.of(viewer), now),
        "checklist": checklist(case.reasons) if case.state == State.IN_REVIEW else [],
        "asked_kinds": "、".join(KIND_LABELS[kind] for kind in case.asked_kinds),
        **papers_of(case, viewer, now, choices, forms.get("judge")),
        **talk_of(
            conversation_for(case), viewer, choices, forms.get("say"), drafted.get(at["say_url"])
        ),
        **at,
        "face": case.borrower.masked_name,
        "last_seen": last_used(case.borrower),
    }
    button = view.button(Action.OFFER)
    if button is not None:
        typed = forms.get("offer")
        form = typed if isinstance(typed, OfferForm) else None
        draft = drafted.get(reverse("admin:relief_case_offer", args=[case.pk]))
        context["builder"] = builder_for(case, viewer, debt, now, form, draft)
        context["builder_why_not"] = button.why_not
        context["sent_back"] = sent_back(case)
    shown = {panel.act.slug for panel in panels if not panel.why_not} | {"say", "judge"}
    shown |= {"offer"} if button is not None else set()
    context["refused"] = [_refused(form) for slug, form in forms.items() if slug not in shown]
    return context


def _refused(form: DeskForm) -> dict[str, Any]:
    """A refusal whose act is gone from the page: its sentences, and what was typed."""
    typed = [(field.label, field.value()) for field in form.visible_fields() if field.value()]
    errors = [error for field_errors in form.errors.values() for error in field_errors]
    return {"errors": errors, "typed": typed}


def _facts(case: Case) -> dict[str, Any]:
    """The borrower's stated means, and what earlier agreements granted."""
    earlier = Agreement.objects.filter(case__borrower=case.borrower_id).exclude(end_kind="revoked")
    agreements = list(earlier.exclude(case=case).select_related("offer"))
    affordability = affordability_of(case)
    return {
        "guide": affordability.guide,
        "left_over": affordability.left_over,
        "agreements": len(agreements),
        "granted": sum((row.offer.offer_terms.waived for row in agreements), ZERO),
    }


def trail_of(case: Case) -> list[TrailLine]:
    """Every event of the case, the newest as the timeline has it, with its messages."""
    return [
        TrailLine(
            label=event_label(entry.event),
            who=who_did(entry.event),
            at=entry.event.at,
            note=entry.event.note_public,
            inner=entry.event.note_internal,
            sent="、".join(
                f"{row.get_channel_display()}{row.status_label}" for row in entry.deliveries
            ),
        )
        for entry in timeline(case)
    ]


def _shown_offer(
    case: Case, offers: list[Offer], debt: Any, now: datetime
) -> dict[str, Any] | None:
    """The version that is on the table, beside today's debt and the version before.

    An accepted one is in the debt: it stands alone, for comparing it would compare it with itself.
    """
    shown_states = {
        OfferStatus.PENDING,
        OfferStatus.OPEN,
        OfferStatus.PROPOSED,
        OfferStatus.ACCEPTED,
    }
    on_table = [offer for offer in offers if offer.status in shown_states]
    if not on_table:
        return None
    offer = on_table[-1]
    before = [row for row in offers if row.number < offer.number]
    old_sums = plan_sums(before[-1].rows, before[-1].figures) if before else None
    view, terms = offer_view(offer, now), offer.offer_terms
    return {
        "offer": offer,
        "view": view,
        "terms": terms,
        "today": None
        if offer.status == OfferStatus.ACCEPTED
        else today(view.sums, debt, case, locked=view.locked, before=old_sums),
        "percent": _percent(terms.waive_penalty, view.locked),
    }


def _percent(part: Decimal, whole: Decimal) -> str:
    return f"{part * 100 / whole:.0f}%" if whole else "0%"


@dataclass(frozen=True)
class Words:
    """What the borrower would read of a 不通过, or why it cannot be given."""

    text: str = ""
    why_not: str = ""


def words_of(case: Case, viewer: User, form: DeskForm | None, now: datetime) -> Words | None:
    """The notice that a RejectForm would send; None while no code is chosen or a field is wrong."""
    if form is None or not form.is_valid():
        return None
    values = form.cleaned_data
    needed = rank_to_reject(values["reason"])
    refusal = why_not(Action.REJECT, case, Actor.of(viewer), now, needed=needed)
    if refusal:
        return Words(why_not=refusal)
    code, text, advice = values["reason"], values["text"], values["advice"]
    return Words(rejection_words(case=case, code=code, text=text, advice=advice, now=now))


def _panels(
    case: Case,
    viewer: User,
    offers: list[Offer],
    forms: Forms,
    drafted: Mapping[str, Typed],
    now: datetime,
) -> list[Panel]:
    """The acts that are open here, in the order of ACTS; none for an auditor."""
    if not may_decide(viewer):
        return []
    panels, actor = [], Actor.of(viewer)
    number = offers[-1].number if offers else 0
    for slug in IN_PANELS:
        act = ACTS[slug]
        if isinstance(act.action, Action):
            if find_move(case.state, act.action, actor.role) is None:
                continue
        elif case.is_closed:
            continue
        initial = {"seen": case.version}
        if issubclass(act.form, NumberedForm):
            initial["number"] = number
        form = forms.get(slug) or act.form(initial=initial, case=case)
        if isinstance(form, AgreeForm) and not unread_by(viewer, case.pk):
            del form.fields["unread_reason"]
        draft = drafted.get(reverse(f"admin:relief_case_{slug}", args=[case.pk]))
        if slug not in forms:
            put_into(form, draft)
        hint = act.hint.format(rules=case.policy.rules)
        refusal = why_not(act.action, case, actor, now)
        panels.append(Panel(act, form, refusal, slug in forms or draft is not None, hint, draft))
    return panels
