"""The Chinese text of an agreement, written from its snapshot alone, so that it can be re-made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loans.domain.breach import PENALTY_AFTER_BREACH, vest
from loans.domain.components import LABELS, WAIVABLE, Components
from loans.domain.restructure import OF_WHICH, DebtFigures
from loans.domain.schedule import PERIOD_LABELS, PlanPeriod
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.lender import Lender
from relief.cases.timing.deadlines import chinese_day

METHODS = {"password": "登录密码", "code": "短信验证码"}


def yuan(value: Decimal | str) -> str:
    """¥1,234.50."""
    return f"¥{Decimal(value):,.2f}"


def moment(instant: datetime) -> str:
    """2026年11月26日 15:40, by the clock of Shanghai."""
    return f"{chinese_day(business_date(instant))} {in_shanghai(instant):%H:%M}"


def write(snapshot: Mapping[str, Any]) -> str:
    """Plain text, one paragraph a line; every figure comes from the snapshot."""
    terms, figures, rows = snapshot["terms"], snapshot["figures"], snapshot["rows"]
    return "\n".join(
        [
            "罚息减免与还款变更协议",
            f"协议编号：{snapshot['agreement']}　减免申请：{snapshot['case']}　借款：{snapshot['loan']}",
            *([f"出借人：{Lender(**snapshot['lender']).words}"] if "lender" in snapshot else []),
            f"借款人：{snapshot['borrower']}（{snapshot['phone']}）",
            "",
            "一、欠款",
            _debt(figures),
            "二、减免",
            *_waivers(snapshot, terms, figures),
            "三、新还款计划",
            *_plan(terms, figures, rows),
            "四、违约与恢复",
            *_breach(snapshot, terms, rows),
            "五、其他",
            "减免只减少应还金额，不等于删除逾期记录；信用记录按实际还款情况报送。",
            "借款人可以随时提前还清。本协议自确认之时生效。",
            "",
            f"确认时间：{moment(snapshot['accepted_at'])}"
            f"　确认方式：{METHODS[snapshot['method']]}"
            f"　方案版本：第 {snapshot['offer']} 版",
            f"方案摘要（SHA-256）：{snapshot['offer_digest']}",
        ]
    )


def _debt(figures: Mapping[str, Any]) -> str:
    """截至 2026年11月26日，共欠 ¥16,023.42，其中：剩余本金 ¥15,329.85，…: the parts are the sum."""
    parts = "，".join(f"{word} {yuan(amount)}" for word, amount in _parts_of(figures))
    day = chinese_day(date.fromisoformat(figures["as_of"]))
    return f"截至 {day}，共欠 {yuan(figures['total'])}，其中：{parts}。"


def _parts_of(figures: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    if OF_WHICH in figures:
        return DebtFigures.from_json(figures).worded_parts()
    sums = Components.from_json(figures)  # an offer of the first version knows no more than these
    return [(LABELS[component], amount) for component, amount in sums if amount]


def _waivers(
    snapshot: Mapping[str, Any], terms: Mapping[str, Any], figures: Mapping[str, Any]
) -> list[str]:
    lines = []
    waivers = Components.waived_by(terms)
    owed_parts = _parts_of(figures)
    for component in WAIVABLE:
        if waived := waivers[component]:
            owed = Decimal(figures[component.value])
            label = LABELS[component]
            parts = [
                f"{word} {yuan(amount)}" for word, amount in owed_parts if word.endswith(label)
            ]
            whole = f"{'、'.join(parts)}，合计 {yuan(owed)}；" if len(parts) > 1 else ""
            lines.append(f"{whole}减免{label} {yuan(waived)}，保留 {yuan(owed - waived)}。")
    if Decimal(terms["delay_waiver"]):
        lines.append(f"其中因我方审核超时减免 {yuan(terms['delay_waiver'])}。")
    if Decimal(snapshot["penalty_waived_since"]):
        lines.append(
            f"欠款日之后至确认日新增的罚息 {yuan(snapshot['penalty_waived_since'])} 一并减免。"
        )
    return lines or ["本次不减免金额，只调整还款期限。"]


def _plan(
    terms: Mapping[str, Any], figures: Mapping[str, Any], rows: list[Mapping[str, Any]]
) -> list[str]:
    rate = Decimal(terms["plan_annual_rate"])
    rate_text = "不再计息" if not rate else f"年利率 {(rate * 100).normalize():f}%"
    period = PlanPeriod(terms.get("period", PlanPeriod.MONTHLY))
    often = "" if period is PlanPeriod.MONTHLY else f"（{PERIOD_LABELS[period]}一期）"
    lines = [f"共 {len(rows)} 期{often}，{rate_text}，合计应还 {yuan(figures['plan_total'])}。"]
    for row in rows:
        parts = [
            f"{LABELS[component]} {yuan(amount)}"
            for component, amount in Components.from_json(row)
            if amount
        ]
        lines.append(
            "　".join(
                [f"第 {row['number']} 期　{row['due_on']}", *parts, f"应还 {yuan(row['total'])}"]
            )
        )
    return lines


def _breach(
    snapshot: Mapping[str, Any], terms: Mapping[str, Any], rows: list[Mapping[str, Any]]
) -> list[str]:
    waived = Components.waived_by(terms).total
    principal = sum((Decimal(row["principal"]) for row in rows), Decimal("0.00"))
    most = vest(waived, principal, Decimal("0.00")).returned
    lines = [
        "任何一期未按时还清，从次日起对该期未还本金按原合同计收罚息。",
        f"未还满 {snapshot['plan_grace_days']} 天发出预警，之后 {snapshot['cure_days']} 天内还清的，"
        "新计划继续有效；仍未还清，或连续两期未还的，经客服确认后新计划终止。",
        f"终止后，减免按已还计划本金的比例保留，其余恢复（一期未还时恢复 {yuan(most)}）；"
        f"剩余本金立即到期，{PENALTY_AFTER_BREACH}。",
    ]
    if Decimal(snapshot["penalty_waived_since"]):
        lines.append("欠款日之后至确认日新增、一并减免的罚息，不因终止而恢复。")
    return lines
