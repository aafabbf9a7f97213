"""账务操作复核 at the desk: what waits for a second person, its page, and its three ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join

from loans.desk.acts import ActPage, Done, act_page
from loans.models import Loan, Proposal
from loans.pages.forms import (
    PARTS_OF_DEBT,
    ActReasonForm,
    AdjustmentForm,
    ApprovalForm,
    LatePaymentForm,
    ReferenceForm,
    RefundForm,
    WriteOffForm,
)
from loans.queries.carrying import is_non_accruing
from loans.queries.debt import load_debt
from loans.queries.position import Position
from loans.services.acts import proposals
from loans.services.acts.credit import amount_of, has_refunds, sent
from loans.services.acts.proposals import ProposedAct
from loans.services.acts.write_off import LABELS
from portal.core import clock
from portal.core.desk.columns import column, money
from portal.core.desk.records import ReadOnlyAdmin
from portal.core.kernel.money import ZERO
from portal.core.models import User
from portal.core.web.drafting import keeps_draft

PROPOSE = "提交复核"
CONTRACT = column("loan.number", "借据编号")
AMOUNT = money("amount", "金额（元）")


def proposals_of(rows: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Those of a loan or a payment, newest first, as its page lists them."""
    return rows.select_related("made_by", "decided_by").order_by("-pk")


def page_of(proposal: Proposal) -> str:
    return reverse("admin:loans_proposal_change", args=[proposal.pk])


def propose_page(
    request: HttpRequest, page: ActPage, draft: Callable[[dict[str, Any]], ProposedAct]
) -> HttpResponse:
    """The form of an act that somebody else has to approve; leads to the proposal's own page."""

    def act(data: dict[str, Any], actor: User) -> Done:
        proposal = proposals.propose(draft(data), actor=actor, now=clock.now())
        sentence = f"已提交，由另一位{proposal.needed_label}以上的同事复核后入账。"
        return Done(sentence, page_of(proposal))

    return act_page(request, page, act)


Asked = tuple[Decimal, dict[str, Any]]  # the amount in yuan that decides who may approve; terms
ActAnswers = dict[str, Any]  # of the act's form


@dataclass(frozen=True, slots=True)
class LoanAct:
    """An act that is proposed from a loan's page: its words, its form, and what that asks for."""

    kind: Proposal.Kind
    warning: str
    form_class: type[Form]
    asked: Callable[[Loan, ActAnswers], Asked]


def _late_payment(loan: Loan, answers: ActAnswers) -> Asked:
    terms = {name: answers[name] for name in ("reference", "keep_excess")}
    return answers["amount"], {"paid_on": answers["paid_on"].isoformat(), **terms}


def _refund(loan: Loan, answers: ActAnswers) -> Asked:
    return answers["amount"], {"reference": answers["reference"]}


def _return_refund(loan: Loan, answers: ActAnswers) -> Asked:
    reference = answers["reference"]
    return amount_of(sent(loan.pk, reference)), {"reference": reference}


def _write_off(loan: Loan, answers: ActAnswers) -> Asked:
    parts = {name: answers[name] for name in LABELS if answers[name]}
    if not parts:
        return load_debt(loan, clock.today()).total, {}
    return sum(parts.values(), ZERO), {"parts": {n: str(amount) for n, amount in parts.items()}}


def _non_accrual(loan: Loan, answers: ActAnswers) -> Asked:
    owed = load_debt(loan, clock.today())
    return owed.total - owed.principal, {}


def _adjust(loan: Loan, answers: ActAnswers) -> Asked:
    return answers["amount"], {name: answers[name] for name in ("from_part", "to_part")}


def _accelerate(loan: Loan, answers: ActAnswers) -> Asked:
    return load_debt(loan, clock.today()).principal, {}


