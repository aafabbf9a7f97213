"""Files that support a case, each with its own state, and the log of every look at them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Sum

from portal.core.models.append_only import AppendOnly, AppendOnlyQuerySet, Kept
from portal.core.publicids import new_public_id
from portal.core.trail.seals import SealField
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.consent_texts import CONSENT_LABELS, VERSION, ConsentKind, consent_text
from relief.evidence.kinds import (
    COUNTED_KINDS,
    KIND_LABELS,
    LONG_WAIT,
    LONG_WAIT_NOTE,
    REASON_LABELS,
    REASON_SENTENCES,
    STATE_LABELS,
    EvidenceKind,
    EvidenceState,
    FileType,
    ReplaceReason,
    Signature,
    SignatureVerdict,
    dropped_sentence,
    size_text,
)

TEXT_VERSION = 1  # of the text layer: since it knows the place of each letter


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """Files are found through the person who asks."""

    def visible_to(self, user: Any) -> Self:
        """A borrower's own; for staff those of cases that were submitted and are not their own."""
        if not user.is_authenticated:
            return self.none()
        if user.is_borrower:
            return self.filter(case__borrower=user)
        if not user.is_staff_member:
            return self.none()
        return self.exclude(case__state=State.DRAFT).exclude(
            case__borrower_id__in=[user.same_person_as_id or 0]
        )

    def current(self) -> Self:
        """Those that count: neither removed by the borrower nor replaced."""
        return self.filter(withdrawn_at=None)

    def usable(self) -> Self:
        """Current files that are not refused: passed, or still being checked."""
        return self.current().exclude(state=EvidenceState.REPLACE)

    def counted(self) -> Self:
        """Usable files of the first six kinds: one is enough to submit."""
        return self.usable().filter(kind__in=sorted(COUNTED_KINDS))

    def checking(self) -> Self:
        return self.current().filter(state=EvidenceState.CHECKING).order_by("pk")

    def waiting_long(self, now: datetime) -> Self:
        """Those whose check should have been over for minutes."""
        return self.checking().filter(created_at__lte=now - LONG_WAIT)

    def with_bytes(self) -> Self:
        """Files whose bytes are still there."""
        return self.filter(bytes_purged_at=None)

    def to_check(self) -> Self:
        """Those being checked, and those whose pages or text an older check drew."""
        undrawn = ~Q(clean_key="") & ~Exists(
            EvidencePage.objects.filter(evidence=OuterRef("pk")).order_by()
        )
        outdated = ~Q(text_key="") & Q(text_version__lt=TEXT_VERSION)
        waiting = Q(state=EvidenceState.CHECKING) | undrawn | outdated
        return self.current().with_bytes().filter(waiting)

    def to_purge(self, on: date) -> Self:
        return self.with_bytes().filter(purge_on__lte=on).order_by("pk")

    def for_lists(self) -> Self:
        return self.select_related("case", "judged_by", "uploaded_by")

    def total_size(self) -> int:
        """Bytes of the files as they were sent."""
        return int(self.aggregate(total=Sum("size"))["total"] or 0)


