"""Acts proposed by one person and approved by another; on PostgreSQL what was proposed never changes."""

import django.db.models.deletion
import portal.core.fields
from django.conf import settings
from django.db import migrations, models


TRIGGERS = """
CREATE FUNCTION loans_proposal_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'pending'
       OR (to_jsonb(NEW) - 'status' - 'decided_by_id' - 'decided_at' - 'note')
           IS DISTINCT FROM (to_jsonb(OLD) - 'status' - 'decided_by_id' - 'decided_at' - 'note') THEN
        RAISE EXCEPTION 'a proposal is decided once and never rewritten'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposal_kept BEFORE DELETE ON loans_proposal
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER proposal_fixed BEFORE UPDATE ON loans_proposal
    FOR EACH ROW EXECUTE FUNCTION loans_proposal_change();
"""
UNDO = """
DROP TRIGGER IF EXISTS proposal_kept ON loans_proposal;
DROP TRIGGER IF EXISTS proposal_fixed ON loans_proposal;
DROP FUNCTION IF EXISTS loans_proposal_change();
"""


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql, params=None)


def add(apps, schema_editor):
    _run(schema_editor, TRIGGERS)


def drop(apps, schema_editor):
    _run(schema_editor, UNDO)


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0006_money_that_came_back'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Proposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('reversal', '冲正还款')], max_length=16, verbose_name='操作')),
                ('amount', portal.core.fields.MoneyField(verbose_name='金额')),
                ('terms', models.JSONField(default=dict, verbose_name='内容')),
                ('reason', models.CharField(max_length=200, verbose_name='原因')),
                ('effect', models.JSONField(default=list, verbose_name='提出时的试算')),
                ('needs_rank', models.CharField(max_length=12, verbose_name='复核权限')),
                ('made_at', models.DateTimeField(verbose_name='提出时间')),
                ('valid_until', models.DateTimeField(verbose_name='有效期至')),
                ('status', models.CharField(choices=[('pending', '待复核'), ('approved', '已执行'), ('refused', '已退回'), ('withdrawn', '已撤回'), ('expired', '已过期')], default='pending', max_length=10, verbose_name='状态')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='复核时间')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='复核意见')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='复核人')),
                ('loan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='loans.loan')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人')),
                ('payment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='loans.payment')),
            ],
            options={
                'verbose_name': '账务操作复核',
                'verbose_name_plural': '账务操作复核',
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='proposal_amount_positive'), models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='proposal_has_reason'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True), ('status', 'pending')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', True), ('status', 'expired')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('status__in', ['approved', 'refused']), models.Q(('decided_by', models.F('made_by')), _negated=True)), models.Q(('decided_at__isnull', False), ('decided_by', models.F('made_by')), ('status', 'withdrawn')), _connector='OR'), name='proposal_maker_is_not_checker'), models.UniqueConstraint(condition=models.Q(('payment__isnull', True), ('status', 'pending')), fields=('loan', 'kind'), name='proposal_one_pending'), models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('payment', 'kind'), name='proposal_one_pending_payment')],
            },
        ),
        migrations.RunPython(add, drop),
    ]
