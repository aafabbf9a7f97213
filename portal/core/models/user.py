"""People: borrowers, who log in by phone, and staff, who have a rank; nobody is both."""

from __future__ import annotations

from datetime import time
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from portal.core.kernel.phones import mask_name, mask_phone
from portal.core.kernel.roles import RANK_LABELS, ROLE_LABELS, Rank, Role, rank_at_least

FIRST_NUMBER = 1001  # of a member of staff


class UserAccounts(UserManager["User"]):
    """Makes people; whoever is made in a demo is marked so for ever."""

    def create_borrower(
        self, phone: str, name: str, password: str | None = None, **extra: Any
    ) -> User:
        """A borrower whose user name is the phone (eleven digits, already parsed)."""
        values = {"name": name, "role": Role.BORROWER, "is_demo": settings.DEMO, **extra}
        return self.create_user(phone, password=password, phone=phone, **values)

    def create_staff(
        self, username: str, name: str, rank: Rank, password: str | None = None, **extra: Any
    ) -> User:
        """A member of staff, who may enter the staff desk with the authority of `rank`."""
        values = {"role": Role.STAFF, "is_staff": True, "is_demo": settings.DEMO, **extra}
        return self.create_user(username, password=password, name=name, rank=rank, **values)

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> User:
        """The operator's account: staff with a manager's rank."""
        values = {"role": Role.STAFF, "rank": Rank.MANAGER, "name": username, **extra}
        values.setdefault("is_demo", settings.DEMO)
        return super().create_superuser(username, email, password, **values)


class User(AbstractUser):
    first_name = None  # type: ignore[assignment]  # one name instead
    last_name = None  # type: ignore[assignment]  # one name instead
    phone = models.CharField("手机号", max_length=11, unique=True, null=True, blank=True)
    name = models.CharField("姓名", max_length=40)
    role = models.CharField(
        "身份", max_length=10, choices=[(r.value, ROLE_LABELS[r]) for r in Role], default="BORROWER"
    )
    rank = models.CharField(
        "职级", max_length=10, choices=[(r.value, RANK_LABELS[r]) for r in Rank], blank=True
    )
    same_person_as = models.ForeignKey(
        "self",
        verbose_name="本人的借款人账户",
        help_text="工作人员本人如果也是借款人，在这里登记：不能处理自己的借款",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="staff_accounts",
    )
    sms_enabled = models.BooleanField("接收短信", default=True)
    call_from = models.TimeField("电话最早", default=time(9))
    call_to = models.TimeField("电话最晚", default=time(20))
    large_type = models.BooleanField("大字模式", default=False)
    device_generation = models.PositiveIntegerField(
        default=0, editable=False
    )  # see visitor.known_here
    is_demo = models.BooleanField("演示账户", default=False, editable=False)
    staff_number = models.PositiveIntegerField("工号", null=True, unique=True, editable=False)

    REQUIRED_FIELDS = []
    objects: ClassVar[UserAccounts] = UserAccounts()

    class Meta:
        verbose_name = verbose_name_plural = "用户"
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=[r.value for r in Role]), name="user_role_is_known"
            ),
            models.CheckConstraint(
                condition=Q(role="STAFF", is_staff=True) & ~Q(rank="")
                | ~Q(role="STAFF") & Q(rank="", is_staff=False, is_superuser=False),
                name="user_staff_has_rank",
            ),
            models.CheckConstraint(
                condition=~Q(role="BORROWER") | Q(phone__isnull=False),
                name="user_borrower_has_phone",
            ),
            models.CheckConstraint(
                condition=Q(call_from__lt=models.F("call_to")), name="user_call_window"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.masked_name} {self.masked_phone or self.username}".strip()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A session dies with the password, and also when rank, role or activity change."""
        state = f"{self.password}:{self.role}:{self.rank}:{self.is_active}"
        return salted_hmac(
            "portal.User.session", state, secret=secret, algorithm="sha256"
        ).hexdigest()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Whoever becomes staff gets the next number; two at once: the constraint lets one try again."""
        if self.is_staff_member and self.staff_number is None:
            highest = User.objects.aggregate(highest=models.Max("staff_number"))["highest"]
            self.staff_number = (highest or FIRST_NUMBER - 1) + 1
        super().save(*args, **kwargs)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def masked_phone(self) -> str:
        """138****0001; empty for staff without a phone."""
        return mask_phone(self.phone) if self.phone else ""

    @property
    def masked_name(self) -> str:
        """林*云."""
        return mask_name(self.name)

    @property
    def staff_code(self) -> str:
        """What staff give as their 工号, on the phone and at /verify/: K1001; empty for others."""
        return f"K{self.staff_number}" if self.staff_number else ""

    @property
    def public_name(self) -> str:
        """What other people read of somebody: 客服 K1001 of staff, never who logs in; else 林*云."""
        return f"客服 {self.staff_code}" if self.is_staff_member else self.masked_name

    @property
    def is_borrower(self) -> bool:
        return self.role == Role.BORROWER

    @property
    def is_staff_member(self) -> bool:
        return self.role == Role.STAFF

    def has_rank(self, needed: Rank) -> bool:
        """Whether this person carries at least the authority of `needed`."""
        return self.is_staff_member and rank_at_least(self.rank, needed)
