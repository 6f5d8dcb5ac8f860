-- What of a wallet's past is in doubt, besides its standing.

-- 1 = what its account ends in is to be compared with the records before anything leaves, or counts as unpaid.
ALTER TABLE payout_wallet ADD COLUMN is_doubted @int NOT NULL DEFAULT 0;
-- The newest payout that may have been paid unknown to the records: up to it what is held goes on, or is given up, by an
-- operator alone. 0 = none.
ALTER TABLE payout_wallet ADD COLUMN unclear_through @int NOT NULL DEFAULT 0;
