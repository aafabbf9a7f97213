"""Every act of the desk on a case: its words, its form, and the one service it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404

from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases import review
from relief.cases.models import Case
from relief.cases.permissions import Task, needed_rank
from relief.cases.workflow import Action
from relief.conversation import messages
from relief.desk import forms
from relief.desk.offer_form import OfferForm
from relief.evidence import files as evidence
from relief.evidence.models import Evidence
from relief.offers import approval, negotiate, revoke
from relief.plans import watch as plan_watch

Values = Mapping[str, Any]
DeskCall = Callable[[Case, Any, User, datetime], object]


@dataclass(frozen=True)
class DeskAct:
    """One button of the case page; `action` is what permissions.why_not judges.

    `hint` may name `{rules.…}` of the policy that the case is under.
    """

    slug: str
    label: str
    form: type[forms.DeskForm]
    run: DeskCall
    done: str
    action: Action | Task
    style: str = ""
    hint: str = ""

    @property
    def is_move(self) -> bool:
        """Whether it is a line of the table of moves."""
        return isinstance(self.action, Action)

    @property
    def needed(self) -> Rank:
        """The least rank that may do it at all."""
        return needed_rank(self.action)


def _claim(case: Case, form: Any, actor: User, now: datetime) -> object:
    return review.claim_case(case=case, actor=actor, now=now)


def _release(case: Case, form: Any, actor: User, now: datetime) -> object:
    return review.release_case(case=case, actor=actor, now=now, note=form.cleaned_data["note"])


def _assign(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return review.assign_case(case=case, to=values["to"], actor=actor, now=now, note=values["note"])


def _ask(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return review.ask_for_proof(
        case=case, kinds=values["kinds"], text=values["text"], actor=actor, now=now
    )


def _pass(case: Case, form: Any, actor: User, now: datetime) -> object:
    return review.pass_review(case=case, actor=actor, now=now, note=form.cleaned_data["note"])


def _reject(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return review.reject_case(
        case=case,
        code=values["reason"],
        text=values["text"],
        advice=values["advice"],
        note_internal=values["note_internal"],
        actor=actor,
        now=now,
    )


def _offer(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return negotiate.make_offer(
        case=case,
        draft=form.draft(),
        actor=actor,
        now=now,
        note=values["note"],
        note_internal=values["note_internal"],
        unread_reason=values["unread_reason"],
    )


def _agree(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return negotiate.accept_counter(
        case=case,
        number=values["number"],
        actor=actor,
        now=now,
        note=values["note"],
        unread_reason=values["unread_reason"],
    )


def _approve(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return approval.approve_offer(
        case=case, number=values["number"], actor=actor, now=now, note=values["note"]
    )


def _send_back(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return approval.send_back_offer(
        case=case, number=values["number"], reason=values["reason"], actor=actor, now=now
    )


def _take_back(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    return negotiate.withdraw_offer(
        case=case, number=values["number"], reason=values["reason"], actor=actor, now=now
    )


def _breach(case: Case, form: Any, actor: User, now: datetime) -> object:
    return plan_watch.breach(case=case, reason=form.cleaned_data["reason"], actor=actor, now=now)


def _revoke(case: Case, form: Any, actor: User, now: datetime) -> object:
    reason = form.cleaned_data["reason"]
    return revoke.revoke_agreement(case=case, reason=reason, actor=actor, now=now)


def _say(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    conversation = messages.conversation_of(borrower=case.borrower, now=now)
    return messages.staff_say(
        conversation=conversation,
        text=values["text"],
        internal=values["internal"],
        once=values["once"],
        case=case,
        actor=actor,
        now=now,
    )


def _judge(case: Case, form: Any, actor: User, now: datetime) -> object:
    values = form.cleaned_data
    papers = Evidence.objects.for_lists().filter(case=case)
    return evidence.judge_evidence(
        evidence=get_object_or_404(papers, public_id=values["file"]),
        passed=values["verdict"] == "passed",
        reason=values["reason"],
        text=values["text"],
        actor=actor,
        now=now,
    )


A = Action
ACTS: dict[str, DeskAct] = {
    act.slug: act
    for act in (
        DeskAct("claim", "领取", forms.ClaimForm, _claim, "已领取这份申请", A.CLAIM, style="pri"),
        DeskAct(
            "approve",
            "复核通过并发送",
            forms.ApproveForm,
            _approve,
            "复核通过，方案已发给借款人",
            A.APPROVE,
            "pri",
        ),
        DeskAct(
            "send-back",
            "退回修改",
            forms.SendBackForm,
            _send_back,
            "已退回拟定人",
            A.SEND_BACK,
        ),
        DeskAct(
            "pass",
            "通过并拟方案",
            forms.PassForm,
            _pass,
            "审核已通过，请拟定方案",
            A.PASS,
            style="pri",
        ),
        DeskAct(
            "ask",
            "要求补充",
            forms.ProofForm,
            _ask,
            "已请借款人补充材料，审核计时暂停",
            A.ASK_PROOF,
            hint="审核计时会暂停，借款人有 {rules.evidence_days} 天时间补充；"
            "补充后剩余工作日继续计算。",
        ),
        DeskAct(
            "accept-counter",
            "同意还款建议",
            forms.AgreeForm,
            _agree,
            "已按借款人的建议出方案",
            A.ACCEPT_COUNTER,
            style="pri",
            hint="按借款人提出的条件，用今天的欠款重新计算；超出你的权限时先提交复核。",
        ),
        DeskAct("offer", "发送方案", OfferForm, _offer, "方案已提交", A.OFFER, style="pri"),
        DeskAct(
            "reject",
            "不通过",
            forms.RejectForm,
            _reject,
            "已告知借款人审核未通过",
            A.REJECT,
            style="dang",
            hint="说明和建议留空时，使用该原因的标准语句；涉嫌材料不实须由主管决定。",
        ),
        DeskAct(
            "withdraw-offer",
            "撤回方案",
            forms.TakeBackForm,
            _take_back,
            "方案已撤回，可以重新拟定",
            A.WITHDRAW_OFFER,
            style="dang",
        ),
        DeskAct(
            "breach",
            "确认违约",
            forms.BreachForm,
            _breach,
            "已确认违约，账目已按比例恢复",
            A.BREACH,
            "dang",
            "减免按已还本金的比例保留，其余恢复，剩余本金今天到期。不能撤销。",
        ),
        DeskAct(
            "revoke",
            "撤销协议",
            forms.RevokeForm,
            _revoke,
            "协议已撤销，账目已冲回，可以重新拟定方案",
            A.REVOKE,
            "dang",
            "只能在新计划第一笔还款之前撤销；用反向分录冲回，原记录保留。",
        ),
        DeskAct("release", "退回队列", forms.NoteForm, _release, "已退回队列", A.RELEASE),
        DeskAct("assign", "转交", forms.AssignForm, _assign, "已转交", Task.ASSIGN),
        DeskAct("say", "发送", forms.SayForm, _say, "已发送", Task.SAY),
        DeskAct("judge", "评定材料", forms.JudgeForm, _judge, "材料评定已记录", Task.JUDGE_FILE),
    )
}
