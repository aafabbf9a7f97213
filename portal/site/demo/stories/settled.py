"""13800000006: kept the plan, paid the rest early, and has the certificate."""

from __future__ import annotations

from loans.queries.debt import load_debt
from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.talks import Talks, agree
from portal.site.demo.timeline import Timeline, months_before
from relief.evidence.files import Upload


def play(timeline: Timeline, who: User) -> str:
    """Six terms, three paid on their dates, the rest at once twelve days ago."""
    third = timeline.anchor(timeline.ago(30))
    first = months_before(third, 2)
    loan = lend(who, due=months_before(first, 2), number=8, principal="12000.00")
    pay_due(loan, 7)
    case = agree(
        timeline,
        loan,
        Talks(
            reasons=("disaster",),
            statement="店铺进水停业一个月，货物受损，理赔到账前周转不开，请减免罚息。",
            budget=("7000.00", "3600.00", "2000.00"),
            papers=(DemoPaper("disaster", damage()),),
            percent=50,
            terms=6,
            first_due_on=first,
        ),
    )
    acts.keep_plan(case, 3)
    day = timeline.ago(12)
    acts.pay_on(loan, day, load_debt(loan, day).payoff)
    return f"借款 {loan.number} 已结清"


def damage() -> Upload:
    """The report of the insurer's visit."""
    return papers.photo(
        "受灾证明.jpg",
        "受灾情况证明",
        ("店铺：演示市示例街 8 号", "经营者：周静怡（演示）", "原因：暴雨进水，停业 31 天"),
    )
