-- Changes of switches and settings, written by triggers so that hand-typed SQL is recorded like everything else, and
-- the counters of the rate limits.

-- One row a change; a job folds each into the audit log once (`folded_event`).
CREATE TABLE IF NOT EXISTS control_changes (
    id @serial,
    desk @text NOT NULL,
    key @text NOT NULL,
    old @text,
    new @text,
    source @text,
    actor @text,
    reason @text,
    db_role @text,
    at @time NOT NULL,
    folded_event @int
);
-- Finds what is not folded yet.
CREATE INDEX IF NOT EXISTS control_changes_unfolded ON control_changes (id) WHERE folded_event IS NULL;

-- Calls counted in fixed windows; `key_hash` stands for the desk and what it counts. Ordered by window, so that the rows of now stand together and old ones go in one cut.
CREATE TABLE IF NOT EXISTS web_rate_windows (
    window_start_ms @int NOT NULL,
    key_hash @int NOT NULL,
    count @int NOT NULL,
    PRIMARY KEY (window_start_ms, key_hash)
) @rowid_end;
