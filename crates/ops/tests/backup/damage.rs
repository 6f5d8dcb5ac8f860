//! Every kind of damage is found, by verifying and by restoring, before anything is restored.

use std::fs;
use std::path::Path;

use bursar_ops::backup::{BackupError, BackupName, Lock, MANIFEST, SEAL, Target};
use bursar_store::EngineKind;

use crate::town::{ENGINES, Empty, Town};

/// Damages a fresh backup and says what verifying it finds; restoring it must be refused for the same.
fn found(kind: EngineKind, encrypted: bool, damage: impl Fn(&Town, &BackupName)) -> Vec<&'static str> {
    let town = if encrypted { Town::with_key(kind, '7') } else { Town::on(kind) };
    let name = town.back_up().name;
    assert_eq!(town.findings(&name), [""; 0], "good before");
    damage(&town, &name);
    let found = town.findings(&name);
    let empty = Empty::on(EngineKind::Sqlite);
    match town.try_restore(&name, town.lock(), &empty.url) {
        Err(BackupError::Damaged { findings, .. }) => {
            assert_eq!(findings.iter().map(bursar_ops::backup::Finding::code).collect::<Vec<_>>(), found);
        }
        other => panic!("{other:?}"),
    }
    let bursar_store::DatabaseUrl::Sqlite(path) = &empty.url else { panic!() };
    assert!(!path.exists(), "nothing was restored");
    found
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// The part of the transfers.
fn part(town: &Town, name: &BackupName) -> std::path::PathBuf {
    let sealed = town.file(name, "ledger_transfer.rows.sealed");
    if sealed.exists() { sealed } else { town.file(name, "ledger_transfer.rows") }
}

#[test]
fn an_emptied_a_cut_a_flipped_and_a_missing_part_are_found() {
    for (kind, encrypted) in
        [(EngineKind::Sqlite, false), (EngineKind::Postgres, false), (EngineKind::Sqlite, true)]
    {
        let found = |damage: &dyn Fn(&Path)| found(kind, encrypted, |town, name| damage(&part(town, name)));
        assert_eq!(found(&|part| fs::write(part, "").unwrap()), ["part_empty"]);
        assert_eq!(found(&|part| edit(part, |bytes| bytes.truncate(bytes.len() - 1))), ["part_truncated"]);
        assert_eq!(found(&|part| edit(part, |bytes| bytes[100] ^= 1)), ["part_altered"]);
        assert_eq!(found(&|part| fs::remove_file(part).unwrap()), ["part_missing"]);
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let town = Town::on(EngineKind::Sqlite);
    let name = town.back_up().name;
    let files = town.target().files(&name).unwrap();
    for file in files.iter().filter(|file| file.bytes > 0) {
        let path = town.file(&name, &file.name);
        let good = fs::read(&path).unwrap();
        for place in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 0x40;
            fs::write(&path, bad).unwrap();
            let found = town.findings(&name);
            let expected =
                if [MANIFEST, SEAL].contains(&&*file.name) { "manifest_edited" } else { "part_altered" };
            assert_eq!(found, [expected], "{} at {place}", file.name);
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(town.findings(&name), [""; 0]);
}

#[test]
fn a_file_that_the_manifest_does_not_name_is_found() {
    let found = found(EngineKind::Sqlite, false, |town, name| {
        fs::write(town.file(name, "extra.rows"), "rows").unwrap();
    });
    assert_eq!(found, ["part_unexpected"]);
}

#[test]
fn a_missing_manifest_or_seal_is_found_and_the_backup_is_still_listed() {
    for file in [MANIFEST, SEAL] {
        let found = found(EngineKind::Sqlite, false, |town, name| {
            fs::remove_file(town.file(name, file)).unwrap();
            assert_eq!(town.target().names().unwrap(), std::slice::from_ref(name));
        });
        assert_eq!(found, ["manifest_missing"], "{file}");
    }
}

#[test]
fn an_edited_manifest_is_found() {
    for kind in ENGINES {
        let found = found(kind, false, |town, name| {
            let path = town.file(name, MANIFEST);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("\"12345\"", "\"12346\"")).unwrap();
        });
        assert_eq!(found, ["manifest_edited"]);
    }
}

/// Edits the manifest and seals it again as anybody can who has no key.
fn reseal(town: &Town, name: &BackupName, change: impl FnOnce(String) -> String) {
    let path = town.file(name, MANIFEST);
    let text = change(fs::read_to_string(&path).unwrap());
    let seal = format!("bursar-backup-seal-1\nblake3 {}\n", blake3::hash(text.as_bytes()).to_hex());
    fs::write(path, text).unwrap();
    fs::write(town.file(name, SEAL), seal).unwrap();
}

#[test]
fn a_manifest_that_was_sealed_again_does_not_fit_what_is_restored() {
    let changed = |from: &'static str, to: &'static str| {
        found(EngineKind::Sqlite, false, |town, name| {
            reseal(town, name, |text| {
                assert!(text.contains(from), "{from} in {text}");
                text.replacen(from, to, 1)
            });
        })
    };
    assert_eq!(changed("\"debits\": \"12345\"", "\"debits\": \"12346\""), ["totals_differ"]);
    assert_eq!(changed("\"rows\": 1201", "\"rows\": 1202"), ["table_differs"]);
}

#[test]
fn with_a_key_nobody_without_it_can_seal_a_manifest_again() {
    let found = found(EngineKind::Sqlite, true, |town, name| {
        reseal(town, name, |text| text.replacen("12345", "12346", 1))
    });
    assert_eq!(found, ["manifest_edited"]);
}

#[test]
fn a_backup_under_another_name_is_found() {
    let town = Town::on(EngineKind::Sqlite);
    let name = town.back_up().name;
    let other: BackupName = "bursar-2026-01-01T02-00-00-000Z-1a2b3c4d".parse().unwrap();
    fs::rename(town.folder.path().join(name.as_str()), town.folder.path().join(other.as_str())).unwrap();
    assert_eq!(town.findings(&other), ["manifest_unreadable"]);
    let gone = town.try_verify(&name, Lock::default());
    assert_eq!(gone.unwrap_err().code(), "backup_not_found");
}

#[test]
fn a_backup_of_a_newer_program_is_refused_with_the_step_that_is_missing() {
    let town = Town::on(EngineKind::Sqlite);
    let name = town.back_up().name;
    reseal(&town, &name, |text| text.replacen("\"ops/0001_backup\"", "\"ops/0002_later\"", 1));
    let refused = town.try_verify(&name, town.lock()).unwrap_err();
    assert_eq!(refused.code(), "backup_schema");
    assert!(refused.to_string().contains("ops/0002_later is of a newer version"), "{refused}");
}
