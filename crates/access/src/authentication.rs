//! Finding out who asks: judging presented tokens and sessions, and stamping their use.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::{Actor, Via};
use crate::operator::Operator;
use crate::rejection::Rejection;
use crate::secret::{CredentialId, Presented, Purpose};
use crate::{Outcome, sql};

/// Least milliseconds between two stamps of one credential's use.
pub const USE_STAMP_INTERVAL_MS: i64 = 60_000;

/// A caller who is known, and the stamp of this use when one is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who it is.
    pub actor: Actor,
    /// To be queued and written with [`stamp_uses`]: never part of the read itself.
    pub stamp: Option<UseStamp>,
}

/// That a credential was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseStamp {
    pub(crate) purpose: Purpose,
    pub(crate) id: CredentialId,
    /// When.
    pub at: Timestamp,
}

/// What the store knows of a credential and its operator.
pub(crate) struct Known {
    pub(crate) digest: Vec<u8>,
    pub(crate) operator: Operator,
    pub(crate) last_used_at: Option<Timestamp>,
    /// From when on it is refused, whichever limit comes first.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) is_revoked: bool,
}

impl Known {
    /// Whether it is accepted at `now`, given the right secret.
    fn is_live(&self, now: Timestamp) -> bool {
        let has_expired = self.expires_at.is_some_and(|expires_at| now >= expires_at);
        self.operator.enabled && !self.is_revoked && !has_expired
    }
}

/// Says whose token `presented` is. Works in a read. Every kind of failure is [`Rejection::Unauthorized`].
pub fn authenticate_token(tx: &mut Tx<'_>, presented: &str, now: Timestamp) -> Outcome<Authenticated> {
    let Some(presented) = Presented::read(Purpose::Token, presented) else {
        return Ok(Err(Rejection::Unauthorized));
    };
    let known = sql::known_token(tx, presented.id)?;
    Ok(judge(Purpose::Token, &presented, known, now))
}

/// Says whose session `presented` is. Works in a read. Every kind of failure is [`Rejection::Unauthorized`].
pub fn authenticate_session(tx: &mut Tx<'_>, presented: &str, now: Timestamp) -> Outcome<Authenticated> {
    let Some(presented) = Presented::read(Purpose::Session, presented) else {
        return Ok(Err(Rejection::Unauthorized));
    };
    let known = sql::known_session(tx, presented.id)?;
    Ok(judge(Purpose::Session, &presented, known, now))
}

/// Writes stamps of use; one that comes within a minute of the stored one changes nothing.
pub fn stamp_uses(tx: &mut Tx<'_>, stamps: &[UseStamp]) -> Result<u64, StoreError> {
    let mut written = 0;
    for stamp in stamps {
        written += sql::stamp_use(tx, stamp, stamp.at.after_ms(-USE_STAMP_INTERVAL_MS))?;
    }
    Ok(written)
}

/// The actor as it stands now, in a transaction that writes: an operator's row is locked against change until the
/// end, so nothing they did commits after their disabling, demotion or revocation has.
pub fn confirm(tx: &mut Tx<'_>, actor: &Actor, now: Timestamp) -> Outcome<Actor> {
    let (operator, purpose, id) = match &actor.via {
        Via::Service { .. } | Via::Cli => return Ok(Ok(actor.clone())),
        Via::Token { operator, token } => (*operator, Purpose::Token, *token),
        Via::Session { operator, session } => (*operator, Purpose::Session, *session),
    };
    // First the lock, then a fresh look: whoever revoked before has committed by then.
    sql::lock_operator(tx, operator)?;
    let known = match purpose {
        Purpose::Session => sql::known_session(tx, id)?,
        Purpose::Token | Purpose::Bootstrap => sql::known_token(tx, id)?,
    };
    let live = known.filter(|known| known.operator.id == operator && known.is_live(now));
    let Some(Known { operator, .. }) = live else { return Ok(Err(Rejection::Unauthorized)) };
    Ok(Ok(Actor { name: operator.name, role: operator.role, via: actor.via.clone() }))
}

fn judge(
    purpose: Purpose,
    presented: &Presented,
    known: Option<Known>,
    now: Timestamp,
) -> Result<Authenticated, Rejection> {
    let is_genuine = presented.matches(known.as_ref().map(|known| known.digest.as_slice()));
    let live = known.filter(|known| known.is_live(now));
    let Some(known) = live.filter(|_| is_genuine) else { return Err(Rejection::Unauthorized) };
    let id = presented.id;
    let operator = known.operator.id;
    let via = match purpose {
        Purpose::Session => Via::Session { operator, session: id },
        Purpose::Token | Purpose::Bootstrap => Via::Token { operator, token: id },
    };
    let is_due = known.last_used_at.is_none_or(|last| now >= last.after_ms(USE_STAMP_INTERVAL_MS));
    Ok(Authenticated {
        actor: Actor { name: known.operator.name, role: known.operator.role, via },
        stamp: is_due.then_some(UseStamp { purpose, id, at: now }),
    })
}
