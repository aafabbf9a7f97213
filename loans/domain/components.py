"""The names of what a borrower owes: one word per part, shared by books, rules and screens."""

from __future__ import annotations

from enum import StrEnum


class Component(StrEnum):
    """One part of a debt; `kept_*` exist only in a plan and never bear interest."""

    FEE = "fee"
    COMPOUND = "compound"
    PENALTY = "penalty"
    INTEREST = "interest"
    PRINCIPAL = "principal"
    KEPT_PENALTY = "kept_penalty"
    KEPT_INTEREST = "kept_interest"


LABELS: dict[Component, str] = {
    Component.FEE: "费用",
    Component.COMPOUND: "复利",
    Component.PENALTY: "罚息",
    Component.INTEREST: "利息",
    Component.PRINCIPAL: "本金",
    Component.KEPT_PENALTY: "保留罚息",
    Component.KEPT_INTEREST: "保留利息",
}
