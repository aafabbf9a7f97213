"""The chart of accounts: how each account of the ledger is called in an accountant's books.

The main codes are those of China's accounting standards (企业会计准则应用指南, 会计科目); a lender maps
them to codes of its own at the desk. Debit is plus in the ledger, credit is minus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.typed import plain

MAX_NAME = 60
_CODE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.\-]{0,28}[0-9A-Za-z])?")


class ChartAccount(NamedTuple):
    """One account as the accountant's books name it."""

    code: str
    name: str


Chart = Mapping[str, ChartAccount]  # by the ledger's account

STANDARD: dict[str, ChartAccount] = {
    "principal": ChartAccount("1303.01", "贷款——本金"),
    "interest": ChartAccount("1132.01", "应收利息——利息"),
    "penalty": ChartAccount("1132.02", "应收利息——罚息"),
    "compound": ChartAccount("1132.03", "应收利息——复利"),
    "fee": ChartAccount("1221.01", "其他应收款——费用"),
    "kept_interest": ChartAccount("1132.11", "应收利息——协商方案保留利息"),
    "kept_penalty": ChartAccount("1132.12", "应收利息——协商方案保留罚息"),
    "cash": ChartAccount("1002", "银行存款"),
    "interest_income": ChartAccount("6011.01", "利息收入——利息"),
    "penalty_income": ChartAccount("6011.02", "利息收入——罚息"),
    "compound_income": ChartAccount("6011.03", "利息收入——复利"),
    "fee_income": ChartAccount("6021.01", "手续费及佣金收入——费用"),
    "waiver": ChartAccount("6011.90", "利息收入——减免（冲减）"),
    "tolerance": ChartAccount("6711.01", "营业外支出——容差"),
    "credit": ChartAccount("2241.01", "其他应付款——溢缴款"),
    "off_principal": ChartAccount("1303.90", "贷款——已核销本金（备抵）"),
    "off_interest": ChartAccount("1132.90", "应收利息——已核销利息（备抵）"),
    "off_charges": ChartAccount("1132.91", "应收利息——已核销罚息（备抵）"),
    "loss": ChartAccount("6702.01", "信用减值损失——核销"),
    "recovered": ChartAccount("6702.02", "信用减值损失——核销收回"),
    "off_balance": ChartAccount("1132.80", "应收利息——转表外（备抵）"),
    "suspended": ChartAccount("6011.80", "利息收入——转表外（冲减）"),
}


def mapped(codes: Mapping[str, tuple[str, str]]) -> dict[str, ChartAccount]:
    """The standard chart with the lender's codes and names laid over it, checked.

    Several accounts may share one code, which then has one name. Errors: InvalidInput that names
    the account. Example: {"cash": ("1002.08", "银行存款——工行")} changes cash only.
    """
    chart = STANDARD | {
        account: ChartAccount(*_checked(account, code, name))
        for account, (code, name) in codes.items()
    }
    names: dict[str, str] = {}
    for account, (code, name) in chart.items():
        if names.setdefault(code, name) != name:
            raise InvalidInput(
                account, f"科目代码 {code} 已用于“{names[code]}”，同一代码请用同一名称"
            )
    return chart


def _checked(account: str, code: str, name: str) -> tuple[str, str]:
    if account not in STANDARD:
        raise InvalidInput(account, "账簿里没有这个科目")
    code, name = plain(code), name.strip()
    if not _CODE.fullmatch(code):
        raise InvalidInput(
            account, "科目代码请用 1 到 30 位数字、字母、点或短横，例如 1132.01，首尾为数字或字母"
        )
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(account, f"科目名称请填写 1 到 {MAX_NAME} 个字")
    return code, name
