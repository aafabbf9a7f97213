"""After each fault: heal, wait until nothing waits, then compare database, journal and provider."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from loans.models import Payment
from portal.core import clock
from portal.core.models import Delivery
from portal.core.notifications import hours
from relief.cases.models import Case, Deadline, Event
from relief.conversation.models import Message
from relief.evidence.kinds import EvidenceState
from relief.evidence.models import Evidence
from relief.invariants import violations
from relief.offers.models import Agreement
from tests.chaos.journal import FAIL, OK, Journal
from tests.chaos.people import morning
from tests.chaos.rig import BaseRig

HEAL_SECONDS = 90  # real; back-offs and leases pass in business time
SENTENCE = re.compile("[一-鿿]{4}")
STEP = timedelta(seconds=170)  # longer than a lease


def heal(rig: BaseRig) -> float:
    """Wait until all is sent and handled; how many seconds it took, TimeoutError if too many."""
    started, stepped = time.monotonic(), 0.0
    while time.monotonic() - started < HEAL_SECONDS:
        try:
            if not waiting():
                rig.wait_for_page()
                return time.monotonic() - started
            if time.monotonic() - stepped > 5:
                pass_time()
                stepped = time.monotonic()
        except DatabaseError:
            connection.close()
        time.sleep(0.3)
    raise TimeoutError(f"not healed in {HEAL_SECONDS} s: {waiting()}")


def waiting() -> dict[str, int]:
    """What is still on its way: claimed or unsent notices (their back-off too), due deadlines."""
    unsent = Delivery.objects.filter(status__in=["pending", "claimed"])
    counts = {
        "notices": unsent.count(),
        "deadlines": Deadline.objects.due(clock.now()).count(),
        "files": Evidence.objects.checking().count(),
    }
    return {name: count for name, count in counts.items() if count}


def pass_time() -> None:
    """Business time runs on over leases and back-offs; messages never have to wait for a night."""
    now = clock.now()
    next_attempts = Delivery.objects.filter(status="pending", next_attempt_at__gt=now)
    latest = next_attempts.order_by("-next_attempt_at").first()
    target = max(now + STEP, latest.next_attempt_at if latest else now)
    if not hours.may_disturb(target) or not hours.may_disturb(target + timedelta(hours=1)):
        target = morning(target)
    clock.advance_to(target)


def problems(rig: BaseRig, journal: Journal) -> list[str]:
    """Everything that is wrong, one line each."""
    found = [str(each) for each in violations(now=clock.now(), real_now=clock.real_now())]
    for check in (acknowledged, refused, each_told, none_unscanned, sent_once, none_silent):
        found += check(rig, journal)
    return found + rig.problems() + journal.trouble


def acknowledged(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """Every act that its driver saw done is in the database, exactly once (unknown: at most once)."""
    known = counts()
    for act in list(journal.acts):
        count = known[act.kind](act.key)
        if act.outcome == OK and count != 1:
            yield f"I14 | {act.kind} {act.key} | acknowledged, in the database {count} times"
        elif count > 1:
            yield f"I14 | {act.kind} {act.key} | took effect {count} times"


def refused(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """What was plainly refused has no effect; amounts that were paid are those that were shown."""
    amounts = dict(Payment.objects.values_list("reference", "amount"))
    for act in list(journal.of("pay")):
        paid = amounts.get(act.key)
        if act.outcome == FAIL and paid is not None:
            yield f"I14 | pay {act.key} | refused ({act.answer}), but booked"
        if paid is not None and f"{paid:.2f}" != act.facts["amount"].replace(",", ""):
            yield f"I13 | pay {act.key} | {paid} instead of {act.facts['amount']}"


def each_told(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """Whoever's file was not taken has read a sentence that says so."""
    for act in list(journal.of("upload")):
        if act.outcome == FAIL and not SENTENCE.search(act.answer):
            yield f"upload {act.key} | refused ({act.answer}) without a sentence"


def none_unscanned(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """What has passed was scanned before, where there is a scanner."""
    if rig.scanned is None:
        return
    scanned = set(rig.scanned.read_text().split()) if rig.scanned.exists() else set()
    passed = Evidence.objects.filter(state=EvidenceState.PASSED)
    for digest in set(passed.values_list("sha256", flat=True)) - scanned:
        yield f"upload {digest} | passed, but the scanner has never seen it"


def sent_once(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """At the provider: a key takes effect once, always with the same words, and is one of ours."""
    book = rig.provider.book
    with rig.provider.lock:
        effects = {key: count for key, count in book.effects.items() if count}
        calls = {key: set(bodies) for key, bodies in book.calls.items()}
    ours = {str(pk) for pk in Delivery.objects.values_list("public_id", flat=True)}
    for key, count in effects.items():
        if count > 1:
            yield f"I15 | {key} | sent {count} times"
        if key not in ours:
            yield f"I15 | {key} | sent, but no notice is in the database"
    for key, bodies in calls.items():
        if len(bodies) > 1:
            yield f"I15 | {key} | {len(bodies)} different messages under one key"
    if book.forged:
        yield f"I15 | {book.forged} calls | wrong signature"


def none_silent(rig: BaseRig, journal: Journal) -> Iterator[str]:
    """Whatever we say was submitted, the provider has."""
    rows = Delivery.objects.filter(channel="sms", status__in=["submitted", "delivered"])
    for public_id in rows.filter(submitted_at__gte=START[0]).values_list("public_id", flat=True):
        if not rig.provider.book.effects.get(str(public_id)):
            yield f"I15 | {public_id} | 已提交 is shown, the provider never took it"


START: list[datetime] = []  # when the provider began to listen, in business time


def counts() -> dict[str, Callable[[str], int]]:
    """By kind of act: how often the database has an act of that key; one query a kind, not an act."""
    payments = Counter(Payment.objects.values_list("reference", flat=True))
    messages = Counter(Message.objects.values_list("text", flat=True))
    uploads = Counter(Evidence.objects.values_list("sha256", flat=True))
    submitted = Case.objects.filter(submitted_at__isnull=False)
    cases = Counter(submitted.values_list("public_id", flat=True))
    agreed = Agreement.objects.values_list("case__public_id", "offer__number")
    agreements = Counter(f"{case}:{number}" for case, number in agreed)
    moves = set(Event.objects.values_list("case__public_id", "action"))
    offered = dict(Case.objects.exclude(offers=None).values_list("public_id", "version"))
    return {
        "pay": payments.__getitem__,
        "write": messages.__getitem__,
        "upload": uploads.__getitem__,
        "submit": cases.__getitem__,
        "accept": agreements.__getitem__,
        "claim": lambda key: (_case(key), "CLAIM") in moves,
        "pass": lambda key: (_case(key), "PASS") in moves,
        "offer": lambda key: offered.get(_case(key), 0) > int(key.rpartition(":")[2]),
    }


def _case(key: str) -> str:
    return key.partition(":")[0]
