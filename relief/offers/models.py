"""Offers: immutable versions of proposed terms, by staff, by the borrower, or reissued."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.core.models.append_only import Kept
from relief.cases.models import Case
from relief.offers.terms import OfferTerms


class Side(models.TextChoices):
    """Who proposed it."""

    STAFF = "staff", "客服"
    BORROWER = "borrower", "借款人"
    SYSTEM = "system", "系统"


class OfferStatus(models.TextChoices):
    """What became of it; terms never change, this does."""

    PENDING = "pending", "待复核"
    OPEN = "open", "待确认"
    PROPOSED = "proposed", "还款建议"
    ACCEPTED = "accepted", "已接受"
    COUNTERED = "countered", "已提出还款建议"
    SUPERSEDED = "superseded", "已被新方案替代"
    SENT_BACK = "sent_back", "复核退回"
    TAKEN_BACK = "taken_back", "已撤回"
    EXPIRED = "expired", "已过期"
    DECLINED = "declined", "已拒绝"
    REVOKED = "revoked", "协议已撤销"


class OfferQuerySet(models.QuerySet["Offer"]):
    """Offers a borrower may see: never those that wait for a checker or were sent back."""

    def shown(self) -> Self:
        return self.exclude(status__in=[OfferStatus.PENDING, OfferStatus.SENT_BACK])


class Offer(Kept):
    """One numbered version: terms, the debt it was computed on, and the plan's rows."""

    MAY_CHANGE = frozenset(
        {"status", "approved_by", "sent_at", "valid_until", "first_read_at", "reasons"}
    )

    case = models.ForeignKey(Case, models.PROTECT, related_name="offers", verbose_name="减免申请")
    number = models.PositiveSmallIntegerField("版本")
    side = models.CharField("提出方", max_length=10, choices=Side.choices)
    status = models.CharField("状态", max_length=12, choices=OfferStatus.choices)
    terms = models.JSONField("条款")
    figures = models.JSONField("当日欠款")
    rows = models.JSONField("新还款计划")
    digest = models.CharField("摘要", max_length=64)
    figures_on = models.DateField("欠款日期")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    made_at = models.DateTimeField("提出时间")
    needs_rank = models.CharField("所需权限", max_length=12, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    sent_at = models.DateTimeField("发出时间", null=True, blank=True)
    valid_until = models.DateTimeField("有效期至", null=True, blank=True)
    first_read_at = models.DateTimeField("首次打开", null=True, blank=True)
    reasons = models.JSONField("不接受的原因", default=list, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)
    note_internal = models.CharField("复核说明", max_length=500, blank=True)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "协商方案"
        ordering = ["case", "number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="offer_number_once"),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(status__in=["open", "pending"]),
                name="offer_one_open_per_case",
            ),
            models.CheckConstraint(
                condition=Q(sent_at=None, valid_until=None)
                | Q(sent_at__isnull=False, valid_until__isnull=False),
                name="offer_sent_and_valid",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("made_by")), name="offer_checker_is_not_maker"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case.number} 方案 {self.number}"

    @property
    def offer_terms(self) -> OfferTerms:
        """The stored terms as the domain's frozen value."""
        return OfferTerms.from_dict(self.terms)


class Agreement(Kept):
    """An accepted offer: snapshot, text and digest as issued; the PDF is derived from them."""

    MAY_CHANGE = frozenset({"ended_at", "end_kind", "end_reason"})

    case = models.ForeignKey(Case, models.PROTECT, related_name="agreements")
    offer = models.OneToOneField(Offer, models.PROTECT, related_name="agreement")
    document = models.OneToOneField("portal.Document", models.PROTECT, related_name="+")
    plan = models.OneToOneField("loans.Schedule", models.PROTECT, related_name="+")
    number = models.CharField("协议编号", max_length=24, unique=True)
    snapshot = models.JSONField("条款快照")
    text = models.TextField("正文")
    digest = models.CharField("摘要", max_length=64)
    code = models.CharField("核验码", max_length=32)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField("接受时间")
    accepted_from = models.GenericIPAddressField("来自", null=True, blank=True)
    method = models.CharField(
        "确认方式", max_length=10, choices=[("password", "登录密码"), ("code", "短信验证码")]
    )
    ended_at = models.DateTimeField("终止时间", null=True, blank=True)
    end_kind = models.CharField(
        max_length=10,
        blank=True,
        choices=[
            ("completed", "新计划已还清"),
            ("breached", "新计划已终止"),
            ("revoked", "协议已撤销"),
        ],
    )
    end_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "协商协议"
        ordering = ["-accepted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=~Q(end_kind="revoked"),
                name="agreement_one_in_force_per_case",
            ),
        ]

    def __str__(self) -> str:
        return self.number
