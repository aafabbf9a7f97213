"""What happens to members of the cast after the demo has opened: each life, day by day, with a look on each.

Every act goes through the service that does it in life; `look` reads all pages and messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from loans.models import Loan
from loans.queries.debt import load_debt
from portal.core.kernel.businesstime import SHANGHAI, business_date
from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.timeline import deliver
from relief.cases import review
from relief.cases.models import Case, Policy
from relief.cases.timing import sweep
from relief.offers import approval, compose, negotiate
from relief.plans import watch as plan_watch
from tests.unhappy.visits import Borrower, Reading

ILLNESS, INCOME = "illness", ("5200.00", "2400.00", "1400.00")


@dataclass
class Life:
    """One borrower from now on."""

    name: str
    borrower: Borrower
    now: datetime
    staff: dict[str, User]

    @property
    def user(self) -> User:
        return self.borrower.user

    @property
    def loan(self) -> Loan:
        return Loan.objects.filter(borrower=self.user).earliest("pk")

    @property
    def case(self) -> Case:
        return Case.objects.filter(borrower=self.user).latest("pk")

    @property
    def today(self) -> date:
        return business_date(self.now)

    def go(self, day: date, clock_time: str = "10:30") -> datetime:
        """Go on to a time of a day, every stored deadline handled at its instant on the way."""
        until = datetime.combine(day, time.fromisoformat(clock_time), tzinfo=SHANGHAI)
        for case in Case.objects.filter(borrower=self.user):
            acts.let_time_pass(case, until)
        self.now = until
        return until

    def jump(self, day: date, clock_time: str = "10:30") -> datetime:
        """The same with nobody at work meanwhile: all that is due is swept at the end."""
        self.now = datetime.combine(day, time.fromisoformat(clock_time), tzinfo=SHANGHAI)
        for case in Case.objects.filter(borrower=self.user):
            while due := case.deadlines.due(self.now).order_by("due_at", "pk").first():
                sweep.handle(due.pk, now=self.now)
        deliver(self.now)
        return self.now

    def look(self, title: str = "") -> Reading:
        return self.borrower.look(self.now, title)

    def days(self, *numbers: int, start: date, title: str = "") -> None:
        """Look on each of the days so many days after `start`."""
        for number in numbers:
            self.go(start + timedelta(days=number))
            self.look(title)

    def pay(self, amount: Decimal | None = None) -> None:
        acts.pay_on(self.loan, self.today, amount)

    def pay_off(self) -> None:
        self.pay(load_debt(self.loan, self.today).payoff)

    def next_due(self) -> date:
        rows = load_debt(self.loan, self.today).instalments
        return min(row.due_on for row in rows if row.total > 0)

    def open_offer(self) -> date:
        """The day on which the open offer ends."""
        offer = self.case.offers.get(status="open")
        assert offer.valid_until is not None
        return business_date(offer.valid_until)

    def apply(self, loan: Loan, *, accept: bool = True, percent: int = 50) -> Case:
        """From the application to an offer (and its acceptance a day later), with looks."""
        agent, start = self.staff["agent"], self.today
        case = acts.apply(
            loan,
            reasons=[ILLNESS],
            statement="住院手术后休病假，收入只剩基本工资，请减免罚息。",
            budget=INCOME,
            papers=[acts.DemoPaper("medical", papers.photo("诊断.jpg", "诊断证明书", ("演示",)))],
            at=self.now,
        )
        self.look("提交")
        acts.claim(case, agent, at=self.now + timedelta(hours=1))
        acts.pass_review(case, agent, at=self.now + timedelta(hours=2), note="属实")
        acts.offer(
            case,
            agent,
            at=self.now + timedelta(hours=3),
            percent=percent,
            terms=12,
            first_due_on=start + timedelta(days=21),
            note="请看方案",
        )
        self.now += timedelta(hours=4)
        self.look("收到方案")
        if accept:
            self.go(start + timedelta(days=2))
            self.look("方案出具后第二天")
            acts.accept(case, at=self.now)
            self.now += timedelta(minutes=1)
            self.look("接受方案后")
        return case

    def breach(self) -> None:
        """Confirmed by the supervisor, with a look just before and just after."""
        self.look("确认违约前")
        plan_watch.breach(
            case=self.case, reason="补救期已过", actor=self.staff["supervisor"], now=self.now
        )
        deliver(self.now)
        self.look("确认违约后")


def breach(life: Life) -> None:
    """A plan missed: reminded, late, warned, every day of the cure's end, broken, and afterwards."""
    missed = life.next_due()
    life.days(-3, 0, 1, 3, 8, 13, start=missed)
    life.go(missed + timedelta(days=14))
    life.breach()
    life.days(15, 21, start=missed)
    life.pay_off()
    life.look("还清后")