LOAN_ACTS: dict[str, LoanAct] = {  # by the word in the address
    "late-payment": LoanAct(
        Proposal.Kind.LATE_PAYMENT,
        "按实际到账日入账：罚息从那天起重新计算，之后的还款重新分配，"
        "之后的违约和提前到期按原日期、原原因重新计算。更正前后的数字都会记下来。",
        LatePaymentForm,
        _late_payment,
    ),
    "refund": LoanAct(
        Proposal.Kind.REFUND,
        "把多还的钱退给借款人：先按原路付款，再登记金额和付款流水号。不超过溢缴款余额。",
        RefundForm,
        _refund,
    ),
    "refund-back": LoanAct(
        Proposal.Kind.REFUND_BACK,
        "退款没有到账、款项退回时登记：金额重新成为溢缴款，可以换新的流水号再退。",
        ReferenceForm,
        _return_refund,
    ),
    "write-off": LoanAct(
        Proposal.Kind.WRITE_OFF,
        "把收不回的欠款记为损失。欠款本身不变：借款人仍需归还，罚息照常计收，之后收到的款项记为核销收回。",
        WriteOffForm,
        _write_off,
    ),
    "non-accrual": LoanAct(
        Proposal.Kind.NON_ACCRUAL,
        "记账到今天，把已产生的利息和罚息转为表外核算。有还款等事情发生时会自动处理，"
        "这里用于一直没有变动的借款；还清逾期后自动转回。",
        ActReasonForm,
        _non_accrual,
    ),
    "adjustment": LoanAct(
        Proposal.Kind.ADJUSTMENT,
        "把到期欠款的一部分从一个科目调到另一个科目：总待还不变，调入的部分从今天起单列一期应还，"
        "只有本金计收罚息。不超过调出科目到期未还的金额。",
        AdjustmentForm,
        _adjust,
    ),
    "acceleration": LoanAct(
        Proposal.Kind.ACCELERATION,
        "全部未到期本金从复核通过那天起到期，未到期利息不再收取。会通知借款人，不能撤销。",
        ActReasonForm,
        _accelerate,
    ),
}


def loan_acts(user: object, loan: Loan, books: Position) -> list[tuple[str, str]]:
    """(word in the address, label) of the acts that this person may propose on a loan as it stands."""
    if not isinstance(user, User) or not proposals.may_propose(user, loan):
        return []
    owes = not loan.is_settled
    possible = {
        "refund": books.credit > 0,
        "refund-back": has_refunds(loan),
        "write-off": owes,
        "adjustment": owes,
        "non-accrual": owes and is_non_accruing(books, clock.today()),
        "acceleration": owes and loan.accelerated_on is None and not books.is_plan(),
    }
    return [(slug, act.kind.label) for slug, act in LOAN_ACTS.items() if possible.get(slug, True)]


def loan_act_page(request: HttpRequest, loan: Loan, slug: str) -> HttpResponse:
    """The form of one act on a loan."""
    if slug not in LOAN_ACTS:
        raise Http404
    act = LOAN_ACTS[slug]
    page = ActPage(
        title=f"{act.kind.label}：{loan.number}",
        warning=act.warning,
        back=reverse("admin:loans_loan_change", args=[loan.pk]),
        may=lambda user: proposals.may_propose(user, loan),
        form_class=act.form_class,
        button=PROPOSE,
    )

    def draft(answers: ActAnswers) -> ProposedAct:
        amount, terms = act.asked(loan, answers)
        return ProposedAct(act.kind, loan.pk, amount, answers["reason"], terms=terms)

    return propose_page(request, page, draft)


