-- When the refresh job last asked about a player, whatever came of it. Its order is by this or by the newest verification,
-- whichever is later, so that whoever cannot be verified stands in nobody's way.
CREATE TABLE IF NOT EXISTS faucet_refresh (
    user_id @int PRIMARY KEY,
    asked_at @time NOT NULL
) @rowid_end;
