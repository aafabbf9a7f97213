"""On PostgreSQL what was said, and what was consented to, stays; only an erasure empties its words."""

from django.db import migrations

from portal.core.trail.row_triggers import refuse_on_postgres

CONSENT = ("withdrawn_at", "given_from")


def keep(apps, schema_editor):
    refuse_on_postgres(schema_editor, "portal_keep_row", "relief_message", may_change=("text",))
    refuse_on_postgres(schema_editor, "portal_keep_row", "relief_consent", may_change=CONSENT)


class Migration(migrations.Migration):
    dependencies = [("relief", "0011_erasure_request"), ("portal", "0013_kept_rows")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
