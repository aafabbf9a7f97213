"""For accountants: files taken from the books, and versions of the chart; append-only both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


ADD = """
CREATE TRIGGER book_export_append_only BEFORE UPDATE OR DELETE ON loans_bookexport
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER chart_version_append_only BEFORE UPDATE OR DELETE ON loans_chartversion
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
"""
DROP = """
DROP TRIGGER IF EXISTS book_export_append_only ON loans_bookexport;
DROP TRIGGER IF EXISTS chart_version_append_only ON loans_chartversion;
"""


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql)


def add(apps, schema_editor):
    _run(schema_editor, ADD)


def drop(apps, schema_editor):
    _run(schema_editor, DROP)


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0004_plan_rules'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BookExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content', models.CharField(choices=[('journal', '总账明细'), ('loan_ledger', '借款明细账'), ('trial_balance', '试算平衡表'), ('portfolio', '资产组合报表'), ('portfolio_loans', '资产组合借款清单')], max_length=16, verbose_name='内容')),
                ('format', models.CharField(max_length=4, verbose_name='格式')),
                ('from_on', models.DateField(verbose_name='开始日期')),
                ('to_on', models.DateField(verbose_name='结束日期')),
                ('row_count', models.PositiveIntegerField(verbose_name='行数')),
                ('at', models.DateTimeField(db_index=True, verbose_name='时间')),
                ('real_at', models.DateTimeField(auto_now_add=True)),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='导出人')),
                ('loan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loans.loan', verbose_name='借据')),
            ],
            options={
                'verbose_name': '总账与导出',
                'verbose_name_plural': '总账与导出',
                'ordering': ['-at', '-pk'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='ChartVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('codes', models.JSONField(verbose_name='科目代码和名称')),
                ('reason', models.CharField(max_length=200, verbose_name='原因')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('real_at', models.DateTimeField(auto_now_add=True)),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='修改人')),
            ],
            options={
                'verbose_name': '会计科目',
                'verbose_name_plural': '会计科目',
                'ordering': ['-pk'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.RunPython(add, drop),
    ]
