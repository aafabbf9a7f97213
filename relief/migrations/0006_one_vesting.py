"""How a waiver vests is no parameter: the one value it ever had leaves stored policies and plans."""

from django.db import migrations

TRIGGERS = {
    "loans_schedule": "schedule_fixed",
    "relief_policy": "policy_append_only",
}


def forget(apps, schema_editor):
    schedule, policy = apps.get_model("loans", "Schedule"), apps.get_model("relief", "Policy")
    for model, name in ((schedule, "rules"), (policy, "data")):
        rows = model.objects.exclude(**{name: None}).values_list("pk", name)
        stored = [(pk, values) for pk, values in rows if "vesting" in values]
        _switch(schema_editor, model._meta.db_table, "DISABLE")
        for pk, values in stored:
            kept = {key: value for key, value in values.items() if key != "vesting"}
            model.objects.filter(pk=pk).update(**{name: kept})
        _switch(schema_editor, model._meta.db_table, "ENABLE")


def _switch(schema_editor, table, state):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {table} {state} TRIGGER {TRIGGERS[table]}")


class Migration(migrations.Migration):
    dependencies = [("loans", "0004_plan_rules"), ("relief", "0005_evidence_access")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
