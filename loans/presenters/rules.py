"""计收规则 and 常见问题 of a loan, put into words from its own frozen profile and figures."""

from __future__ import annotations

from dataclasses import dataclass

from loans.domain.penalty.interest import InstalmentPenalty
from loans.domain.profile import PenaltyBase, PenaltyCause, ProductProfile, RateKind
from loans.presenters import wording
from loans.presenters.amounts import penalty_all
from loans.presenters.relief_status import Promises
from loans.queries.stage import LoanStage
from loans.queries.types import Debt
from portal.core.kernel.money import Rounding

BASES = {
    PenaltyBase.DUE_PRINCIPAL: "只对已逾期的本金，不含利息与罚息",
    PenaltyBase.DUE_PRINCIPAL_AND_INTEREST: "对已逾期的本金和利息，不含罚息",
    PenaltyBase.ALL_OUTSTANDING: "逾期后对全部未还本金，不含利息与罚息",
}

RATES = {PenaltyCause.OVERDUE: "罚息利率", PenaltyCause.MISUSE: "罚息利率（挪用借款）"}


@dataclass(frozen=True, slots=True)
class RuleText:
    """One line of 计收规则."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of 常见问题."""

    question: str
    text: str


def rate_words(profile: ProductProfile) -> str:
    """日利率 0.04% or 年利率 14.4%, as the contract says it."""
    kind = "日利率" if profile.rate_kind is RateKind.DAILY else "年利率"
    return f"{kind} {wording.percent(profile.rate)}"


def penalty_rules(profile: ProductProfile) -> tuple[RuleText, ...]:
    """How this loan's penalty is charged; nothing here is true of any other loan."""
    return tuple(
        rule
        for rule in (
            RuleText(RATES[profile.penalty_cause], _rate(profile)),
            _ceiling(profile),
            RuleText("不重复计", "逾期本金只按罚息利率计收，不再另计正常利息"),
            RuleText("计收基数", BASES[profile.penalty_base]),
            RuleText("起止", _days(profile)),
            _grace(profile),
            RuleText("复利", _compound(profile)),
            _late_fee(profile),
            RuleText("舍入", _rounding(profile)),
        )
        if rule is not None
    )


def _rate(profile: ProductProfile) -> str:
    basis = "" if profile.rate_kind is RateKind.DAILY else f" ÷ {profile.year_basis}"
    result = f"{wording.percent(profile.nominal_penalty_rate)}/天"
    if profile.penalty_rate_stated is None:
        times = wording.plain(profile.penalty_multiplier)
        return f"{rate_words(profile)}{basis} × {times} = {result}"
    stated = f"合同约定 {wording.percent(profile.penalty_rate_stated)}"
    return f"{stated}{basis} = {result}" if basis else f"{stated}/天"


def _ceiling(profile: ProductProfile) -> RuleText | None:
    if profile.annual_cap is None:
        return None
    cap = f"年化 {wording.percent(profile.annual_cap)}"
    if profile.penalty_rate < profile.nominal_penalty_rate:
        rate = f"{wording.percent(profile.annual_cap)} ÷ {profile.cap_year_basis}"
        return RuleText(
            "封顶", f"超过{cap}，按 {rate} {wording.percent(profile.penalty_rate)}/天计收"
        )
    return RuleText("封顶", f"逾期期间各项收费合计不超过{cap}，超出部分不收")


def _days(profile: ProductProfile) -> str:
    offset = profile.penalty_start_offset
    start = "到期日次日" if not offset else f"到期日后第 {offset + 1} 天"
    if profile.as_of_inclusive:
        return "到期日当天计第 1 天，至还清当日止" if not offset else f"{start}起，首尾均计"
    return f"{start}起，至还清当日止"


def _grace(profile: ProductProfile) -> RuleText | None:
    if not profile.grace_days:
        return None
    after = "超过后自到期日起算" if profile.grace_retroactive else "超过后自宽限期满起算"
    return RuleText("宽限期", f"到期后 {profile.grace_days} 天内还清不收罚息，{after}")


def _compound(profile: ProductProfile) -> str:
    if profile.compound_on_interest:
        return "对逾期利息按罚息利率计收复利，不对罚息再收罚息"
    return "不计复利"


def _late_fee(profile: ProductProfile) -> RuleText | None:
    if not profile.charges_late_fee:
        return None
    parts = [f"{wording.yuan(profile.late_fee)} 元"] if profile.late_fee else []
    share = wording.percent(profile.late_fee_share)
    parts += [f"逾期本金和利息的 {share}"] if profile.late_fee_share else []
    most = profile.late_fee_most
    limit = "" if most is None else f"，最多 {wording.yuan(most)} 元"
    text = f"每期逾期后收一次 {' + '.join(parts)}{limit}；与利息、罚息合计超过年化上限的部分不收"
    return RuleText("逾期费", text)


