//! Every statement of this room, one function each, with the rows read into its types. No rule is decided here.

use std::sync::LazyLock;

use bursar_store::{Column, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use crate::actor::{OperatorId, ServicePrincipal};
use crate::approval::{ApprovalId, ApprovalRequest, ApprovalState, Vote};
use crate::authentication::{Credential, Known, UseStamp};
use crate::bootstrap::StoredBootstrap;
use crate::operator::Operator;
use crate::permission::{Permission, Role};
use crate::policy::Policy;
use crate::secret::CredentialId;
use crate::session::Session;
use crate::token::Token;

type Stored<T> = Result<T, StoreError>;

// Operators

/// What [`operator_at`] reads, of the account `o` and its desk `p`.
macro_rules! operator_columns {
    () => {
        "o.id, o.name, o.role, o.enabled, o.created_by, o.created_at, p.desk"
    };
}

/// Accounts with the desks of payers.
macro_rules! operators {
    () => {
        "access_operator o LEFT JOIN access_payer p ON p.operator = o.id"
    };
}

static OPERATOR_LOCK: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("id", "access_operator", &[("id", Column::Int)], Lock::Share));

/// Keeps an operator's row from changing until the transaction ends.
pub fn lock_operator(tx: &mut Tx<'_>, id: OperatorId) -> Stored<()> {
    tx.lookup(&OPERATOR_LOCK, &[id.0.into()], |row| row.get::<i64>(0)).map(|_| ())
}

pub fn operator_by_name(tx: &mut Tx<'_>, name: &str) -> Stored<Option<Operator>> {
    let sql = concat!("SELECT ", operator_columns!(), " FROM ", operators!(), " WHERE o.name = $1");
    tx.query_first(sql, &[name.into()], |row| operator_at(row, 0))
}

pub fn operators(tx: &mut Tx<'_>, after: &str, limit: i64) -> Stored<Vec<Operator>> {
    let sql = concat!(
        "SELECT ",
        operator_columns!(),
        " FROM ",
        operators!(),
        " WHERE o.name > $1 ORDER BY o.name LIMIT $2"
    );
    tx.query(sql, &[after.into(), limit.into()], |row| operator_at(row, 0))
}

pub fn any_operator(tx: &mut Tx<'_>) -> Stored<bool> {
    let sql = "SELECT id FROM access_operator LIMIT 1";
    Ok(tx.query_first(sql, &[], |row| row.get::<i64>(0))?.is_some())
}

/// How many enabled admins there are beside this operator.
pub fn other_enabled_admins(tx: &mut Tx<'_>, id: OperatorId) -> Stored<i64> {
    let sql = "SELECT COUNT(*) FROM access_operator WHERE role = 'admin' AND enabled AND id <> $1";
    Ok(tx.query_first(sql, &[id.0.into()], |row| row.get(0))?.unwrap_or(0))
}

pub fn insert_operator(tx: &mut Tx<'_>, operator: &Operator) -> Stored<()> {
    let sql = "INSERT INTO access_operator (id, name, role, enabled, created_by, created_at, changed_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $6)";
    let Operator { id, name, role, desk, enabled, created_by, created_at } = operator;
    let params = [
        id.0.into(),
        name.into(),
        role.name().into(),
        (*enabled).into(),
        created_by.into(),
        (*created_at).into(),
    ];
    tx.execute(sql, &params)?;
    if let Some(desk) = desk {
        tx.execute("INSERT INTO access_payer (operator, desk) VALUES ($1, $2)", &[id.0.into(), desk.into()])?;
    }
    Ok(())
}

pub fn set_role(tx: &mut Tx<'_>, id: OperatorId, role: Role, now: Timestamp) -> Stored<()> {
    let sql = "UPDATE access_operator SET role = $2, changed_at = $3 WHERE id = $1";
    tx.execute(sql, &[id.0.into(), role.name().into(), now.into()]).map(|_| ())
}

pub fn set_enabled(tx: &mut Tx<'_>, id: OperatorId, enabled: bool, now: Timestamp) -> Stored<()> {
    let sql = "UPDATE access_operator SET enabled = $2, changed_at = $3 WHERE id = $1";
    tx.execute(sql, &[id.0.into(), enabled.into(), now.into()]).map(|_| ())
}

