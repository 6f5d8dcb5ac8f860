-- Wrong passwords of sign-ins by e-mail (docs/spec/faucet.md 3.9), counted by a hash of the e-mail, whosever it is: what is
-- counted, locked and forgotten tells nothing of who is an administrator. `failures` counts from `since` on.
CREATE TABLE IF NOT EXISTS faucet_sign_in (
    slot @int PRIMARY KEY,
    failures @int NOT NULL,
    locked_until @time,
    since @time NOT NULL
) @rowid_end;
-- Counts that are over can go.
CREATE INDEX IF NOT EXISTS faucet_sign_in_age ON faucet_sign_in (since);
