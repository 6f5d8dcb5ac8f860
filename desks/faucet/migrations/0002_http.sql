-- What the routes need beside the faucet's own rows.

-- Token buckets of the rate limits; `level` counts thousandths of a token times 60, `key_hash` stands for whom it counts.
CREATE TABLE IF NOT EXISTS faucet_rate_bucket (
    key_hash @int PRIMARY KEY,
    level @int NOT NULL,
    filled_at @time NOT NULL
) @rowid_end;
-- Buckets that have long been full can go.
CREATE INDEX IF NOT EXISTS faucet_rate_bucket_age ON faucet_rate_bucket (filled_at);

-- Administrators' requests that carried an idempotency key, by a hash of administrator, route and key. `answer` is NULL
-- while the request is under way.
CREATE TABLE IF NOT EXISTS faucet_request (
    hash @bytes PRIMARY KEY,
    request @bytes NOT NULL,
    status @int,
    answer @text,
    created_at @time NOT NULL
) @rowid_end;
-- Old ones can go.
CREATE INDEX IF NOT EXISTS faucet_request_age ON faucet_request (created_at);

-- Newest accruals and payouts of everybody, for the feed.
CREATE INDEX IF NOT EXISTS faucet_reward_accrual_feed ON faucet_reward_accrual (dry_run, id);
CREATE INDEX IF NOT EXISTS faucet_payout_feed ON faucet_payout (dry_run, id);
-- Holders of the boost token.
CREATE INDEX IF NOT EXISTS faucet_user_boost ON faucet_user (jpmt_balance DESC, id) WHERE jpmt_balance > 0;
-- Players whose Epic account is looked for again.
CREATE INDEX IF NOT EXISTS faucet_user_unlinked ON faucet_user (verified_at, id)
    WHERE epic_account_id IS NULL AND discord_user_id IS NOT NULL;
-- The longest unverified of the others.
CREATE INDEX IF NOT EXISTS faucet_user_linked ON faucet_user (verified_at, id) WHERE epic_account_id IS NOT NULL;
-- What administrators did, newest first.
CREATE INDEX IF NOT EXISTS audit_events_faucet_admin ON audit_events (id) WHERE actor_kind = 'faucet_admin';
