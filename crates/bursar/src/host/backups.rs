//! Backups of this host: what the server's jobs and the command line do in the same way, and what is noted of it.

use std::path::Path;

use bursar_audit::{Actor, Event, Level, Recorder, Target as Subject};
use bursar_ops::backup::{
    self, BackupError, BackupKey, BackupName, CreateRequest, Created, DeskCheck, Folder, Lock, ObjectStore,
    Program, Target, Verified, VerifyRequest, Work, note_failure, note_success, proven_backups,
};
use bursar_store::{DatabaseUrl, EngineKind, Store, StoreError, Timestamp};
use serde_json::{Value, json};

use super::Desks;
use crate::config::Configuration;

/// What each desk checks of a restored database: a sixth desk is one more line here.
const CHECKS: [DeskCheck; 1] = [DeskCheck { desk: "rounds", check: bursar_rounds::proof::check }];

/// Proofs that are looked through for the newest backup that was proven.
const PROOFS_MAX: i64 = 1_000;

/// The backups that the configuration names.
pub(crate) struct Backups {
    target: Box<dyn Target>,
    key: Option<BackupKey>,
    desks: Desks,
}

impl Backups {
    /// Those in `folder`, else in the configured bucket, else in the configured folder; reads the key.
    pub fn new(configuration: &Configuration, folder: Option<&Path>) -> Result<Backups, BackupError> {
        let key = configuration.value("BACKUP_KEY_FILE").filter(|path| !path.is_empty());
        let key = key.map(|path| BackupKey::from_file(Path::new(path))).transpose()?;
        let configured = &configuration.backup;
        let secret = configuration.values.secret("BACKUP_S3_SECRET_ACCESS_KEY");
        let bucket = configured.bucket.as_ref().zip(secret).filter(|_| folder.is_none());
        let target: Box<dyn Target> = match bucket {
            Some((bucket, secret)) => {
                Box::new(ObjectStore::new(&bucket.with_secret(secret.clone()), key.is_some())?)
            }
            None => Box::new(Folder::new(folder.unwrap_or(&configured.folder))),
        };
        Ok(Backups { target, key, desks: Desks::new(configuration) })
    }

    /// Where they are.
    pub fn target(&self) -> &dyn Target {
        &*self.target
    }

    /// What opens them.
    pub fn lock(&self, accepts_unencrypted: bool) -> Lock<'_> {
        Lock { key: self.key.as_ref(), accepts_unencrypted }
    }

    /// Does something as this program.
    pub fn with_program<T>(&self, work: impl FnOnce(&Program<'_>) -> T) -> T {
        let migrations = |engine: EngineKind| self.desks.migrations(engine);
        work(&Program { version: env!("CARGO_PKG_VERSION"), migrations: &migrations, checks: &CHECKS })
    }

    /// The newest backup.
    pub fn newest(&self) -> Result<BackupName, BackupError> {
        let newest = self.target.names()?.pop();
        newest.ok_or_else(|| BackupError::NoneFound(self.target.place()))
    }

    /// Makes one of `database`.
    pub fn create(
        &self,
        database: &DatabaseUrl,
        now: Timestamp,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Created, BackupError> {
        self.with_program(|program| {
            backup::create(&CreateRequest {
                program,
                database,
                target: self.target(),
                key: self.key.as_ref(),
                now,
                is_wanted,
            })
        })
    }

    /// Restores one into a scratch database and checks it there.
    pub fn verify(
        &self,
        name: &BackupName,
        accepts_unencrypted: bool,
        scratch: Option<&Path>,
    ) -> Result<Verified, BackupError> {
        let lock = self.lock(accepts_unencrypted);
        self.with_program(|program| {
            backup::verify(&VerifyRequest { program, target: self.target(), name, lock, scratch })
        })
    }

    /// Bytes of all files of a backup.
    pub fn bytes(&self, name: &BackupName) -> Result<u64, BackupError> {
        Ok(self.target.files(name)?.iter().map(|file| file.bytes).sum())
    }
}

/// Notes what came of backups, in their rows and in the audit log.
pub(crate) struct Chronicle<'a> {
    /// The database.
    pub store: &'a Store,
    /// A chain of its own.
    pub recorder: &'a Recorder,
    /// Who is at work.
    pub actor: Actor,
}

