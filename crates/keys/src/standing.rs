//! Whether a key may sign at all: retiring it for good, stopping it, and resuming it.

use bursar_access::{Act, By, Permission, admit};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::key::{KeyId, Noted, SigningKey};
use crate::seal::seal;
use crate::sql::{self, SecretRow};
use crate::{Change, Done, KeyError, Keystore, Outcome, Rejection, accepted};

/// Longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 200;

impl Keystore {
    /// Retires a key for good: it signs nothing once this has committed, and stays readable and provable. Its secret is
    /// sealed anew to the retired state, so that undoing it by hand leaves a secret that does not open. One that does not
    /// open now stays as it is, which the change says: nothing may keep a key that cannot be used from being retired.
    /// Retiring it again once its key-encryption key is here seals it then, and is refused for what is in the way before.
    /// Takes [`Permission::RotateKey`] on its desk, under the policy `keys.retire`.
    pub fn retire(&self, tx: &mut Tx<'_>, by: &By<'_>, id: &KeyId, reason: &str) -> Outcome<Done> {
        accepted!(check_reason(reason));
        let key = accepted!(find(tx, id)?);
        let admission = accepted!(admit(tx, by, &act("keys.retire", &key, Permission::RotateKey))?);
        // Whoever is about to sign with it has locked the row, or sees it retired.
        let key = accepted!(sql::key_locked(tx, id)?.map(|row| row.key).ok_or(Rejection::KeyUnknown));
        let was_retired = key.retired.is_some();
        let unopened = match self.open_to_seal(tx, &key)? {
            Ok((.., true)) => return Ok(Err(Rejection::NothingToChange.into())),
            Ok((secret, row, false)) => {
                let sealed =
                    accepted!(seal(&self.ring(), &key.binding(row.row, true), &secret, &*self.entropy));
                sql::update_secret(tx, &SecretRow { sealed, ..row }, by.now)?;
                None
            }
            Err(KeyError::Sealed(error)) if !was_retired => Some(error.to_string()),
            // What keeps it from being sealed is all there is to say of one that is retired.
            Err(error) => return Ok(Err(error)),
        };
        let noted = Noted { by: admission.actor().audit_id(), at: by.now, reason: reason.to_owned() };
        if !was_retired {
            sql::retire(tx, id, &noted)?;
        }
        let change = Change::KeyRetired { key: id.clone(), reason: noted.reason, unopened };
        Ok(Ok(Done { change, cleared: admission.spend(tx)? }))
    }

    /// Stops a key: it signs nothing once this has committed, until it is resumed. Nobody's leave is asked, so that
    /// reconciliation can stop a wallet by itself; `by` is who, as the audit log calls them. A key that is stopped or
    /// retired already stays as it is.
    pub fn stop(
        &self,
        tx: &mut Tx<'_>,
        id: &KeyId,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Outcome<Change> {
        accepted!(check_reason(reason));
        let key = accepted!(sql::key_locked(tx, id)?.map(|row| row.key).ok_or(Rejection::KeyUnknown));
        if key.stopped.is_some() || key.retired.is_some() {
            return Ok(Err(Rejection::NothingToChange.into()));
        }
        let noted = Noted { by: by.to_owned(), at: now, reason: reason.to_owned() };
        sql::set_stopped(tx, id, Some(&noted))?;
        Ok(Ok(Change::KeyStopped { key: id.clone(), reason: noted.reason }))
    }

    /// Resumes a stopped key. Takes [`Permission::OperateSwitch`] on its desk, under the policy `keys.resume`.
    pub fn resume(&self, tx: &mut Tx<'_>, by: &By<'_>, id: &KeyId, reason: &str) -> Outcome<Done> {
        accepted!(check_reason(reason));
        let key = accepted!(find(tx, id)?);
        let admission = accepted!(admit(tx, by, &act("keys.resume", &key, Permission::OperateSwitch))?);
        let key = accepted!(sql::key_locked(tx, id)?.map(|row| row.key).ok_or(Rejection::KeyUnknown));
        if key.retired.is_some() {
            return Ok(Err(Rejection::KeyRetired.into()));
        }
        if key.stopped.is_none() {
            return Ok(Err(Rejection::NothingToChange.into()));
        }
        sql::set_stopped(tx, id, None)?;
        let change = Change::KeyResumed { key: id.clone(), reason: reason.to_owned() };
        Ok(Ok(Done { change, cleared: admission.spend(tx)? }))
    }
}

/// The key as it stands, without a lock: its desk, which an admission names, never changes.
pub(crate) fn find(tx: &mut Tx<'_>, id: &KeyId) -> Result<Result<SigningKey, Rejection>, StoreError> {
    let row = sql::keys(tx, &[id])?.into_iter().next();
    Ok(row.map(|row| row.key).ok_or(Rejection::KeyUnknown))
}

fn act(action: &str, key: &SigningKey, permission: Permission) -> Act {
    Act {
        action: action.to_owned(),
        desk: key.desk.clone(),
        subject: key.id.to_string(),
        payload: format!("address={}", key.address),
        permission,
    }
}

fn check_reason(reason: &str) -> Result<(), Rejection> {
    let length = reason.trim().chars().count();
    let fits = (1..=REASON_CHARACTERS_MAX).contains(&length) && !reason.contains('\0');
    fits.then_some(()).ok_or(Rejection::Invalid { field: "reason", rule: "it is 1 to 200 characters" })
}
