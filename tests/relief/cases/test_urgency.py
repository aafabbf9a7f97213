"""The rule of urgency in SQL says what the rule says: by property for talks, by life for plans."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.roles import Rank
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.cases.queries import loan_stages
from relief.cases.urgency import ORDER, WORKED_ON, Sla, ranking, urgency_of
from relief.cases.workflow import State
from relief.desk.queue import takeable_by
from tests import factories
from tests.bench.backlog import open_cases
from tests.conftest import at

pytestmark = pytest.mark.django_db
CASES = 24
# Around them working days end strangely: weekends, worked Saturdays, holidays, the end of a year.
DAYS = st.sampled_from(["2026-02-12", "2026-02-14", "2026-03-06", "2026-09-30", "2026-12-31"])
NEAR = st.one_of(
    st.none(),
    st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(days=1), timedelta(hours=8)]),
    st.integers(-3 * 86400, 12 * 86400).map(lambda seconds: timedelta(seconds=seconds)),
    # the beginnings of days, a second before and after
    st.tuples(st.integers(0, 11), st.sampled_from([-1, 0, 1])),
)


def _instant(now: datetime, near: timedelta | tuple[int, int] | None) -> datetime | None:
    if near is None:
        return None
    if isinstance(near, timedelta):
        return now + near
    days, seconds = near
    return instant_at(business_date(now) + timedelta(days=days)) + timedelta(seconds=seconds)


FACTS = st.tuples(st.sampled_from(WORKED_ON), NEAR, NEAR, NEAR, st.booleans())


def test_sql_ranks_as_the_rule_does() -> None:
    open_cases(CASES, now=at("2026-03-02 10:00"))
    cases, calendar = list(Case.objects.order_by("pk")), load_calendar()
    ranks_seen = set()

    @settings(max_examples=40, deadline=None)
    @given(
        day=DAYS,
        minutes=st.integers(0, 1439),
        facts=st.lists(FACTS, min_size=CASES, max_size=CASES),
    )
    def holds(day: str, minutes: int, facts: list[tuple[str, ...]]) -> None:
        now = at(f"{day} 00:00") + timedelta(minutes=minutes)
        for case, (state, *near, is_escalated) in zip(cases, facts, strict=True):
            review, target, due = (_instant(now, one) for one in near)  # type: ignore[arg-type]
            case.state, case.review_due_at = state, review
            case.review_target_at, case.next_due_at = target, due
            case.escalated_at = now if is_escalated else None
            case.missed_promises = int(bool(is_escalated))
        Case.objects.bulk_update(
            cases,
            [
                *("state", "review_due_at", "review_target_at", "next_due_at"),
                *("escalated_at", "missed_promises"),
            ],
        )

        ranked = ranking(now, calendar)(Case.objects.all())

        told = {pk: ORDER[place] for pk, place in ranked.values_list("pk", "urgency")}
        assert told == {case.pk: urgency_of(case, now, calendar) for case in cases}
        ranks_seen.update(told.values())

    holds()
    assert ranks_seen == set(Sla)


def test_a_warned_plan_is_todays_work_once_two_in_a_row_are_missed() -> None:
    case = factories.case_at(State.WARNED)
    warned_at = Case.objects.get(pk=case.pk).events.latest("pk").at
    calendar, told = load_calendar(), []

    for days in (0, 400):  # nobody looked for a year: the time to cure still runs, more is missed
        now = warned_at + timedelta(days=days)
        Case.objects.filter(pk=case.pk).update(next_due_at=now + timedelta(days=1))
        fresh = Case.objects.select_related("loan").get(pk=case.pk)
        stage = loan_stages([fresh], business_date(now)).get(fresh.pk)
        place = ranking(now, calendar)(Case.objects.all()).get(pk=case.pk).urgency  # type: ignore[attr-defined]
        assert ORDER[place] == urgency_of(fresh, now, calendar, stage)
        told.append(ORDER[place])

    assert told == [Sla.PAUSED, Sla.TODAY]


def test_what_may_be_taken_is_what_the_gate_lets_one_take() -> None:
    me, other = factories.staff(), factories.staff(username="other")
    now = factories.NOW
    cases = [factories.case_at(state) for state in (State.SUBMITTED, State.SUBMITTED) * 3]
    changes = (
        {},
        {"assigned_to": me},
        {"assigned_to": other},
        {"appealed_at": now, "rejected_by": me},
        {"appealed_at": now, "rejected_by": other},
        {"rejected_by": me},
    )
    for case, change in zip(cases, changes, strict=True):
        Case.objects.filter(pk=case.pk).update(**change)
    cases.append(factories.case_at(State.IN_REVIEW))

    for viewer in (me, other, factories.staff(Rank.SUPERVISOR)):
        found = set(Case.objects.filter(takeable_by(viewer)).values_list("pk", flat=True))
        assert found == {
            case.pk
            for case in Case.objects.for_lists()
            if not why_not(Task.TAKE_NEXT, case, Actor.of(viewer), now)
        }
