-- Price rounds: pools, entries, wallets and settlements. Money itself moves in the ledger.

-- One round of one market. `round_key` = (start in seconds / 120) * 16 + market code, so that keys sort by start.
-- `stakes` counts entries per side and stake tier: [[up per tier..], [down per tier..]]. `*_last_entry` starts the walk
-- over a side's entries, newest first. `state` 0 open to joins by time, 1 settling, 2 settled; from 1 on it is sealed.
CREATE TABLE IF NOT EXISTS rounds_pool (
    round_key @key,
    round_id @text NOT NULL,
    state @int NOT NULL,
    stakes @text NOT NULL,
    players @int NOT NULL,
    entries @int NOT NULL,
    up_account @int NOT NULL,
    down_account @int NOT NULL,
    up_last_entry @int,
    down_last_entry @int
);
-- Finds rounds that are not settled, oldest first.
CREATE INDEX IF NOT EXISTS rounds_pool_unsettled ON rounds_pool (round_key) WHERE state < 2;

-- One accepted join. `sequence` is the number of its transfer in the ledger; `wallet_previous` the entry of the same
-- wallet before it, so that a wallet's history is a walk by primary key. `id` is the client's; it is found by
-- `id_hash` (64 bits) and then compared whole.
CREATE TABLE IF NOT EXISTS rounds_entry (
    sequence @key,
    id_hash @int NOT NULL,
    id @text NOT NULL,
    round_key @int NOT NULL,
    wallet @int NOT NULL,
    side @int NOT NULL,
    stake_bucks @int NOT NULL,
    joined_at @time NOT NULL,
    wallet_previous @int
);
-- Recognises a replayed id.
CREATE INDEX IF NOT EXISTS rounds_entry_id ON rounds_entry (id_hash);

-- A player. `account` is the ledger account; `slot_markets` has a bit for each market joined in the slot starting at
-- `slot_start_ms`, which counts distinct players without another index.
CREATE TABLE IF NOT EXISTS rounds_wallet (
    account @key,
    address_hash @int NOT NULL,
    address @bytes NOT NULL,
    entries @int NOT NULL,
    last_entry @int NOT NULL,
    slot_start_ms @int NOT NULL,
    slot_markets @int NOT NULL
);
-- Finds a wallet by the first 64 bits of its address's hash; the address is then compared whole.
CREATE INDEX IF NOT EXISTS rounds_wallet_address ON rounds_wallet (address_hash);

-- What was decided about a round, written once. `mode` 0 win, 1 refund; `winner` 0 up, 1 down. Price columns are the
-- evidence: value = mantissa * 10^exponent. Payouts follow from stake, `total_cents`, `fee_cents`, `winning_cents` and
-- the remainder, which goes to one entry. `cursor` is the next entry to be paid out while the round is settling.
CREATE TABLE IF NOT EXISTS rounds_settlement (
    round_key @key,
    mode @int NOT NULL,
    winner @int,
    reason @text,
    total_cents @amount NOT NULL,
    winning_cents @amount NOT NULL,
    fee_cents @amount NOT NULL,
    remainder_cents @amount NOT NULL,
    remainder_entry @int,
    start_requested_s @int,
    start_published_s @int,
    start_mantissa @int,
    start_exponent @int,
    start_confidence @int,
    end_requested_s @int,
    end_published_s @int,
    end_mantissa @int,
    end_exponent @int,
    end_confidence @int,
    settled_at @time NOT NULL,
    settled_order @int NOT NULL,
    completed_at @time,
    cursor @int,
    next_side @int
);
-- Lists the newest settlements.
CREATE INDEX IF NOT EXISTS rounds_settlement_order ON rounds_settlement (settled_order);

-- When the price of a due round is asked for again, after how many misses.
CREATE TABLE IF NOT EXISTS rounds_price_retry (
    round_key @key,
    misses @int NOT NULL,
    next_at @time NOT NULL,
    last_miss @text NOT NULL
);

-- Figures per market, kept with the writes so that a summary does not read the entries. `canary_*` is the part of
-- `entries` and `stake_bucks` that canaries made.
CREATE TABLE IF NOT EXISTS rounds_market_total (
    market @key,
    entries @int NOT NULL,
    stake_bucks @int NOT NULL,
    rounds @int NOT NULL,
    canary_entries @int NOT NULL,
    canary_stake_bucks @int NOT NULL
);

-- Entries that canaries made. They are entries like all others; the mark keeps figures of players clean of them.
CREATE TABLE IF NOT EXISTS rounds_canary_entry (
    sequence @key
);

-- What canaries staked on one round, as part of its pool; `stakes` as in rounds_pool.
CREATE TABLE IF NOT EXISTS rounds_canary_pool (
    round_key @key,
    stakes @text NOT NULL,
    players @int NOT NULL,
    entries @int NOT NULL
);

-- When an alert was last raised, so that all processes together raise it at most once in a while.
CREATE TABLE IF NOT EXISTS rounds_alert (
    alert @text PRIMARY KEY,
    raised_at @time NOT NULL
) @rowid_end;

INSERT INTO ledger_kind (code, name, cause) VALUES
    (100, 'rounds.join', 'none: the transfer is the entry'),
    (101, 'rounds.payout', 'sequence of the entry'),
    (102, 'rounds.refund', 'sequence of the entry'),
    (103, 'rounds.fee', 'key of the round'),
    (104, 'rounds.merge', 'key of the round')
ON CONFLICT (code) DO NOTHING;
