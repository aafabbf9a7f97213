"""The rank a checker had when deciding stays with the proposal; more acts wait for a checker."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery

FUNCTION = """
CREATE OR REPLACE FUNCTION loans_proposal_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE decision text[] := ARRAY[{columns}];
BEGIN
    IF OLD.status <> 'pending'
       OR (to_jsonb(NEW) - decision) IS DISTINCT FROM (to_jsonb(OLD) - decision) THEN
        RAISE EXCEPTION 'a proposal is decided once and never rewritten'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = "'status', 'decided_by_id', 'decided_at', 'note'"
AFTER = "'status', 'decided_by_id', 'decided_rank', 'decided_at', 'note'"


def _on_postgresql(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql, params=None)


def fill(apps, schema_editor):
    """Of earlier decisions: the rank the person has now, as nothing else is known."""
    proposals = apps.get_model("loans", "Proposal").objects.filter(decided_by__isnull=False)
    people = apps.get_model("portal", "User").objects.filter(pk=OuterRef("decided_by"))
    _on_postgresql(schema_editor, "ALTER TABLE loans_proposal DISABLE TRIGGER proposal_fixed")
    proposals.update(decided_rank=Subquery(people.values("rank")[:1]))
    _on_postgresql(schema_editor, "ALTER TABLE loans_proposal ENABLE TRIGGER proposal_fixed")
    _on_postgresql(schema_editor, FUNCTION.format(columns=AFTER))


def as_before(apps, schema_editor):
    _on_postgresql(schema_editor, FUNCTION.format(columns=BEFORE))


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0014_portfolio_written_off'),
        ('portal', '0012_chained_trail'),
    ]

    operations = [
        migrations.AddField(
            model_name='proposal',
            name='decided_rank',
            field=models.CharField(blank=True, max_length=12, verbose_name='复核时的职级'),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='kind',
            field=models.CharField(choices=[('late_payment', '补记还款'), ('reversal', '冲正还款'), ('refund', '退还溢缴款'), ('refund_back', '登记退款退回'), ('write_off', '核销'), ('non_accrual', '转列非应计'), ('adjustment', '科目调整'), ('acceleration', '宣布提前到期')], max_length=16, verbose_name='操作'),
        ),
        migrations.RunPython(fill, as_before),
    ]
