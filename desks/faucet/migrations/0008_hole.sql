-- Up to where the records reached when it was found that a restore left payments out (docs/spec/faucet.md 3.14): the newest
-- attempt, payout of the payouts room, and wallet link. By number, as clocks may be set back. `kind` is the finding's.
CREATE TABLE IF NOT EXISTS faucet_hole (
    kind @text PRIMARY KEY,
    reach_attempt @int NOT NULL,
    reach_intent @int NOT NULL,
    reach_link @int NOT NULL
) @rowid_end;

-- What was found before is looked for from the beginning.
INSERT INTO faucet_hole (kind, reach_attempt, reach_intent, reach_link)
    SELECT kind, 0, 0, COALESCE((SELECT MAX(id) FROM faucet_wallet_link), 0) FROM faucet_finding
    WHERE kind IN ('payout.blind', 'payout.unknown') AND count > 0;
