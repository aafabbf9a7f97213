"""The case of a loan that is open, can be reopened or ended last, as the pages of the loan mention it."""

from __future__ import annotations

from django.urls import reverse

from loans.models import Loan
from loans.presenters.relief_status import Promises, ReliefStatus
from portal.core.kernel.roles import Role
from relief.cases.collection import sentence_for
from relief.cases.labels import label
from relief.cases.models import Case
from relief.cases.queries import rules_for
from relief.cases.workflow import IN_PLAN, IN_TALKS, OPEN, State

EXPIRED, TO_REOPEN = "减免申请已过期，材料都在，可以重新打开", "去重新打开"


def of_loan(loan: Loan) -> ReliefStatus | None:
    """One query: 审核中 with the way to its progress, a draft with the way to finish it, 已过期 to reopen.

    A case that ended otherwise is not current: one may apply again.
    """
    newest_first = list(Case.objects.filter(loan=loan).only("public_id", "state"))
    case = next((case for case in newest_first if case.state in OPEN), None)
    if case is None:
        return _ended(loan, newest_first[0]) if newest_first else None
    state, words = State(case.state), label(case.state, Role.BORROWER)
    if state is State.DRAFT:
        url = reverse("relief:apply", args=[loan.public_id])
        return ReliefStatus(
            words, "减免申请还没有提交，可以接着填写。", "继续申请", url, is_current=True
        )
    url = reverse("relief:case", args=[case.public_id])
    sentence = f"减免申请：{words}。"
    if state in IN_TALKS:
        sentence += sentence_for(state)
    elif state in IN_PLAN:
        sentence = "这笔借款有协商好的新还款计划。"  # how it stands, its stage says beside it
    return ReliefStatus(words, sentence, "查看进度", url, is_current=True)


def _ended(loan: Loan, last: Case) -> ReliefStatus:
    words = label(last.state, Role.BORROWER)
    url = reverse("relief:case", args=[last.public_id])
    if last.state == State.EXPIRED and not loan.is_settled:
        return ReliefStatus(words, f"{EXPIRED}。", TO_REOPEN, url, is_current=True)
    return ReliefStatus(words, f"减免申请：{words}。", "查看申请", url, is_current=False)


def promises_of_loan(loan: Loan) -> Promises:
    """By the policy that the loan's open case is under, else by the current one."""
    rules = rules_for(Case.objects.filter(loan=loan).open().select_related("policy").first())
    return Promises(
        review_span=rules.review_span,
        review_workdays=rules.review_workdays,
        review_until=rules.review_deadline_time,
        reply_workdays=rules.reply_workdays,
        max_rounds=rules.max_rounds,
    )
