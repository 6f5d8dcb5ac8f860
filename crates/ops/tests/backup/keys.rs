//! Encrypted backups open with their key and with no other.

use std::fs;

use bursar_ops::backup::{BackupError, KeyError, Lock, Target};
use bursar_store::EngineKind;

use crate::town::{Empty, Town, key};

#[test]
fn an_encrypted_backup_restores_with_its_key_and_shows_nothing_without_it() {
    let (town, empty) = (Town::with_key(EngineKind::Sqlite, '1'), Empty::on(EngineKind::Sqlite));
    town.record("secret", "only-in-the-clear-7431");
    let name = town.back_up().name;
    assert_eq!(town.findings(&name), [""; 0]);
    for file in town.target().files(&name).unwrap() {
        let bytes = fs::read(town.file(&name, &file.name)).unwrap();
        let shows = bytes.windows(22).any(|window| window == b"only-in-the-clear-7431");
        assert!(!shows, "{}", file.name);
    }
    town.try_restore(&name, town.lock(), &empty.url).unwrap();
}

#[test]
fn another_key_or_none_does_not_open_it() {
    let (town, wrong) = (Town::with_key(EngineKind::Sqlite, '1'), key('2'));
    let name = town.back_up().name;
    let refused = |lock| match town.try_verify(&name, lock) {
        Err(BackupError::Key(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(Lock { key: Some(&wrong), accepts_unencrypted: true }), KeyError::Wrong));
    assert!(matches!(refused(Lock::default()), KeyError::Missing));
    let empty = Empty::on(EngineKind::Sqlite);
    let lock = Lock { key: Some(&wrong), accepts_unencrypted: false };
    assert_eq!(town.try_restore(&name, lock, &empty.url).unwrap_err().code(), "backup_key_wrong");
}

#[test]
fn parts_cannot_change_places_between_backups() {
    let town = Town::with_key(EngineKind::Sqlite, '1');
    let [first, second] = [town.back_up().name, town.back_up().name];
    // The same rows under the same key; only the name that they are bound to differs.
    let part = "ledger_kind.rows.sealed";
    fs::copy(town.file(&first, part), town.file(&second, part)).unwrap();
    assert_eq!(town.findings(&second), ["part_altered"]);
}

#[test]
fn a_backup_without_encryption_is_taken_only_where_somebody_says_so_or_has_no_key() {
    let town = Town::on(EngineKind::Sqlite);
    let (name, key) = (town.back_up().name, key('1'));
    let lock = |accepts_unencrypted| Lock { key: Some(&key), accepts_unencrypted };
    let refused = town.try_verify(&name, lock(false)).unwrap_err();
    assert_eq!(refused.code(), "backup_unencrypted");
    assert!(refused.to_string().contains("--accept-unencrypted"), "{refused}");
    assert!(town.try_verify(&name, lock(true)).unwrap().findings.is_empty());
    assert!(town.try_verify(&name, Lock::default()).unwrap().findings.is_empty());
}
