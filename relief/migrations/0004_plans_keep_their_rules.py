"""Existing plans keep the rules of the policy that their case is under; SQLite and PostgreSQL."""

from django.db import migrations

TRIGGER = "ALTER TABLE loans_schedule {} TRIGGER schedule_fixed"
DEFAULTS = {
    "max_plan_terms": 60,
    "deferral_months": 3,
    "max_plans_per_loan": 2,
    "plan_reminder_days": 3,
    "plan_grace_days": 3,
    "cure_days": 10,
    "vesting": "proportional",
}


def fill(apps, schema_editor):
    agreement = apps.get_model("relief", "Agreement")
    schedule = apps.get_model("loans", "Schedule")
    rows = list(agreement.objects.values_list("plan_id", "case__policy__data"))
    _run(schema_editor, TRIGGER.format("DISABLE"))
    for plan_id, policy in rows:
        rules = {name: policy.get(name, usual) for name, usual in DEFAULTS.items()}
        schedule.objects.filter(pk=plan_id).update(rules=rules)
    _run(schema_editor, TRIGGER.format("ENABLE"))


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("loans", "0004_plan_rules"), ("relief", "0003_missed_promises")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
