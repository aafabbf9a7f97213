"""Who hears of what, by which channels, with which template; keyed by Action and Happening."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.core.kernel.roles import Rank
from relief.cases.workflow import Action as A
from relief.cases.workflow import State


class Happening(StrEnum):
    """What is recorded and told without a move of the case."""

    ASSIGNED = "ASSIGNED"
    AMBER = "AMBER"
    REVIEW_MISSED = "REVIEW_MISSED"
    PROMISE_MISSED = "PROMISE_MISSED"
    REMINDER_SKIPPED = "REMINDER_SKIPPED"
    PROOF_REMINDER = "PROOF_REMINDER"
    OFFER_REMINDER = "OFFER_REMINDER"
    PLAN_SOON = "PLAN_SOON"
    PLAN_TODAY = "PLAN_TODAY"
    PLAN_LATE = "PLAN_LATE"
    BREACH_READY = "BREACH_READY"
    OFFER_OPENED = "OFFER_OPENED"
    EVIDENCE_ADDED = "EVIDENCE_ADDED"
    EVIDENCE_REMOVED = "EVIDENCE_REMOVED"
    EVIDENCE_CHECKED = "EVIDENCE_CHECKED"
    EVIDENCE_JUDGED = "EVIDENCE_JUDGED"
    EVIDENCE_OPENED = "EVIDENCE_OPENED"
    EVIDENCE_PURGED = "EVIDENCE_PURGED"
    CORRECTED = "CORRECTED"


HAPPENING_LABELS: dict[Happening, str] = {
    Happening.ASSIGNED: "转交处理人",
    Happening.AMBER: "审核临近截止",
    Happening.REVIEW_MISSED: "审核超时",
    Happening.PROMISE_MISSED: "答复超时",
    Happening.REMINDER_SKIPPED: "提醒已过时，没有发送",
    Happening.PROOF_REMINDER: "提醒补充材料",
    Happening.OFFER_REMINDER: "提醒方案即将到期",
    Happening.PLAN_SOON: "提醒还款",
    Happening.PLAN_TODAY: "提醒今日还款",
    Happening.PLAN_LATE: "提醒未按时还款",
    Happening.BREACH_READY: "等待确认违约",
    Happening.OFFER_OPENED: "借款人打开方案",
    Happening.EVIDENCE_ADDED: "上传材料",
    Happening.EVIDENCE_REMOVED: "移除材料",
    Happening.EVIDENCE_CHECKED: "材料检查完成",
    Happening.EVIDENCE_JUDGED: "材料审核",
    Happening.EVIDENCE_OPENED: "查看材料",
    Happening.EVIDENCE_PURGED: "材料到期删除",
    Happening.CORRECTED: "账目更正",
}


class Audience(StrEnum):
    """Who is told; staff audiences never hear of their own borrower account's case."""

    BORROWER = "borrower"
    ASSIGNEE = "assignee"  # the one in charge, or all reviewers when nobody is
    REVIEWERS = "reviewers"
    SUPERVISORS = "supervisors"
    CHECKERS = "checkers"  # all who have the rank that the pending offer needs
    ESCALATED = "escalated"  # all who have the rank that a broken promise went up to


@dataclass(frozen=True)
class Rule:
    """One notice: in-app always; `channels` beside it; `when` limits it to one target state."""

    event: str
    audience: Audience = Audience.BORROWER
    channels: frozenset[str] = frozenset()
    when: State | None = None


SMS = frozenset({"sms"})
CALL = frozenset({"sms", "phone"})

