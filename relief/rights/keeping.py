"""What an erasure takes and what the law keeps, why and until when (relief/RULES.md §10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from portal.core.kernel.businesstime import add_months

ANSWER_DAYS: Final = 15  # calendar days in which staff answer a request, as a complaint (§4)
BOOKS_YEARS: Final = 10  # after the last loan has ended (反洗钱法 34)
RECORDS_YEARS: Final = 3  # what was done with personal data (PIPL 56)
NOTICES_YEARS: Final = 2  # what was sent to whom (GB/T 45251-2025)

GOES: Final = (
    "全部证明材料的文件和文件名",
    "申请中填写的情况说明、收支数字和申诉内容，没有提交的草稿",
    "与客服的对话文字",
    "单独同意（全部撤回）和当时的网络地址、已结束的登录设备记录、已生成的数据副本",
)
ACCOUNT_GOES: Final = "姓名、手机号和登录账户（没有借款记录，账户同时注销）"


@dataclass(frozen=True, slots=True)
class Retained:
    """One thing that stays: what, by which rule, and at least until when (None: not running out yet)."""

    what: str
    why: str
    until: date | None


def kept(*, today: date, last_loan_ended_on: date | None, has_loans: bool) -> tuple[Retained, ...]:
    """What stays after an erasure on `today`.

    Example: settled on 2026-03-02 → books, agreements and identity until 2036-03-02.
    """
    lines = [
        Retained(
            "材料的摘要、类型，申请的审核结果和办理记录",
            "证明处理过个人信息",
            _years(today, RECORDS_YEARS),
        ),
        Retained("消息和短信的发送记录", "催收和通知记录的国家标准", _years(today, NOTICES_YEARS)),
    ]
    if has_loans:
        until = _years(last_loan_ended_on, BOOKS_YEARS) if last_loan_ended_on else None
        lines.insert(
            0,
            Retained(
                "姓名、手机号、借款账务、方案、协议和结清证明",
                "反洗钱法对客户身份和交易记录的要求",
                until,
            ),
        )
    return tuple(lines)


def _years(day: date, years: int) -> date:
    return add_months(day, 12 * years)
