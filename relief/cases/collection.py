"""Whether reminders and collection calls about a loan stop, and the sentence that says so."""

from __future__ import annotations

from relief.cases.workflow import COLLECTION_STOPS, IN_PLAN, State

IN_TALKS_SENTENCE = "申请办理期间，催收提醒和催收电话已停止；到期还款仍按原计划计算。"
IN_PLAN_SENTENCE = (
    "新还款计划执行期间，催收提醒和催收电话已停止；"
    "只有本计划每期的还款提醒，逾期未还时还有违约预警的短信和电话。"
)


def sentence_for(state: str) -> str:
    """The sentence to show while collection is stopped, or "" when it is not (relief/RULES.md §2)."""
    if State(state) not in COLLECTION_STOPS:
        return ""
    return IN_PLAN_SENTENCE if State(state) in IN_PLAN else IN_TALKS_SENTENCE
