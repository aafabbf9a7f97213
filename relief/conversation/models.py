"""The conversation of a borrower with the bot and with staff; what was said is never changed."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core.models.append_only import Kept
from portal.core.publicids import new_public_id
from relief.cases.models import Case
from relief.evidence.models import Evidence
from relief.offers.models import Offer


class Sender(models.TextChoices):
    """Who speaks."""

    BORROWER = "borrower", "借款人"
    BOT = "bot", "智能客服"
    STAFF = "staff", "人工客服"
    SYSTEM = "system", "系统"


class Visibility(models.TextChoices):
    """Who may read it; internal notes never reach the borrower."""

    ALL = "all", "双方可见"
    INTERNAL = "internal", "仅客服可见"


class Card(models.TextChoices):
    """What is shown under the words."""

    NONE = "", "无"
    QUICK = "quick", "快捷问题"
    APPLY = "apply", "开始申请"
    APPLICATION = "application", "减免申请"
    OFFER = "offer", "协商方案"
    FILE = "file", "证明材料"
    AGREEMENT = "agreement", "协商协议"


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """A borrower has one conversation; staff see all but their own."""

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if user.is_borrower:
            return self.filter(borrower=user)
        if not user.is_staff_member:
            return self.none()
        return self.exclude(borrower_id__in=[user.same_person_as_id or 0])

    def waiting(self) -> Self:
        """Those who asked for a person and have none yet, first come first."""
        return self.filter(human_wanted_at__isnull=False, taken_by=None).order_by(
            "human_wanted_at", "pk"
        )


class Conversation(models.Model):
    """Where one borrower's conversation stands: wanted and taken by a person, read up to where."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    borrower = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="conversation"
    )
    created_at = models.DateTimeField("开始时间")
    greeted_on = models.DateField(null=True, blank=True)
    human_wanted_at = models.DateTimeField("转人工时间", null=True, blank=True, db_index=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="接待客服",
    )
    borrower_read = models.PositiveBigIntegerField(default=0)
    staff_read = models.PositiveBigIntegerField(default=0)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "客服对话"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.borrower} 的对话"

    @property
    def has_person(self) -> bool:
        """Whether a person was asked for or is there: the bot then keeps quiet."""
        return self.human_wanted_at is not None or self.taken_by_id is not None


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages are found through the person who reads."""

    def visible_to(self, user: Any) -> Self:
        if not user.is_authenticated:
            return self.none()
        if user.is_borrower:
            return self.filter(conversation__borrower=user, visibility=Visibility.ALL)
        if not user.is_staff_member:
            return self.none()
        return self.exclude(conversation__borrower_id__in=[user.same_person_as_id or 0])

    def after(self, message_id: int) -> Self:
        return self.filter(pk__gt=message_id)

    def for_lists(self) -> Self:
        return self.select_related("author", "case", "case__loan", "loan", "offer", "evidence")


class Message(Kept):
    """One thing said, or one card shown."""

    MAY_CHANGE = frozenset({"text"})  # when its borrower has it erased

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    sender = models.CharField("发送方", max_length=10, choices=Sender.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.ALL)
    text = models.TextField("内容", max_length=2000, blank=True)
    card = models.CharField(max_length=12, choices=Card.choices, blank=True)
    key = models.CharField(max_length=80, blank=True)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="messages")
    loan = models.ForeignKey("loans.Loan", models.PROTECT, null=True, blank=True, related_name="+")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+")
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField("时间", db_index=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "对话消息"
        ordering = ["pk"]
        indexes = [models.Index(fields=["conversation", "id"], name="message_in_order")]
        constraints = [
            models.CheckConstraint(
                condition=Q(visibility="all") | Q(sender="staff"), name="message_note_is_staffs"
            ),
            models.CheckConstraint(condition=~Q(text="", card=""), name="message_says_something"),
            models.UniqueConstraint(
                fields=["conversation", "key"], condition=~Q(key=""), name="message_key_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_sender_display()} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_internal(self) -> bool:
        return self.visibility == Visibility.INTERNAL
