"""The debts of very many plain loans: the database adds up postings, Python rounds by the one rule.

Plain is a loan that has the schedule it began with and no other, and whose penalty follows from its
principal alone. Most are; of a loan with a plan, a breach or a recomputed schedule the whole books
are read instead (loans/queries/portfolio.py). Amounts here are whole fen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast, Coalesce

from loans.domain.penalty.interest import PrincipalPenalty, overdue_days, principal_penalty
from loans.models import Account, Instalment, Loan, Posting, Schedule
from loans.queries.penalty_basis import REDUCING
from loans.queries.stream import ByKey, keyed, profile_of

# A receivable and its income together are minus what was paid or waived of it (PenaltyBasis.reduced):
# the caller adds what was scheduled or charged.
INTEREST = (Account.INTEREST, Account.INTEREST_INCOME)
PARTS: dict[str, tuple[Account, ...]] = {  # of a debt, interest apart
    "principal": (Account.PRINCIPAL,),
    "kept_interest": (Account.KEPT_INTEREST,),
    "penalty": (
        *(Account.PENALTY, Account.PENALTY_INCOME),
        *(Account.COMPOUND, Account.COMPOUND_INCOME),
    ),
    "kept_penalty": (Account.KEPT_PENALTY,),
    "fee": (Account.FEE, Account.FEE_INCOME),
}
BESIDE: dict[str, tuple[Account, ...]] = {  # the last two stand with minus
    "waived": (Account.WAIVER,),
    "written_off": (Account.OFF_PRINCIPAL, Account.OFF_INTEREST, Account.OFF_CHARGES),
    "off_balance": (Account.OFF_BALANCE,),
}
Paid = Mapping[
    int, Sequence[tuple[int, int]]
]  # by instalment: the days and amounts of its principal


class PlainDebt(NamedTuple):
    """What one plain loan owes on a date; interest is what is due, penalty has compound in it."""

    loan_id: int
    number: str  # 借据编号
    overdue_days: int
    interest: int
    principal: int
    kept_interest: int
    penalty: int
    kept_penalty: int
    fee: int
    waived: int
    written_off: int
    off_balance: int


class PartedLoans(NamedTuple):
    """Loans parted in two: whoever asks for all asks both."""

    plain: QuerySet[Loan]
    others: QuerySet[Loan]


def parted(loans: QuerySet[Loan], on: date) -> PartedLoans:
    """The plain ones among loans and the others; one query, for the profiles there are."""
    with_profiles = loans.annotate(profile_text=Cast("profile", TextField()))
    texts = with_profiles.order_by().values_list("profile_text", flat=True).distinct()
    harder = [text for text in texts if principal_penalty(profile_of(text), on) is None]
    later = Schedule.objects.filter(loan=OuterRef("pk")).exclude(kind=Schedule.Kind.ORIGINAL)
    is_other = Exists(later) | Q(profile_text__in=harder)
    return PartedLoans(with_profiles.exclude(is_other), with_profiles.filter(is_other))


def plain_debts(plain: QuerySet[Loan], on: date) -> Iterator[PlainDebt]:
    """The debt of each of some plain loans on a date, in ascending order of id, in four queries.

    Equal to ``load_debt(loan, on)`` for each. Memory does not grow with the number of loans.
    """

    @cache
    def penalty_by(text: str) -> PrincipalPenalty:
        penalty = principal_penalty(profile_of(text), on)
        assert penalty is not None  # such loans are not plain
        return penalty

    due, paid, all_sums = ByKey(_due(plain, on)), ByKey(_paid(plain, on)), ByKey(_sums(plain, on))
    texts = plain.order_by("pk").values_list("pk", "number", Cast("profile", TextField()))
    for loan_id, (number, text) in keyed(texts):
        ((principal, kept_interest, less, *sums),) = all_sums.take(loan_id)
        interest, penalty, oldest = _lateness(
            due.take(loan_id), _by_instalment(paid.take(loan_id)), penalty_by(text)
        )
        days = overdue_days(profile_of(text), oldest, on) if oldest else 0
        owed = (interest, principal, kept_interest, penalty + less)
        yield PlainDebt(loan_id, number, days, *owed, *sums)


def _by_instalment(rows: Iterable[tuple[int, date, int]]) -> Paid:
    payments = defaultdict(list)
    for instalment_id, day, fen in rows:
        payments[instalment_id].append((day.toordinal(), fen))
    return payments


def _lateness(
    due: Iterable[tuple[Any, ...]], paid: Paid, penalty_of: PrincipalPenalty
) -> tuple[int, int, date | None]:
    """Interest due, penalty charged, each instalment rounded by itself, and the oldest date not paid."""
    interest = penalty = 0
    oldest = None
    for pk, due_on, principal, scheduled_interest, minus_paid, others in due:
        charged = penalty_of(due_on.toordinal(), principal, paid.get(pk, ()))
        owed_interest = scheduled_interest + minus_paid
        if oldest is None and owed_interest + charged + others > 0:
            oldest = due_on
        interest += owed_interest
        penalty += charged
    return interest, penalty, oldest


# --- The sums ------------------------------------------------------------------------------------------


def _fen(amount: str, **chosen: Any) -> Cast:
    """The sum of an amount as whole fen, as they are stored: a Decimal for each would cost too much."""
    return Cast(Sum(Cast(amount, BigIntegerField()), default=0, **chosen), BigIntegerField())


def _sums(plain: QuerySet[Loan], on: date) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(loan, (PARTS, BESIDE)) of all its postings up to the date."""
    columns = {
        f"{name}_sum": _fen("amount", filter=Q(account__in=accounts))
        for name, accounts in (PARTS | BESIDE).items()
    }
    postings = Posting.objects.filter(entry__loan__in=plain, entry__value_date__lte=on)
    by_loan = postings.order_by("entry__loan_id").values("entry__loan_id")
    return keyed(by_loan.annotate(**columns).values_list("entry__loan_id", *columns))