impl Chronicle<'_> {
    /// A backup was made.
    pub fn created(&self, created: &Created, bytes: u64) -> Result<(), StoreError> {
        let payload = json!({
            "manifest": created.manifest_hash, "bytes": bytes, "rows": created.manifest.rows(),
            "tookMs": created.took_ms,
        });
        self.success(Work::Create, "backup.created", created.name.as_str(), bytes, created.took_ms, &payload)
    }

    /// A backup was proven to restore.
    pub fn proven(&self, name: &BackupName, bytes: u64, took_ms: i64) -> Result<(), StoreError> {
        let payload = json!({"tookMs": took_ms});
        self.success(Work::Verify, "backup.proven", name.as_str(), bytes, took_ms, &payload)
    }

    /// These backups are about to be removed. Told before: what is gone leaves no other trace.
    pub fn pruned(&self, names: &[BackupName], reason: &str, place: &str) -> Result<(), StoreError> {
        let names: Vec<&str> = names.iter().map(BackupName::as_str).collect();
        let newest = names.last().copied().unwrap_or_default();
        let payload = json!({"removed": names, "reason": reason, "place": place});
        let event = self.event(Level::Warn, "backup.pruned", newest, &payload);
        self.store.transact("backup.note", |tx| {
            let now = tx.reading()?;
            self.recorder.record(tx, std::slice::from_ref(&event), now)
        })?;
        Ok(())
    }

    /// The newest of `names` (oldest first) that was proven to restore, as far as the database remembers.
    pub fn newest_proven(&self, names: &[BackupName]) -> Result<Option<BackupName>, StoreError> {
        let proven = self.store.read("backup.proofs", |tx| proven_backups(tx, PROOFS_MAX))?;
        let is_proven = |name: &&BackupName| proven.iter().any(|proven| proven == name.as_str());
        Ok(names.iter().rev().find(is_proven).cloned())
    }

    /// It failed.
    pub fn failed(&self, work: Work, name: Option<&BackupName>, why: &str) -> Result<(), StoreError> {
        let event = match work {
            Work::Create => "backup.create_failed",
            Work::Verify => "backup.verify_failed",
        };
        let backup = name.map_or("", BackupName::as_str);
        self.store.transact("backup.note", |tx| {
            let now = tx.reading()?;
            note_failure(tx, work, why, now)?;
            self.recorder.record(tx, &[self.event(Level::Error, event, backup, &json!({"why": why}))], now)
        })?;
        Ok(())
    }

    fn success(
        &self,
        work: Work,
        event: &'static str,
        backup: &str,
        bytes: u64,
        took_ms: i64,
        payload: &Value,
    ) -> Result<(), StoreError> {
        self.store.transact("backup.note", |tx| {
            let now = tx.reading()?;
            note_success(tx, work, backup, bytes, took_ms, now)?;
            self.recorder.record(tx, &[self.event(Level::Info, event, backup, payload)], now)
        })?;
        Ok(())
    }

    fn event(&self, level: Level, name: &'static str, backup: &str, payload: &Value) -> Event {
        Event {
            level,
            desk: "platform",
            name,
            actor: self.actor.clone(),
            target: Subject { kind: "backup", id: backup.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bursar_audit::SaltKey;
    use bursar_test_stores::for_each_engine;

    use super::*;

    #[test]
    fn the_newest_proven_backup_is_known_without_a_look_at_the_audit_log() {
        for_each_engine(&bursar_ops::MIGRATIONS, |test| {
            let (store, recorder) = (test.store(), Recorder::new("test", SaltKey::new([1; 32])));
            let chronicle =
                Chronicle { store: &store, recorder: &recorder, actor: Actor::system("platform.backup") };
            let names: Vec<BackupName> =
                (1..=3).map(|hour| BackupName::new(Timestamp::from_ms(hour * 3_600_000)).unwrap()).collect();
            assert_eq!(chronicle.newest_proven(&names).unwrap(), None);
            for name in [&names[1], &names[0]] {
                let note = |tx: &mut bursar_store::Tx<'_>| {
                    let now = tx.reading()?;
                    note_success(tx, Work::Verify, name.as_str(), 1, 1, now)
                };
                store.transact("test.note", note).unwrap();
            }
            assert_eq!(chronicle.newest_proven(&names).unwrap().as_ref(), Some(&names[1]));
            assert_eq!(chronicle.newest_proven(&names[2..]).unwrap(), None, "those are elsewhere");
        });
    }
}
