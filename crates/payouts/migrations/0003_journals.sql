-- Which journals a wallet is written down in. After a restore only a journal that stands here says what was signed
-- since: one that was begun later, or that belongs to something else, knows nothing of it. payout_wallet's
-- journal_position is not used any more.

CREATE TABLE IF NOT EXISTS payout_journal (
    wallet @text NOT NULL,
    -- The id that the journal begins with.
    journal @text NOT NULL,
    -- How far it has been compared with the attempts, in bytes.
    position @int NOT NULL,
    -- 1 = the wallet was matched with it at hand, so whatever left since is in it; 0 = it is being read for the first time.
    is_known @bool NOT NULL,
    PRIMARY KEY (wallet, journal)
) @rowid_end;
