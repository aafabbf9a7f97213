"""13800000005: paid one instalment of the plan, missed the next; the breach was confirmed."""

from __future__ import annotations

from datetime import timedelta

from portal.core.models import PhoneTask, User
from portal.core.notifications import calls
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.talks import Talks, agree
from portal.site.demo.timeline import Timeline, deliver, moment, months_before
from relief.cases.models import Case
from relief.cases.workflow import Action
from relief.evidence.files import Upload
from relief.plans import watch as plan_watch


def play(timeline: Timeline, who: User) -> str:
    """Warned three days after the missed date, ten days to cure passed, then confirmed."""
    missed = timeline.anchor(timeline.ago(21))
    first = months_before(missed, 1)
    loan = lend(who, due=months_before(first, 2), number=6, principal="16000.00")
    pay_due(loan, 4)
    case = agree(
        timeline,
        loan,
        Talks(
            reasons=("accident",),
            statement="送货途中摔伤，休养期间没有收入，恢复后可以分期还清，请减免罚息。",
            budget=("4200.00", "2600.00", "800.00"),
            papers=(DemoPaper("hardship", hardship()),),
            percent=50,
            terms=12,
            first_due_on=first,
        ),
    )
    acts.keep_plan(case, 1)
    confirmed = moment(timeline.desk_day(1), "10:40")
    acts.let_time_pass(case, confirmed)
    call_about_warning(timeline, case)
    plan_watch.breach(
        case=case,
        reason="补救期已过，电话联系后仍未还款。",
        actor=timeline.people["supervisor"],
        now=confirmed,
    )
    deliver(confirmed)
    return f"申请 {case.number} 的新计划已终止"


def call_about_warning(timeline: Timeline, case: Case) -> None:
    """The call that goes with a warning: a person made it an hour later and was answered."""
    warned = case.events.filter(action=Action.WARN).latest("at")
    task = PhoneTask.objects.get(
        delivery__about=f"case:{case.public_id}", delivery__event="plan_warned"
    )
    calls.record_call(
        task_id=task.pk,
        outcome=PhoneTask.Outcome.REACHED,
        actor=timeline.people["agent"],
        now=warned.at + timedelta(hours=1),
        note="本人接听，表示会尽快还款",
    )


def hardship() -> Upload:
    """The neighbourhood committee's letter."""
    return papers.photo(
        "困难证明.jpg",
        "困难证明",
        ("兹证明我社区居民孙立群（演示）", "因意外受伤，近期无收入来源，", "家庭生活暂有困难。"),
    )
