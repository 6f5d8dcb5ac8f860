-- Which backups were proven to restore, so that pruning spares the newest of them without a search of the audit log.

-- One row a backup, never deleted: a proof a day adds one.
CREATE TABLE IF NOT EXISTS ops_backup_proof (
    -- The backup's name. Names sort by time.
    backup @text PRIMARY KEY,
    -- When it was last proven.
    proven_at @time NOT NULL
) @rowid_end;
