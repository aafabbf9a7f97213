"""A version of the working-day calendar that the database renews with every change of it.

SQLite's triggers are made by `migrate` itself (portal.core.trail.row_triggers.py).
"""

from django.db import migrations, models

from portal.core.trail.row_triggers import RENEWING_ON_POSTGRES


def renew(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(RENEWING_ON_POSTGRES, params=None)
        # A change that changes nothing: the days that are there are the first version.
        schema_editor.execute("DELETE FROM portal_workday WHERE false")


class Migration(migrations.Migration):
    dependencies = [("portal", "0013_kept_rows")]

    operations = [
        migrations.CreateModel(
            name="CalendarVersion",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("mark", models.CharField(editable=False, max_length=36)),
            ],
            options={"verbose_name": "工作日历的版本", "verbose_name_plural": "工作日历的版本"},
        ),
        migrations.RunPython(renew, migrations.RunPython.noop),
    ]
