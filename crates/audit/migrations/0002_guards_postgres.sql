-- What was recorded stays: a hand-typed change is refused, and so is one through a view. Verification would find it
-- anyway; these spare an operator the mistake.

-- Events may lose payload and salt, which is how a redaction erases them, and nothing else.
CREATE OR REPLACE FUNCTION audit_events_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    redacted audit_events;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        redacted := OLD;
        redacted.payload := NULL;
        redacted.salt := NULL;
        IF NEW IS NOT DISTINCT FROM redacted THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit events are neither changed nor deleted'
        USING ERRCODE = 'insufficient_privilege', HINT = 'To erase a payload, use: bursar audit redact';
END $$;
DROP TRIGGER IF EXISTS audit_events_kept ON audit_events;
CREATE TRIGGER audit_events_kept BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION audit_events_guard();

CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER IF EXISTS audit_events_not_emptied ON audit_events;
CREATE TRIGGER audit_events_not_emptied BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
DROP TRIGGER IF EXISTS audit_links_kept ON audit_links;
CREATE TRIGGER audit_links_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_links
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- The rounds desk's record (docs/spec/platform.md X2). The WITH makes it a view that cannot be written through.
CREATE OR REPLACE VIEW rounds_audit_events AS
WITH own AS (SELECT * FROM audit_events WHERE desk = 'rounds')
SELECT id,
       to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ts,
       CASE level WHEN 0 THEN 'INFO' WHEN 1 THEN 'WARN' ELSE 'ERROR' END AS level,
       event,
       payload::json AS payload
FROM own;
