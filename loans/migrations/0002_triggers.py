"""On PostgreSQL the database itself keeps the books append-only and balanced.

Entry, Posting, Instalment: no UPDATE, no DELETE. Payment, Schedule: no DELETE, and only the
columns that say what became of them may change. Postings of an entry sum to zero at COMMIT.
SQLite has no deferred triggers: there the code refuses, and check_books proves.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION loans_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION loans_payment_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'split_now' - 'reversed_by_id')
        IS DISTINCT FROM (to_jsonb(OLD) - 'split_now' - 'reversed_by_id')
       OR (OLD.reversed_by_id IS NOT NULL
           AND NEW.reversed_by_id IS DISTINCT FROM OLD.reversed_by_id) THEN
        RAISE EXCEPTION 'a payment is corrected by counter-postings'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION loans_schedule_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'superseded_on' - 'undone_on')
        IS DISTINCT FROM (to_jsonb(OLD) - 'superseded_on' - 'undone_on')
       OR (OLD.undone_on IS NOT NULL AND NEW.undone_on IS DISTINCT FROM OLD.undone_on) THEN
        RAISE EXCEPTION 'a schedule is superseded, never rewritten'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION loans_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT COALESCE(SUM(amount), 0) INTO total FROM loans_posting WHERE entry_id = NEW.entry_id;
    IF total <> 0 THEN
        RAISE EXCEPTION 'entry % sums to % fen', NEW.entry_id, total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON loans_entry
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE ON loans_posting
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER instalment_append_only BEFORE UPDATE OR DELETE ON loans_instalment
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER payment_kept BEFORE DELETE ON loans_payment
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER payment_fixed BEFORE UPDATE ON loans_payment
    FOR EACH ROW EXECUTE FUNCTION loans_payment_change();
CREATE TRIGGER schedule_kept BEFORE DELETE ON loans_schedule
    FOR EACH ROW EXECUTE FUNCTION loans_refuse_change();
CREATE TRIGGER schedule_fixed BEFORE UPDATE ON loans_schedule
    FOR EACH ROW EXECUTE FUNCTION loans_schedule_change();
CREATE CONSTRAINT TRIGGER posting_zero_sum AFTER INSERT ON loans_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION loans_zero_sum();
"""
UNDO = """
DROP TRIGGER IF EXISTS entry_append_only ON loans_entry;
DROP TRIGGER IF EXISTS posting_append_only ON loans_posting;
DROP TRIGGER IF EXISTS instalment_append_only ON loans_instalment;
DROP TRIGGER IF EXISTS payment_kept ON loans_payment;
DROP TRIGGER IF EXISTS payment_fixed ON loans_payment;
DROP TRIGGER IF EXISTS schedule_kept ON loans_schedule;
DROP TRIGGER IF EXISTS schedule_fixed ON loans_schedule;
DROP TRIGGER IF EXISTS posting_zero_sum ON loans_posting;
DROP FUNCTION IF EXISTS loans_refuse_change();
DROP FUNCTION IF EXISTS loans_payment_change();
DROP FUNCTION IF EXISTS loans_schedule_change();
DROP FUNCTION IF EXISTS loans_zero_sum();
"""


def _run(schema_editor, sql):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(sql, params=None)  # a % in the SQL is no placeholder


def add(apps, schema_editor):
    _run(schema_editor, FUNCTIONS + TRIGGERS)


def drop(apps, schema_editor):
    _run(schema_editor, UNDO)


class Migration(migrations.Migration):
    dependencies = [("loans", "0001_initial")]
    operations = [migrations.RunPython(add, drop)]
