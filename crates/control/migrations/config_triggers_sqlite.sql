-- A statement that sets no new change_id is hand-typed: it becomes the operator's, means what it says until somebody
-- says otherwise, and every change leaves a row. The time is written so that older sqlite3 programs know it, too.
CREATE TRIGGER IF NOT EXISTS @desk_config_changed AFTER UPDATE OF value, expires_at ON @desk_config
WHEN old.value IS NOT new.value OR old.expires_at IS NOT new.expires_at
    OR (new.expires_at IS NOT NULL AND old.change_id IS new.change_id)
BEGIN
    -- An expiry that was left from before would end a stop that was typed just now; and whoever made the change before
    -- did not make this one.
    UPDATE @desk_config
    SET source = 'operator', updated_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
        expires_at = CASE WHEN old.expires_at IS NOT new.expires_at THEN new.expires_at END,
        actor = CASE WHEN old.actor IS NOT new.actor THEN new.actor END,
        reason = CASE WHEN old.reason IS NOT new.reason THEN new.reason END
    WHERE key = new.key AND old.change_id IS new.change_id;
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, at)
    SELECT '@desk', key, old.value, value, CASE WHEN old.change_id IS new.change_id THEN 'sql' ELSE source END,
           actor, reason, updated_at
    FROM @desk_config WHERE key = new.key;
END;
CREATE TRIGGER IF NOT EXISTS @desk_config_renamed BEFORE UPDATE OF key ON @desk_config
WHEN old.key IS NOT new.key
BEGIN
    SELECT RAISE(ABORT, 'the key of a switch or setting cannot be changed');
END;
CREATE TRIGGER IF NOT EXISTS @desk_config_removed AFTER DELETE ON @desk_config
BEGIN
    INSERT INTO control_changes (desk, key, old, new, source, at)
    VALUES ('@desk', old.key, old.value, NULL, 'sql', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));
END;
-- A row that a hand adds is a change too; those that the server seeds are none.
CREATE TRIGGER IF NOT EXISTS @desk_config_added AFTER INSERT ON @desk_config
WHEN new.change_id IS NULL
BEGIN
    UPDATE @desk_config SET updated_at = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) WHERE key = new.key;
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, at)
    SELECT '@desk', key, NULL, value, 'sql', actor, reason, updated_at FROM @desk_config WHERE key = new.key;
END;
