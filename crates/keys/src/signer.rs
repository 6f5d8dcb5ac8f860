//! Signers: had for one authorisation, good for one message, and for nothing while a stop is on.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bursar_chain::{Address, SignError, Signer};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use parking_lot::Mutex;

use crate::key::{Holder, SigningKey};
use crate::policy::Authorization;
use crate::remote::RemoteSigner;
use crate::scheme::KeyScheme;
use crate::stops::Reading;
use crate::{KeySecret, Keystore, Outcome, Rejection, accepted, sql};

/// Signs the one message that an authorisation is for. The secret is open while this lives, and wiped when it goes.
pub struct AuthorizedSigner<'t> {
    authorization: Authorization,
    key: SigningKey,
    scheme: Arc<dyn KeyScheme>,
    hand: Hand,
    /// Hash of the message that was signed, or is being.
    message: Mutex<Option<blake3::Hash>>,
    /// Keeps a signer of a transaction from leaving it.
    transaction: PhantomData<&'t mut ()>,
}

enum Hand {
    Local(KeySecret),
    Remote(RemoteSigner),
}

impl Keystore {
    /// A signer within the transaction that recorded `authorization`. It cannot outlive that transaction's use: sign,
    /// drop it, and store the attempt. For keys held here; a remote signer is not called while locks are held.
    ///
    /// ```
    /// # use bursar_keys::{Authorization, AuthorizedSigner, Keystore, Outcome};
    /// # use bursar_store::{Timestamp, Tx};
    /// fn stay<'t>(keys: &Keystore, tx: &'t mut Tx<'_>, leave: Authorization, now: Timestamp) -> Outcome<AuthorizedSigner<'t>> {
    ///     keys.signer(tx, leave, now)
    /// }
    /// ```
    /// ```compile_fail
    /// # use bursar_keys::{Authorization, AuthorizedSigner, Keystore, Outcome};
    /// # use bursar_store::{Timestamp, Tx};
    /// fn leave(keys: &Keystore, tx: &mut Tx<'_>, leave: Authorization, now: Timestamp) -> Outcome<AuthorizedSigner<'static>> {
    ///     keys.signer(tx, leave, now)
    /// }
    /// ```
    pub fn signer<'t>(
        &self,
        tx: &'t mut Tx<'_>,
        authorization: Authorization,
        now: Timestamp,
    ) -> Outcome<AuthorizedSigner<'t>> {
        if tx.batch() != authorization.batch() {
            return Ok(Err(Rejection::NotAuthorized.into()));
        }
        let key = accepted!(self.check(tx, &authorization, now, Reading::Locked)?);
        if key.holder != Holder::Local {
            return Ok(Err(Rejection::CommitFirst.into()));
        }
        self.arm(tx, authorization, key)
    }

    /// A signer for an authorisation whose transaction has committed, which is looked up. For every key. A stop that
    /// commits after this does not call it back: authorise again in the transaction that stores the attempt.
    pub fn signer_after_commit(
        &self,
        store: &Store,
        authorization: Authorization,
    ) -> Outcome<AuthorizedSigner<'static>> {
        store.read("keys.signer", |tx| {
            let now = tx.reading()?;
            let key = accepted!(self.check(tx, &authorization, now, Reading::Peeked)?);
            self.arm(tx, authorization, key)
        })
    }

    /// The key, when the authorisation stands in the records as it is here, has not run out, and nothing is stopped.
    fn check(
        &self,
        tx: &mut Tx<'_>,
        authorization: &Authorization,
        now: Timestamp,
        reading: Reading,
    ) -> Result<Result<SigningKey, Rejection>, StoreError> {
        let recorded = sql::limits::authorizations(tx, &[authorization.intent()])?;
        let is_recorded = recorded.first().is_some_and(|(_, known, batch)| {
            let is_same = known.key == *authorization.key() && known.work == *authorization.work();
            is_same && *batch == authorization.batch()
        });
        if !is_recorded {
            return Ok(Err(Rejection::NotAuthorized));
        }
        if now > authorization.expires_at() {
            return Ok(Err(Rejection::AuthorizationExpired));
        }
        let row = sql::keys(tx, &[authorization.key()])?.into_iter().next();
        let Some(key) = row.map(|row| row.key) else { return Ok(Err(Rejection::KeyUnknown)) };
        if let Err(rejection) = key.check_standing() {
            return Ok(Err(rejection));
        }
        let stopped = self.stops.stopped(tx, &key.desk, now, reading)?;
        Ok(stopped.map_or(Ok(key), Err))
    }

    fn arm<'t>(
        &self,
        tx: &mut Tx<'_>,
        authorization: Authorization,
        key: SigningKey,
    ) -> Outcome<AuthorizedSigner<'t>> {
        let scheme = Arc::clone(accepted!(self.scheme(&key.scheme)));
        let (secret, _) = accepted!(self.open(tx, &key)?);
        let hand = match &key.holder {
            Holder::Local => Hand::Local(secret),
            Holder::Remote { endpoint, credential } => {
                Hand::Remote(RemoteSigner::new(endpoint.clone(), *credential, secret, self.remote_time))
            }
        };
        let (message, transaction) = (Mutex::new(None), PhantomData);
        Ok(Ok(AuthorizedSigner { authorization, key, scheme, hand, message, transaction }))
    }
}

impl AuthorizedSigner<'_> {
    /// What may be signed: build the transaction from this and nothing else.
    pub fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    fn claim(&self, message: &[u8]) -> Result<(), SignError> {
        let hash = blake3::hash(message);
        if *self.message.lock().get_or_insert(hash) == hash {
            return Ok(());
        }
        Err(SignError::Refused("an authorisation is for one message, and another was signed".to_owned()))
    }
}

impl Signer for AuthorizedSigner<'_> {
    fn address(&self) -> &Address {
        &self.key.address
    }

    /// Every signature is verified under the recorded public key before anybody sees it.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.claim(message)?;
        let signature = match &self.hand {
            Hand::Local(secret) => self.scheme.sign(secret, message).ok_or(SignError::OtherAccount)?,
            Hand::Remote(signer) => {
                signer.sign(&self.key, self.authorization.intent(), self.authorization.work(), message)?
            }
        };
        let is_good = self.scheme.verifies(&self.key.public_key, message, &signature);
        is_good.then_some(signature).ok_or(SignError::BadSignature)
    }
}

impl fmt::Debug for AuthorizedSigner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizedSigner").field("authorization", &self.authorization).finish_non_exhaustive()
    }
}
