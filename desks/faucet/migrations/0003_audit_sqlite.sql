-- What administrators did, and what was done to them on the command line (docs/spec/platform.md X2). Rows whose payload
-- was erased are not shown.

CREATE INDEX IF NOT EXISTS audit_events_faucet_admins ON audit_events (id)
    WHERE actor_kind = 'faucet_admin' OR target_type = 'admin_user';

CREATE VIEW IF NOT EXISTS faucet_admin_audit AS
SELECT id,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS created_at,
       event AS action,
       json_extract(payload, '$.actor_email') AS actor_email,
       target_type,
       target_id,
       json_extract(payload, '$.summary') AS summary,
       json_extract(payload, '$.detail') AS detail,
       json_extract(payload, '$.ip_address') AS ip_address
FROM audit_events
WHERE (actor_kind = 'faucet_admin' OR target_type = 'admin_user') AND payload IS NOT NULL;
