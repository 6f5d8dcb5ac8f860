-- Requests to read secrets anew, and which secrets each serving process has in force. Never a secret itself: only
-- fingerprints, keyed with `salt`.

-- One row: the newest request, which every process follows.
CREATE TABLE IF NOT EXISTS control_secret_requests (
    id @int PRIMARY KEY,
    number @int NOT NULL,
    actor @text NOT NULL,
    reason @text NOT NULL,
    salt @bytes NOT NULL
) @rowid_end;

-- One row a serving process. `answered` is the newest request that it has done; `seen_at` is real time. The last two
-- are JSON, kept as it was written so that a backup has the same bytes on either engine.
CREATE TABLE IF NOT EXISTS control_secret_holders (
    process @text PRIMARY KEY,
    place @text NOT NULL,
    answered @int NOT NULL,
    seen_at @time NOT NULL,
    secrets @text NOT NULL,
    outcome @text NOT NULL
) @rowid_end;
