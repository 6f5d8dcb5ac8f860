-- What was recorded stays: a hand-typed change is refused, and so is one through a view. Verification would find it
-- anyway; these spare an operator the mistake.

-- Events may lose payload and salt, which is how a redaction erases them, and nothing else.
CREATE TRIGGER IF NOT EXISTS audit_events_unchanged BEFORE UPDATE ON audit_events
WHEN NOT (new.payload IS NULL AND new.salt IS NULL
    AND new.id IS old.id AND new.at IS old.at AND new.level IS old.level AND new.desk IS old.desk
    AND new.event IS old.event AND new.actor_kind IS old.actor_kind AND new.actor IS old.actor
    AND new.request_id IS old.request_id AND new.correlation_id IS old.correlation_id
    AND new.target_type IS old.target_type AND new.target_id IS old.target_id
    AND new.payload_digest IS old.payload_digest)
BEGIN
    SELECT RAISE(ABORT, 'audit events are neither changed nor deleted; to erase a payload, use: bursar audit redact');
END;
CREATE TRIGGER IF NOT EXISTS audit_events_kept BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are neither changed nor deleted; to erase a payload, use: bursar audit redact');
END;
CREATE TRIGGER IF NOT EXISTS audit_links_unchanged BEFORE UPDATE ON audit_links
BEGIN
    SELECT RAISE(ABORT, 'audit_links is only ever added to');
END;
CREATE TRIGGER IF NOT EXISTS audit_links_kept BEFORE DELETE ON audit_links
BEGIN
    SELECT RAISE(ABORT, 'audit_links is only ever added to');
END;

-- The rounds desk's record (docs/spec/platform.md X2).
CREATE VIEW IF NOT EXISTS rounds_audit_events AS
SELECT id,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS ts,
       CASE level WHEN 0 THEN 'INFO' WHEN 1 THEN 'WARN' ELSE 'ERROR' END AS level,
       event,
       payload
FROM audit_events WHERE desk = 'rounds';
