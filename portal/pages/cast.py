"""Whom one may be in the demo, as the login page shows it; contract.md fixes phones and stories."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "kuanxi-demo-2026"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the cast: the name to log in with, and where their story stands."""

    account: str
    story: str
    is_staff: bool = False


MEMBERS = (
    Member("13800000001", "因病刚逾期，尚未申请"),
    Member("13800000002", "减免申请审核中"),
    Member("13800000003", "有协商方案待答复"),
    Member("13800000004", "新还款计划执行中"),
    Member("13800000005", "新还款计划已违约"),
    Member("13800000006", "借款已结清"),
    Member("13800000007", "没有逾期"),
    Member("13800000008", "需要补充材料"),
    Member("13800000009", "罚息达到上限（封顶）"),
    Member("13800000010", "新注册，没有借款"),
    Member("agent", "客服，审核与拟方案", is_staff=True),
    Member("agent2", "另一位客服", is_staff=True),
    Member("supervisor", "主管，复核", is_staff=True),
    Member("manager", "经理，最高权限", is_staff=True),
    Member("auditor", "审计，只读", is_staff=True),
)
