"""What corrections changed: one append-only row each."""

import django.db.models.deletion
import portal.core.fields
from django.conf import settings
from django.db import migrations, models


ADD = """
CREATE TRIGGER correction_append_only BEFORE UPDATE OR DELETE ON loans_correction
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
"""
DROP = "DROP TRIGGER IF EXISTS correction_append_only ON loans_correction;"


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql)


def add(apps, schema_editor):
    _run(schema_editor, ADD)


def drop(apps, schema_editor):
    _run(schema_editor, DROP)


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0002_triggers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('back_dated', '补记还款'), ('reversal', '冲正还款')], max_length=12, verbose_name='类型')),
                ('as_of', models.DateField(verbose_name='更正日')),
                ('penalty_before', portal.core.fields.MoneyField(verbose_name='更正前累计罚息')),
                ('penalty_after', portal.core.fields.MoneyField(verbose_name='更正后累计罚息')),
                ('owed_before', portal.core.fields.MoneyField(verbose_name='更正前总待还')),
                ('owed_after', portal.core.fields.MoneyField(verbose_name='更正后总待还')),
                ('changes', models.JSONField(default=list, verbose_name='随之重算')),
                ('at', models.DateTimeField(verbose_name='记账时间')),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('loan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='loans.loan')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='loans.payment')),
            ],
            options={
                'verbose_name': '更正记录',
                'verbose_name_plural': '更正记录',
                'ordering': ['pk'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunPython(add, drop),
    ]