/// Waits for the running writes of an operator, before one of its credentials is taken away.
pub fn touch_operator(tx: &mut Tx<'_>, id: OperatorId, now: Timestamp) -> Stored<()> {
    let sql = "UPDATE access_operator SET changed_at = $2 WHERE id = $1";
    tx.execute(sql, &[id.0.into(), now.into()]).map(|_| ())
}

fn operator_at(row: &Row<'_>, first: usize) -> Stored<Operator> {
    Ok(Operator {
        id: OperatorId(row.get(first)?),
        name: row.get(first + 1)?,
        role: named(row.get(first + 2)?, Role::from_name)?,
        enabled: row.get(first + 3)?,
        created_by: row.get(first + 4)?,
        created_at: row.get(first + 5)?,
        desk: row.get(first + 6)?,
    })
}

// Tokens

pub fn insert_token(tx: &mut Tx<'_>, token: &Token, digest: &[u8]) -> Stored<()> {
    let sql = "INSERT INTO access_token (id, digest, operator, label, issued_by, issued_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let id = token.id.to_string();
    let params = [
        (&id).into(),
        digest.into(),
        token.operator.0.into(),
        (&token.label).into(),
        (&token.issued_by).into(),
        token.issued_at.into(),
        token.expires_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn known_token(tx: &mut Tx<'_>, id: CredentialId) -> Stored<Option<Known>> {
    let sql = concat!(
        "SELECT t.digest, t.expires_at, t.revoked_at, t.last_used_at, ",
        operator_columns!(),
        " FROM access_token t JOIN access_operator o ON o.id = t.operator \
         LEFT JOIN access_payer p ON p.operator = o.id WHERE t.id = $1"
    );
    tx.query_first(sql, &[(&id.to_string()).into()], |row| {
        Ok(Known {
            digest: row.get(0)?,
            expires_at: row.get(1)?,
            is_revoked: row.get::<Option<Timestamp>>(2)?.is_some(),
            last_used_at: row.get(3)?,
            operator: operator_at(row, 4)?,
        })
    })
}

pub fn token(tx: &mut Tx<'_>, id: CredentialId) -> Stored<Option<Token>> {
    let sql = "SELECT id, operator, label, issued_by, issued_at, expires_at, last_used_at, revoked_at \
               FROM access_token WHERE id = $1";
    tx.query_first(sql, &[(&id.to_string()).into()], read_token)
}

pub fn tokens_of(tx: &mut Tx<'_>, operator: OperatorId, limit: i64) -> Stored<Vec<Token>> {
    let sql = "SELECT id, operator, label, issued_by, issued_at, expires_at, last_used_at, revoked_at \
               FROM access_token WHERE operator = $1 ORDER BY issued_at DESC, id LIMIT $2";
    tx.query(sql, &[operator.0.into(), limit.into()], read_token)
}

pub fn live_tokens(tx: &mut Tx<'_>, operator: OperatorId, now: Timestamp) -> Stored<i64> {
    let sql = "SELECT COUNT(*) FROM access_token WHERE operator = $1 AND revoked_at IS NULL \
               AND (expires_at IS NULL OR expires_at > $2)";
    Ok(tx.query_first(sql, &[operator.0.into(), now.into()], |row| row.get(0))?.unwrap_or(0))
}

pub fn revoke_token(tx: &mut Tx<'_>, id: CredentialId, now: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    tx.execute(sql, &[(&id.to_string()).into(), now.into()])
}

pub fn revoke_tokens_of(tx: &mut Tx<'_>, operator: OperatorId, now: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_token SET revoked_at = $2 WHERE operator = $1 AND revoked_at IS NULL";
    tx.execute(sql, &[operator.0.into(), now.into()])
}

fn read_token(row: &Row<'_>) -> Stored<Token> {
    Ok(Token {
        id: named(row.get(0)?, CredentialId::parse)?,
        operator: OperatorId(row.get(1)?),
        label: row.get(2)?,
        issued_by: row.get(3)?,
        issued_at: row.get(4)?,
        expires_at: row.get(5)?,
        last_used_at: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}

// Sessions

pub fn insert_session(tx: &mut Tx<'_>, session: &Session, digest: &[u8]) -> Stored<()> {
    let sql = "INSERT INTO access_session \
               (id, digest, operator, token, opened_at, last_used_at, idle_ms, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (id, token) = (session.id.to_string(), session.token.to_string());
    let params = [
        (&id).into(),
        digest.into(),
        session.operator.0.into(),
        (&token).into(),
        session.opened_at.into(),
        session.last_used_at.into(),
        session.idle_ms.into(),
        session.expires_at.into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// A session, over when it or the token it was opened with is.
fn known_session(tx: &mut Tx<'_>, id: CredentialId) -> Stored<Option<Known>> {
    let sql = concat!(
        "SELECT s.digest, s.expires_at, COALESCE(s.ended_at, t.revoked_at), s.last_used_at, s.idle_ms, ",
        operator_columns!(),
        " FROM access_session s JOIN access_operator o ON o.id = s.operator \
         LEFT JOIN access_payer p ON p.operator = o.id JOIN access_token t ON t.id = s.token WHERE s.id = $1"
    );
    tx.query_first(sql, &[(&id.to_string()).into()], |row| {
        let (expires_at, last_used_at) = (row.get::<Timestamp>(1)?, row.get::<Timestamp>(3)?);
        Ok(Known {
            digest: row.get(0)?,
            expires_at: Some(expires_at.min(last_used_at.after_ms(row.get(4)?))),
            is_revoked: row.get::<Option<Timestamp>>(2)?.is_some(),
            last_used_at: Some(last_used_at),
            operator: operator_at(row, 5)?,
        })
    })
}

pub fn session(tx: &mut Tx<'_>, id: CredentialId) -> Stored<Option<Session>> {
    let sql = "SELECT id, operator, token, opened_at, last_used_at, idle_ms, expires_at, ended_at \
               FROM access_session WHERE id = $1";
    tx.query_first(sql, &[(&id.to_string()).into()], read_session)
}

pub fn sessions_of(tx: &mut Tx<'_>, operator: OperatorId, limit: i64) -> Stored<Vec<Session>> {
    let sql = "SELECT id, operator, token, opened_at, last_used_at, idle_ms, expires_at, ended_at \
               FROM access_session WHERE operator = $1 ORDER BY opened_at DESC, id LIMIT $2";
    tx.query(sql, &[operator.0.into(), limit.into()], read_session)
}

pub fn end_session(tx: &mut Tx<'_>, id: CredentialId, now: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    tx.execute(sql, &[(&id.to_string()).into(), now.into()])
}

pub fn end_sessions_of(tx: &mut Tx<'_>, operator: OperatorId, now: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_session SET ended_at = $2 WHERE operator = $1 AND ended_at IS NULL";
    tx.execute(sql, &[operator.0.into(), now.into()])
}

pub fn end_sessions_opened_with(tx: &mut Tx<'_>, token: CredentialId, now: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_session SET ended_at = $2 WHERE token = $1 AND ended_at IS NULL";
    tx.execute(sql, &[(&token.to_string()).into(), now.into()])
}

pub fn purge_sessions(tx: &mut Tx<'_>, before: Timestamp) -> Stored<u64> {
    tx.execute("DELETE FROM access_session WHERE expires_at < $1", &[before.into()])
}

fn read_session(row: &Row<'_>) -> Stored<Session> {
    Ok(Session {
        id: named(row.get(0)?, CredentialId::parse)?,
        operator: OperatorId(row.get(1)?),
        token: named(row.get(2)?, CredentialId::parse)?,
        opened_at: row.get(3)?,
        last_used_at: row.get(4)?,
        idle_ms: row.get(5)?,
        expires_at: row.get(6)?,
        ended_at: row.get(7)?,
    })
}

// Both kinds of credential

pub fn known(tx: &mut Tx<'_>, credential: Credential) -> Stored<Option<Known>> {
    match credential {
        Credential::Token(id) => known_token(tx, id),
        Credential::Session(id) => known_session(tx, id),
    }
}

/// Stamps a use unless a stamp after `latest_before` is there.
pub fn stamp_use(tx: &mut Tx<'_>, stamp: &UseStamp, latest_before: Timestamp) -> Stored<u64> {
    let (sql, id) = match stamp.credential {
        Credential::Token(id) => {
            let sql = "UPDATE access_token SET last_used_at = $2 \
                       WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
            (sql, id)
        }
        Credential::Session(id) => {
            ("UPDATE access_session SET last_used_at = $2 WHERE id = $1 AND last_used_at <= $3", id)
        }
    };
    tx.execute(sql, &[(&id.to_string()).into(), stamp.at.into(), latest_before.into()])
}

// The first admin

pub fn bootstrap_waits(tx: &mut Tx<'_>, now: Timestamp) -> Stored<bool> {
    let sql = "SELECT id FROM access_bootstrap WHERE burnt_at IS NULL AND expires_at > $1";
    Ok(tx.query_first(sql, &[now.into()], |row| row.get::<String>(0))?.is_some())
}

pub fn bootstrap(tx: &mut Tx<'_>, id: CredentialId) -> Stored<Option<StoredBootstrap>> {
    let sql = "SELECT digest, expires_at, burnt_at FROM access_bootstrap WHERE id = $1";
    tx.query_first(sql, &[(&id.to_string()).into()], |row| {
        let is_burnt = row.get::<Option<Timestamp>>(2)?.is_some();
        Ok(StoredBootstrap { digest: row.get(0)?, expires_at: row.get(1)?, is_burnt })
    })
}

pub fn insert_bootstrap(
    tx: &mut Tx<'_>,
    id: CredentialId,
    digest: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Stored<()> {
    let sql = "INSERT INTO access_bootstrap (id, digest, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[(&id.to_string()).into(), digest.into(), now.into(), expires_at.into()]).map(|_| ())
}

pub fn burn_bootstraps(tx: &mut Tx<'_>, now: Timestamp) -> Stored<u64> {
    tx.execute("UPDATE access_bootstrap SET burnt_at = $1 WHERE burnt_at IS NULL", &[now.into()])
}

pub fn burn_bootstrap_for(
    tx: &mut Tx<'_>,
    id: CredentialId,
    operator: OperatorId,
    now: Timestamp,
) -> Stored<u64> {
    let sql = "UPDATE access_bootstrap SET burnt_at = $3, operator = $2 WHERE id = $1 AND burnt_at IS NULL";
    tx.execute(sql, &[(&id.to_string()).into(), operator.0.into(), now.into()])
}

// Policies

pub fn approvals_needed(tx: &mut Tx<'_>, action: &str) -> Stored<Option<u32>> {
    let sql = "SELECT approvals_needed FROM access_policy WHERE action = $1";
    let needed = tx.query_first(sql, &[action.into()], |row| row.get::<i64>(0))?;
    let read = |needed| u32::try_from(needed).map_err(|_| StoreError::Decode(format!("{needed} approvals")));
    needed.map(read).transpose()
}

pub fn policy_services(tx: &mut Tx<'_>, action: &str) -> Stored<Vec<ServicePrincipal>> {
    let sql = "SELECT desk, principal FROM access_policy_service WHERE action = $1 ORDER BY desk, principal";
    tx.query(sql, &[action.into()], |row| Ok(ServicePrincipal { desk: row.get(0)?, name: row.get(1)? }))
}

pub fn policy_actions(tx: &mut Tx<'_>) -> Stored<Vec<String>> {
    tx.query("SELECT action FROM access_policy ORDER BY action", &[], |row| row.get(0))
}

pub fn put_policy(tx: &mut Tx<'_>, policy: &Policy, now: Timestamp) -> Stored<()> {
    let action = Param::from(&policy.action);
    let sql = "INSERT INTO access_policy (action, approvals_needed, changed_at) VALUES ($1, $2, $3) \
               ON CONFLICT (action) DO UPDATE SET approvals_needed = excluded.approvals_needed, \
               changed_at = excluded.changed_at";
    tx.execute(sql, &[action, i64::from(policy.approvals_needed).into(), now.into()])?;
    tx.execute("DELETE FROM access_policy_service WHERE action = $1", &[action])?;
    for service in &policy.services {
        let sql = "INSERT INTO access_policy_service (action, desk, principal) VALUES ($1, $2, $3)";
        tx.execute(sql, &[action, (&service.desk).into(), (&service.name).into()])?;
    }
    Ok(())
}

// Approvals

pub fn insert_approval(tx: &mut Tx<'_>, request: &ApprovalRequest) -> Stored<()> {
    let sql = "INSERT INTO access_approval (id, action, desk, subject, payload, digest, permission, \
               requested_by, requester_name, requested_at, expires_at, state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let params = [
        request.id.0.into(),
        (&request.action).into(),
        (&request.desk).into(),
        (&request.subject).into(),
        (&request.payload).into(),
        request.digest.as_slice().into(),
        request.permission.name().into(),
        (&request.requested_by).into(),
        (&request.requester_name).into(),
        request.requested_at.into(),
        request.expires_at.into(),
        request.state.name().into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

pub fn approval(tx: &mut Tx<'_>, id: ApprovalId) -> Stored<Option<ApprovalRequest>> {
    let sql = "SELECT id, action, desk, subject, payload, digest, permission, requested_by, requester_name, \
               requested_at, expires_at, state FROM access_approval WHERE id = $1";
    let found = tx.query_first(sql, &[id.0.into()], read_approval)?;
    found.map(|request| with_votes(tx, request)).transpose()
}

pub fn open_approvals(
    tx: &mut Tx<'_>,
    now: Timestamp,
    before: ApprovalId,
    limit: i64,
) -> Stored<Vec<ApprovalRequest>> {
    let sql = "SELECT id, action, desk, subject, payload, digest, permission, requested_by, requester_name, \
               requested_at, expires_at, state FROM access_approval \
               WHERE state = 'open' AND id < $1 AND expires_at > $2 ORDER BY id DESC LIMIT $3";
    let found = tx.query(sql, &[before.0.into(), now.into(), limit.into()], read_approval)?;
    found.into_iter().map(|request| with_votes(tx, request)).collect()
}

/// Ends an open request; `false` when it had ended before.
pub fn end_approval(
    tx: &mut Tx<'_>,
    id: ApprovalId,
    state: ApprovalState,
    by: &str,
    now: Timestamp,
) -> Stored<bool> {
    let sql = "UPDATE access_approval SET state = $2, ended_by = $3, ended_at = $4 \
               WHERE id = $1 AND state = 'open'";
    Ok(tx.execute(sql, &[id.0.into(), state.name().into(), by.into(), now.into()])? == 1)
}

pub fn blank_ended_approvals(tx: &mut Tx<'_>, before: Timestamp) -> Stored<u64> {
    let sql = "UPDATE access_approval SET payload = '' \
               WHERE payload <> '' AND (ended_at < $1 OR expires_at < $1)";
    tx.execute(sql, &[before.into()])
}

/// Stores a person's approval; `false` when it was there before.
pub fn insert_vote(tx: &mut Tx<'_>, id: ApprovalId, operator: OperatorId, now: Timestamp) -> Stored<bool> {
    let sql = "INSERT INTO access_vote (approval, operator, at) VALUES ($1, $2, $3) \
               ON CONFLICT (approval, operator) DO NOTHING";
    Ok(tx.execute(sql, &[id.0.into(), operator.0.into(), now.into()])? == 1)
}

pub fn votes(tx: &mut Tx<'_>, id: ApprovalId) -> Stored<Vec<Vote>> {
    let sql = "SELECT v.operator, o.name, o.role, o.enabled, v.at FROM access_vote v \
               JOIN access_operator o ON o.id = v.operator WHERE v.approval = $1 ORDER BY v.operator";
    tx.query(sql, &[id.0.into()], |row| {
        Ok(Vote {
            operator: OperatorId(row.get(0)?),
            name: row.get(1)?,
            role: named(row.get(2)?, Role::from_name)?,
            enabled: row.get(3)?,
            at: row.get(4)?,
        })
    })
}

fn with_votes(tx: &mut Tx<'_>, request: ApprovalRequest) -> Stored<ApprovalRequest> {
    Ok(ApprovalRequest { votes: votes(tx, request.id)?, ..request })
}

fn read_approval(row: &Row<'_>) -> Stored<ApprovalRequest> {
    Ok(ApprovalRequest {
        id: ApprovalId(row.get(0)?),
        action: row.get(1)?,
        desk: row.get(2)?,
        subject: row.get(3)?,
        payload: row.get(4)?,
        digest: row.get(5)?,
        permission: named(row.get(6)?, Permission::from_name)?,
        requested_by: row.get(7)?,
        requester_name: row.get(8)?,
        requested_at: row.get(9)?,
        expires_at: row.get(10)?,
        state: named(row.get(11)?, ApprovalState::from_name)?,
        votes: Vec::new(),
    })
}

/// Reads a stored name; one that means nothing is a fault, so that no right follows from a typing error.
fn named<T>(name: String, read: impl Fn(&str) -> Option<T>) -> Stored<T> {
    read(&name).ok_or_else(|| StoreError::Decode(format!("`{name}` names nothing in access")))
}
