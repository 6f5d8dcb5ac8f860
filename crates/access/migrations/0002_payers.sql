-- Which desk a payer may have pay: the account of a program, of role 'payer'. Without a row here it may do nothing.
CREATE TABLE IF NOT EXISTS access_payer (
    -- The account.
    operator @int PRIMARY KEY REFERENCES access_operator (id),
    -- The one desk.
    desk @text NOT NULL
) @rowid_end;
