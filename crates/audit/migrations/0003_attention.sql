-- Finds the few events of a time that ask for attention; ordinary ones, such as joins, are not in it and cost nothing.
CREATE INDEX IF NOT EXISTS audit_events_attention ON audit_events (at) WHERE level > 0;
