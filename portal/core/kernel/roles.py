"""Who somebody is: the role decides what one sees, the rank what one may decide."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    BORROWER = "BORROWER"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


class Rank(StrEnum):
    """Ranks of staff. An auditor reads everything and decides nothing."""

    REVIEWER = "REVIEWER"
    SUPERVISOR = "SUPERVISOR"
    MANAGER = "MANAGER"
    AUDITOR = "AUDITOR"


ROLE_LABELS = {Role.BORROWER: "借款人", Role.STAFF: "工作人员", Role.SYSTEM: "系统"}
RANK_LABELS = {
    Rank.REVIEWER: "审核员",
    Rank.SUPERVISOR: "主管",
    Rank.MANAGER: "经理",
    Rank.AUDITOR: "审计员",
}
_AUTHORITY = {Rank.AUDITOR: 0, Rank.REVIEWER: 1, Rank.SUPERVISOR: 2, Rank.MANAGER: 3}


def rank_at_least(rank: str, needed: str) -> bool:
    """Whether `rank` carries the authority of `needed`; no rank ("") carries none.

    A manager is at least a reviewer; an auditor is at least an auditor only.
    """
    if not rank:
        return False
    return _AUTHORITY[Rank(rank)] >= _AUTHORITY[Rank(needed)]