RULES: dict[A | Happening, tuple[Rule, ...]] = {
    A.SUBMIT: (Rule("case_submitted", channels=SMS), Rule("staff_new_case", Audience.REVIEWERS)),
    A.WITHDRAW: (Rule("case_withdrawn"),),
    A.CLAIM: (Rule("review_started"),),
    A.RELEASE: (),
    A.ASK_PROOF: (Rule("proof_asked", channels=SMS),),
    A.SUPPLY: (Rule("proof_received"), Rule("staff_proof_supplied", Audience.ASSIGNEE)),
    A.PASS: (Rule("review_passed", channels=SMS),),
    A.REJECT: (Rule("case_rejected", channels=SMS),),
    A.APPEAL: (Rule("appeal_received"), Rule("staff_appeal", Audience.SUPERVISORS)),
    A.OFFER: (Rule("offer_made", channels=SMS),),
    A.ACCEPT_COUNTER: (Rule("counter_agreed", channels=SMS),),
    A.ASK_APPROVAL: (Rule("staff_approval", Audience.CHECKERS),),
    A.APPROVE: (Rule("offer_made", channels=SMS), Rule("staff_approved", Audience.ASSIGNEE)),
    A.SEND_BACK: (Rule("staff_sent_back", Audience.ASSIGNEE),),
    A.WITHDRAW_OFFER: (Rule("offer_taken_back", channels=SMS),),
    A.REISSUE: (
        Rule("offer_reissued", channels=SMS, when=State.OFFERED),
        Rule("staff_offer_reissued", Audience.ASSIGNEE),
    ),
    A.ACCEPT: (
        Rule("agreement_made", channels=SMS),
        Rule("staff_offer_accepted", Audience.ASSIGNEE),
    ),
    A.COUNTER: (Rule("counter_received"), Rule("staff_counter", Audience.ASSIGNEE)),
    A.DECLINE: (Rule("case_declined"), Rule("staff_offer_declined", Audience.ASSIGNEE)),
    A.EXPIRE: (Rule("case_expired", channels=SMS),),
    A.REOPEN: (
        Rule("case_reopened", when=State.DRAFT),
        Rule("plan_reopened", channels=SMS, when=State.PLAN_ACTIVE),
        Rule("staff_plan_reopened", Audience.ASSIGNEE, when=State.PLAN_ACTIVE),
    ),
    A.REVOKE: (Rule("agreement_revoked", channels=CALL),),
    A.WARN: (Rule("plan_warned", channels=CALL),),
    A.CURE: (Rule("plan_cured", channels=SMS),),
    A.BREACH: (Rule("plan_breached", channels=CALL),),
    A.COMPLETE: (Rule("plan_completed", channels=SMS),),
    A.SETTLE: (Rule("case_settled", channels=SMS),),
    A.UNSETTLE: (Rule("breach_reopened", channels=SMS),),
    Happening.ASSIGNED: (Rule("staff_assigned", Audience.ASSIGNEE),),
    Happening.AMBER: (Rule("staff_amber", Audience.ASSIGNEE),),
    Happening.REVIEW_MISSED: (
        Rule("review_delayed", channels=CALL),
        Rule("staff_missed", Audience.ESCALATED),
    ),
    Happening.PROMISE_MISSED: (
        Rule("promise_delayed", channels=SMS),
        Rule("staff_missed", Audience.ESCALATED),
    ),
    Happening.REMINDER_SKIPPED: (),
    Happening.PROOF_REMINDER: (Rule("proof_reminder", channels=SMS),),
    Happening.OFFER_REMINDER: (Rule("offer_reminder", channels=SMS),),
    Happening.PLAN_SOON: (Rule("plan_soon", channels=SMS),),
    Happening.PLAN_TODAY: (Rule("plan_today", channels=SMS),),
    Happening.PLAN_LATE: (Rule("plan_late", channels=SMS),),
    Happening.BREACH_READY: (Rule("staff_breach_ready", Audience.SUPERVISORS),),
    Happening.OFFER_OPENED: (),
    Happening.EVIDENCE_ADDED: (),
    Happening.EVIDENCE_REMOVED: (),
    Happening.EVIDENCE_CHECKED: (),
    Happening.EVIDENCE_JUDGED: (),
    Happening.EVIDENCE_OPENED: (),
    Happening.EVIDENCE_PURGED: (),
    Happening.CORRECTED: (),  # the books tell the borrower: loans.services.telling
}

# Which page a notice opens, by event; the rest open the case.
OFFER_EVENTS = frozenset({"offer_made", "counter_agreed", "offer_reissued", "offer_reminder"})
PLAN_EVENTS = frozenset(
    {"plan_soon", "plan_today", "plan_late", "plan_warned", "plan_cured", "plan_reopened"}
)
STAFF_RANKS: dict[Audience, Rank] = {
    Audience.REVIEWERS: Rank.REVIEWER,
    Audience.SUPERVISORS: Rank.SUPERVISOR,
}
