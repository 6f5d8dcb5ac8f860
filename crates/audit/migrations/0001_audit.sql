-- The audit log: events, the hash chains over them, and the outbox of those that leave by webhook.

-- One row an event. `payload` and `salt` are outside the chain, which covers `payload_digest` = SHA-256(salt, payload)
-- instead, so that a payload with personal data can be erased without breaking it. `actor` and `target_id` are ids.
CREATE TABLE IF NOT EXISTS audit_events (
    id @key,
    at @time NOT NULL,
    level @int NOT NULL,
    desk @text NOT NULL,
    event @text NOT NULL,
    actor_kind @text NOT NULL,
    actor @text NOT NULL,
    request_id @text,
    correlation_id @text,
    target_type @text NOT NULL,
    target_id @text NOT NULL,
    payload @text,
    salt @bytes,
    payload_digest @bytes NOT NULL
);

-- One link a batch: it covers the events first_event..last_event, all written in the same transaction, and the link
-- before it in the same chain. A chain belongs to one writing process.
CREATE TABLE IF NOT EXISTS audit_links (
    chain @text NOT NULL,
    number @int NOT NULL,
    first_event @int NOT NULL,
    last_event @int NOT NULL,
    previous @bytes NOT NULL,
    hash @bytes NOT NULL,
    at @time NOT NULL,
    PRIMARY KEY (chain, number)
) @rowid_end;
-- Verification walks links beside their events.
CREATE INDEX IF NOT EXISTS audit_links_events ON audit_links (first_event);

-- Events that wait to be delivered; gone once the receiver has them.
CREATE TABLE IF NOT EXISTS audit_outbox (
    event @key,
    attempts @int NOT NULL,
    next_at @time NOT NULL
);
-- Finds what is due.
CREATE INDEX IF NOT EXISTS audit_outbox_due ON audit_outbox (next_at);
