//! What the verbs of `bursar keys` call: each in its own transactions, with its audit event in them.

use std::time::{Duration, Instant};

use bursar_access::{Actor, ApprovalId, By, Cleared, Draft, transact_unless_drafting};
use bursar_audit::Recorder;
use bursar_chain::Address;
use bursar_store::{Store, StoreError, Timestamp, Tx};

use crate::change::policy_in_words;
use crate::key::{KekUse, KeyId, Noted};
use crate::{Change, Done, KekId, KeyError, KeyRecord, Keystore, NewKey, Outcome, Policy, Rejection};

/// Keys that one step of a rotation moves.
const ROTATED_AT_ONCE: i64 = 32;

/// How long the log of an embedded database is tried to be emptied, and the pause between two tries.
const WIPE_TIME: Duration = Duration::from_secs(5);
const WIPE_PAUSE: Duration = Duration::from_millis(100);

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// Refused, or a secret does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The verbs, for one person at one store.
#[derive(Clone, Copy)]
pub struct KeyCommands<'a> {
    /// The key store.
    pub keystore: &'a Keystore,
    /// The database.
    pub store: &'a Store,
    /// The audit chain of this process.
    pub recorder: &'a Recorder,
    /// Who acts.
    pub actor: &'a Actor,
    /// The approval they bring.
    pub approval: Option<ApprovalId>,
    /// Where an act is written down instead of being done.
    pub draft: Option<&'a Draft>,
}

/// Answer of `keys list`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyList {
    /// Every key, in the order of names.
    pub keys: Vec<KeyShown>,
    /// What seals the secrets.
    pub keks: Vec<KekUse>,
    /// The rotation that is under way.
    pub rotation: Option<RotationShown>,
}

/// A key as people see it. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyShown {
    /// Name.
    pub id: KeyId,
    /// Desk.
    pub desk: String,
    /// Chain.
    pub chain: String,
    /// What it is for.
    pub purpose: String,
    /// Signature scheme.
    pub scheme: String,
    /// `local`, `remote_bearer` or `remote_hmac`.
    pub holder: &'static str,
    /// Account.
    pub address: String,
    /// Public key, hexadecimal.
    pub public_key: String,
    /// `active`, `stopped` or `retired`.
    pub state: &'static str,
    /// Why it is stopped or retired.
    pub reason: Option<String>,
    /// What it may sign, in words; `None` = nothing.
    pub policy: Option<String>,
    /// Who added it.
    pub created_by: String,
    /// When.
    pub created_at_ms: i64,
}

/// A rotation under way as people see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationShown {
    /// Where to.
    pub kek: KekId,
    /// Who began it.
    pub begun_by: String,
    /// When, Unix milliseconds.
    pub begun_at_ms: i64,
    /// Secrets moved so far.
    pub moved: u64,
}

/// Answer of `keys rotate`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// Where to.
    pub kek: KekId,
    /// Whether it went on with a rotation that had begun before.
    pub is_resumed: bool,
    /// Secrets that this run moved.
    pub moved: u64,
    /// Keys whose secrets do not open, and why. While there are any, the old key-encryption key must stay.
    pub stuck: Vec<(KeyId, String)>,
    /// What seals the secrets now: a key-encryption key that seals none can be taken out of the ring.
    pub keks: Vec<KekUse>,
    /// Whether what was sealed before is gone from the files of an embedded database; `false` = somebody held the log,
    /// and it is there until the next rotation.
    pub is_wiped: bool,
}

/// Answer of `keys verify`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Whether every key is sound.
    pub is_sound: bool,
    /// Each key with the word for what was found.
    pub keys: Vec<(KeyId, &'static str)>,
}

