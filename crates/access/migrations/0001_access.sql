-- Who may operate the platform: operators, their tokens and sessions, the first admin, and four-eyes approvals.
-- No secret is in here: of every token and session only a digest is kept.

-- A person with an account. Accounts are never deleted, so that the audit log can always name them.
CREATE TABLE IF NOT EXISTS access_operator (
    -- Number by which the audit log refers to the account.
    id @key,
    -- Name to sign and search by: a-z, 0-9, '.', '_' and '-', 2 to 40 characters.
    name @text NOT NULL,
    -- 'viewer', 'operator' or 'admin'; a change counts from the next request on.
    role @text NOT NULL,
    -- False = no token or session of the account is accepted.
    enabled @bool NOT NULL,
    -- Who added it: 'operator:<id>', 'cli:<user>' or 'bootstrap'.
    created_by @text NOT NULL,
    -- When it was added.
    created_at @time NOT NULL,
    -- When role, enabled or any credential last changed; updating it makes running writes of the account wait.
    changed_at @time NOT NULL
);
-- One account a name.
CREATE UNIQUE INDEX IF NOT EXISTS access_operator_name ON access_operator (name);

-- A long-lived credential for programs and for signing in: 'bur_<id>_<secret>', shown once.
CREATE TABLE IF NOT EXISTS access_token (
    -- Public part: 16 hex digits.
    id @text PRIMARY KEY,
    -- Digest of id and secret.
    digest @bytes NOT NULL,
    -- Whose it is.
    operator @int NOT NULL REFERENCES access_operator (id),
    -- What it is for, in its owner's words.
    label @text NOT NULL,
    -- Who issued it, as in access_operator.created_by.
    issued_by @text NOT NULL,
    -- When it was issued.
    issued_at @time NOT NULL,
    -- From when on it is refused; NULL = never by itself.
    expires_at @time,
    -- Roughly when it was last accepted: written at most once a minute.
    last_used_at @time,
    -- When it was revoked; NULL = it was not.
    revoked_at @time
) @rowid_end;
-- The tokens of one operator.
CREATE INDEX IF NOT EXISTS access_token_operator ON access_token (operator);

-- A signed-in browser: 'burses_<id>_<secret>' in a cookie.
CREATE TABLE IF NOT EXISTS access_session (
    -- Public part: 16 hex digits.
    id @text PRIMARY KEY,
    -- Digest of id and secret.
    digest @bytes NOT NULL,
    -- Whose it is.
    operator @int NOT NULL REFERENCES access_operator (id),
    -- The token it was opened with; the session ends with it.
    token @text NOT NULL REFERENCES access_token (id),
    -- When it was opened.
    opened_at @time NOT NULL,
    -- Roughly when it was last accepted: written at most once a minute.
    last_used_at @time NOT NULL,
    -- Milliseconds without use after which it is refused.
    idle_ms @int NOT NULL,
    -- From when on it is refused, used or not.
    expires_at @time NOT NULL,
    -- When it was ended by sign-out, revocation or disabling; NULL = it was not.
    ended_at @time
) @rowid_end;
-- The sessions of one operator.
CREATE INDEX IF NOT EXISTS access_session_operator ON access_session (operator);
-- The sessions opened with one token.
CREATE INDEX IF NOT EXISTS access_session_token ON access_session (token);

-- One-time tokens 'burone_<id>_<secret>' that make the first admin while there is no operator.
CREATE TABLE IF NOT EXISTS access_bootstrap (
    -- Public part: 16 hex digits.
    id @text PRIMARY KEY,
    -- Digest of id and secret.
    digest @bytes NOT NULL,
    -- When it was printed.
    created_at @time NOT NULL,
    -- From when on it is refused: 24 hours later.
    expires_at @time NOT NULL,
    -- When it was exchanged or replaced by another; NULL = it can still be exchanged.
    burnt_at @time,
    -- The admin it made; NULL = none.
    operator @int REFERENCES access_operator (id)
) @rowid_end;

-- How many other people must approve an action. An action without a row needs nobody.
CREATE TABLE IF NOT EXISTS access_policy (
    -- Stable name of the action, such as 'access.operator.add'.
    action @text PRIMARY KEY,
    -- Distinct approvers needed beside the requester; 0 = none.
    approvals_needed @int NOT NULL,
    -- When it was last set.
    changed_at @time NOT NULL
) @rowid_end;

-- Service principals that a policy binds by name; all others are exempt from it.
CREATE TABLE IF NOT EXISTS access_policy_service (
    -- The action, as in access_policy.
    action @text NOT NULL REFERENCES access_policy (action),
    -- The desk whose admin the principal is.
    desk @text NOT NULL,
    -- The principal's name at that desk.
    principal @text NOT NULL,
    PRIMARY KEY (action, desk, principal)
) @rowid_end;

-- A request to have one act approved by others.
CREATE TABLE IF NOT EXISTS access_approval (
    -- Number by which people refer to it.
    id @key,
    -- Stable name of the action.
    action @text NOT NULL,
    -- The desk it acts on, or 'platform'.
    desk @text NOT NULL,
    -- What it acts on, such as a payout's id.
    subject @text NOT NULL,
    -- The act in full as approvers read it; may be blanked once the request has ended.
    payload @text NOT NULL,
    -- Digest of action, desk, subject and payload: what is done must be what was approved.
    digest @bytes NOT NULL,
    -- The right that both the act and its approval take.
    permission @text NOT NULL,
    -- Who asked: 'operator:<id>', 'service:<desk>/<name>' or 'cli:<user>'. Only they can carry it out.
    requested_by @text NOT NULL,
    -- Their name; an approver of the same name is taken for the same person.
    requester_name @text NOT NULL,
    -- When it was asked.
    requested_at @time NOT NULL,
    -- From when on it is worth nothing.
    expires_at @time NOT NULL,
    -- 'open', 'spent', 'declined' or 'withdrawn'.
    state @text NOT NULL,
    -- When the state left 'open'; NULL = it has not.
    ended_at @time,
    -- Who ended it, as in requested_by; NULL = nobody yet.
    ended_by @text
);
-- Requests that wait, newest first.
CREATE INDEX IF NOT EXISTS access_approval_state ON access_approval (state, id);

-- One person's approval of one request; a second one by the same person is the same row.
CREATE TABLE IF NOT EXISTS access_vote (
    -- The request.
    approval @int NOT NULL REFERENCES access_approval (id),
    -- Who approved.
    operator @int NOT NULL REFERENCES access_operator (id),
    -- When.
    at @time NOT NULL,
    PRIMARY KEY (approval, operator)
) @rowid_end;
