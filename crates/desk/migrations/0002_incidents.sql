-- Incidents: what went wrong, what users were told and until when, and what was learnt from it.

-- One row an incident, as it stands now.
CREATE TABLE IF NOT EXISTS incident (
    id @key,
    -- The desk, or `platform` for all of them.
    desk @text NOT NULL,
    -- P0 to P3 or S1 to S3, as it was given.
    class @text NOT NULL,
    -- Follows from the class: 0 is the worst, 3 the mildest.
    severity @int NOT NULL,
    -- 0 open, 1 resolved, 2 reviewed.
    state @int NOT NULL,
    -- In words for operators.
    title @text NOT NULL,
    -- In words for users, shown while it is open; empty = they are told nothing.
    message @text NOT NULL,
    expected_end @time,
    opened_at @time NOT NULL,
    opened_by @text NOT NULL,
    -- When it was opened, or last opened again.
    open_since @time NOT NULL,
    -- When somebody first took care of it, since then.
    acknowledged_at @time,
    -- When users were last told something, since then.
    told_at @time,
    resolved_at @time,
    reviewed_at @time,
    -- How many lines its timeline has.
    entries @int NOT NULL
);
-- Finds what users are told now, and what is not finished.
CREATE INDEX IF NOT EXISTS incident_state ON incident (state, desk);

-- The timeline: one line an act, only ever added to. Each is an event of the audit log as well.
CREATE TABLE IF NOT EXISTS incident_entry (
    incident @int NOT NULL,
    -- Counts from 1 within the incident.
    number @int NOT NULL,
    at @time NOT NULL,
    act @text NOT NULL,
    actor @text NOT NULL,
    -- In words for operators; may be empty.
    note @text NOT NULL,
    -- What users were told by it; NULL = nothing new, empty = nothing any more.
    message @text,
    -- The expected end from then on; NULL = unknown, or not spoken of.
    expected_end @time,
    -- The class from then on; NULL = as before.
    class @text,
    PRIMARY KEY (incident, number)
) @rowid_end;
