-- Payouts: wallets, what is owed to whom (intents), and every transaction that was ever signed for them (attempts).
-- Nothing here is ever deleted: an idempotency key is good for ever, and so is the proof of what was sent.

-- A wallet that payouts leave from. Its row is locked by whoever signs from it or posts what became final.
CREATE TABLE IF NOT EXISTS payout_wallet (
    -- Name of its signing key.
    name @text PRIMARY KEY,
    desk @text NOT NULL,
    chain @text NOT NULL,
    asset @int NOT NULL,
    -- Its account on the chain, in the chain's canonical text.
    address @text NOT NULL,
    -- 0 running, 1 stopped, 2 unmatched: not compared with its chain since a restore. From 1 on nothing leaves.
    standing @int NOT NULL,
    -- Why, and since when.
    why @text NOT NULL,
    since @time NOT NULL,
    -- Ledger accounts: the wallet itself, whose balance is below zero by what the chain holds; money that came unasked;
    -- money that orders from outside any desk are paid from; fees of the chain.
    account @int NOT NULL,
    suspense_account @int NOT NULL,
    funds_account @int NOT NULL,
    fees_account @int NOT NULL,
    -- What the chain must hold, in base units: moved by every final attempt and every recognised receipt.
    expected_balance @amount NOT NULL,
    -- How far the journal has been compared with the attempts, in bytes.
    journal_position @int NOT NULL,
    -- How many restores of this data the wallet has been matched after.
    restored_mark @int NOT NULL,
    -- When it was last compared with the chain; NULL = never.
    matched_at @time
) @rowid_end;

-- What is to be paid, once. Ids ascend in commit order.
CREATE TABLE IF NOT EXISTS payout_intent (
    id @key,
    public_id @uuid NOT NULL,
    desk @text NOT NULL,
    wallet @text NOT NULL,
    destination @text NOT NULL,
    amount @amount NOT NULL,
    asset @int NOT NULL,
    -- The desk's own row; 0 = none.
    reference @int NOT NULL,
    reason @text NOT NULL,
    idempotency_key @text NOT NULL,
    -- Hash of the order as it was first given: the same key with another order is refused.
    request_hash @bytes NOT NULL,
    -- 0 accepted, 1 held, 2 signed, 3 broadcast, 4 final, 5 failed, 6 cancelled.
    state @int NOT NULL,
    -- Why it is held, failed or cancelled; empty = it is not.
    why @text NOT NULL,
    -- What an operator asked for while it is under way: 0 nothing, 1 no further attempt, 2 free the slot and try again,
    -- 3 free the slot and no further attempt.
    wish @int NOT NULL,
    -- The ledger's hold; NULL = recovered from the journal without one.
    hold @int,
    -- Payments signed so far.
    attempts @int NOT NULL,
    created_at @time NOT NULL,
    -- When an accepted one is tried next; NULL = nothing to do.
    next_at @time,
    -- When its latest transaction first left; NULL = none did.
    broadcast_at @time,
    -- When people were told that it takes too long; NULL = they were not.
    stuck_at @time,
    changed_at @time NOT NULL,
    ended_at @time
);
-- Recognises an order that was given before, for ever.
CREATE UNIQUE INDEX IF NOT EXISTS payout_intent_key ON payout_intent (desk, idempotency_key);
-- Finds an intent by the id that the public sees.
CREATE UNIQUE INDEX IF NOT EXISTS payout_intent_public ON payout_intent (public_id);
-- Finds what is not over, oldest first: by state, and by state and wallet.
CREATE INDEX IF NOT EXISTS payout_intent_open ON payout_intent (state, wallet, id) WHERE state < 4;

-- A signed transaction. Its bytes are here before they leave, and these bytes alone ever leave.
CREATE TABLE IF NOT EXISTS payout_attempt (
    id @key,
    -- NULL = upkeep: accepting what came in.
    intent @int,
    wallet @text NOT NULL,
    -- The how manieth of its intent, from 1; of upkeep 0.
    number @int NOT NULL,
    -- 0 payment, 1 freeing a slot, 2 receipt.
    kind @int NOT NULL,
    transaction_id @text NOT NULL,
    slot @text NOT NULL,
    bytes @bytes NOT NULL,
    fee_max @amount NOT NULL,
    -- 0 signed, 1 broadcast, 2 final, 3 dead.
    state @int NOT NULL,
    -- 1 = it was missing here and came from the journal.
    imported @int NOT NULL,
    signed_at @time NOT NULL,
    first_broadcast_at @time,
    -- Times that its bytes were handed to nodes, counted before they are.
    broadcasts @int NOT NULL,
    -- When it is looked at next; NULL = it has ended.
    next_at @time,
    -- The last word of the chain: what was concluded, and what it was concluded from.
    standing @text NOT NULL,
    evidence @bytes,
    -- JSON: why it can never become final.
    death_proof @bytes,
    changed_at @time NOT NULL
);
-- One transaction is one attempt.
CREATE UNIQUE INDEX IF NOT EXISTS payout_attempt_transaction ON payout_attempt (transaction_id);
-- The attempts of an intent.
CREATE UNIQUE INDEX IF NOT EXISTS payout_attempt_intent ON payout_attempt (intent, number);
-- A wallet has one open transaction at a time, and what would free its slot.
CREATE UNIQUE INDEX IF NOT EXISTS payout_attempt_alone ON payout_attempt (wallet)
    WHERE state < 2 AND kind <> 1 AND imported = 0;
-- A slot that was ever signed for is never signed for again, but to free it.
CREATE UNIQUE INDEX IF NOT EXISTS payout_attempt_slot ON payout_attempt (wallet, slot) WHERE kind <> 1 AND imported = 0;
-- What is not over.
CREATE INDEX IF NOT EXISTS payout_attempt_open ON payout_attempt (wallet, id) WHERE state < 2;

-- Money that came to a wallet unasked.
CREATE TABLE IF NOT EXISTS payout_receipt (
    id @key,
    wallet @text NOT NULL,
    -- The sender's transaction; of money that simply appeared, the slot at which it was seen.
    source @text NOT NULL,
    -- Who sent it; empty = unknown.
    sender @text NOT NULL,
    amount @amount NOT NULL,
    -- The attempt that accepted it; NULL = none was needed.
    attempt @int,
    -- 0 being accepted, 1 in suspense, 2 assigned.
    state @int NOT NULL,
    -- Where it was assigned to: a ledger account; NULL = not yet.
    assigned_to @int,
    seen_at @time NOT NULL,
    ended_at @time
);
-- One arrival is booked once.
CREATE UNIQUE INDEX IF NOT EXISTS payout_receipt_source ON payout_receipt (wallet, source);
-- What nobody has assigned yet.
CREATE INDEX IF NOT EXISTS payout_receipt_open ON payout_receipt (wallet, id) WHERE state < 2;

INSERT INTO ledger_kind (code, name, cause) VALUES
    (20, 'payout', 'id of the intent'),
    (21, 'payout.received', 'id of the receipt'),
    (22, 'payout.fee', 'id of the attempt'),
    (23, 'payout.assigned', 'id of the receipt'),
    (24, 'payout.matched', 'none: an operator accepted what the chain holds')
ON CONFLICT (code) DO NOTHING;
