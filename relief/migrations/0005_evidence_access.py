"""EvidenceLook is called EvidenceAccess: in Django's state only, table and columns stay.

Django renames the row of its content types by itself; the names of permissions follow here, where
a database has any, so that no second set is made beside them.
"""

import django.db.models.deletion
from django.db import migrations, models


def rename_permissions(apps, schema_editor):
    rename(apps, "_evidencelook", "_evidenceaccess")


def rename_permissions_back(apps, schema_editor):
    rename(apps, "_evidenceaccess", "_evidencelook")


def rename(apps, old, new):
    permission = apps.get_model("auth", "Permission")
    rows = permission.objects.filter(content_type__app_label="relief", codename__endswith=old)
    for row in rows:
        codename = row.codename.replace(old, new)
        if permission.objects.filter(content_type=row.content_type, codename=codename).exists():
            row.delete()  # a set was made beside it
        else:
            row.codename = codename
            row.save(update_fields=["codename"])


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("relief", "0004_plans_keep_their_rules"),
    ]
    operations = [
        migrations.AlterModelTable("EvidenceLook", "relief_evidencelook"),
        migrations.RenameModel("EvidenceLook", "EvidenceAccess"),
        migrations.AlterField(
            "EvidenceAccess",
            "evidence",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accesses",
                to="relief.evidence",
            ),
        ),
        migrations.RunPython(rename_permissions, rename_permissions_back),
    ]
