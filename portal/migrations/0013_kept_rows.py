"""On PostgreSQL papers, calls and changes of staff accounts stay as they were written.

SQLite's triggers are made by `migrate` itself (portal.core.trail.row_triggers.py).
"""

from django.db import migrations

from portal.core.trail.row_triggers import refuse_on_postgres

FUNCTION = """
CREATE FUNCTION portal_keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR (to_jsonb(NEW) - TG_ARGV) IS DISTINCT FROM (to_jsonb(OLD) - TG_ARGV)
       OR TG_NARGS = 0 THEN  -- TG_ARGV is NULL then
        RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
DECIDED = ("status", "decided_by_id", "decided_at", "subject_id")
RENDERED = ("revoked_at", "stored_key", "rendered_at")


def keep(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FUNCTION, params=None)
    refuse_on_postgres(schema_editor, "portal_refuse_change", "portal_phonecall")
    refuse_on_postgres(schema_editor, "portal_keep_row", "portal_document", may_change=RENDERED)
    refuse_on_postgres(schema_editor, "portal_keep_row", "portal_staffchange", may_change=DECIDED)


class Migration(migrations.Migration):
    dependencies = [("portal", "0012_chained_trail")]

    operations = [
        migrations.AlterModelOptions(
            name="phonecall",
            options={
                "base_manager_name": "objects",
                "ordering": ["-at", "-pk"],
                "verbose_name": "通话记录",
                "verbose_name_plural": "通话记录",
            },
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
