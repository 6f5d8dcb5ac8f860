-- The double-entry book: accounts with running totals, immutable transfers chained per account, and holds.

-- An account. `debits`, `credits` and `held` are totals over its life; the balance is credits - debits, what can be
-- spent is that less `held`. `overdraft` 1 lets the balance fall below zero. `last_transfer` starts its posting chain.
CREATE TABLE IF NOT EXISTS ledger_account (
    id @key,
    path @text NOT NULL,
    asset @int NOT NULL,
    overdraft @int NOT NULL,
    debits @amount NOT NULL,
    credits @amount NOT NULL,
    held @amount NOT NULL,
    last_transfer @int,
    postings @int NOT NULL,
    opened_at @time NOT NULL
);
-- Finds an account by the name that people and desks use.
CREATE UNIQUE INDEX IF NOT EXISTS ledger_account_path ON ledger_account (path, asset);

-- A transfer, in commit order. `*_previous` is the previous transfer of that account: an account's history is a walk
-- by primary key, so no index grows with it. `cause` is what the kind says it is.
CREATE TABLE IF NOT EXISTS ledger_transfer (
    id @key,
    debit_account @int NOT NULL,
    credit_account @int NOT NULL,
    amount @amount NOT NULL,
    debit_previous @int,
    credit_previous @int,
    kind @int NOT NULL,
    cause @int NOT NULL,
    at @time NOT NULL
);

-- What the codes in `kind` mean.
CREATE TABLE IF NOT EXISTS ledger_kind (
    code @key,
    name @text NOT NULL,
    cause @text NOT NULL
);

-- A known point every 1,000 postings of an account, from which a hot account's past is reached in few steps.
CREATE TABLE IF NOT EXISTS ledger_waypoint (
    account @int NOT NULL,
    posting @int NOT NULL,
    transfer @int NOT NULL,
    debits @amount NOT NULL,
    credits @amount NOT NULL,
    at @time NOT NULL,
    PRIMARY KEY (account, posting)
) @rowid_end;

-- Money set aside until it is posted or voided. `state` 0 held, 1 posted (see `transfer`), 2 voided.
CREATE TABLE IF NOT EXISTS ledger_hold (
    id @key,
    debit_account @int NOT NULL,
    credit_account @int NOT NULL,
    amount @amount NOT NULL,
    state @int NOT NULL,
    kind @int NOT NULL,
    cause @int NOT NULL,
    transfer @int,
    at @time NOT NULL,
    ended_at @time
);
