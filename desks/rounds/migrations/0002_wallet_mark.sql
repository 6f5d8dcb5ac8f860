-- Every 256th entry of a wallet, counted from its first, so that a page deep in a history is found without walking
-- over all that is newer. `number` counts from 1.
CREATE TABLE IF NOT EXISTS rounds_wallet_mark (
    wallet @int NOT NULL,
    number @int NOT NULL,
    sequence @int NOT NULL,
    PRIMARY KEY (wallet, number)
) @rowid_end;

INSERT INTO rounds_wallet_mark (wallet, number, sequence)
SELECT wallet, number, sequence FROM (
    SELECT wallet, sequence, row_number() OVER (PARTITION BY wallet ORDER BY sequence) AS number FROM rounds_entry
) AS numbered WHERE number % 256 = 0
ON CONFLICT (wallet, number) DO NOTHING;
