-- Switches and settings of one desk. `source` is default, environment or operator: a row that an operator has touched
-- keeps its value whatever the environment says. A switch holds `on` (stopped) or `off`; anything else counts as on.
-- `change_id` is new with every change that our own statements make, which tells hand-typed ones apart.
CREATE TABLE IF NOT EXISTS @desk_config (
    key @text PRIMARY KEY,
    value @text NOT NULL,
    description @text,
    source @text NOT NULL DEFAULT 'operator',
    actor @text,
    reason @text,
    expires_at @time,
    updated_at @time,
    change_id @uuid
) @rowid_end;
