"""From an overdue loan to a plan in force, as several stories have it behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from loans.models import Loan
from portal.site.demo import acts
from portal.site.demo.timeline import Timeline, moment
from relief.cases.models import Case

DAYS_BEFORE_PLAN = 19  # from the application to the first instalment of the plan


@dataclass(frozen=True)
class Talks:
    """What was asked for and what was agreed."""

    reasons: tuple[str, ...]
    statement: str
    budget: tuple[str, str, str]
    papers: tuple[acts.DemoPaper, ...]
    percent: int
    terms: int
    first_due_on: date


def agree(timeline: Timeline, loan: Loan, talks: Talks) -> Case:
    """Applied, claimed, passed and offered on the working days that follow, accepted an evening later.

    With the first instalment on 2026-09-24: applied 09-04, passed 09-07, offered 09-08.
    """
    agent = timeline.people["agent"]
    applied = timeline.working_day_before(talks.first_due_on - timedelta(days=DAYS_BEFORE_PLAN))
    passed = timeline.working_day_after(applied)
    offered = timeline.working_day_after(passed)
    case = acts.apply(
        loan,
        reasons=talks.reasons,
        statement=talks.statement,
        budget=talks.budget,
        papers=talks.papers,
        at=moment(applied, "10:36"),
    )
    acts.claim(case, agent, at=moment(applied, "11:20"))
    acts.pass_review(case, agent, at=moment(passed, "10:05"), note="材料齐全，情况属实。")
    acts.offer(
        case,
        agent,
        at=moment(offered, "14:30"),
        percent=talks.percent,
        terms=talks.terms,
        first_due_on=talks.first_due_on,
        note="我们减免一半罚息，按您能承受的数额重新安排了还款。",
    )
    acts.accept(case, at=moment(offered + timedelta(days=1), "19:42"))
    return case
