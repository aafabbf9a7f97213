"""Words to choose from: reasons for asking, codes of rejection, reasons against an offer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from portal.core.kernel.errors import InvalidInput

# Force majeure first, as the article says.
REASONS: dict[str, tuple[str, str]] = {
    "disaster": ("自然灾害", "水灾、火灾、地震等"),
    "illness": ("疾病住院", "本人或直系亲属就医、住院"),
    "accident": ("意外事故", "交通事故、工伤等"),
    "job_loss": ("失业", "被裁员、单位停工停产"),
    "income_loss": ("收入下降", "降薪、生意亏损、停薪休假"),
    "family": ("家庭变故", "亲人离世、离异等"),
    "other": ("其他", "请在下一步说明"),
}


# What a reviewer makes sure of before a yes: by reason, and whatever the reason is.
CHECKLISTS: dict[str, tuple[str, ...]] = {
    "disaster": ("受灾证明由政府、社区或气象部门出具", "受灾地点与居住或经营地相符"),
    "illness": ("病历或票据写明本人或直系亲属", "就诊日期在逾期之前或同时"),
    "accident": ("事故认定书或工伤认定齐全", "赔付情况已经说明"),
    "job_loss": ("离职、停工或失业登记可以核实", "失业日期在逾期之前或同时"),
    "income_loss": ("变化前后各有一份收入材料", "流水与所填收入相符"),
    "family": ("变故有证明材料", "对收支的影响已经说明"),
    "other": ("情况说明与材料互相印证",),
}
FOR_ALL = ("材料清晰、完整、在有效期内", "每月可还金额与收支相符")


class RejectCode(StrEnum):
    """Why a case is rejected (relief/RULES.md §3)."""

    EVIDENCE_INSUFFICIENT = "EVIDENCE_INSUFFICIENT"
    EVIDENCE_UNREADABLE = "EVIDENCE_UNREADABLE"
    NOT_OVERDUE = "NOT_OVERDUE"
    ABILITY_SUFFICIENT = "ABILITY_SUFFICIENT"
    FRAUD_SUSPECTED = "FRAUD_SUSPECTED"
    PLAN_UNAFFORDABLE = "PLAN_UNAFFORDABLE"
    DUPLICATE = "DUPLICATE"
    OTHER = "OTHER"


# code -> (name, the sentence the borrower reads, what would change it)
REJECTIONS: dict[RejectCode, tuple[str, str, str]] = {
    RejectCode.EVIDENCE_INSUFFICIENT: (
        "材料不足",
        "现有材料还不能说明逾期与困难的关系。",
        "补充能说明收入变化或困难的材料后可以重新申请。",
    ),
    RejectCode.EVIDENCE_UNREADABLE: (
        "材料无法辨认",
        "材料看不清或打不开，无法核对。",
        "重新拍摄或导出清晰的材料后可以重新申请。",
    ),
    RejectCode.NOT_OVERDUE: (
        "没有逾期罚息",
        "这笔借款目前没有罚息，无需减免。",
        "如以后出现逾期且有困难，可以再申请。",
    ),
    RejectCode.ABILITY_SUFFICIENT: (
        "还款能力充足",
        "按你提供的收支情况，可以按原计划还款。",
        "收支有变化时，附上新的收入证明可以重新申请。",
    ),
    RejectCode.FRAUD_SUSPECTED: (
        "材料真实性存疑",
        "部分材料与核实到的情况不一致。",
        "提供可核实的原件或出具单位的联系方式后可以重新申请。",
    ),
    RejectCode.PLAN_UNAFFORDABLE: (
        "暂无可行方案",
        "按你目前的收支，还没有能按时还上的方案。",
        "收入恢复，或每月可还金额提高后可以重新申请。",
    ),
    RejectCode.DUPLICATE: (
        "重复申请",
        "这笔借款已有同样的申请。",
        "有新的情况和材料时可以重新申请。",
    ),
    RejectCode.OTHER: ("其他原因", "", "按说明补充后可以重新申请。"),
}

COUNTER_REASONS: dict[str, str] = {
    "too_much": "每期金额仍然偏高",
    "waive_all": "希望罚息减免更多",
    "shorter": "希望期限更短、总额更低",
    "date": "首期日期不合适",
    "other": "其他原因",
}

MIN_STATEMENT, MAX_STATEMENT = 10, 500


def check_reasons(reasons: Sequence[str]) -> list[str]:
    """The chosen reasons, each once, in the order of the screen; InvalidInput("reasons") if none.

    check_reasons(["illness", "disaster"]) == ["disaster", "illness"].
    """
    chosen = [key for key in REASONS if key in reasons]
    if not chosen or set(reasons) - set(REASONS):
        raise InvalidInput("reasons", "请选择至少一个没能按时还款的原因")
    return chosen


def reason_names(keys: Sequence[str]) -> str:
    """The reasons for asking in words: reason_names(["disaster", "illness"]) == "自然灾害、疾病住院"."""
    return "、".join(REASONS[key][0] for key in keys if key in REASONS)


def checklist(keys: Sequence[str]) -> list[str]:
    """What to make sure of for these reasons, in the order of the screen."""
    return [*(line for key in REASONS if key in keys for line in CHECKLISTS[key]), *FOR_ALL]


def check_statement(text: str) -> str:
    """The statement without outer blanks, 10 to 500 characters; InvalidInput("statement")."""
    plain = text.replace("\x00", "").strip()
    if len(plain) < MIN_STATEMENT:
        raise InvalidInput("statement", f"情况说明请至少写 {MIN_STATEMENT} 个字")
    if len(plain) > MAX_STATEMENT:
        raise InvalidInput("statement", f"情况说明最多 {MAX_STATEMENT} 字，现在有 {len(plain)} 字")
    return plain


def check_line(
    text: str, *, field: str, label: str, longest: int = 500, empty: bool = False
) -> str:
    """A short text of staff or borrower: trimmed, not empty unless allowed, not too long."""
    plain = text.replace("\x00", "").strip()
    if not plain and not empty:
        raise InvalidInput(field, f"请填写{label}")
    if len(plain) > longest:
        raise InvalidInput(field, f"{label}最多 {longest} 字，现在有 {len(plain)} 字")
    return plain


def check_counter_reasons(reasons: Sequence[str]) -> list[str]:
    """The chosen reasons against an offer, at least one; InvalidInput("reasons") otherwise."""
    chosen = [key for key in COUNTER_REASONS if key in reasons]
    if not chosen or set(reasons) - set(COUNTER_REASONS):
        raise InvalidInput("reasons", "请选择不接受的主要原因")
    return chosen
