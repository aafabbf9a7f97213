"""Chinese words for states and actions, and the sentence that says what happens next."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.kernel.roles import Role
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import Action as A
from relief.cases.workflow import State as S


@dataclass(frozen=True)
class StateWords:
    """How a state is called by each side, and what happens next; {due} is a Chinese instant."""

    borrower: str
    staff: str
    next_step: str
    next_step_staff: str
    without_due: str = ""
    past_due: str = ""  # to the borrower once {due} has passed and the sweep has not yet come


WORDS: dict[S, StateWords] = {
    S.DRAFT: StateWords(
        "草稿",
        "草稿",
        "填完并提交后，{review_span} 个工作日内给出审核结果。",
        "等待借款人提交，暂无时限。",
    ),
    S.SUBMITTED: StateWords(
        "审核中",
        "待审核",
        "客服会在 {due} 前给出审核结果，并以短信和消息告诉你。",
        "请领取，并在 {due} 前给出审核结果。",
    ),
    S.IN_REVIEW: StateWords(
        "审核中",
        "审核中",
        "客服正在审核，会在 {due} 前告诉你结果。",
        "请在 {due} 前要求补充材料、通过或说明不通过的原因。",
    ),
    S.NEED_MORE: StateWords(
        "待补充材料",
        "等待补充材料",
        "请在 {due} 前补充材料，补充后继续审核；到期未补充申请会关闭，材料保留，可重新打开。",
        "等待借款人在 {due} 前补充材料；审核计时已暂停。",
        past_due="补充材料的期限 {due} 已过，申请即将关闭；材料保留，关闭后可重新打开。",
    ),
    S.NEGOTIATING: StateWords(
        "方案拟定中",
        "待拟方案",
        "审核已通过，客服会在 {due} 前给你协商方案。",
        "请在 {due} 前拟好协商方案。",
    ),
    S.AWAITING_APPROVAL: StateWords(
        "方案拟定中",
        "待复核",
        "方案正在复核，会在 {due} 前发给你。",
        "请有权限的同事在 {due} 前复核，拟定人不能复核自己的方案。",
    ),
    S.OFFERED: StateWords(
        "待你确认方案",
        "等待借款人答复",
        "请在 {due} 前接受方案，或提出你的还款建议；过期后罚息照常计收，可重新申请。",
        "等待借款人在 {due} 前答复。",
        past_due="方案已于 {due} 过期，申请即将关闭；罚息照常计收，关闭后可重新打开。",
    ),
    S.COUNTERED: StateWords(
        "已提交还款建议",
        "待答复还款建议",
        "客服会在 {due} 前答复你的还款建议。",
        "请在 {due} 前答复借款人的还款建议。",
    ),
    S.PLAN_ACTIVE: StateWords(
        "按新计划还款中",  # from here on, pages take the badge of the loan's stage (queries.label_of)
        "按新计划还款中",
        "请按新还款计划按时还款。",  # the stage of the loan says more, where it is at hand
        "下一期 {due} 到期，由系统看护。",
    ),
    S.WARNED: StateWords(
        "有违约风险",
        "有违约风险",
        "请尽快还清逾期的一期，还清后新计划继续有效。",
        "补救期到 {due} 结束；到时仍未还清的，由主管确认违约。",
    ),
    S.BREACHED: StateWords(
        "新计划已终止",
        "新计划已终止",
        "新还款计划已终止，剩余欠款现已到期；仍可随时还款，也可联系客服。",
        "计划已终止，无需再处理。",
    ),
    S.COMPLETED: StateWords(
        "新计划已还清",
        "新计划已还清",
        "欠款已全部还清，结清证明已开出。",
        "新计划已还清，无需再处理。",
    ),
    S.REJECTED: StateWords(
        "未通过",
        "未通过",
        "如不同意，可在 {due} 前申诉一次，由另一位审核人员处理。",
        "借款人可在 {due} 前申诉一次。",
        "申诉机会已用完；补充新材料后可重新申请。",
        past_due="申诉的期限 {due} 已过；补充新材料后可重新申请。",
    ),
    S.DECLINED: StateWords(
        "已拒绝方案",
        "借款人已拒绝",
        "本次协商已结束，罚息照常计收；需要时可以重新申请。",
        "协商已结束，无需再处理。",
    ),
    S.EXPIRED: StateWords(
        "已过期",
        "已过期",
        "申请已过期，材料都还在；可以重新打开后再提交。",
        "已过期；借款人可重新打开。",
    ),
    S.WITHDRAWN: StateWords(
        "已撤回", "已撤回", "申请已撤回，需要时可以重新申请。", "已撤回，无需再处理。"
    ),
    S.SETTLED: StateWords(
        "已结清",
        "已结清",
        "借款已全部还清，结清证明已开出，申请随之结束。",
        "借款已结清，无需再处理。",
    ),
}

ACTION_LABELS: dict[A, str] = {
    A.SUBMIT: "提交申请",
    A.WITHDRAW: "撤回申请",
    A.CLAIM: "领取",
    A.RELEASE: "退回队列",
    A.ASK_PROOF: "要求补充材料",
    A.SUPPLY: "提交补充材料",
    A.PASS: "审核通过",
    A.REJECT: "审核不通过",
    A.APPEAL: "申诉",
    A.OFFER: "发出协商方案",
    A.ASK_APPROVAL: "提交复核",
    A.APPROVE: "复核通过",
    A.SEND_BACK: "复核退回",
    A.WITHDRAW_OFFER: "撤回方案",
    A.REISSUE: "按最新欠款更新方案",
    A.ACCEPT: "接受方案",
    A.COUNTER: "提出还款建议",
    A.ACCEPT_COUNTER: "同意还款建议",
    A.DECLINE: "拒绝方案",
    A.EXPIRE: "已过期",
    A.REOPEN: "重新打开",
    A.REVOKE: "撤销协议",
    A.WARN: "违约预警",
    A.CURE: "已补救",
    A.BREACH: "确认违约",
    A.COMPLETE: "计划完成",
    A.SETTLE: "借款结清",
    A.UNSETTLE: "结清撤销",
}

TURN_LABELS: dict[Role | None, str] = {
    Role.BORROWER: "轮到借款人",
    Role.STAFF: "轮到客服",
    None: "无需处理",
}


BREACH_READY = "{reason}，请主管确认违约；在确认之前还清逾期，新计划继续有效。"


def label(state: S | str, role: Role) -> str:
    """How `role` calls a state: SUBMITTED is 审核中 to the borrower and 待审核 to staff."""
    words = WORDS[S(state)]
    return words.borrower if role == Role.BORROWER else words.staff


LATE_AT_OUR_SIDE = "承诺的时间 {due} 已过，很抱歉；我们正在加急处理，会告诉你新的时间。"
# To staff, where the borrower had the turn and did not take it; the sweep has not yet come.
PAST_TO_STAFF: dict[S, str] = {
    S.NEED_MORE: "借款人没有在 {due} 前补充材料，申请即将关闭。",
    S.OFFERED: "借款人没有在 {due} 前答复，申请即将关闭。",
    S.REJECTED: "申诉的期限 {due} 已过。",
}


def next_step(
    state: S | str, role: Role, due: str, rules: ReliefPolicy, *, is_past: bool = False
) -> str:
    """What happens next and by when; `due` is the deadline as Chinese text, or empty.

    `rules` is the policy that governs the case. With `is_past` that time is over: nobody is told
    any more that it is still to come.

    next_step(SUBMITTED, BORROWER, "11月25日 18:00", rules) -> 客服会在 11月25日 18:00 前给出审核结果，…
    """
    words = WORDS[S(state)]
    text = words.next_step if role == Role.BORROWER else words.next_step_staff
    text = text.replace("{review_span}", rules.review_span)
    if "{due}" not in text:
        return text
    if due and is_past and role == Role.BORROWER:
        return (words.past_due or LATE_AT_OUR_SIDE).format(due=due)
    if due and is_past and S(state) in PAST_TO_STAFF:
        return PAST_TO_STAFF[S(state)].format(due=due)
    if due and is_past and "在 {due} 前" in text:
        return f"{due} 已过：{text.replace('在 {due} 前', '尽快')}"
    if due:
        return text.format(due=due)
    return words.without_due or text.replace("在 {due} 前", "尽快").replace("{due}", "")
