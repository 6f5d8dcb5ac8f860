//! The first admin: a one-time token, printed once, that makes one while there is no operator.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::OperatorId;
use crate::admission::take_turn;
use crate::entropy::Entropy;
use crate::operator::{Operator, check_operator_name};
use crate::permission::Role;
use crate::rejection::Rejection;
use crate::secret::{IssuedSecret, Presented, Purpose};
use crate::token::{TokenOrder, create};
use crate::{Change, Outcome, accepted, sql};

/// Milliseconds in which the one-time token must be exchanged: 24 hours.
pub const BOOTSTRAP_LIFETIME_MS: i64 = 86_400_000;
/// What created the first admin and its token.
const BOOTSTRAP: &str = "bootstrap";

/// A one-time token for the first admin.
#[derive(Debug)]
pub struct OneTimeToken {
    /// To be printed once.
    pub secret: IssuedSecret,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// What is to be recorded.
    pub change: Change,
}

/// The first admin's token, and what is to be recorded.
#[derive(Debug)]
pub struct FirstAdmin {
    /// The admin's lasting token, to be shown once.
    pub secret: IssuedSecret,
    /// The admin.
    pub operator: Operator,
    /// What is to be recorded.
    pub change: Change,
}

/// A stored one-time token.
pub(crate) struct StoredBootstrap {
    pub(crate) digest: Vec<u8>,
    pub(crate) expires_at: Timestamp,
    pub(crate) is_burnt: bool,
}

/// Makes the one-time token when there is no operator and none waits to be exchanged; else `None`. Safe to call at
/// every start, by any number of processes.
pub fn bootstrap(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Option<OneTimeToken>, StoreError> {
    take_turn(tx)?;
    if sql::any_operator(tx)? || sql::bootstrap_waits(tx, now)? {
        return Ok(None);
    }
    create_bootstrap(tx, entropy, now).map(Some)
}

/// Burns the one-time token that waits and makes another, for somebody at the command line who lost it; `None` once
/// there is an operator.
pub fn replace_bootstrap(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Option<OneTimeToken>, StoreError> {
    take_turn(tx)?;
    if sql::any_operator(tx)? {
        return Ok(None);
    }
    sql::burn_bootstraps(tx, now)?;
    create_bootstrap(tx, entropy, now).map(Some)
}

/// Exchanges the one-time token for an admin called `name` and burns it. Of several exchanges one succeeds; the others,
/// like every wrong, old or late token, get [`Rejection::Unauthorized`].
pub fn exchange_bootstrap(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    presented: &str,
    name: &str,
    now: Timestamp,
) -> Outcome<FirstAdmin> {
    accepted!(check_operator_name(name));
    let turn = take_turn(tx)?;
    let Some(presented) = Presented::read(Purpose::Bootstrap, presented) else {
        return Ok(Err(Rejection::Unauthorized));
    };
    let stored = sql::bootstrap(tx, presented.id)?;
    let is_genuine = presented.matches(stored.as_ref().map(|stored| stored.digest.as_slice()));
    let is_live = stored.is_some_and(|stored| !stored.is_burnt && now < stored.expires_at);
    if !is_genuine || !is_live || sql::any_operator(tx)? {
        return Ok(Err(Rejection::Unauthorized));
    }
    let operator = Operator {
        id: OperatorId(turn),
        name: name.to_owned(),
        role: Role::Admin,
        desk: None,
        enabled: true,
        created_by: BOOTSTRAP.to_owned(),
        created_at: now,
    };
    sql::insert_operator(tx, &operator)?;
    let order = TokenOrder { operator: name, label: "first token", expires_at: None };
    let (secret, token) = create(tx, entropy, &operator, &order, BOOTSTRAP, now)?;
    sql::burn_bootstrap_for(tx, presented.id, operator.id, now)?;
    let change = Change::BootstrapExchanged {
        bootstrap: presented.id,
        operator: operator.id,
        name: operator.name.clone(),
        token: token.id,
    };
    Ok(Ok(FirstAdmin { secret, operator, change }))
}

fn create_bootstrap(
    tx: &mut Tx<'_>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<OneTimeToken, StoreError> {
    let (secret, digest) = IssuedSecret::draw(Purpose::Bootstrap, entropy);
    let expires_at = now.after_ms(BOOTSTRAP_LIFETIME_MS);
    sql::insert_bootstrap(tx, secret.id(), &digest, now, expires_at)?;
    let change = Change::BootstrapIssued { bootstrap: secret.id(), expires_at_ms: expires_at.ms() };
    Ok(OneTimeToken { secret, expires_at, change })
}
