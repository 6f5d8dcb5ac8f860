//! Tokens: issued once, kept as a digest, revoked for good.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::{OperatorId, Via};
use crate::admission::{Admission, By, Done, admit, admit_as_oneself, take_turn};
use crate::entropy::Entropy;
use crate::operator::{Operator, find};
use crate::rejection::Rejection;
use crate::secret::{CredentialId, IssuedSecret, Purpose};
use crate::{Act, Change, Outcome, accepted, sql};

/// Live tokens that one operator may have.
pub const TOKENS_PER_OPERATOR_MAX: u32 = 20;
/// Longest label, in bytes.
const LABEL_LENGTH_MAX: usize = 80;

/// A token as lists show it: everything but the secret, which nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: CredentialId,
    /// Whose it is.
    pub operator: OperatorId,
    /// What it is for.
    pub label: String,
    /// Who issued it, as the audit log calls them.
    pub issued_by: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Roughly when it was last accepted.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What token is wanted.
#[derive(Clone, Copy, Debug)]
pub struct TokenOrder<'a> {
    /// For whom.
    pub operator: &'a str,
    /// What it is for: at most 80 bytes.
    pub label: &'a str,
    /// From when on it is refused; `None` = never by itself. What is approved is how far that is from the issue.
    pub expires_at: Option<Timestamp>,
}

/// A new credential: the secret to show once, and the change to record.
#[derive(Debug)]
pub struct Issued {
    /// To be shown to its owner, once.
    pub secret: IssuedSecret,
    /// What was done.
    pub done: Done,
}

/// Issues a token. Operators may issue their own with a token; others' take an admin, and approval where policy asks.
pub fn issue_token(
    tx: &mut Tx<'_>,
    by: &By<'_>,
    entropy: &dyn Entropy,
    order: &TokenOrder<'_>,
) -> Outcome<Issued> {
    take_turn(tx)?;
    // Before anybody is asked to approve it.
    accepted!(check_order(order, by.now));
    let admission = accepted!(admit_issuer(tx, by, order)?);
    let operator = accepted!(find(tx, order.operator)?);
    accepted!(may_hold_another(&operator, sql::live_tokens(tx, operator.id, by.now)?));
    let (secret, token) = create(tx, entropy, &operator, order, &by.actor.audit_id(), by.now)?;
    let change = Change::TokenIssued {
        token: token.id,
        operator: token.operator,
        label: token.label,
        expires_at_ms: token.expires_at.map(Timestamp::ms),
    };
    Ok(admission.done(tx, change)?.map(|done| Issued { secret, done }))
}

/// Revokes a token for good and ends the sessions that it opened. Operators may revoke their own; no approval is asked.
pub fn revoke_token(tx: &mut Tx<'_>, by: &By<'_>, id: CredentialId) -> Outcome<Done> {
    take_turn(tx)?;
    let token = sql::token(tx, id)?;
    let owner = token.as_ref().map(|token| token.operator);
    let admission = accepted!(admit_revoker(tx, by, owner)?);
    let Some(token) = token.filter(|token| token.revoked_at.is_none()) else {
        return Ok(Err(Rejection::CredentialUnknown));
    };
    sql::touch_operator(tx, token.operator, by.now)?;
    sql::revoke_token(tx, id, by.now)?;
    let sessions_ended = sql::end_sessions_opened_with(tx, id, by.now)?;
    admission.done(tx, Change::TokenRevoked { token: id, operator: token.operator, sessions_ended })
}

/// Up to `limit` tokens of an operator, newest first, revoked ones included.
pub fn tokens_of(tx: &mut Tx<'_>, operator: OperatorId, limit: i64) -> Result<Vec<Token>, StoreError> {
    sql::tokens_of(tx, operator, limit)
}

/// Draws and stores a token; whether it may be issued is decided before.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    operator: &Operator,
    order: &TokenOrder<'_>,
    issued_by: &str,
    now: Timestamp,
) -> Result<(IssuedSecret, Token), StoreError> {
    let (secret, digest) = IssuedSecret::draw(Purpose::Token, entropy);
    let token = Token {
        id: secret.id(),
        operator: operator.id,
        label: order.label.to_owned(),
        issued_by: issued_by.to_owned(),
        issued_at: now,
        expires_at: order.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    sql::insert_token(tx, &token, &digest)?;
    Ok((secret, token))
}

/// Admits whoever takes a credential of `owner` away: the owner, or an admin.
pub(crate) fn admit_revoker(tx: &mut Tx<'_>, by: &By<'_>, owner: Option<OperatorId>) -> Outcome<Admission> {
    if owner.is_some() && by.actor.operator() == owner {
        return admit_as_oneself(tx, by);
    }
    let owner = owner.map(|owner| owner.to_string()).unwrap_or_default();
    admit(tx, by, &Act::revoke_credential(&owner))
}

fn admit_issuer(tx: &mut Tx<'_>, by: &By<'_>, order: &TokenOrder<'_>) -> Outcome<Admission> {
    let is_own = by.actor.operator().is_some() && by.actor.name == order.operator;
    match (&by.actor.via, is_own) {
        (Via::Token { .. }, true) => admit_as_oneself(tx, by),
        // A stolen cookie must not become a token that outlives it.
        (Via::Session { .. }, true) => Ok(Err(Rejection::TokenNeeded)),
        _ => {
            let lifetime_ms = order.expires_at.map(|expires_at| expires_at.ms().saturating_sub(by.now.ms()));
            admit(tx, by, &Act::issue_token(order.operator, order.label, lifetime_ms))
        }
    }
}

fn check_order(order: &TokenOrder<'_>, now: Timestamp) -> Result<(), Rejection> {
    if order.label.len() > LABEL_LENGTH_MAX || order.label.chars().any(char::is_control) {
        let rule = "a label is at most 80 bytes without control characters";
        return Err(Rejection::Invalid { field: "label", rule });
    }
    if order.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Rejection::Invalid { field: "expiry", rule: "it must lie in the future" });
    }
    Ok(())
}

fn may_hold_another(operator: &Operator, live_tokens: i64) -> Result<(), Rejection> {
    if !operator.enabled {
        return Err(Rejection::OperatorDisabled);
    }
    let max = TOKENS_PER_OPERATOR_MAX;
    if live_tokens >= i64::from(max) { Err(Rejection::TooManyTokens { max }) } else { Ok(()) }
}
