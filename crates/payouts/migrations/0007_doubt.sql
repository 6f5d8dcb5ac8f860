-- What of a wallet's past is in doubt, besides its standing. Without a row nothing is.
CREATE TABLE IF NOT EXISTS payout_doubt (
    wallet @text PRIMARY KEY,
    -- What its account ends in is to be compared with the records: 1 = before anything counts as unpaid; 2 = and before
    -- anything leaves. 0 = it need not be.
    doubt @int NOT NULL,
    -- The newest payout that may have been paid unknown to the records: up to it what is held goes on, or is given up, by an
    -- operator alone, and what dies on its way is held. 0 = none.
    unclear_through @int NOT NULL
) @rowid_end;
