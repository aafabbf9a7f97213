"""Audit trail and access log are sealed, old rows as they stand; SQLite keeps them by trigger too."""

from django.db import migrations

from portal.core.trail.row_triggers import refuse_on_sqlite
from portal.core.trail.seals import SealField, seal_existing

# model, its table, and the trigger that PostgreSQL has had since 0002
TRAILS = (
    ("Event", "relief_event", "event_append_only"),
    ("EvidenceAccess", "relief_evidencelook", "look_append_only"),
)


def seal(apps, schema_editor):
    for name, table, trigger in TRAILS:
        is_kept = schema_editor.connection.vendor == "postgresql"
        if is_kept:
            schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        seal_existing(apps.get_model("relief", name))
        if is_kept:
            schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


def refuse(apps, schema_editor):
    refuse_on_sqlite(schema_editor, *(table for _, table, _ in TRAILS), "relief_policy")


class Migration(migrations.Migration):
    dependencies = [
        ("relief", "0007_words_of_an_agreement"),
        ("portal", "0012_chained_trail"),
    ]
    operations = [
        migrations.AddField("event", "seal", SealField(trail="event")),
        migrations.AddField("evidenceaccess", "seal", SealField(trail="access")),
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RunPython(refuse, migrations.RunPython.noop),
    ]
