"""The accounts of the demo, all invented; scripts outside rely on their phones and stories."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.kernel.roles import Rank

PASSWORD = "kuanxi-demo-2026"  # shown on the demo's login page on purpose  # nosec B105


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the cast: the name to log in with, and where their story stands."""

    account: str
    name: str
    story: str
    rank: Rank | None = None

    @property
    def is_staff(self) -> bool:
        return self.rank is not None


MEMBERS = (
    Member("13800000001", "林晓云", "因病刚逾期，尚未申请"),
    Member("13800000002", "陈国安", "减免申请审核中"),
    Member("13800000003", "吴雅芳", "有协商方案待答复"),
    Member("13800000004", "赵明远", "按新计划还款中"),
    Member("13800000005", "孙立群", "新计划已终止"),
    Member("13800000006", "周静怡", "借款已结清"),
    Member("13800000007", "郑浩然", "没有逾期"),
    Member("13800000008", "何秀兰", "需要补充材料"),
    Member("13800000009", "冯志强", "罚息达到上限（封顶）"),
    Member("13800000010", "许乐天", "新注册，没有借款"),
    Member("agent", "周敏", "客服，审核与拟方案", Rank.REVIEWER),
    Member("agent2", "李娜", "另一位客服", Rank.REVIEWER),
    Member("supervisor", "王海涛", "主管，复核", Rank.SUPERVISOR),
    Member("manager", "刘卫东", "经理，最高权限", Rank.MANAGER),
    Member("auditor", "高岚", "审计，只读", Rank.AUDITOR),
)
BORROWERS = tuple(member for member in MEMBERS if not member.is_staff)
STAFF = tuple(member for member in MEMBERS if member.is_staff)
NEWCOMER = BORROWERS[-1].account


def member_of(account: str) -> Member | None:
    """The member with this phone or user name, or None."""
    return next((member for member in MEMBERS if member.account == account), None)
