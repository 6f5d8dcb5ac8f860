//! Moving all secrets to another key-encryption key, in steps: after each, and between any two, every secret opens.

use bursar_access::{Act, By, PLATFORM, Permission, admit, authorize};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::key::KeyId;
use crate::seal::seal;
use crate::sql::rotation::{RotationRow, advance, begin, keys_elsewhere, under_way};
use crate::sql::{self, SecretRow};
use crate::{Change, Done, KekId, KeyError, Keystore, Outcome, Rejection, accepted};

/// A rotation that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Where to.
    pub kek: KekId,
    /// Who began it, as the audit log calls them.
    pub begun_by: String,
    /// When.
    pub begun_at: Timestamp,
    /// Secrets moved so far.
    pub moved: u64,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationStep {
    /// Secrets moved.
    pub moved: u64,
    /// Keys whose secrets do not open, and why; they stay as they are.
    pub stuck: Vec<(KeyId, KeyError)>,
    /// The last key it looked at, to be given to the next step; `None` = there was none left.
    pub last: Option<KeyId>,
}

impl From<RotationRow> for Rotation {
    fn from(row: RotationRow) -> Rotation {
        let RotationRow { kek, begun_by, begun_at, moved, .. } = row;
        Rotation { kek, begun_by, begun_at, moved: u64::try_from(moved).unwrap_or(0) }
    }
}

impl Keystore {
    /// Begins moving all secrets to the ring's current key-encryption key, or finds that this is under way (`None`
    /// beside it), as after a kill: the approval that it took is not asked for again. Takes [`Permission::RotateKey`],
    /// under the policy `keys.rotate`.
    pub fn begin_rotation(&self, tx: &mut Tx<'_>, by: &By<'_>) -> Outcome<(Rotation, Option<Done>)> {
        let ring = self.ring();
        let kek = ring.current_id();
        if let Some(row) = under_way(tx)?.filter(|row| row.kek == *kek) {
            accepted!(authorize(by.actor, Permission::RotateKey, PLATFORM));
            accepted!(by.check_undrafted());
            return Ok(Ok((row.into(), None)));
        }
        let act = Act {
            action: "keys.rotate".into(),
            desk: PLATFORM.into(),
            subject: kek.to_string(),
            payload: String::new(),
            permission: Permission::RotateKey,
        };
        let admission = accepted!(admit(tx, by, &act)?);
        let row = begin(tx, kek, &admission.actor().audit_id(), by.now)?;
        let change = Change::RotationBegun { kek: kek.clone() };
        Ok(Ok((row.into(), Some(Done { change, cleared: admission.spend(tx)? }))))
    }

    /// The rotation that is under way, whoever began it.
    pub fn rotation(&self, tx: &mut Tx<'_>) -> Result<Option<Rotation>, StoreError> {
        Ok(under_way(tx)?.map(Rotation::from))
    }

    /// Moves the secrets of up to `limit` keys after `after`, in the caller's transaction, and ends the rotation when no
    /// secret is sealed with anything else. A secret is opened with the old key and sealed with the new one, and the
    /// result opened again, before its row is replaced whole. To which state it was sealed stays as it was.
    pub fn continue_rotation(
        &self,
        tx: &mut Tx<'_>,
        after: Option<&KeyId>,
        limit: i64,
        now: Timestamp,
    ) -> Outcome<RotationStep> {
        let ring = self.ring();
        let current = ring.current_id();
        let rotation = under_way(tx)?.filter(|row| row.kek == *current);
        let rotation = accepted!(rotation.ok_or(Rejection::NothingToChange));
        let after = after.map_or("", KeyId::as_str);
        let ids = keys_elsewhere(tx, current, after, limit)?;
        let mut step = RotationStep { moved: 0, stuck: Vec::new(), last: ids.last().cloned() };
        // Locked as everybody locks who replaces or opens a secret, so that neither meets the other halfway.
        for row in sql::keys_locked(tx, &ids.iter().collect::<Vec<_>>())? {
            let key = row.key;
            match self.open_to_seal(tx, &key)? {
                // Moved by another process since.
                Ok((_, row, _)) if row.sealed.kek == *current => {}
                Ok((secret, row, is_sealed_retired)) => {
                    let binding = key.binding(row.row, is_sealed_retired);
                    match seal(&ring, &binding, &secret, &*self.entropy) {
                        Ok(sealed) => {
                            sql::update_secret(tx, &SecretRow { sealed, ..row }, now)?;
                            step.moved += 1;
                        }
                        Err(error) => step.stuck.push((key.id, error.into())),
                    }
                }
                Err(error) => step.stuck.push((key.id, error)),
            }
        }
        let is_over = keys_elsewhere(tx, current, "", 1)?.is_empty();
        let moved = i64::try_from(step.moved).unwrap_or(i64::MAX);
        advance(tx, rotation.id, moved, is_over.then_some(now))?;
        Ok(Ok(step))
    }
}
