-- Signing keys: who they are, their sealed secrets, what they may sign, and what they were allowed to sign.
-- No secret is readable in here: each is encrypted with a key that never enters the database.

-- A signing key. Whoever authorises, retires, reseals or changes it locks its row first.
CREATE TABLE IF NOT EXISTS key_pair (
    -- Name that operators gave it: a-z, 0-9, '.', '_' and '-', 2 to 40 characters. Never used again.
    id @text PRIMARY KEY,
    -- The one desk whose wallet it is.
    desk @text NOT NULL,
    -- The chain it signs for, such as 'banano'.
    chain @text NOT NULL,
    -- What it is for, such as 'payouts'.
    purpose @text NOT NULL,
    -- Name of the signature scheme.
    scheme @text NOT NULL,
    -- 'local' = the sealed secret is the private key; 'remote_bearer', 'remote_hmac' = it is a remote signer's credential.
    holder @text NOT NULL,
    -- URL of the remote signer; NULL = none.
    endpoint @text,
    -- The public key.
    public_key @bytes NOT NULL,
    -- Its account in the chain's canonical text.
    address @text NOT NULL,
    -- Who added it, as the audit log calls them, and when.
    created_by @text NOT NULL,
    created_at @time NOT NULL,
    -- Retired for good: who, when, why; NULL = it is not. The seal binds it, so that undoing this by hand breaks the seal.
    retired_by @text,
    retired_at @time,
    retired_reason @text,
    -- Signs nothing until it is resumed: who stopped it, when, why; NULL = it may sign.
    stopped_by @text,
    stopped_at @time,
    stopped_reason @text,
    -- Asset of the policy, by its storage code; NULL = no policy, and nothing is signed.
    asset @int,
    -- Most that one payment may be, in base units.
    payment_max @amount,
    -- True = only listed destinations.
    is_listed_only @bool NOT NULL,
    -- Milliseconds for which a destination waits after it was first seen.
    first_use_hold_ms @int NOT NULL,
    -- Payments above this take other people's approval; NULL = none do.
    approval_above @amount,
    -- How many people besides the requester.
    approvals_needed @int NOT NULL,
    -- Time of the last charge, below which this key's time never falls.
    mark @time NOT NULL,
    -- Number and sum of all charges so far.
    charges @int NOT NULL,
    charged @u256 NOT NULL
) @rowid_end;
-- One key is one wallet, of one desk, for good.
CREATE UNIQUE INDEX IF NOT EXISTS key_pair_public_key ON key_pair (chain, public_key);

-- What is kept secret for a key: one row each.
CREATE TABLE IF NOT EXISTS key_secret (
    -- Number of the row, bound by the seal.
    id @key,
    -- Whose secret it is.
    key_id @text NOT NULL REFERENCES key_pair (id),
    -- Id of the key-encryption key.
    kek @text NOT NULL,
    -- Random, 24 bytes, new with each sealing.
    nonce @bytes NOT NULL,
    -- XChaCha20-Poly1305: ciphertext and tag.
    sealed @bytes NOT NULL,
    -- When it was last sealed.
    sealed_at @time NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS key_secret_key ON key_secret (key_id);

-- Moves of all secrets to another key-encryption key.
CREATE TABLE IF NOT EXISTS key_rotation (
    id @key,
    -- Where to.
    kek @text NOT NULL,
    begun_by @text NOT NULL,
    begun_at @time NOT NULL,
    -- Secrets moved so far.
    moved @int NOT NULL,
    -- When nothing was left, or another rotation took its place; NULL = under way.
    ended_at @time
);

-- Most that a key may pay in any window of this length.
CREATE TABLE IF NOT EXISTS key_cap (
    key_id @text NOT NULL REFERENCES key_pair (id),
    window_ms @int NOT NULL,
    window_max @amount NOT NULL,
    PRIMARY KEY (key_id, window_ms)
) @rowid_end;

-- Where a key has been asked to pay to, or may.
CREATE TABLE IF NOT EXISTS key_destination (
    key_id @text NOT NULL REFERENCES key_pair (id),
    address @text NOT NULL,
    -- Whether an operator put it on the list.
    is_listed @bool NOT NULL,
    -- Since when it is known; the hold counts from here.
    first_seen_at @time NOT NULL,
    PRIMARY KEY (key_id, address)
) @rowid_end;

-- What was authorised to be signed: one row an intent, for good.
CREATE TABLE IF NOT EXISTS key_authorization (
    intent @text PRIMARY KEY,
    key_id @text NOT NULL REFERENCES key_pair (id),
    -- Asset code, destination and amount of a payment; NULL = upkeep, which pays nobody.
    asset @int,
    destination @text,
    amount @amount,
    -- When it was last charged.
    at @time NOT NULL,
    -- How many other people approved it.
    approvals @int NOT NULL,
    -- The transaction that last authorised it.
    batch @uuid NOT NULL
) @rowid_end;

-- What counts against the caps: one row a charge, never changed, times ascending with the numbers.
CREATE TABLE IF NOT EXISTS key_charge (
    key_id @text NOT NULL REFERENCES key_pair (id),
    number @int NOT NULL,
    at @time NOT NULL,
    intent @text NOT NULL,
    amount @amount NOT NULL,
    -- Sum of this and all earlier charges of the key: a window's sum is a difference of two.
    charged @u256 NOT NULL,
    PRIMARY KEY (key_id, number)
) @rowid_end;
-- Finds the last charge before a window.
CREATE INDEX IF NOT EXISTS key_charge_at ON key_charge (key_id, at, number);
