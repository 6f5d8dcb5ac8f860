//! Finding out who asks: judging presented tokens and sessions, and stamping their use.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::{Actor, OperatorId, Via};
use crate::operator::Operator;
use crate::permission::Role;
use crate::rejection::Rejection;
use crate::secret::{CredentialId, Presented, Purpose};
use crate::{Outcome, accepted, sql};

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
    pub(crate) credential: Credential,
    /// When.
    pub at: Timestamp,
}

/// A credential that is used again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    Token(CredentialId),
    Session(CredentialId),
}

impl Credential {
    fn via(self, operator: OperatorId) -> Via {
        match self {
            Credential::Token(token) => Via::Token { operator, token },
            Credential::Session(session) => Via::Session { operator, session },
        }
    }
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

    fn actor(self, credential: Credential) -> Actor {
        let Operator { id, name, role, desk, .. } = self.operator;
        let via = match (role, credential, desk) {
            (Role::Payer, Credential::Token(token), Some(desk)) => Via::Payer { operator: id, token, desk },
            // A payer that is bound to no desk, or comes with a session, has no right (see `authorize`).
            (Role::Payer | Role::Viewer | Role::Operator | Role::Admin, _, _) => credential.via(id),
        };
        Actor { name, role, via }
    }
}

/// Says whose token `presented` is. Works in a read. Every kind of failure is [`Rejection::Unauthorized`].
pub fn authenticate_token(tx: &mut Tx<'_>, presented: &str, now: Timestamp) -> Outcome<Authenticated> {
    let presented = accepted!(Presented::read(Purpose::Token, presented).ok_or(Rejection::Unauthorized));
    judge(tx, &presented, Credential::Token(presented.id), now)
}

/// Says whose session `presented` is. Works in a read. Every kind of failure is [`Rejection::Unauthorized`].
pub fn authenticate_session(tx: &mut Tx<'_>, presented: &str, now: Timestamp) -> Outcome<Authenticated> {
    let presented = accepted!(Presented::read(Purpose::Session, presented).ok_or(Rejection::Unauthorized));
    judge(tx, &presented, Credential::Session(presented.id), now)
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
    let (operator, credential) = match &actor.via {
        Via::Service { .. } | Via::Cli => return Ok(Ok(actor.clone())),
        Via::Token { operator, token } | Via::Payer { operator, token, .. } => {
            (*operator, Credential::Token(*token))
        }
        Via::Session { operator, session } => (*operator, Credential::Session(*session)),
    };
    // First the lock, then a fresh look: whoever revoked before has committed by then.
    sql::lock_operator(tx, operator)?;
    let known = sql::known(tx, credential)?;
    let live = known.filter(|known| known.operator.id == operator && known.is_live(now));
    let known = accepted!(live.ok_or(Rejection::Unauthorized));
    Ok(Ok(known.actor(credential)))
}

fn judge(
    tx: &mut Tx<'_>,
    presented: &Presented,
    credential: Credential,
    now: Timestamp,
) -> Outcome<Authenticated> {
    let known = sql::known(tx, credential)?;
    let is_genuine = presented.matches(known.as_ref().map(|known| known.digest.as_slice()));
    let live = known.filter(|known| is_genuine && known.is_live(now));
    let known = accepted!(live.ok_or(Rejection::Unauthorized));
    let is_due = known.last_used_at.is_none_or(|last| now >= last.after_ms(USE_STAMP_INTERVAL_MS));
    let stamp = is_due.then_some(UseStamp { credential, at: now });
    Ok(Ok(Authenticated { actor: known.actor(credential), stamp }))
}
