"""An expired, superseded, altered or tampered offer: refused to the microsecond, nothing executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Model

from loans.domain.components import Components
from loans.domain.restructure import PlanPreview
from loans.queries.debt import load_debt
from loans.services.plans import restructure as books_restructure
from portal.core.errors import RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers import agreement, approval, negotiate
from relief.offers.accept import accept_offer
from relief.offers.models import Agreement, Offer
from relief.plans import watch as plan_watch
from tests import factories
from tests.factories import NOW, case_at, staff
from tests.past_guards import past_the_guards
from tests.relief.crash import snapshot

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=5)
TICK = timedelta(microseconds=1)


def ready() -> tuple[Case, Offer]:
    """An open offer that the borrower has read."""
    case = case_at(State.OFFERED)
    offer = factories.open_offer(case)
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=NOW)
    return case, Offer.objects.get(pk=offer.pk)


def accept(case: Case, offer: Offer, now: datetime = SOON, *, seen: str = "") -> Agreement:
    return accept_offer(
        case=case,
        number=offer.number,
        seen=seen or offer.digest,
        method="password",
        actor=case.borrower,
        now=now,
    )


def counter(case: Case, offer: Offer, now: datetime) -> object:
    return factories.counter(case, now=now)


def decline(case: Case, offer: Offer, now: datetime) -> object:
    return negotiate.decline_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        reasons=["other"],
        actor=case.borrower,
        now=now,
    )


ANSWERS: dict[str, tuple[Callable[[Case, Offer, datetime], object], State]] = {
    "accept": (accept, State.PLAN_ACTIVE),
    "counter": (counter, State.COUNTERED),
    "decline": (decline, State.DECLINED),
}


@pytest.mark.parametrize("answer", list(ANSWERS))
@pytest.mark.parametrize("late", [-1, 0, 1])
def test_an_offer_is_valid_up_to_but_not_at_its_instant(answer: str, late: int) -> None:
    case, offer = ready()
    assert offer.valid_until is not None
    act, done = ANSWERS[answer]
    now = offer.valid_until + late * TICK

    if late < 0:
        act(case, offer, now)
        case.refresh_from_db()
        assert case.state == done
        return
    before = snapshot()
    with pytest.raises(TermsChanged, match="已过有效期"):
        act(case, offer, now)
    assert snapshot() == before


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_forced_reading_ends_at_its_instant(late: int) -> None:
    case, offer = ready()
    assert offer.first_read_at is not None
    now = offer.first_read_at + timedelta(seconds=10) + late * TICK

    if late >= 0:
        accept(case, offer, now)
        return
    before = snapshot()
    with pytest.raises(RuleViolation, match="1 秒后可以接受"):
        accept(case, offer, now)
    assert snapshot() == before


def test_never_opened_is_never_accepted() -> None:
    case = case_at(State.OFFERED)
    before = snapshot()

    with pytest.raises(RuleViolation, match="请先读完方案和条件"):
        accept(case, factories.open_offer(case), NOW + timedelta(days=1))

    assert snapshot() == before


def test_a_superseded_version_is_refused_and_names_who_replaced_it() -> None:
    case, offer = ready()
    factories.pay_amount(case.loan, Decimal("10.00"), business_date(SOON))
    before = snapshot()

    with pytest.raises(
        TermsChanged, match=r"系统已于 3月2日 .* 按最新欠款更新方案，.*已被新方案替代"
    ):
        accept(case, offer, SOON)

    assert snapshot() == before
    assert not load_debt(case.loan, business_date(SOON)).is_plan


def test_another_digest_than_the_one_seen_is_refused() -> None:
    case, offer = ready()
    before = snapshot()

    for seen in ("0" * 64, offer.digest[:-1], offer.digest.upper(), " "):
        with pytest.raises(TermsChanged, match="与你看到的不一致"):
            accept(case, offer, seen=seen)

    assert snapshot() == before


@pytest.mark.parametrize("what", ["terms", "figures", "rows"])
def test_one_fen_changed_in_the_database_is_found(what: str) -> None:
    case, offer = ready()
    stored = getattr(offer, what)
    if what == "terms":
        stored["waive_penalty"] = str(Decimal(stored["waive_penalty"]) + Decimal("0.01"))
    elif what == "figures":
        stored["penalty"] = str(Decimal(stored["penalty"]) + Decimal("0.01"))
    else:
        stored[-1]["total"] = str(Decimal(stored[-1]["total"]) - Decimal("0.01"))
    by_hand(offer, what, stored)
    before = snapshot()

    with pytest.raises(TermsChanged, match="摘要不一致"):
        accept(case, offer)

    assert snapshot() == before


@pytest.mark.parametrize("what", ["offer's terms", "agreement", "paper", "text"])
def test_a_tampered_agreement_is_detected(what: str) -> None:
    case = case_at(State.PLAN_ACTIVE)
    made = case.agreements.select_related("document", "offer").get()
    assert agreement.is_untouched(made)
    longer = made.snapshot | {"terms": made.snapshot["terms"] | {"term_count": 24}}

    if what == "offer's terms":
        by_hand(made.offer, "terms", longer["terms"])
    elif what == "agreement":
        by_hand(made, "snapshot", longer)
    elif what == "paper":
        by_hand(made.document, "snapshot", longer)
    else:
        by_hand(made, "text", made.text.replace("12", "24"))

    again = Agreement.objects.select_related("document", "offer__case").get(pk=made.pk)
    assert not agreement.is_untouched(again)


def by_hand(row: Model, column: str, value: object) -> None:
    """As somebody with access to the database would: past every trigger."""
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    with past_the_guards() as cursor:
        cursor.execute(
            f"UPDATE {row._meta.db_table} SET {column} = %s WHERE id = %s", [written, row.pk]
        )


def test_a_plan_that_the_books_compute_otherwise_is_not_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The formula moves one yuan from the last row to the first after the offer was made."""
    case, offer = ready()
    rule = books_restructure.plan_preview

    def changed(*args: Any, **kwargs: Any) -> PlanPreview:
        plan = rule(*args, **kwargs)
        first, *middle, last = plan.rows
        one = Components(principal=Decimal("1.00"))
        first = replace(first, parts=first.parts + one)
        last = replace(last, parts=last.parts - one)
        return replace(plan, rows=(first, *middle, last))

    monkeypatch.setattr(books_restructure, "plan_preview", changed)
    before = snapshot()

    with pytest.raises(TermsChanged, match="与方案所列的不一致"):
        accept(case, offer)

    assert snapshot() == before
    assert not load_debt(case.loan, business_date(SOON)).is_plan


