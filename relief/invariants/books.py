"""The books: the proofs of `loans`, under the names of the invariants, and rising dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import Lag

from loans import proofs as loan_proofs
from loans.models import Instalment
from relief.invariants.violation import Violation

NAMES = {
    "zero-sum": "I1",
    "trial-balance": "I1",
    "waiver": "I8",
    "plan-sum": "I9",
    "schedule-sum": "I9",
    "payment": "I13",
    "split": "I13",
}
REST = "I2"  # balances, reversals, explanation = postings, status


def proofs(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Entries sum to zero, balances follow from postings, waivers touch only their own component."""
    for broken_proof in loan_proofs.violations():
        rule = NAMES.get(broken_proof.rule, REST)
        yield Violation(rule, broken_proof.where, f"{broken_proof.rule}: {broken_proof.detail}")


def rising_dates(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Inside one schedule every due date is later than the one before."""
    before = Window(Lag("due_on"), partition_by=F("schedule"), order_by=F("number").asc())
    rows = Instalment.objects.order_by().annotate(before=before).filter(due_on__lte=F("before"))
    for schedule_id, number in rows.values_list("schedule_id", "number"):
        yield Violation(
            "I9", f"schedule {schedule_id}/{number}", "due no later than the one before"
        )
