//! Sessions: what a browser holds after signing in with a token.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::{OperatorId, Via};
use crate::admission::{By, Done, admit_as_oneself, take_turn};
use crate::entropy::Entropy;
use crate::rejection::Rejection;
use crate::secret::{CredentialId, IssuedSecret, Purpose};
use crate::token::{Issued, admit_revoker};
use crate::{Actor, Change, Outcome, accepted, sql};

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Milliseconds without use after which a session ends. Use is stamped once a minute, so it may end one earlier.
    pub idle_ms: i64,
    /// Milliseconds after which it ends in any case.
    pub absolute_ms: i64,
}

impl SessionLimits {
    /// The same real time on a clock that runs `factor` times as fast.
    #[must_use]
    pub fn on_clock(self, factor: u32) -> SessionLimits {
        let stretched = |ms: i64| ms.saturating_mul(i64::from(factor.max(1)));
        SessionLimits { idle_ms: stretched(self.idle_ms), absolute_ms: stretched(self.absolute_ms) }
    }
}

impl Default for SessionLimits {
    /// 30 minutes idle, 12 hours in all.
    fn default() -> SessionLimits {
        SessionLimits { idle_ms: 1_800_000, absolute_ms: 43_200_000 }
    }
}

/// A session as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public part.
    pub id: CredentialId,
    /// Whose it is.
    pub operator: OperatorId,
    /// The token it was opened with.
    pub token: CredentialId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Roughly when it was last accepted.
    pub last_used_at: Timestamp,
    /// Milliseconds without use after which it ends.
    pub idle_ms: i64,
    /// From when on it is refused in any case.
    pub expires_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

/// Opens a session for an operator known by a token; it ends no later than that token.
pub fn open_session(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    actor: &Actor,
    limits: SessionLimits,
    now: Timestamp,
) -> Outcome<Issued> {
    let (operator, token) = match actor.via {
        Via::Token { operator, token } => (operator, token),
        // A program signs in nowhere.
        Via::Payer { .. } => return Ok(Err(Rejection::NotAnOperator)),
        Via::Session { .. } | Via::Service { .. } | Via::Cli => return Ok(Err(Rejection::TokenNeeded)),
    };
    take_turn(tx)?;
    let admission = accepted!(admit_as_oneself(tx, &By::new(actor, now))?);
    let token_ends = sql::token(tx, token)?.and_then(|token| token.expires_at);
    let latest = now.after_ms(limits.absolute_ms);
    let (secret, digest) = IssuedSecret::draw(Purpose::Session, entropy);
    let session = Session {
        id: secret.id(),
        operator,
        token,
        opened_at: now,
        last_used_at: now,
        idle_ms: limits.idle_ms,
        expires_at: token_ends.map_or(latest, |token_ends| token_ends.min(latest)),
        ended_at: None,
    };
    sql::insert_session(tx, &session, &digest)?;
    let change = Change::SessionOpened {
        session: session.id,
        operator,
        token,
        expires_at_ms: session.expires_at.ms(),
    };
    Ok(admission.done(tx, change)?.map(|done| Issued { secret, done }))
}

/// Ends a session: signing out, or an admin ending somebody else's. No approval is asked.
pub fn end_session(tx: &mut Tx<'_>, by: &By<'_>, id: CredentialId) -> Outcome<Done> {
    take_turn(tx)?;
    let session = sql::session(tx, id)?;
    let owner = session.as_ref().map(|session| session.operator);
    let admission = accepted!(admit_revoker(tx, by, owner)?);
    let Some(session) = session.filter(|session| session.ended_at.is_none()) else {
        return Ok(Err(Rejection::CredentialUnknown));
    };
    sql::touch_operator(tx, session.operator, by.now)?;
    sql::end_session(tx, id, by.now)?;
    admission.done(tx, Change::SessionEnded { session: id, operator: session.operator })
}

/// Up to `limit` sessions of an operator, newest first, ended ones included until they are purged.
pub fn sessions_of(tx: &mut Tx<'_>, operator: OperatorId, limit: i64) -> Result<Vec<Session>, StoreError> {
    sql::sessions_of(tx, operator, limit)
}

/// Deletes sessions whose absolute end was before `before`, and says how many.
pub fn purge_sessions(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    sql::purge_sessions(tx, before)
}