def _due(plain: QuerySet[Loan], on: date) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(loan, (id, due date, principal and interest as scheduled, sum of interest, sum of PARTS))."""
    others = [account for accounts in PARTS.values() for account in accounts]
    until = Q(postings__entry__value_date__lte=on)
    of_interest, of_others = (
        until & Q(postings__account__in=names) for names in (INTEREST, others)
    )
    instalments = Instalment.objects.filter(schedule__loan__in=plain, due_on__lte=on).annotate(
        principal_fen=Cast("principal", BigIntegerField()),
        interest_fen=Cast("interest", BigIntegerField()),
    )
    scheduled = ("schedule__loan_id", "pk", "due_on", "principal_fen", "interest_fen")
    columns = {
        "interest_sum": _fen("postings__amount", filter=of_interest),
        "others_sum": _fen("postings__amount", filter=of_others),
    }
    in_order = instalments.order_by("schedule__loan_id", "due_on", "number").values(*scheduled)
    return keyed(in_order.annotate(**columns).values_list(*scheduled, *columns))


def _paid(plain: QuerySet[Loan], on: date) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(loan, (instalment, day, fen)): what took its principal down; a reversal has undone its part."""
    place = ("entry__loan_id", "instalment_id", "entry__value_date")
    reductions = (
        Posting.objects.filter(entry__loan__in=plain, entry__value_date__lte=on)
        .annotate(kind=Coalesce(F("entry__reverses__kind"), F("entry__kind")))
        .filter(account=Account.PRINCIPAL, kind__in=REDUCING)
        .order_by("entry__loan_id")
        .values(*place, "kind")
        .annotate(fen=_fen("amount"))
        .filter(fen__lt=0)
        .values_list(*place, -F("fen"))
    )
    return keyed(reductions)
