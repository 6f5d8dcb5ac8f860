-- How backups are doing, and which restores this database has been through.

-- One row a kind of work: 'create' makes backups, 'verify' proves that one restores. Any process shows them.
CREATE TABLE IF NOT EXISTS ops_backup (
    -- 'create' or 'verify'.
    work @text PRIMARY KEY,
    -- The backup that it last succeeded with; NULL = none yet.
    backup @text,
    -- When it last succeeded.
    succeeded_at @time,
    -- Size of that backup, in bytes.
    bytes @int,
    -- How long it took, in milliseconds.
    took_ms @int,
    -- How often it failed.
    failures @int NOT NULL,
    -- When it last failed.
    failed_at @time,
    -- Why.
    last_error @text
) @rowid_end;

-- One row a restore, never deleted. What happened after `taken_at` and before `restored_at` is not in this database,
-- although it may have happened outside: whoever pays must first match the outside with the newest generation.
CREATE TABLE IF NOT EXISTS ops_restore (
    -- 1 for the first restore in the life of the data, 2 for a restore of its backup, and so on.
    generation @key,
    -- The backup that was restored.
    backup @text NOT NULL,
    -- BLAKE3 of its manifest.
    manifest @bytes NOT NULL,
    -- When it was taken.
    taken_at @time NOT NULL,
    -- The last transfer that it held; 0 = none.
    last_transfer @int NOT NULL,
    -- When it was restored.
    restored_at @time NOT NULL,
    -- By whom, such as 'cli:ann'.
    restored_by @text NOT NULL,
    -- Why, in their words.
    reason @text NOT NULL
);