# --- Authority, and how many plans (relief/RULES.md §6, §7) ------------------------------------------


def test_the_sum_of_waivers_counts_when_it_is_accepted() -> None:
    """Granted by a supervisor, whose rank is lowered before the borrower accepts."""
    case = case_at(State.NEGOTIATING)
    chief = staff(Rank.SUPERVISOR, username="chief")
    offer = factories.offer_made(case, maker=chief, penalty_percent=Decimal(80))
    negotiate.open_offer(case=case, number=offer.number, actor=case.borrower, now=NOW)
    chief.rank = Rank.REVIEWER
    chief.save(update_fields=["rank"])
    before = snapshot()

    with pytest.raises(TermsChanged, match="超出复核权限"):
        accept(case, offer)

    assert snapshot() == before


def test_a_second_plan_is_a_managers_and_a_third_is_nobodys() -> None:
    case = case_at(State.BREACHED)
    again = NOW + timedelta(days=60)
    manager = staff(Rank.MANAGER)

    second = case_at(State.NEGOTIATING, loan=case.loan, now=again)
    asked = factories.offer_made(second, now=again, maker=staff(Rank.SUPERVISOR))
    assert (asked.status, asked.needs_rank) == ("pending", Rank.MANAGER)
    negotiation_over(second, asked, manager, again)

    later = again + timedelta(days=60)
    third = case_at(State.NEGOTIATING, loan=case.loan, now=later)
    with pytest.raises(InvalidInput, match="最多协商 2 次"):
        factories.offer_made(third, now=later, maker=manager)


def negotiation_over(case: Case, offer: Offer, manager: User, now: datetime) -> None:
    """Approved, accepted, and broken like the first."""
    approval.approve_offer(case=case, number=offer.number, actor=manager, now=now)
    factories.accept(case, now=now)
    end = now + timedelta(days=28 + 15)
    factories.sweep_through(case, end)
    plan_watch.breach(case=case, reason="未还", actor=manager, now=end)
