-- Adoptions that began with other people's approval (docs/spec/faucet.md 3.14). The approval is used up with the first payment
-- that is recorded; until `ended_at` what is left is recorded under it: for this subject and payload, by this caller.
CREATE TABLE IF NOT EXISTS faucet_adoption_run (
    approval @int PRIMARY KEY,
    subject @text NOT NULL,
    payload @text NOT NULL,
    begun_by @text NOT NULL,
    begun_at @time NOT NULL,
    ended_at @time
) @rowid_end;
