-- What has been raised, and what was counted, minute by minute.

-- One row a rule. All processes together raise each alert once.
CREATE TABLE IF NOT EXISTS ops_alert (
    rule @text PRIMARY KEY,
    -- 1 while what was raised stands.
    stands @int NOT NULL,
    -- When it was last raised, by the rules' clock.
    raised_at @time,
    -- For a total that grows: how much of it has been told.
    told @int NOT NULL,
    -- Grows with each change of the row, so that of several processes one changes it.
    version @int NOT NULL
) @rowid_end;

-- Totals over all processes and restarts.
CREATE TABLE IF NOT EXISTS ops_total (
    name @text PRIMARY KEY,
    number @int NOT NULL
) @rowid_end;

-- How much each counter grew in each minute of the rules' clock, over all processes.
CREATE TABLE IF NOT EXISTS ops_minute (
    -- Minutes since the Unix epoch.
    minute @int NOT NULL,
    -- The counter as /metrics writes it; of a histogram, each bucket alone instead of added up.
    series @text NOT NULL,
    growth @int NOT NULL,
    PRIMARY KEY (minute, series)
) @rowid_end;

-- Who was refused how often in each minute. A subject may be a wallet, so these rows are pruned like the others.
CREATE TABLE IF NOT EXISTS ops_refusal (
    -- Minutes since the Unix epoch.
    minute @int NOT NULL,
    desk @text NOT NULL,
    -- A wallet, or empty for those beyond the number that one minute keeps apart.
    subject @text NOT NULL,
    -- The stable code of the refusal.
    code @text NOT NULL,
    calls @int NOT NULL,
    PRIMARY KEY (minute, desk, subject, code)
) @rowid_end;
