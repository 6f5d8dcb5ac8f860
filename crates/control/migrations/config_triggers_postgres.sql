-- A statement that sets no new change_id is hand-typed: it becomes the operator's, means what it says until somebody
-- says otherwise, and every change leaves a row.
CREATE OR REPLACE FUNCTION @desk_config_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hand_typed boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO control_changes (desk, key, old, new, source, db_role, at)
        VALUES ('@desk', OLD.key, OLD.value, NULL, 'sql', current_user, clock_timestamp());
        RETURN OLD;
    END IF;
    IF OLD.key IS DISTINCT FROM NEW.key THEN
        RAISE EXCEPTION 'the key of a switch or setting cannot be changed';
    END IF;
    hand_typed := OLD.change_id IS NOT DISTINCT FROM NEW.change_id;
    -- An expiry that was left from before would end a stop that was typed just now.
    IF hand_typed AND OLD.expires_at IS NOT DISTINCT FROM NEW.expires_at THEN
        NEW.expires_at := NULL;
    END IF;
    IF OLD.value IS NOT DISTINCT FROM NEW.value AND OLD.expires_at IS NOT DISTINCT FROM NEW.expires_at THEN
        RETURN NEW;
    END IF;
    IF hand_typed THEN
        NEW.source := 'operator';
        NEW.updated_at := clock_timestamp();
        -- Whoever made the change before did not make this one.
        NEW.actor := CASE WHEN OLD.actor IS DISTINCT FROM NEW.actor THEN NEW.actor END;
        NEW.reason := CASE WHEN OLD.reason IS DISTINCT FROM NEW.reason THEN NEW.reason END;
    END IF;
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, db_role, at)
    VALUES ('@desk', NEW.key, OLD.value, NEW.value, CASE WHEN hand_typed THEN 'sql' ELSE NEW.source END,
            NEW.actor, NEW.reason, current_user, NEW.updated_at);
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS @desk_config_changed ON @desk_config;
CREATE TRIGGER @desk_config_changed BEFORE UPDATE OF key, value, expires_at OR DELETE ON @desk_config
FOR EACH ROW EXECUTE FUNCTION @desk_config_record();

-- A row that a hand adds is a change too; those that the server seeds are none.
CREATE OR REPLACE FUNCTION @desk_config_record_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO control_changes (desk, key, old, new, source, actor, reason, db_role, at)
    VALUES ('@desk', NEW.key, NULL, NEW.value, 'sql', NEW.actor, NEW.reason, current_user, clock_timestamp());
    RETURN NULL;
END $$;
ALTER TABLE @desk_config ALTER COLUMN updated_at SET DEFAULT clock_timestamp();
DROP TRIGGER IF EXISTS @desk_config_added ON @desk_config;
CREATE TRIGGER @desk_config_added AFTER INSERT ON @desk_config
FOR EACH ROW WHEN (NEW.change_id IS NULL) EXECUTE FUNCTION @desk_config_record_added();

-- Batches share the lock of the switches' rows, and new ones may join it past a change that waits for the lock: under
-- load a stop would wait for seconds. So batches pass this gate, which is always empty, and a change closes it first.
CREATE TABLE IF NOT EXISTS @desk_config_gate ();
CREATE OR REPLACE FUNCTION @desk_config_close_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'switches and settings are deleted one by one' USING HINT = 'Use DELETE.';
    END IF;
    LOCK TABLE @desk_config_gate IN EXCLUSIVE MODE;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS @desk_config_turn ON @desk_config;
CREATE TRIGGER @desk_config_turn BEFORE UPDATE OR DELETE OR TRUNCATE ON @desk_config
FOR EACH STATEMENT EXECUTE FUNCTION @desk_config_close_gate();