impl KeyCommands<'_> {
    /// Lists keys without their secrets.
    ///
    /// # Errors
    /// [`KeyFault::Store`].
    pub fn list(&self) -> Result<KeyList, KeyFault> {
        Ok(self.store.read("keys.list", |tx| {
            let keys = self.keystore.keys(tx)?.into_iter().map(shown).collect();
            let rotation = self.keystore.rotation(tx)?.map(|rotation| RotationShown {
                kek: rotation.kek,
                begun_by: rotation.begun_by,
                begun_at_ms: rotation.begun_at.ms(),
                moved: rotation.moved,
            });
            Ok(KeyList { keys, keks: self.keystore.kek_uses(tx)?, rotation })
        })?)
    }

    /// Adds a key and shows it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn add(&self, new: &NewKey) -> Result<KeyShown, KeyFault> {
        self.change("keys.add", |tx, by| self.keystore.add(tx, by, new))?;
        self.show(&new.id)
    }

    /// Retires a key for good and shows it, with why its secret stays sealed as it was if it did not open.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn retire(&self, id: &KeyId, reason: &str) -> Result<(KeyShown, Option<String>), KeyFault> {
        let done = self.change("keys.retire", |tx, by| self.keystore.retire(tx, by, id, reason))?;
        let unopened = match done.change {
            Change::KeyRetired { unopened, .. } => unopened,
            _ => None,
        };
        Ok((self.show(id)?, unopened))
    }

    /// Stops a key and shows it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn stop(&self, id: &KeyId, reason: &str) -> Result<KeyShown, KeyFault> {
        self.change("keys.stop", |tx, by| {
            let stopped = self.keystore.stop(tx, id, &by.actor.audit_id(), reason, by.now)?;
            let cleared = Cleared { actor: by.actor.clone(), approval: None, approvers: Vec::new() };
            Ok(stopped.map(|change| Done { change, cleared }))
        })?;
        self.show(id)
    }

    /// Resumes a stopped key and shows it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn resume(&self, id: &KeyId, reason: &str) -> Result<KeyShown, KeyFault> {
        self.change("keys.resume", |tx, by| self.keystore.resume(tx, by, id, reason))?;
        self.show(id)
    }

    /// Sets what a key may sign and shows it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn set_policy(&self, id: &KeyId, policy: &Policy) -> Result<KeyShown, KeyFault> {
        self.change("keys.set_policy", |tx, by| self.keystore.set_policy(tx, by, id, policy))?;
        self.show(id)
    }

    /// Puts a destination on a key's list or takes it off.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn list_destination(&self, id: &KeyId, to: &Address, is_listed: bool) -> Result<KeyShown, KeyFault> {
        self.change("keys.destination", |tx, by| self.keystore.list_destination(tx, by, id, to, is_listed))?;
        self.show(id)
    }

    /// Moves every secret to the ring's current key-encryption key, going on where an earlier run was cut off.
    ///
    /// # Errors
    /// [`KeyFault`]; what was moved stays moved, and every secret opens.
    pub fn rotate(&self) -> Result<Rotated, KeyFault> {
        let (rotation, done) = self.transact("keys.rotate_begin", |tx| {
            let by = self.by(tx)?;
            let begun = self.keystore.begin_rotation(tx, &by)?;
            if let Ok((_, Some(done))) = &begun {
                self.record(tx, done, by.now)?;
            }
            Ok(begun)
        })??;
        let (mut moved, mut stuck, mut after) = (0, Vec::new(), None);
        loop {
            let step = self.store.transact("keys.rotate", |tx| {
                let now = tx.reading()?;
                self.keystore.continue_rotation(tx, after.as_ref(), ROTATED_AT_ONCE, now)
            })?;
            let step = match step {
                // Another process moved the last one and ended it.
                Err(KeyError::Rejected(Rejection::NothingToChange)) => break,
                step => step?,
            };
            moved += step.moved;
            stuck.extend(step.stuck.into_iter().map(|(key, error)| (key, error.to_string())));
            if step.last.is_none() {
                break;
            }
            after = step.last;
        }
        let keks = self.store.read("keys.uses", |tx| self.keystore.kek_uses(tx))?;
        let is_wiped = self.wipe_former()?;
        Ok(Rotated { kek: rotation.kek, is_resumed: done.is_none(), moved, stuck, keks, is_wiped })
    }

    /// Makes sure that what was sealed anew stands nowhere in an embedded database as it was sealed before; its log keeps
    /// former pages. Waits 5 s for others who use the log, and keeps nobody from writing meanwhile; `false` = they did not
    /// let go of it.
    ///
    /// # Errors
    /// [`KeyFault::Store`].
    pub fn wipe_former(&self) -> Result<bool, KeyFault> {
        let begun = Instant::now();
        loop {
            if self.store.empty_log()? {
                return Ok(true);
            }
            if begun.elapsed() >= WIPE_TIME {
                return Ok(false);
            }
            std::thread::sleep(WIPE_PAUSE);
        }
    }

    /// Opens every secret and compares what follows from it with what is recorded.
    ///
    /// # Errors
    /// [`KeyFault::Store`]; what is wrong with a key is in the answer.
    pub fn verify(&self) -> Result<Verified, KeyFault> {
        let checks = self.store.read("keys.verify", |tx| self.keystore.verify(tx))?;
        let is_sound = checks.iter().all(|check| check.finding.is_sound());
        let keys = checks.into_iter().map(|check| (check.key, check.finding.code())).collect();
        Ok(Verified { is_sound, keys })
    }

    fn show(&self, id: &KeyId) -> Result<KeyShown, KeyFault> {
        let record = self.store.read("keys.show", |tx| self.keystore.key(tx, id))?;
        Ok(shown(record.ok_or(KeyError::Rejected(Rejection::KeyUnknown))?))
    }

    /// Makes a change and records it in the same transaction.
    fn change(
        &self,
        unit: &'static str,
        mut make: impl FnMut(&mut Tx<'_>, &By<'_>) -> Outcome<Done>,
    ) -> Result<Done, KeyFault> {
        let made = self.transact(unit, |tx| {
            let by = self.by(tx)?;
            let made = make(tx, &by)?;
            if let Ok(done) = &made {
                self.record(tx, done, by.now)?;
            }
            Ok(made)
        })?;
        Ok(made?)
    }

    fn transact<T>(
        &self,
        unit: &'static str,
        work: impl FnMut(&mut Tx<'_>) -> Outcome<T>,
    ) -> Result<Result<T, KeyError>, StoreError> {
        transact_unless_drafting(self.store, unit, self.draft, work)
    }

    fn by(&self, tx: &mut Tx<'_>) -> Result<By<'_>, StoreError> {
        let by = By::new(self.actor, tx.reading()?).drafting(self.draft);
        Ok(By { approval: self.approval, ..by })
    }

    fn record(&self, tx: &mut Tx<'_>, done: &Done, now: Timestamp) -> Result<(), StoreError> {
        self.recorder.record(tx, &[done.audit_event()], now).map(|_| ())
    }
}

fn shown(record: KeyRecord) -> KeyShown {
    let KeyRecord { key, policy } = record;
    let (state, noted): (_, Option<Noted>) = match (key.retired, key.stopped) {
        (Some(retired), _) => ("retired", Some(retired)),
        (None, Some(stopped)) => ("stopped", Some(stopped)),
        (None, None) => ("active", None),
    };
    KeyShown {
        id: key.id,
        desk: key.desk,
        chain: key.chain,
        purpose: key.purpose,
        scheme: key.scheme,
        holder: key.holder.name(),
        address: key.address.to_string(),
        public_key: key.public_key.to_string(),
        state,
        reason: noted.map(|noted| noted.reason),
        policy: policy.as_ref().map(policy_in_words),
        created_by: key.created_by,
        created_at_ms: key.created_at.ms(),
    }
}
