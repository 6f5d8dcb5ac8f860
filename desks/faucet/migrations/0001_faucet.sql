-- The faucet: players, what their kills earned, and the payouts of it. Money itself moves in the ledger and the payouts
-- room; `amount_e8` counts 10^-8 BAN.

-- A player. `eligibility` eligible, held or revoked. `erased_at` is set once everything that names a person is gone.
CREATE TABLE IF NOT EXISTS faucet_user (
    id @key,
    discord_user_id @text,
    discord_username @text,
    discord_guild_member @bool NOT NULL,
    epic_account_id @text,
    eligibility @text NOT NULL,
    region_code @text,
    abuse_flags @text,
    solana_wallet_address @text,
    jpmt_balance @int NOT NULL,
    jpmt_verified_at @time,
    -- Newest verification, for status and for the refresh job's order.
    verified_at @time,
    -- When statistics were last asked for, whatever came of it; NULL = never. The accrual job reads the oldest first.
    last_read_at @time,
    last_settlement_at @time,
    erased_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
-- Finds who signs in; one player an account.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_user_discord ON faucet_user (discord_user_id);
-- One player an Epic account (F rule of 3.1), found when one is linked.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_user_epic ON faucet_user (epic_account_id);
-- One player a Solana wallet.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_user_solana ON faucet_user (solana_wallet_address);
-- The accrual job's order among players with an Epic account.
CREATE INDEX IF NOT EXISTS faucet_user_reading ON faucet_user (last_read_at, id) WHERE epic_account_id IS NOT NULL;
-- The refresh job's order: players without an Epic account and the longest unverified.
CREATE INDEX IF NOT EXISTS faucet_user_refresh ON faucet_user (verified_at, id);

-- Kill cursor and running totals of a player in one mode: dry-run never mixes with real money. Changed in the same
-- transaction as the rows they sum up, so that no read adds up history.
CREATE TABLE IF NOT EXISTS faucet_tally (
    user_id @int NOT NULL,
    dry_run @bool NOT NULL,
    -- Which baseline of the player it is; the other two are NULL while its first reading is awaited.
    baseline_number @int NOT NULL,
    baseline_kills @int,
    last_settled_kill_count @int,
    last_minute @int,
    -- The newest successful reading.
    last_reading_at @time,
    last_reading_kills @int,
    -- Everything ever accrued, for the leaderboard; the four below add up to it.
    total_kills @int NOT NULL,
    total_e8 @int NOT NULL,
    open_kills @int NOT NULL,
    open_e8 @int NOT NULL,
    reserved_kills @int NOT NULL,
    reserved_e8 @int NOT NULL,
    settled_kills @int NOT NULL,
    settled_e8 @int NOT NULL,
    written_off_kills @int NOT NULL,
    written_off_e8 @int NOT NULL,
    -- Since when something has been open without a payout; NULL = nothing is.
    open_since @time,
    -- What was pruned of the settled: its sums, and the cursor ranges of this baseline it stood for.
    folded_kills @int NOT NULL,
    folded_e8 @int NOT NULL,
    folded_ranges @text NOT NULL,
    PRIMARY KEY (user_id, dry_run)
) @rowid_end;
-- The leaderboard.
CREATE INDEX IF NOT EXISTS faucet_tally_board ON faucet_tally (dry_run, total_kills DESC, user_id);
-- Candidates of a settlement, and the age of what waits.
CREATE INDEX IF NOT EXISTS faucet_tally_open ON faucet_tally (dry_run, open_since, user_id) WHERE open_e8 > 0;

-- Sums over all players of one mode, one row a mode.
CREATE TABLE IF NOT EXISTS faucet_totals (
    dry_run @bool PRIMARY KEY,
    users @int NOT NULL,
    verifications_ok @int NOT NULL,
    accrued_kills @int NOT NULL,
    accrued_e8 @int NOT NULL,
    open_e8 @int NOT NULL,
    reserved_e8 @int NOT NULL,
    paid_e8 @int NOT NULL,
    donated_e8 @int NOT NULL,
    flags @int NOT NULL
);
-- There from the start, so that whoever adds to a row finds it and can lock it.
INSERT INTO faucet_totals (dry_run, users, verifications_ok, accrued_kills, accrued_e8, open_e8, reserved_e8, paid_e8,
    donated_e8, flags) VALUES (FALSE, 0, 0, 0, 0, 0, 0, 0, 0, 0), (TRUE, 0, 0, 0, 0, 0, 0, 0, 0, 0)
ON CONFLICT (dry_run) DO NOTHING;

-- Wallets of a player. Exactly one is primary: payouts go there.
CREATE TABLE IF NOT EXISTS faucet_wallet_link (
    id @key,
    user_id @int NOT NULL,
    address @text NOT NULL,
    is_primary @bool NOT NULL,
    verified @bool NOT NULL,
    verified_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
-- One link an address and player; also lists a player's.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_wallet_link_user ON faucet_wallet_link (user_id, address);
-- At most one primary.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_wallet_link_primary ON faucet_wallet_link (user_id) WHERE is_primary;
-- Who else uses an address.
CREATE INDEX IF NOT EXISTS faucet_wallet_link_address ON faucet_wallet_link (address);

-- Every verification of a player, with where it came from.
CREATE TABLE IF NOT EXISTS faucet_verification_record (
    id @key,
    user_id @int NOT NULL,
    discord_user_id @text,
    discord_guild_member @bool NOT NULL,
    epic_account_id @text,
    source @text NOT NULL,
    status @text NOT NULL,
    detail @text,
    created_at @time NOT NULL
);
-- A player's newest, and pruning.
CREATE INDEX IF NOT EXISTS faucet_verification_record_user ON faucet_verification_record (user_id, id);

-- What growth earned. `state` open, reserved, settled or written_off; `seq` counts the parts that caps split off.
CREATE TABLE IF NOT EXISTS faucet_reward_accrual (
    id @key,
    user_id @int NOT NULL,
    dry_run @bool NOT NULL,
    kills @int NOT NULL,
    amount_e8 @int NOT NULL,
    rate_e8 @int NOT NULL,
    epoch_minute @int NOT NULL,
    seq @int NOT NULL,
    epic_account_id @text,
    baseline_number @int NOT NULL,
    cursor_from @int NOT NULL,
    cursor_to @int NOT NULL,
    state @text NOT NULL,
    payout_id @int,
    settled_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
-- One row a player, minute and part; also lists a player's newest and its last 15 minutes.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_reward_accrual_minute ON faucet_reward_accrual (user_id, dry_run, epoch_minute, seq);
-- What waits for a payout, oldest first.
CREATE INDEX IF NOT EXISTS faucet_reward_accrual_open ON faucet_reward_accrual (user_id, dry_run, epoch_minute) WHERE state = 'open';
-- The rows of a payout.
CREATE INDEX IF NOT EXISTS faucet_reward_accrual_payout ON faucet_reward_accrual (payout_id) WHERE payout_id IS NOT NULL;
-- What may be pruned.
CREATE INDEX IF NOT EXISTS faucet_reward_accrual_settled ON faucet_reward_accrual (settled_at) WHERE state = 'settled';

-- A payout as the desk shows it; it follows its intent in the payouts room. `status` created, signed, held, published,
-- confirmed or failed. A dry-run payout has no intent.
CREATE TABLE IF NOT EXISTS faucet_payout (
    id @key,
    user_id @int NOT NULL,
    dry_run @bool NOT NULL,
    address @text NOT NULL,
    kills @int NOT NULL,
    amount_e8 @int NOT NULL,
    tx_hash @text,
    status @text NOT NULL,
    error_detail @text,
    idempotency_key @text NOT NULL,
    intent @int,
    attempt_count @int NOT NULL,
    first_attempt_at @time,
    last_attempt_at @time,
    next_attempt_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
-- A transaction pays one payout.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_payout_transaction ON faucet_payout (tx_hash);
-- One payout that counts for a set of accruals.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_payout_key ON faucet_payout (user_id, idempotency_key) WHERE status <> 'failed';
-- What a player used of the caps, and the player's list.
CREATE INDEX IF NOT EXISTS faucet_payout_user ON faucet_payout (user_id, created_at, id);
-- What is under way, and what may be pruned.
CREATE INDEX IF NOT EXISTS faucet_payout_status ON faucet_payout (status, last_attempt_at);

-- Administrators who sign in by e-mail; `password_hash` is Argon2id. `failures` counts since the last success.
CREATE TABLE IF NOT EXISTS faucet_admin_user (
    id @key,
    email @text NOT NULL,
    password_hash @text,
    is_active @bool NOT NULL,
    failures @int NOT NULL,
    locked_until @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS faucet_admin_user_email ON faucet_admin_user (email);

-- Suspicions. `state` open, false_positive or confirmed.
CREATE TABLE IF NOT EXISTS faucet_abuse_flag (
    id @key,
    user_id @int NOT NULL,
    flag_type @text NOT NULL,
    severity @text NOT NULL,
    detail @text NOT NULL,
    state @text NOT NULL,
    last_excess_at @time NOT NULL,
    reviewed_by @text,
    reviewed_at @time,
    created_at @time NOT NULL,
    updated_at @time NOT NULL
);
-- A player's newest of a type.
CREATE INDEX IF NOT EXISTS faucet_abuse_flag_user ON faucet_abuse_flag (user_id, flag_type, id);
-- What waits for review, and what may be pruned.
CREATE INDEX IF NOT EXISTS faucet_abuse_flag_state ON faucet_abuse_flag (state, id);

-- Money that came in, one row a block that was pocketed. `is_donation` is false for the operator's own top-ups.
CREATE TABLE IF NOT EXISTS faucet_donation_ledger (
    id @key,
    amount_e8 @int NOT NULL,
    amount_raw @amount NOT NULL,
    blocks_received @int NOT NULL,
    source @text NOT NULL,
    note @text,
    sender_address @text,
    block_hash @text,
    is_donation @bool NOT NULL,
    created_at @time NOT NULL
);
-- A block counts once, whoever reports it.
CREATE UNIQUE INDEX IF NOT EXISTS faucet_donation_ledger_block ON faucet_donation_ledger (block_hash);

-- What each sender gave, for the donors' board.
CREATE TABLE IF NOT EXISTS faucet_donor (
    address @text PRIMARY KEY,
    total_e8 @int NOT NULL,
    donations @int NOT NULL
) @rowid_end;
CREATE INDEX IF NOT EXISTS faucet_donor_board ON faucet_donor (total_e8 DESC, address);

-- Single-use values that were handed out: OAuth states and nonces of wallet proofs, by their hash.
CREATE TABLE IF NOT EXISTS faucet_nonce (
    hash @bytes PRIMARY KEY,
    purpose @text NOT NULL,
    user_id @int,
    expires_at @time NOT NULL,
    used_at @time
) @rowid_end;
-- What has expired and can go.
CREATE INDEX IF NOT EXISTS faucet_nonce_expiry ON faucet_nonce (expires_at);

-- When each phase of the scheduler last ran and what came of it.
CREATE TABLE IF NOT EXISTS faucet_heartbeat (
    job @text PRIMARY KEY,
    ran_at @time NOT NULL,
    last_ok_at @time,
    status @text NOT NULL,
    process @text NOT NULL,
    error @text
) @rowid_end;

-- Findings of checks over kills and wallet, newest state a kind; `count` 0 = put right.
CREATE TABLE IF NOT EXISTS faucet_finding (
    kind @text PRIMARY KEY,
    count @int NOT NULL,
    detail @text NOT NULL,
    since @time NOT NULL,
    checked_at @time NOT NULL
) @rowid_end;

-- `cause` of each kind: the accrual, the payout or the receipt.
INSERT INTO ledger_kind (code, name, cause) VALUES
    (110, 'faucet.earned', 'faucet accrual'),
    (111, 'faucet.written_off', 'faucet user'),
    (112, 'faucet.donated', 'payouts receipt'),
    (113, 'faucet.topped_up', 'payouts receipt')
ON CONFLICT (code) DO NOTHING;
