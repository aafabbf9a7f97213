"""On PostgreSQL the database itself keeps the audit trail and the terms as they were written.

Event, EvidenceLook, Policy: no UPDATE, no DELETE. Offer and Agreement: no DELETE, and only the
columns that say what became of them may change. SQLite: the code refuses, digests prove.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION relief_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION relief_offer_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may text[] := ARRAY['status', 'approved_by_id', 'sent_at', 'valid_until', 'first_read_at',
                        'reasons'];
BEGIN
    IF (to_jsonb(NEW) - may) IS DISTINCT FROM (to_jsonb(OLD) - may) THEN
        RAISE EXCEPTION 'an offer is never rewritten, a new version is made'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION relief_agreement_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may text[] := ARRAY['ended_at', 'end_kind', 'end_reason'];
BEGIN
    IF (to_jsonb(NEW) - may) IS DISTINCT FROM (to_jsonb(OLD) - may) THEN
        RAISE EXCEPTION 'an agreement is never rewritten' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON relief_event
    FOR EACH ROW EXECUTE FUNCTION relief_refuse_change();
CREATE TRIGGER look_append_only BEFORE UPDATE OR DELETE ON relief_evidencelook
    FOR EACH ROW EXECUTE FUNCTION relief_refuse_change();
CREATE TRIGGER policy_append_only BEFORE UPDATE OR DELETE ON relief_policy
    FOR EACH ROW EXECUTE FUNCTION relief_refuse_change();
CREATE TRIGGER offer_kept BEFORE DELETE ON relief_offer
    FOR EACH ROW EXECUTE FUNCTION relief_refuse_change();
CREATE TRIGGER offer_fixed BEFORE UPDATE ON relief_offer
    FOR EACH ROW EXECUTE FUNCTION relief_offer_change();
CREATE TRIGGER agreement_kept BEFORE DELETE ON relief_agreement
    FOR EACH ROW EXECUTE FUNCTION relief_refuse_change();
CREATE TRIGGER agreement_fixed BEFORE UPDATE ON relief_agreement
    FOR EACH ROW EXECUTE FUNCTION relief_agreement_change();
"""
UNDO = """
DROP FUNCTION IF EXISTS relief_refuse_change() CASCADE;
DROP FUNCTION IF EXISTS relief_offer_change() CASCADE;
DROP FUNCTION IF EXISTS relief_agreement_change() CASCADE;
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE, params=None)


def undo(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(UNDO, params=None)


class Migration(migrations.Migration):
    dependencies = [("relief", "0001_initial")]
    operations = [migrations.RunPython(create, undo)]
