-- What administrators did, and what was done to them on the command line (docs/spec/platform.md X2). Rows whose payload
-- was erased are not shown.

CREATE INDEX IF NOT EXISTS audit_events_faucet_admins ON audit_events (id)
    WHERE actor_kind = 'faucet_admin' OR target_type = 'admin_user';

-- The WITH makes it a view that cannot be written through.
CREATE OR REPLACE VIEW faucet_admin_audit AS
WITH own AS (
    SELECT * FROM audit_events
    WHERE (actor_kind = 'faucet_admin' OR target_type = 'admin_user') AND payload IS NOT NULL
)
SELECT id,
       to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS created_at,
       event AS action,
       payload::json ->> 'actor_email' AS actor_email,
       target_type,
       target_id,
       payload::json ->> 'summary' AS summary,
       payload::json ->> 'detail' AS detail,
       payload::json ->> 'ip_address' AS ip_address
FROM own;
