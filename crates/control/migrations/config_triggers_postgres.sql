-- A statement that names no new actor is hand-typed: it becomes the operator's, and every change leaves a row.
CREATE OR REPLACE FUNCTION @desk_config_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hand_typed boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO control_changes (desk, key, old, new, source, db_role, at)
        VALUES ('@desk', OLD.key, OLD.value, NULL, 'sql', current_user, clock_timestamp());
        RETURN OLD;
    END IF;
    IF OLD.value IS NOT DISTINCT FROM NEW.value AND OLD.expires_at IS NOT DISTINCT FROM NEW.expires_at THEN
        RETURN NEW;
    END IF;
    hand_typed := OLD.change_id IS NOT DISTINCT FROM NEW.change_id;
    IF hand_typed THEN
        NEW.source := 'operator';
        NEW.updated_at := clock_timestamp();
    END IF;
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, db_role, at)
    VALUES ('@desk', NEW.key, OLD.value, NEW.value,
            CASE WHEN hand_typed THEN 'sql' ELSE NEW.source END,
            CASE WHEN hand_typed THEN NULL ELSE NEW.actor END,
            CASE WHEN hand_typed THEN NULL ELSE NEW.reason END,
            current_user, NEW.updated_at);
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS @desk_config_changed ON @desk_config;
CREATE TRIGGER @desk_config_changed BEFORE UPDATE OR DELETE ON @desk_config
FOR EACH ROW EXECUTE FUNCTION @desk_config_record();
