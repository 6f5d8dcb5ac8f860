-- Up to where the lifetime kills of an Epic account were counted when a player lost it: no later baseline of the account, whoever
-- has it, begins below (docs/spec/faucet.md 3.1). The account stands under a hash, so that the row may outlast an erasure.
CREATE TABLE IF NOT EXISTS faucet_counted_account (
    account @bytes NOT NULL,
    dry_run @bool NOT NULL,
    kills @int NOT NULL,
    PRIMARY KEY (account, dry_run)
) @rowid_end;
