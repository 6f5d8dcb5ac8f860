-- What of a wallet's past is in doubt, besides its standing. Without a row nothing is.
CREATE TABLE IF NOT EXISTS payout_doubt (
    wallet @text PRIMARY KEY,
    -- 1 = what its account ends in is to be compared with the records before anything leaves, or counts as unpaid.
    is_doubted @int NOT NULL,
    -- The newest payout that may have been paid unknown to the records: up to it what is held goes on, or is given up, by an
    -- operator alone. 0 = none.
    unclear_through @int NOT NULL
) @rowid_end;
