"""What stays as it was written: the database refuses every change that its model does not allow.

On SQLite and on PostgreSQL alike, whoever asks: past the models, by SQL of one's own.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction

from loans.models import BookExport, ChartVersion, Correction, Payment, Proposal
from portal.core.accounts import trail
from portal.core.kernel.roles import Rank
from portal.core.kernel.security import SecurityKind
from portal.core.models import Delivery, PhoneCall, PhoneTask, StaffChange, WorkDay
from portal.core.models.append_only import AppendOnly, Kept
from portal.core.trail import chain, row_triggers
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.models import Consent, EvidenceAccess
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
KEPT = sorted(row_triggers.kept_models(), key=lambda model: model._meta.label)


@pytest.fixture
def case() -> Case:
    """At least one row of every kind that is kept."""
    case = factories.case_at(State.PLAN_ACTIVE)
    factories.pay_plan(case)
    maker, checker = factories.staff(), factories.staff(Rank.MANAGER)
    payment = Payment.objects.filter(loan=case.loan).latest("pk")
    money = dict.fromkeys(
        ("penalty_before", "penalty_after", "owed_before", "owed_after"), Decimal("1.00")
    )
    Correction.objects.create(
        loan=case.loan, payment=payment, kind="reversal", as_of=NOW.date(), at=NOW, **money
    )
    days = {"from_on": NOW.date(), "to_on": NOW.date()}
    BookExport.objects.create(content="journal", format="csv", row_count=1, at=NOW, **days)
    ChartVersion.objects.create(codes={}, reason="试", actor=checker, at=NOW)
    Proposal.objects.create(
        **{"loan": case.loan, "kind": "refund", "amount": Decimal("1.00"), "reason": "多付"},
        **{"needs_rank": Rank.SUPERVISOR, "made_by": maker, "made_at": NOW, "valid_until": NOW},
    )
    StaffChange.objects.create(
        kind="CREATE", username="new", name="新人", reason="入职", made_by=checker, made_at=NOW
    )
    call = Delivery.objects.create(
        **{"user": case.borrower, "channel": "phone", "event": "x", "key": "x", "to": "1"},
        **{"text": "请告知", "next_attempt_at": NOW, "created_at": NOW},
    )
    task = PhoneTask.objects.create(delivery=call, script="请告知", created_at=NOW)
    PhoneCall.objects.create(task=task, outcome="reached", by=maker, at=NOW)
    EvidenceAccess.objects.create(
        evidence=factories.add_file(factories.draft_case()),
        viewer=maker,
        viewer_label="客服",
        at=NOW,
    )
    Consent.objects.create(
        user=case.borrower, kind="medical", version="1", text_digest="x", given_at=NOW
    )
    trail.record(SecurityKind.LOGOUT, user=maker, origin=trail.SYSTEM)
    chain.extend(NOW)
    chain.extend(NOW + timedelta(days=1))
    return case


def another(value: Any, field: models.Field[Any, Any]) -> Any:
    """A value of the field's kind that is not the one it has."""
    if isinstance(field, models.GenericIPAddressField):
        return "192.0.2.1"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, datetime | date):
        return value + timedelta(days=1)
    if isinstance(value, dict | list):
        return {"planted": 1}
    if isinstance(value, str):
        return value[:-1] + ("y" if value.endswith("x") else "x")
    assert value is None
    if isinstance(field, models.DateTimeField):
        return NOW
    if isinstance(field, models.DateField):
        return NOW.date()
    return {"planted": 1} if isinstance(field, models.JSONField) else 1


def refusal(model: type[Kept], pk: Any, **change: Any) -> str:
    """What the database says of an UPDATE (or, without a change, of a DELETE) past the models."""
    rows = models.QuerySet(model).filter(pk=pk)
    try:
        with transaction.atomic():
            if change:
                rows.update(**change)
            else:
                rows._raw_delete(rows.db)
            transaction.set_rollback(True)
    except IntegrityError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model._meta.label)
def test_only_what_became_of_a_row_is_ever_added(case: Case, model: type[Kept]) -> None:
    row = models.QuerySet(model).latest("pk")
    own = [field for field in model._meta.concrete_fields if not field.primary_key]
    refused = {}
    for field in own:
        value = another(field.value_from_object(row), field)
        said = refusal(model, row.pk, **{field.attname: value})
        # A check, a unique index or a foreign key may refuse the planted value of the others.
        refused[field.name] = said if "constraint" not in said.lower() else ""

    assert {name for name, said in refused.items() if said} == (
        {field.name for field in own} - model.MAY_CHANGE
    ), refused
    assert refusal(model, row.pk)


@pytest.mark.parametrize("model", [m for m in KEPT if m.SET_ONCE], ids=lambda m: m._meta.label)
def test_what_is_set_once_stays(case: Case, model: type[Kept]) -> None:
    """A payment is reversed once, a schedule undone once."""
    row = models.QuerySet(model).earliest("pk")
    (name,) = model.SET_ONCE
    field = model._meta.get_field(name)
    if field.is_relation:
        value = field.remote_field.model._default_manager.latest("pk").pk
        models.QuerySet(model).filter(pk=row.pk).update(**{field.attname: value})
    else:
        value = NOW.date()
        models.QuerySet(model).filter(pk=row.pk).update(superseded_on=value, **{name: value})

    for changed in (None, another(value, field)):
        said = refusal(model, row.pk, **{field.attname: changed})
        assert said
        assert "constraint" not in said.lower()


def test_every_table_that_is_written_once_is_known_to_the_database() -> None:
    """One that a migration made anew has its triggers back; one that is new has them too."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
        guarded = {table for (table,) in cursor.fetchall()}

    renewing = {WorkDay._meta.db_table}  # whose triggers make a new version of the calendar
    assert {model._meta.db_table for model in KEPT} | renewing == guarded
    assert all(issubclass(model, Kept) for model in AppendOnly.__subclasses__())


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_migrate_puts_back_what_is_missing_and_takes_what_is_outdated() -> None:
    with connection.cursor() as cursor:
        before = row_triggers._triggers(cursor)
        cursor.execute('DROP TRIGGER "loans_entry_DELETE"')
        cursor.execute('DROP TRIGGER "relief_offer_UPDATE"')
        cursor.execute(
            'CREATE TRIGGER "relief_offer_UPDATE" BEFORE UPDATE ON relief_offer BEGIN SELECT 1; END'
        )
        call_command("migrate", verbosity=0)

        assert row_triggers._triggers(cursor) == before
        row_triggers.make_way(plan=["anything to do"])
        assert row_triggers._triggers(cursor) == {}
        row_triggers.keep_rows()
        assert row_triggers._triggers(cursor) == before