@admin.register(Proposal)
class ProposalAdmin(ReadOnlyAdmin):
    """What was proposed, by whom, and what became of it."""

    change_form_template = "admin/loans/proposal_change_form.html"
    list_display = ["made_at", "kind", CONTRACT, AMOUNT, "state", "maker", "checker"]
    list_display_links = ["made_at", "kind"]
    list_filter = ["status", "kind"]
    list_select_related = ["loan", "made_by", "decided_by"]
    search_fields = ["loan__number", "reason"]
    search_help_text = "借据编号或原因"
    date_hierarchy = "made_at"
    fields = [
        *("kind", CONTRACT, AMOUNT, "details", "reason", "rehearsed", "state", "rank"),
        *("maker", "made_at", "valid_until", "checker", "decided_at", "note"),
    ]
    readonly_fields = [
        *(CONTRACT, AMOUNT, "details", "rehearsed", "state", "rank", "maker", "checker"),
    ]
    own_pages = {end: f"<int:pk>/{end}/" for end in ("approve", "refuse", "withdraw")}

    @admin.display(description="状态")
    def state(self, proposal: Proposal) -> str:
        if proposal.status == Proposal.Status.PENDING and not proposal.is_open(clock.now()):
            return "已过期"
        return proposal.get_status_display()

    @admin.display(description="提出人")
    def maker(self, proposal: Proposal) -> str:
        return proposal.made_by.name

    @admin.display(description="复核人")
    def checker(self, proposal: Proposal) -> str:
        return proposal.decided_by.name if proposal.decided_by else "-"

    @admin.display(description="需要")
    def rank(self, proposal: Proposal) -> str:
        return f"{proposal.needed_label}复核"

    @admin.display(description="内容")
    def details(self, proposal: Proposal) -> str:
        return format_html_join("", "<div>{}：{}</div>", proposal_details(proposal)) or "—"

    @admin.display(description="提出当天的试算（元）")
    def rehearsed(self, proposal: Proposal) -> str:
        lines = ((line,) for line in proposal.effect or ["欠款不变"])
        return format_html_join("", "<div>{}</div>", lines)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        proposal = self.get_object(request, object_id)
        if isinstance(proposal, Proposal) and isinstance(request.user, User):
            user, now = request.user, clock.now()
            why_not = proposals.why_not(proposal, user, now)
            mine = proposal.made_by_id == user.pk and proposal.is_open(now)
            shown = {"may_decide": not why_not, "why_not": why_not, "may_withdraw": mine}
            extra_context = {**(extra_context or {}), **shown}
        return super().change_view(request, object_id, form_url, extra_context)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """复核通过: books it now."""
        warning = "按今天的账目入账，数字可能与提出当天的试算略有不同；入账后用反向的操作才能更正。"
        return _end(request, pk, "复核通过", warning, ApprovalForm, _approve)

    @method_decorator(keeps_draft)
    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """退回: nothing is booked."""
        return _end(request, pk, "退回", "不入账；提出人会看到退回原因。", ActReasonForm, _refuse)

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """撤回 by the maker."""
        return _end(
            request, pk, "撤回", "不入账，这项操作到此为止。", Form, _withdraw, by_maker=True
        )


def proposal_details(proposal: Proposal) -> list[tuple[str, str]]:
    """What else a kind of act says of itself, label and words."""
    payment = proposal.payment
    rows = [("还款", f"{payment.paid_on}，流水号 {payment.reference}")] if payment else []
    terms = proposal.terms
    if proposal.kind == Proposal.Kind.LATE_PAYMENT:
        rows += [("付款日", terms["paid_on"]), ("渠道流水号", terms["reference"])]
        rows += [("超出全部应还的部分", "记为溢缴款")] if terms["keep_excess"] else []
    elif "reference" in terms:
        rows.append(("付款流水号", terms["reference"]))
    if proposal.kind == Proposal.Kind.ADJUSTMENT:
        names = dict(PARTS_OF_DEBT)
        rows += [("从", names[terms["from_part"]]), ("到", names[terms["to_part"]])]
    if proposal.kind == Proposal.Kind.WRITE_OFF:
        parts = terms.get("parts") or {}
        rows += [(f"核销{LABELS[name]}", f"{amount} 元") for name, amount in parts.items()]
        rows += [] if parts else [("核销", "复核当天的全部欠款")]
    return rows


def _approve(pk: int, data: dict[str, Any], actor: User) -> str:
    proposals.approve(proposal_id=pk, actor=actor, now=clock.now(), note=data["note"])
    return "已入账，借款人会收到通知。"


def _refuse(pk: int, data: dict[str, Any], actor: User) -> str:
    proposals.refuse(proposal_id=pk, note=data["reason"], actor=actor, now=clock.now())
    return "没有入账，已告知提出人。"


def _withdraw(pk: int, data: dict[str, Any], actor: User) -> str:
    proposals.withdraw(proposal_id=pk, actor=actor, now=clock.now())
    return "没有入账。"


def _end(
    request: HttpRequest,
    pk: int,
    button: str,
    warning: str,
    form_class: type[Form],
    run: Callable[[int, dict[str, Any], User], str],
    *,
    by_maker: bool = False,
) -> HttpResponse:
    proposal = get_object_or_404(Proposal.objects.select_related("loan", "payment"), pk=pk)

    def may(user: User) -> bool:
        """The maker for a withdrawal; else whoever could decide it were it still waiting."""
        return (
            proposals.may_withdraw(proposal, user)
            if by_maker
            else proposals.may_decide(proposal, user)
        )

    page = ActPage(
        title=f"{button}：{proposal}（{proposal.loan.number}）",
        warning=warning,
        back=page_of(proposal),
        may=may,
        form_class=form_class,
        button=button,
        facts=[("原因", proposal.reason), *proposal_details(proposal)],
    )
    return act_page(
        request, page, lambda data, actor: Done(run(pk, data, actor), page_of(proposal))
    )