def breach_at_once(life: Life) -> None:
    """An offer taken two days after its date, nothing ever paid of the plan."""
    life.apply(life.loan)
    missed = life.next_due()
    life.days(0, 1, 5, start=missed)
    life.go(missed + timedelta(days=14))
    life.breach()
    life.days(15, start=missed)


def cure(life: Life) -> None:
    """Warned, then paid in time: the plan goes on; kept to the end and paid off early."""
    missed = life.next_due()
    life.days(1, 3, 6, start=missed)
    life.pay()
    life.look("补救后")
    life.days(7, 28, start=missed)
    life.pay_off()
    life.look("提前还清后")


def part_of_cure(life: Life) -> None:
    """Warned, and a part of the late instalment paid: still to be cured."""
    missed = life.next_due()
    life.go(missed + timedelta(days=5))
    life.pay(Decimal("300.00"))
    life.look("补救了一部分")
    life.days(9, start=missed)


def warned_late(life: Life) -> None:
    """Nobody swept for three weeks: the warning comes late, the cure runs from then."""
    missed = life.next_due()
    life.jump(missed + timedelta(days=22))
    life.look("预警来晚了")
    life.days(24, 32, start=missed)
    life.go(missed + timedelta(days=33))
    life.breach()


def two_missed_warned_late(life: Life) -> None:
    """Nobody swept until the second instalment was past its grace too: the plan may end at once."""
    missed = life.next_due()
    life.jump(missed + timedelta(days=36))
    life.look("预警来晚了，连续两期没有还清")
    life.days(38, start=missed)
    life.breach()


def other_policy(life: Life) -> None:
    """A case under a policy of other numbers: 5 days of grace, 15 to cure, 5 for an offer."""
    newest = Policy.current()
    Policy.objects.create(
        version=newest.version + 1,
        data=newest.data | {"plan_grace_days": 5, "cure_days": 15, "offer_valid_days": 5},
    )
    life.apply(life.loan)
    missed = life.next_due()
    life.days(0, 6, 12, start=missed)


def offer_expires(life: Life) -> None:
    """An offer that nobody answers."""
    last = life.open_offer()
    life.days(-1, 0, 1, start=last)


def offer_expires_unswept(life: Life) -> None:
    """The same while no worker runs: past its time, not yet handled; then handled late."""
    last = life.open_offer()
    life.now = datetime.combine(last + timedelta(days=1), time(10), tzinfo=SHANGHAI)
    life.look("已过有效期，还没有处理")
    life.jump(last + timedelta(days=2))
    life.look("处理晚了")


def counter_waits(life: Life) -> None:
    """A counter-offer answered by an offer that needs a checker; then sent back, then approved."""
    case, offer = life.case, life.case.offers.get(status="open")
    negotiate.reject_offer(
        case=case,
        number=offer.number,
        seen=offer.digest,
        reasons=["too_much"],
        draft=compose.CounterDraft(
            waive_penalty=load_debt(life.loan, life.today).figures.penalty,
            first_due_on=life.today + timedelta(days=28),
            term_count=24,
        ),
        actor=life.user,
        now=life.now,
    )
    deliver(life.now)
    life.look("提出还款建议后")
    life.now += timedelta(hours=1)
    made = acts.offer(
        life.case,
        life.staff["agent2"],
        at=life.now,
        percent=90,
        terms=20,
        first_due_on=life.today + timedelta(days=28),
        note="按你的建议调整",
    )
    life.look("新方案等待复核")
    life.now += timedelta(hours=1)
    approval.approve_offer(
        case=life.case,
        number=made.number,
        actor=life.staff["supervisor"],
        now=life.now,
        note="同意",
    )
    deliver(life.now)
    life.look("复核通过后")


def proof_expires(life: Life) -> None:
    """Proof asked for never comes."""
    assert life.case.next_due_at is not None
    last = business_date(life.case.next_due_at)
    life.days(-2, 0, 1, start=last)


def proof_expires_unswept(life: Life) -> None:
    """The same while no worker runs: past its time and not yet closed, then closed late."""
    assert life.case.next_due_at is not None
    last = business_date(life.case.next_due_at)
    life.now = datetime.combine(last + timedelta(days=1), time(10), tzinfo=SHANGHAI)
    life.look("期限已过，还没有处理")
    life.jump(last + timedelta(days=2))
    life.look("处理晚了")


def review_missed_unswept(life: Life) -> None:
    """The review's promise is broken, and no worker has noticed yet; then it is found late."""
    assert life.case.next_due_at is not None
    last = business_date(life.case.next_due_at)
    life.now = datetime.combine(last, time(20), tzinfo=SHANGHAI)
    life.look("截止已过，还没有处理")
    life.jump(last + timedelta(days=4))
    life.look("处理晚了")


