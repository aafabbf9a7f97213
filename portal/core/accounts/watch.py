"""What whoever answers for the desk must see at once: a trail that was changed, a wave of failed logins.

All in real time. The trail is proven once a day; what came of it is a line of the trail itself, and
managers and auditors are told, on their board until a later proof succeeds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Count

from portal.core import clock
from portal.core.accounts import trail
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank, Role
from portal.core.kernel.security import SecurityKind
from portal.core.models import SecurityEvent, User
from portal.core.notifications.outbox import notify
from portal.core.trail import chain

RANKS = (Rank.MANAGER, Rank.AUDITOR)
WINDOW = timedelta(hours=24)
OF_ONE = 10  # failures within WINDOW at one account of staff
OF_ALL = 200  # at all accounts and at names that no account has
FAILURES = (SecurityKind.LOGIN_FAILED, SecurityKind.FACTOR_REFUSED)
PROOFS = (SecurityKind.TRAIL_PROVEN, SecurityKind.TRAIL_BROKEN)
NAMED = (
    20  # problems at most: a trail wrong in one place may be so in all that follow; and accounts
)


def prove_trail(real: datetime) -> int:
    """Prove the chain if that is a day ago; returns how many problems were found, at most NAMED."""
    if SecurityEvent.objects.filter(kind__in=PROOFS, at__gt=real - timedelta(days=1)).exists():
        return 0
    problems = list(islice(chain.problems(), NAMED))
    with transaction.atomic():
        if not problems:
            trail.record(SecurityKind.TRAIL_PROVEN, user=None, origin=trail.SYSTEM)
            return 0
        more = "以上" if len(problems) == NAMED else ""
        found_words = f"{len(problems)} 处{more}不符，第一处：{problems[0][0]}"
        trail.record(SecurityKind.TRAIL_BROKEN, user=None, origin=trail.SYSTEM, detail=found_words)
        for person in User.objects.filter(role=Role.STAFF, is_active=True, rank__in=RANKS):
            notify(
                event="staff_trail",
                key=f"trail:{business_date(real)}:{person.pk}",
                user=person,
                channels=(),
                context={"found": found_words},
                link="/admin/",
                category="system",
                mandatory=True,
                now=clock.now(),
            )
    return len(problems)


def warnings(viewer: User, real: datetime) -> list[str]:
    """Sentences for the board of a manager or an auditor; at most four queries, whatever there is."""
    if viewer.rank not in RANKS:
        return []
    return [*_of_the_trail(), *_of_logins(real)]


def _of_the_trail() -> list[str]:
    last = SecurityEvent.objects.filter(kind__in=PROOFS).order_by("-at", "-pk").first()
    if last is None or last.kind == SecurityKind.TRAIL_PROVEN:
        return []
    return [
        f"审计记录被改动过：{last.detail}。请保留数据库和日志，"
        "由技术人员运行 verify_invariants 逐条核对。"
    ]


def _of_logins(real: datetime) -> list[str]:
    failed = SecurityEvent.objects.filter(kind__in=FAILURES, at__gt=real - WINDOW).order_by()
    attacked = (
        failed.filter(user__role=Role.STAFF)
        .values_list("user")
        .annotate(times=Count("pk"))
        .filter(times__gte=OF_ONE)
        .order_by("-times")[:NAMED]
    )
    times_by_pk = dict(attacked)
    people = User.objects.in_bulk(times_by_pk)
    sentences = [
        f"过去 24 小时，工作人员{people[pk].name}（{people[pk].staff_code}）的账户有 {times} 次登录失败。"
        "请先问本人；不是本人的，由经理重置密码。"
        for pk, times in times_by_pk.items()
    ]
    total = failed.count()
    if total >= OF_ALL:
        sentences.append(
            f"过去 24 小时共有 {total} 次登录失败，可能有人在批量试密码。请审计员查看来源地址，必要时在网络上拦截。"
        )
    return sentences
