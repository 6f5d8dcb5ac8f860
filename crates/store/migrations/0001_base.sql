-- Rows of the store itself: finished batches, ids in commit order, time marks and leases.

-- One row a committed batch, looked up when the answer to a COMMIT was lost; purged after a day.
CREATE TABLE IF NOT EXISTS store_batches (
    id @uuid PRIMARY KEY,
    at @time NOT NULL
) @rowid_end;

-- The next number of each sequence.
CREATE TABLE IF NOT EXISTS store_sequences (
    name @text PRIMARY KEY,
    next @int NOT NULL
) @rowid_end;

-- Below `mark` the time of a scope never falls again; scope 'manual' is the frozen clock of tests.
CREATE TABLE IF NOT EXISTS store_clocks (
    scope @text PRIMARY KEY,
    mark @time NOT NULL
) @rowid_end;

-- Who may do what only one process may do; `token` rises with each change of holder.
CREATE TABLE IF NOT EXISTS store_leases (
    name @text PRIMARY KEY,
    holder @text NOT NULL,
    token @int NOT NULL,
    until @time NOT NULL
) @rowid_end;