def review_missed(life: Life) -> None:
    """The review's promise is broken, then the next one, then the next."""
    for _ in range(3):
        due = life.case.deadlines.waiting().filter(kind="REVIEW_DUE").order_by("due_at").first()
        at = (due.due_at if due else life.case.next_due_at) or life.now
        day = business_date(at)
        life.go(day, "17:30")
        life.look("截止前半小时")
        life.go(day, "18:30")
        life.look("截止后半小时")
    agent = life.staff["agent"]
    life.now += timedelta(days=1)
    acts.pass_review(life.case, agent, at=life.now, note="属实")
    acts.offer(
        life.case,
        agent,
        at=life.now,
        percent=50,
        terms=12,
        first_due_on=life.today + timedelta(days=28),
        note="抱歉让你久等",
    )
    life.now += timedelta(minutes=5)
    life.look("晚来的方案")


def rejected(life: Life) -> None:
    """Refused; the time to appeal passes."""
    review.reject_case(
        case=life.case,
        code="EVIDENCE_INSUFFICIENT",
        text="",
        actor=life.staff["agent"],
        now=life.now,
    )
    deliver(life.now)
    life.look("审核不通过")
    assert life.case.next_due_at is not None
    life.days(1, start=business_date(life.case.next_due_at))


def completion(life: Life) -> None:
    """The plan kept for an instalment more, paid ahead in part, then to the end."""
    due = life.next_due()
    life.days(-1, 0, start=due)
    life.pay()
    life.look("到期日还清后")
    life.go(due + timedelta(days=5))
    life.pay(load_debt(life.loan, life.today).next_due.total)  # type: ignore[union-attr]
    life.look("提前还了一期")
    life.go(due + timedelta(days=6))
    life.pay_off()
    life.look("全部还清后")


def overdue(life: Life) -> None:
    """Late without asking for anything, a part paid, a month later."""
    life.look()
    life.pay(Decimal("500.00"))
    life.look("还了一部分")
    life.days(1, 20, start=life.today)


def due_today(life: Life) -> None:
    """From three days before an instalment to the day after."""
    due = life.next_due()
    life.days(-3, 0, 1, start=due)


def broken_asks_again(life: Life) -> None:
    """In breach for a week; asks once more; takes the second plan."""
    life.look("违约之后")
    life.days(9, start=life.today)
    case = life.apply(life.loan, accept=False)
    life.now += timedelta(hours=1)
    approval.approve_offer(
        case=case, number=1, actor=life.staff["manager"], now=life.now, note="同意"
    )
    deliver(life.now)
    life.look("第二个方案")
    life.days(2, start=life.today)
    acts.accept(case, at=life.now)
    life.now += timedelta(minutes=1)
    life.look("第二个计划生效后")
    due = life.next_due()
    life.days(0, 1, start=due)


def just_look(life: Life) -> None:
    life.look()
    life.days(30, start=life.today)


def three_loans(life: Life) -> None:
    """One loan overdue, one in a plan, one kept: every day must say which loan it speaks of."""
    when = life.today
    acts.lend(life.user, due=when + timedelta(days=2), number=3, principal="9000.00", term=6)
    second = Loan.objects.filter(borrower=life.user).latest("pk")
    acts.pay_due(second, 2)
    third = acts.lend(
        life.user, due=when - timedelta(days=35), number=3, principal="7000.00", term=9
    )
    acts.pay_due(third, 2)
    life.look("三笔借款")
    life.apply(third)
    missed = min(row.due_on for row in load_debt(third, life.today).instalments if row.total > 0)
    life.days(0, 4, start=missed)
    life.go(missed + timedelta(days=14))
    life.breach()


LIVES: dict[str, tuple[str, Callable[[Life], None]]] = {
    "breach": ("13800000004", breach),
    "breach with nothing paid": ("13800000009", breach_at_once),
    "cure": ("13800000004", cure),
    "part of a cure": ("13800000004", part_of_cure),
    "warned late": ("13800000004", warned_late),
    "two missed, warned late": ("13800000004", two_missed_warned_late),
    "another policy": ("13800000001", other_policy),
    "offer expires": ("13800000003", offer_expires),
    "offer expires unswept": ("13800000003", offer_expires_unswept),
    "counter-offer waits for the checker": ("13800000003", counter_waits),
    "proof expires": ("13800000008", proof_expires),
    "proof expires unswept": ("13800000008", proof_expires_unswept),
    "review missed unswept": ("13800000002", review_missed_unswept),
    "review missed three times": ("13800000002", review_missed),
    "rejected": ("13800000002", rejected),
    "completion": ("13800000004", completion),
    "just overdue": ("13800000001", overdue),
    "due today": ("13800000007", due_today),
    "in breach": ("13800000005", broken_asks_again),
    "settled": ("13800000006", just_look),
    "ceiling": ("13800000009", just_look),
    "newcomer": ("13800000010", just_look),
    "three loans": ("13800000001", three_loans),
}
