-- Background jobs: when each last ran, how it went, and who runs it.

-- One row a job. `served_at` is the instant of the last run that ended, good or bad; `lag_ms` how late that run began.
-- `checked_at` moves while the process that follows the job is alive, whether or not there was work.
CREATE TABLE IF NOT EXISTS job_runs (
    name @text PRIMARY KEY,
    holder @text,
    checked_at @time,
    served_at @time,
    started_at @time,
    succeeded_at @time,
    failed_at @time,
    last_error @text,
    next_at @time,
    lag_ms @int NOT NULL,
    runs @int NOT NULL,
    failures @int NOT NULL
) @rowid_end;
