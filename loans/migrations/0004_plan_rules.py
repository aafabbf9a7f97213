"""Plans keep the rules they were executed under.

Plans of before take what their loan's profile said; relief's next migration puts what their case's
policy said in its place, which is what governed them.
"""

from django.db import migrations, models

TRIGGER = "ALTER TABLE loans_schedule {} TRIGGER schedule_fixed"
OLD_NAMES = {"deferral_months": "max_deferral_months"}
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
    schedule = apps.get_model("loans", "Schedule")
    plans = list(schedule.objects.filter(kind="plan").values_list("pk", "loan__profile"))
    _run(schema_editor, TRIGGER.format("DISABLE"))
    for pk, profile in plans:
        rules = {
            name: profile.get(OLD_NAMES.get(name, name), usual) for name, usual in DEFAULTS.items()
        }
        schedule.objects.filter(pk=pk).update(rules=rules)
    _run(schema_editor, TRIGGER.format("ENABLE"))


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("loans", "0003_correction")]
    operations = [
        migrations.AddField(
            model_name="schedule",
            name="rules",
            field=models.JSONField(blank=True, null=True, verbose_name="计划规则（执行时固定）"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "plan"), ("rules__isnull", False)),
                    models.Q(
                        models.Q(("kind", "plan"), _negated=True), ("rules__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="schedule_rules_iff_plan",
            ),
        ),
    ]
