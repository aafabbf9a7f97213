"""Who lends: the party that agreements, certificates and statements name."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Lender:
    """Legal name, registered address, and unified social credit code (GB 32100) of the lender."""

    name: str
    address: str
    code: str

    @property
    def words(self) -> str:
        """As a party is named in a paper: 某某消费金融有限公司（统一社会信用代码 …，地址：…）."""
        return f"{self.name}（统一社会信用代码 {self.code}，地址：{self.address}）"

    def as_json(self) -> dict[str, str]:
        """For the snapshot of a paper, which keeps who lent when it was signed."""
        return asdict(self)
