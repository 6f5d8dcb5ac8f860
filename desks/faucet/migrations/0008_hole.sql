-- Up to where the records reached when it was found that a restore left payments out (docs/spec/faucet.md 3.14): the newest
-- attempt, payout of the payouts room, and wallet link. By number, as clocks may be set back. `kind` is the finding's.
CREATE TABLE IF NOT EXISTS faucet_hole (
    kind @text PRIMARY KEY,
    reach_attempt @int NOT NULL,
    reach_intent @int NOT NULL,
    reach_link @int NOT NULL
) @rowid_end;

-- Of what was found before only the time is known.
INSERT INTO faucet_hole (kind, reach_attempt, reach_intent, reach_link)
    SELECT finding.kind,
        COALESCE((SELECT MAX(id) FROM payout_attempt WHERE imported = 0 AND signed_at <= finding.since), 0),
        COALESCE((SELECT MIN(id) - 1 FROM payout_intent WHERE hold IS NULL AND changed_at >= finding.since),
            (SELECT MAX(id) FROM payout_intent), 0),
        COALESCE((SELECT MAX(id) FROM faucet_wallet_link WHERE created_at <= finding.since), 0)
    FROM faucet_finding finding
    WHERE finding.kind IN ('payout.blind', 'payout.unknown') AND finding.count > 0;