class Evidence(models.Model):
    """One uploaded file; its bytes are private, and only a checked copy is ever shown."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence", verbose_name="减免申请")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="上传人"
    )
    kind = models.CharField(
        "类型", max_length=12, choices=[(k.value, KIND_LABELS[k]) for k in EvidenceKind]
    )
    round = models.PositiveSmallIntegerField("批次", default=0)
    original_name = models.CharField("文件名", max_length=80)
    content_type = models.CharField("文件类型", max_length=40)
    size = models.PositiveIntegerField("大小")
    sha256 = models.CharField("摘要", max_length=64)
    stored_key = models.CharField(max_length=120, blank=True)
    clean_key = models.CharField(max_length=120, blank=True)
    clean_type = models.CharField(max_length=40, blank=True)
    text_key = models.CharField(max_length=120, blank=True)
    text_version = models.PositiveSmallIntegerField(default=0)
    pages = models.PositiveSmallIntegerField("页数", default=0)
    dropped = models.JSONField("去掉的内容", default=list, blank=True)  # codes of kinds.Dropped
    signatures = models.JSONField("数字签名", default=list, blank=True)  # fields of kinds.Signature

    state = models.CharField(
        "状态",
        max_length=10,
        choices=[(s.value, STATE_LABELS[s]) for s in EvidenceState],
        default=EvidenceState.CHECKING.value,
    )
    reason = models.CharField(
        "更换原因",
        max_length=20,
        blank=True,
        choices=[(r.value, REASON_LABELS[r]) for r in ReplaceReason],
    )
    reason_text = models.CharField("说明", max_length=200, blank=True)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    created_at = models.DateTimeField("上传时间")
    checked_at = models.DateTimeField("检查时间", null=True, blank=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    judged_at = models.DateTimeField("审核时间", null=True, blank=True)
    withdrawn_at = models.DateTimeField("移除时间", null=True, blank=True)
    purge_on = models.DateField("删除日期", null=True, blank=True, db_index=True)
    bytes_purged_at = models.DateTimeField("已删除时间", null=True, blank=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "证明材料"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "sha256"],
                condition=Q(withdrawn_at=None),
                name="evidence_once_per_case",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in EvidenceState]),
                name="evidence_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="replace") | ~Q(reason=""), name="evidence_reason_given"
            ),
            models.CheckConstraint(
                condition=Q(bytes_purged_at=None) | Q(stored_key="", clean_key="", text_key=""),
                name="evidence_purged_has_no_bytes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.original_name}"

    @property
    def is_image(self) -> bool:
        return self.content_type != FileType.PDF

    @property
    def is_open(self) -> bool:
        """Whether there is a checked copy that may be shown."""
        return bool(self.clean_key) and self.bytes_purged_at is None

    @property
    def awaits_verdict(self) -> bool:
        """Whether staff can look at it and have not said yet that it is good or must be replaced."""
        return self.is_open and self.withdrawn_at is None and self.judged_at is None

    def long_wait_note(self, now: datetime) -> str:
        """What to tell whoever waits unusually long for its check; empty otherwise."""
        is_checking = self.state == EvidenceState.CHECKING and self.withdrawn_at is None
        return LONG_WAIT_NOTE if is_checking and self.created_at <= now - LONG_WAIT else ""

    @property
    def size_label(self) -> str:
        """12.4 MB."""
        return size_text(self.size)

    @property
    def problem(self) -> str:
        """The sentence why it must be replaced, with what to do; empty otherwise."""
        if self.state != EvidenceState.REPLACE:
            return ""
        sentence = REASON_SENTENCES[ReplaceReason(self.reason)]
        return f"{sentence}（{self.reason_text}）" if self.reason_text else sentence

    @property
    def dropped_note(self) -> str:
        """What the check took out, in one sentence; empty when nothing."""
        return dropped_sentence(self.dropped)

    @property
    def signed_by(self) -> list[Signature]:
        """The digital signatures that the file bore when it came in, each with its verdict."""
        return [
            Signature(row["signer"], SignatureVerdict(row["verdict"]), row["signed_at"])
            for row in self.signatures
        ]

    def stored_keys(self) -> list[str]:
        """Every key under which bytes of this file lie: original, copy, text layer and pages."""
        named = [self.stored_key, self.clean_key, self.text_key]
        named += self.drawn_pages.values_list("key", flat=True)
        return list(dict.fromkeys(key for key in named if key))

    @property
    def file_name(self) -> str:
        """The name for a download: what the borrower called it, with the ending of the copy."""
        ending = ".pdf" if self.clean_type == FileType.PDF else ".jpg"
        stem = self.original_name.rpartition(".")[0] or self.original_name
        return stem + ending


class EvidencePage(models.Model):
    """One page of a checked file as staff see it: a picture that the check has drawn.

    A long picture has several, cut at the height of a screen. `number` starts at 1, sizes are pixels.
    """

    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="drawn_pages")
    number = models.PositiveSmallIntegerField("页")
    key = models.CharField(max_length=120)
    width = models.PositiveIntegerField("宽")
    height = models.PositiveIntegerField("高")

    class Meta:
        verbose_name = verbose_name_plural = "材料页面"
        ordering = ["evidence", "number"]
        constraints = [
            models.UniqueConstraint(fields=["evidence", "number"], name="evidence_page_once"),
        ]


class EvidenceAccessQuerySet(AppendOnlyQuerySet["EvidenceAccess"]):
    """Append-only; read by the borrower whose file it was."""

    def of_borrower(self, user: Any) -> Self:
        return self.filter(evidence__case__borrower=user).select_related(
            "evidence", "evidence__case", "viewer"
        )


class EvidenceAccess(AppendOnly):
    """A line of the access log: a member of staff opened a page of a file, or the whole of it."""

    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="accesses")
    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    viewer_label = models.CharField("查看人", max_length=80)
    page = models.PositiveSmallIntegerField("页", default=1)
    whole = models.BooleanField("下载整份", default=False)
    at = models.DateTimeField("时间", db_index=True)
    real_at = models.DateTimeField(auto_now_add=True)
    seal = SealField(trail="access")

    objects = EvidenceAccessQuerySet.as_manager()  # type: ignore[misc]  # AppendOnly declares a wider one

    class Meta:
        db_table = "relief_evidencelook"  # its first name; triggers are bound to it
        verbose_name = verbose_name_plural = "查看记录"
        ordering = ["-at", "-pk"]
        base_manager_name = "objects"


class ConsentQuerySet(models.QuerySet["Consent"]):
    """A person's consents, and those in force."""

    def for_user(self, user: Any) -> Self:
        return self.filter(user=user)

    def active(self) -> Self:
        return self.filter(withdrawn_at=None)

    def in_force(self) -> Self:
        """Given to the text as it stands today: what an older text was told covers no new file."""
        return self.active().filter(version=VERSION)


class Consent(Kept):
    """One consent of one person to one kind of sensitive paper."""

    MAY_CHANGE = frozenset({"withdrawn_at", "given_from"})  # the second when it is erased

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="consents", verbose_name="本人"
    )
    kind = models.CharField(
        "范围", max_length=12, choices=[(k.value, CONSENT_LABELS[k]) for k in ConsentKind]
    )
    version = models.CharField("文本版本", max_length=12)
    text_digest = models.CharField("文本摘要", max_length=64)
    given_at = models.DateTimeField("同意时间")
    given_from = models.GenericIPAddressField("来自", null=True, blank=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "单独同意"
        ordering = ["-given_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind"],
                condition=Q(withdrawn_at=None),
                name="consent_one_in_force_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
        ]

    @property
    def text(self) -> str:
        """The text that was agreed to."""
        return consent_text(ConsentKind(self.kind), self.version)

    @property
    def is_outdated(self) -> bool:
        """Whether the text was renewed since: the next file asks again."""
        return self.version != VERSION
