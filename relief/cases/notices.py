"""Who hears of what, by which channels, with which template; keyed by Action and AuditEvent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.core.kernel.roles import Rank
from relief.cases.workflow import Action as A
from relief.cases.workflow import State


class AuditEvent(StrEnum):
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
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    ERASED = "ERASED"
    CORRECTED = "CORRECTED"


AUDIT_EVENT_LABELS: dict[AuditEvent, str] = {
    AuditEvent.ASSIGNED: "转交处理人",
    AuditEvent.AMBER: "审核临近截止",
    AuditEvent.REVIEW_MISSED: "审核超时",
    AuditEvent.PROMISE_MISSED: "答复超时",
    AuditEvent.REMINDER_SKIPPED: "提醒已过时，没有发送",
    AuditEvent.PROOF_REMINDER: "提醒补充材料",
    AuditEvent.OFFER_REMINDER: "提醒方案即将到期",
    AuditEvent.PLAN_SOON: "提醒还款",
    AuditEvent.PLAN_TODAY: "提醒今日还款",
    AuditEvent.PLAN_LATE: "提醒未按时还款",
    AuditEvent.BREACH_READY: "等待确认违约",
    AuditEvent.OFFER_OPENED: "借款人打开方案",
    AuditEvent.EVIDENCE_ADDED: "上传材料",
    AuditEvent.EVIDENCE_REMOVED: "移除材料",
    AuditEvent.EVIDENCE_CHECKED: "材料检查完成",
    AuditEvent.EVIDENCE_JUDGED: "材料审核",
    AuditEvent.EVIDENCE_OPENED: "查看材料",
    AuditEvent.EVIDENCE_PURGED: "删除材料文件",
    AuditEvent.CONSENT_WITHDRAWN: "撤回单独同意",
    AuditEvent.ERASED: "删除个人信息",
    AuditEvent.CORRECTED: "账目更正",
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
class NoticeRule:
    """One notice: in-app always; `channels` beside it; `when` limits it to one target state."""

    event: str
    audience: Audience = Audience.BORROWER
    channels: frozenset[str] = frozenset()
    when: State | None = None


SMS = frozenset({"sms"})
CALL = frozenset({"sms", "phone"})

RULES: dict[A | AuditEvent, tuple[NoticeRule, ...]] = {
    A.SUBMIT: (
        NoticeRule("case_submitted", channels=SMS),
        NoticeRule("staff_new_case", Audience.REVIEWERS),
    ),
    A.WITHDRAW: (NoticeRule("case_withdrawn"),),
    A.CLAIM: (NoticeRule("review_started"),),
    A.RELEASE: (),
    A.ASK_PROOF: (NoticeRule("proof_asked", channels=SMS),),
    A.SUPPLY: (NoticeRule("proof_received"), NoticeRule("staff_proof_supplied", Audience.ASSIGNEE)),
    A.PASS: (NoticeRule("review_passed", channels=SMS),),
    A.REJECT: (NoticeRule("case_rejected", channels=SMS),),
    A.APPEAL: (NoticeRule("appeal_received"), NoticeRule("staff_appeal", Audience.SUPERVISORS)),
    A.OFFER: (NoticeRule("offer_made", channels=SMS),),
    A.ACCEPT_COUNTER: (NoticeRule("counter_agreed", channels=SMS),),
    A.ASK_APPROVAL: (NoticeRule("staff_approval", Audience.CHECKERS),),
    A.APPROVE: (
        NoticeRule("offer_made", channels=SMS),
        NoticeRule("staff_approved", Audience.ASSIGNEE),
    ),
    A.SEND_BACK: (NoticeRule("staff_sent_back", Audience.ASSIGNEE),),
    A.WITHDRAW_OFFER: (NoticeRule("offer_taken_back", channels=SMS),),
    A.REISSUE: (
        NoticeRule("offer_reissued", channels=SMS, when=State.OFFERED),
        NoticeRule("staff_offer_reissued", Audience.ASSIGNEE),
    ),
    A.ACCEPT: (
        NoticeRule("agreement_made", channels=SMS),
        NoticeRule("staff_offer_accepted", Audience.ASSIGNEE),
    ),
    A.COUNTER: (NoticeRule("counter_received"), NoticeRule("staff_counter", Audience.ASSIGNEE)),
    A.DECLINE: (NoticeRule("case_declined"), NoticeRule("staff_offer_declined", Audience.ASSIGNEE)),
    A.EXPIRE: (NoticeRule("case_expired", channels=SMS),),
    A.REOPEN: (
        NoticeRule("case_reopened", when=State.DRAFT),
        NoticeRule("plan_reopened", channels=SMS, when=State.PLAN_ACTIVE),
        NoticeRule("staff_plan_reopened", Audience.ASSIGNEE, when=State.PLAN_ACTIVE),
    ),
    A.REVOKE: (NoticeRule("agreement_revoked", channels=CALL),),
    A.WARN: (NoticeRule("plan_warned", channels=CALL),),
    A.CURE: (NoticeRule("plan_cured", channels=SMS),),
    A.BREACH: (NoticeRule("plan_breached", channels=CALL),),
    A.COMPLETE: (NoticeRule("plan_completed", channels=SMS),),
    A.SETTLE: (NoticeRule("case_settled", channels=SMS),),
    A.UNSETTLE: (NoticeRule("breach_reopened", channels=SMS),),
    AuditEvent.ASSIGNED: (NoticeRule("staff_assigned", Audience.ASSIGNEE),),
    AuditEvent.AMBER: (NoticeRule("staff_amber", Audience.ASSIGNEE),),
    AuditEvent.REVIEW_MISSED: (
        NoticeRule("review_delayed", channels=CALL),
        NoticeRule("staff_missed", Audience.ESCALATED),
    ),
    AuditEvent.PROMISE_MISSED: (
        NoticeRule("promise_delayed", channels=SMS),
        NoticeRule("staff_missed", Audience.ESCALATED),
    ),
    AuditEvent.REMINDER_SKIPPED: (),
    AuditEvent.PROOF_REMINDER: (NoticeRule("proof_reminder", channels=SMS),),
    AuditEvent.OFFER_REMINDER: (NoticeRule("offer_reminder", channels=SMS),),
    AuditEvent.PLAN_SOON: (NoticeRule("plan_soon", channels=SMS),),
    AuditEvent.PLAN_TODAY: (NoticeRule("plan_today", channels=SMS),),
    AuditEvent.PLAN_LATE: (NoticeRule("plan_late", channels=SMS),),
    AuditEvent.BREACH_READY: (NoticeRule("staff_breach_ready", Audience.SUPERVISORS),),
    AuditEvent.OFFER_OPENED: (),
    AuditEvent.EVIDENCE_ADDED: (),
    AuditEvent.EVIDENCE_REMOVED: (),
    AuditEvent.EVIDENCE_CHECKED: (),
    AuditEvent.EVIDENCE_JUDGED: (),
    AuditEvent.EVIDENCE_OPENED: (),
    AuditEvent.EVIDENCE_PURGED: (),
    AuditEvent.ERASED: (),  # the erasure tells the borrower: relief.rights.erasure
    AuditEvent.CONSENT_WITHDRAWN: (NoticeRule("staff_consent_withdrawn", Audience.ASSIGNEE),),
    AuditEvent.CORRECTED: (),  # the books tell the borrower: loans.services.notices
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
