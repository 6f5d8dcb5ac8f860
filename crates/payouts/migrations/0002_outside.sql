-- Payouts that callers from outside ask for: their list, and what they are told by webhook.

-- Lists them among a desk's many; their keys begin with 'api/'.
CREATE INDEX IF NOT EXISTS payout_intent_outside ON payout_intent (desk, id)
    WHERE idempotency_key >= 'api/' AND idempotency_key < 'api0';

-- Changes of such payouts that wait to be delivered, written with the change; gone once the receiver has them.
CREATE TABLE IF NOT EXISTS payout_webhook (
    -- Ascending in commit order, and so in the order of one payout's changes.
    id @key,
    -- What the receiver tells a repetition by; unlike the number it is not given again after a restore.
    public_id @uuid NOT NULL,
    intent @int NOT NULL,
    -- JSON to send as it is.
    body @text NOT NULL,
    -- Deliveries that failed.
    attempts @int NOT NULL,
    -- When it is tried next; of a payout the oldest goes first.
    next_at @time NOT NULL
);
-- Finds the oldest of a payout.
CREATE INDEX IF NOT EXISTS payout_webhook_order ON payout_webhook (intent, id);
-- Finds what is due.
CREATE INDEX IF NOT EXISTS payout_webhook_due ON payout_webhook (next_at);

INSERT INTO ledger_kind (code, name, cause) VALUES
    (25, 'payout.funded', 'none: an operator moved money between a desk''s treasury and the funds of its wallet')
ON CONFLICT (code) DO NOTHING;
