-- Where accounts stand on their chains that the records know nothing of yet.
CREATE TABLE IF NOT EXISTS payout_head (
    wallet @text PRIMARY KEY,
    -- Transaction that its history ended in when it was first matched, or next after a person matched it by hand, or later
    -- in one that paid nobody; empty = none. Without a row whatever it ends in at the next match is taken. What came later
    -- is among the attempts.
    head @text NOT NULL
) @rowid_end;
