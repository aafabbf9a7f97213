"""Give and withdraw separate consent; withdrawing removes the papers it covered."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from django.db import IntegrityError, transaction

from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.nudge import nudge
from relief.cases.gate import Actor
from relief.cases.models import Case
from relief.cases.moves import Occasion, record
from relief.cases.notices import AuditEvent
from relief.cases.workflow import IN_TALKS, State
from relief.evidence.consent_texts import (
    CONSENT_FOR,
    CONSENT_LABELS,
    VERSION,
    ConsentKind,
    text_digest,
)
from relief.evidence.kinds import KIND_LABELS, EvidenceKind
from relief.evidence.models import Consent, Evidence


def give_consent(*, kind: str, actor: User, now: datetime, ip: str | None = None) -> Consent:
    """Record the separate consent of `actor`; a second time returns the one in force."""
    consent_kind = _parse(kind)
    in_force = Consent.objects.active().filter(user=actor, kind=consent_kind).first()
    if in_force is not None and in_force.version == VERSION:
        return in_force
    try:
        with transaction.atomic():
            if in_force is not None:  # an older text: that consent ends where the new one begins
                Consent.objects.filter(pk=in_force.pk).update(withdrawn_at=now)
            return Consent.objects.create(
                user=actor,
                kind=consent_kind,
                version=VERSION,
                text_digest=text_digest(consent_kind),
                given_at=now,
                given_from=ip,
            )
    except IntegrityError:  # two tabs at once: the other one recorded it
        return Consent.objects.active().get(user=actor, kind=consent_kind)


def withdraw_consent(*, kind: str, actor: User, now: datetime) -> int:
    """End the consent; the files it covered are closed at once and their bytes go with the sweep.

    Each case that loses files has a line of it in its trail, and staff who talk about it are told.
    Returns the number of files concerned; without a consent that stands nothing happens (0).
    """
    consent_kind = _parse(kind)
    with transaction.atomic():
        withdrawn = (
            Consent.objects.active().filter(user=actor, kind=consent_kind).update(withdrawn_at=now)
        )
        if not withdrawn:
            return 0
        kinds = [evidence for evidence, consent in CONSENT_FOR.items() if consent is consent_kind]
        files = Evidence.objects.with_bytes().filter(case__borrower=actor, kind__in=kinds)
        lost = files.current().select_related("case", "case__loan", "case__assigned_to")
        for case, in_case in groupby(lost.order_by("case_id", "pk"), key=lambda file: file.case):
            _record_lost(case, list(in_case), actor=actor, now=now)
        count = files.count()
        files.filter(withdrawn_at=None).update(withdrawn_at=now)
        files.update(purge_on=business_date(now))
    nudge("relief.tasks.purge_expired_evidence")
    return count


def _record_lost(case: Case, lost: list[Evidence], *, actor: User, now: datetime) -> None:
    """The line of a case that some files are withdrawn from; told to staff while there are talks."""
    record(
        case,
        AuditEvent.CONSENT_WITHDRAWN,
        Occasion(
            Actor(actor, Role.BORROWER),
            now,
            note_public=f"{lost[0].get_kind_display()} {len(lost)} 份停止使用，文件随后删除",
            data={"evidence": [file.public_id for file in lost]},
        ),
        notify=State(case.state) in IN_TALKS,
    )


def check_consent(*, kind: EvidenceKind, agreed: bool, actor: User) -> None:
    """Whether a file of `kind` may be taken: consent in force, or given with this upload.

    Raises InvalidInput("consent", …) otherwise.
    """
    needed = CONSENT_FOR.get(kind)
    if needed is not None and not agreed and not has_consent(user=actor, kind=kind):
        raise InvalidInput(
            "consent",
            f"{KIND_LABELS[kind]}属于敏感个人信息，请先勾选对{CONSENT_LABELS[needed]}的单独同意",
        )


def keep_consent(
    *, kind: EvidenceKind, agreed: bool, actor: User, now: datetime, ip: str | None = None
) -> None:
    """Record the consent that came with an upload, in the upload's transaction."""
    needed = CONSENT_FOR.get(kind)
    if needed is not None and agreed:
        give_consent(kind=needed, actor=actor, now=now, ip=ip)
    else:  # withdrawn in another tab meanwhile
        check_consent(kind=kind, agreed=agreed, actor=actor)


def has_consent(*, user: User, kind: EvidenceKind) -> bool:
    """Whether `user` has consented to files of `kind` by today's text, or none is needed."""
    needed = CONSENT_FOR.get(kind)
    return needed is None or Consent.objects.in_force().filter(user=user, kind=needed).exists()


def _parse(kind: str) -> ConsentKind:
    try:
        return ConsentKind(kind)
    except ValueError:
        raise InvalidInput("kind", "没有这一项同意，请刷新页面后再试") from None