def late_fee_words(line: InstalmentPenalty) -> str:
    """合同约定 20.00；年化上限以内余 ≈1.847799: what the fee is the smaller of; nothing without one."""
    fee = line.late_fee
    if fee is None:
        return ""
    return (
        f"逾期时未还 {wording.yuan(fee.base)}，合同约定 {wording.yuan(fee.full)}；"
        f"年化上限以内余 {wording.exact(fee.room)}，取较小的，舍去不足一分的部分"
    )


def _rounding(profile: ProductProfile) -> str:
    if profile.round_penalty is Rounding.DOWN:
        rounding_words = "舍去不足一分的部分"
    elif profile.annual_cap is None:
        rounding_words = "四舍五入到分"
    else:
        rounding_words = "四舍五入到分；会超过年化上限的，舍去不足一分的部分"
    return f"按期计算，每期只舍入一次，{rounding_words}"


def questions(
    profile: ProductProfile, debt: Debt, stage: LoanStage, promises: Promises | None
) -> tuple[Answer, ...]:
    """The article's questions, answered from the loan's own figures and the lender's promises."""
    return (
        *_about_penalty(profile, debt, stage),
        *(_about_relief(debt, promises) if promises else ()),
    )


def _about_penalty(profile: ProductProfile, debt: Debt, stage: LoanStage) -> tuple[Answer, ...]:
    return (
        Answer("为什么会产生罚息？", _why(debt, stage)),
        Answer("罚息会利滚利吗？", _snowball(profile)),
        Answer("罚息会影响信用记录吗？", _credit(debt)),
    )


def _about_relief(debt: Debt, promises: Promises) -> tuple[Answer, ...]:
    return (
        Answer("什么情况可以申请减免？", _qualify(debt)),
        Answer(
            "申请后多久有结果？",
            f"提交后 {promises.review_span} 个工作日内完成审核，"
            f"最迟在提交日之后第 {promises.review_workdays} 个工作日 {promises.review_until} 前。"
            "结果会在消息里告诉你，并发短信。如果我们超时，超时的每一天罚息由我们承担。",
        ),
        Answer("减免后还需要还款吗？", _repay(debt)),
        Answer(
            "对方案不满意怎么办？",
            "可以不接受，并告诉我们你希望减免多少、每月能还多少，"
            f"客服会在 {promises.reply_workdays} 个工作日内答复，"
            f"最多可以提 {promises.max_rounds} 次还款建议。"
            "没有你的确认，任何方案都不会生效。",
        ),
    )


def _why(debt: Debt, stage: LoanStage) -> str:
    rule = "到期日 24:00 前未还足当期应还金额，从次日起对逾期的本金按罚息利率计收，直到还清当天。"
    if stage.owed_now and not debt.is_overdue:
        return f"{rule}{stage.text}"
    if not debt.is_overdue or debt.oldest_due_on is None:
        return f"{rule}你现在没有逾期，所以没有罚息在计收。"
    late = [row for row in debt.instalments if row.overdue_days > 0 and row.total > 0]
    return (
        f"{rule}你有 {len(late)} 期没有按时还清，最早一期在 "
        f"{wording.full_day(debt.oldest_due_on)} 到期，已逾期 {debt.overdue_days} 天。"
    )


def _snowball(profile: ProductProfile) -> str:
    if profile.compound_on_interest:
        return "会对逾期未还的利息计收复利，但不对罚息再收罚息；两项都在上面逐段列出。"
    return f"不会。罚息{BASES[profile.penalty_base]}；不对罚息再收罚息。"


def _credit(debt: Debt) -> str:
    return (
        f"逾期可能影响信用记录。这笔借款现在的状态是：{wording.credit_class(debt.overdue_days)}。"
        "减免只减少应还金额，不等于删除逾期记录；按新计划按时还款可以避免继续影响。"
    )


def _qualify(debt: Debt) -> str:
    rule = (
        "因疾病、失业或收入下降、自然灾害、意外、家庭变故等原因造成的逾期，提供相应证明后可以申请，"
        "最终以审核结果为准。"
    )
    penalties = penalty_all(debt)
    if penalties is not None:
        return f"{rule}你现在的罚息合计 {penalties.words} 元，可以申请。"
    if debt.penalty > 0:
        return f"{rule}你现在有 {wording.yuan(debt.penalty)} 元罚息，可以申请。"
    if debt.kept_penalty > 0:
        return (
            f"{rule}你现在只有 {wording.yuan(debt.kept_penalty)} 元保留罚息，已经固定，不再增长。"
        )
    return f"{rule}你现在没有罚息，不需要申请。"


def _repay(debt: Debt) -> str:
    return (
        "需要。减免的是罚息，本金不会减免"
        f"（你现在的剩余本金是 {wording.yuan(debt.principal)} 元）。"
        "接受方案后按新还款计划还款；再次逾期会重新产生罚息，也会影响信用记录。"
    )
