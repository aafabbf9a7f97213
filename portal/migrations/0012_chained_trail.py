"""The security trail is sealed, all trails are chained, and the database keeps both as they are.

SQLite gets triggers like PostgreSQL's (portal/core/trail/row_triggers.py).
"""

from django.db import migrations, models

import portal.core.trail.seals
from portal.core.trail.row_triggers import refuse_on_postgres, refuse_on_sqlite

TABLES = ("portal_securityevent", "portal_traillink", "portal_trailday")
FUNCTION = """
CREATE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
"""


def seal(apps, schema_editor):
    portal.core.trail.seals.seal_existing(apps.get_model("portal", "SecurityEvent"))


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)
    refuse_on_postgres(schema_editor, "portal_refuse_change", *TABLES)
    refuse_on_sqlite(schema_editor, *TABLES)


class Migration(migrations.Migration):
    dependencies = [("portal", "0011_passkeys")]

    operations = [
        migrations.CreateModel(
            name='TrailDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('seal', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name': '记录链日封', 'base_manager_name': 'objects',
                'verbose_name_plural': '记录链日封',
            },
        ),
        migrations.AddField(
            model_name='securityevent',
            name='seal',
            field=portal.core.trail.seals.SealField(trail='security'),
        ),
        migrations.CreateModel(
            name='TrailLink',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('trail', models.CharField(max_length=16)),
                ('row_id', models.BigIntegerField()),
                ('seal', models.CharField(max_length=64, unique=True)),
                ('digest', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name': '记录链', 'base_manager_name': 'objects',
                'verbose_name_plural': '记录链',
                'indexes': [models.Index(fields=['trail', '-at'], name='trail_latest')],
                'constraints': [models.UniqueConstraint(fields=('trail', 'row_id'), name='trail_row_once')],
            },
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RunPython(refuse, migrations.RunPython.noop),
    ]
