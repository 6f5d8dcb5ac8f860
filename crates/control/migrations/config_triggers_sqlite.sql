-- A statement that names no new actor is hand-typed: it becomes the operator's, and every change leaves a row.
CREATE TRIGGER IF NOT EXISTS @desk_config_changed AFTER UPDATE OF value, expires_at ON @desk_config
WHEN old.value IS NOT new.value OR old.expires_at IS NOT new.expires_at
BEGIN
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, db_role, at)
    VALUES ('@desk', new.key, old.value, new.value,
            CASE WHEN old.change_id IS new.change_id THEN 'sql' ELSE new.source END,
            CASE WHEN old.change_id IS new.change_id THEN NULL ELSE new.actor END,
            CASE WHEN old.change_id IS new.change_id THEN NULL ELSE new.reason END,
            NULL, CASE WHEN old.change_id IS new.change_id THEN CAST(unixepoch('subsec') * 1000 AS INTEGER) ELSE new.updated_at END);
    UPDATE @desk_config
    SET source = 'operator', updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE key = new.key AND old.change_id IS new.change_id;
END;
CREATE TRIGGER IF NOT EXISTS @desk_config_removed AFTER DELETE ON @desk_config
BEGIN
    INSERT INTO control_changes (desk, key, old, new, source, at)
    VALUES ('@desk', old.key, old.value, NULL, 'sql', CAST(unixepoch('subsec') * 1000 AS INTEGER));
END;
