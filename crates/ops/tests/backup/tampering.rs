//! Whatever byte of a backup is changed, verifying finds it: in parts, manifest and seal, with a key and without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bursar_ops::backup::{BackupError, BackupName, MANIFEST, SEAL, Target};
use bursar_store::EngineKind;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::town::Town;

/// One backup, and a copy of it to go back to.
struct Victim {
    town: Town,
    name: BackupName,
    good: Vec<(PathBuf, Vec<u8>)>,
}

impl Victim {
    fn of(town: Town) -> Victim {
        let name = town.back_up().name;
        let files = town.target().files(&name).unwrap();
        let read = |file: &bursar_ops::backup::StoredFile| {
            let path = town.file(&name, &file.name);
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        };
        let good = files.iter().map(read).collect();
        Victim { town, name, good }
    }

    fn both() -> [Victim; 2] {
        [Victim::of(Town::on(EngineKind::Sqlite)), Victim::of(Town::with_key(EngineKind::Sqlite, '7'))]
    }

    /// What verifying finds while `bytes` stand in place of the file `index`; afterwards all is as before.
    fn findings_with(&self, index: usize, bytes: &[u8]) -> Vec<&'static str> {
        let (path, good) = &self.good[index];
        fs::write(path, bytes).unwrap();
        let verified = self.town.try_verify(&self.name, self.town.lock());
        fs::write(path, good).unwrap();
        let findings = verified.expect("damage is an answer, not an error").findings;
        findings.iter().map(bursar_ops::backup::Finding::code).collect()
    }

    fn is_part(path: &Path) -> bool {
        path.file_name().is_some_and(|file| file != MANIFEST && file != SEAL)
    }
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&strategy, test).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_flipped_bit_of_any_byte_of_any_file_is_found() {
    for victim in Victim::both() {
        let places = (any::<Index>(), any::<Index>(), 0_u32..8);
        run(400, places, |(file, byte, bit)| {
            let index = file.index(victim.good.len());
            let (path, good) = &victim.good[index];
            prop_assume!(!good.is_empty());
            let mut bad = good.clone();
            bad[byte.index(good.len())] ^= 1 << bit;
            let expected = if Victim::is_part(path) { "part_altered" } else { "manifest_edited" };
            prop_assert_eq!(victim.findings_with(index, &bad), [expected], "{:?}", path);
            Ok(())
        });
    }
}

#[test]
fn every_bit_of_the_seal_counts() {
    for victim in Victim::both() {
        let index = victim.good.iter().position(|(path, _)| path.ends_with(SEAL)).unwrap();
        let seal = &victim.good[index].1;
        for place in 0..seal.len() * 8 {
            let mut bad = seal.clone();
            bad[place / 8] ^= 1 << (place % 8);
            assert_eq!(victim.findings_with(index, &bad), ["manifest_edited"], "bit {place}");
        }
        let longer = [&seal[..], b"\n"].concat();
        assert_eq!(victim.findings_with(index, &longer), ["manifest_edited"]);
        assert_eq!(victim.findings_with(index, &vec![b'x'; 2_000]), ["manifest_unreadable"]);
    }
}

#[test]
fn a_cut_or_a_lengthened_file_is_found() {
    for victim in Victim::both() {
        run(100, (any::<Index>(), any::<Index>(), 0_usize..100), |(file, cut, more)| {
            let index = file.index(victim.good.len());
            let (path, good) = &victim.good[index];
            let changed = match more {
                0 => good[..cut.index(good.len().max(1))].to_vec(),
                more => [&good[..], &vec![0; more]].concat(),
            };
            prop_assume!(changed != *good);
            prop_assert!(!victim.findings_with(index, &changed).is_empty(), "{:?}", path);
            Ok(())
        });
    }
}

#[test]
fn swapped_parts_and_parts_of_another_backup_are_found() {
    for victim in Victim::both() {
        let other = victim.town.back_up().name;
        let part = |name: &BackupName, table: &str| {
            let mut files = victim.good.iter().map(|(path, _)| path.file_name().unwrap());
            let file = files.find(|file| file.to_str().unwrap().starts_with(table)).unwrap();
            victim.town.folder.path().join(name.as_str()).join(file)
        };
        let (accounts, transfers) =
            (part(&victim.name, "ledger_account."), part(&victim.name, "ledger_transfer."));
        let aside = victim.town.folder.path().join("aside");
        fs::rename(&accounts, &aside).unwrap();
        fs::rename(&transfers, &accounts).unwrap();
        fs::rename(&aside, &transfers).unwrap();
        assert_eq!(victim.town.findings(&victim.name), ["part_truncated", "part_truncated"]);
        if victim.town.key.is_some() {
            // Without a key the same rows make the same bytes, and nothing is wrong with them.
            let mine = fs::read(part(&other, "ledger_transfer.")).unwrap();
            fs::write(part(&other, "ledger_transfer."), fs::read(&accounts).unwrap()).unwrap();
            assert_eq!(victim.town.findings(&other), ["part_altered"]);
            fs::write(part(&other, "ledger_transfer."), mine).unwrap();
            assert_eq!(victim.town.findings(&other), [""; 0]);
        }
    }
}

#[test]
fn the_manifest_of_another_backup_is_found_even_with_its_own_seal() {
    for victim in Victim::both() {
        victim.town.record("one", "more");
        let other = victim.town.back_up().name;
        for file in [MANIFEST, SEAL] {
            fs::copy(victim.town.file(&other, file), victim.town.file(&victim.name, file)).unwrap();
        }
        assert_eq!(victim.town.findings(&victim.name), ["manifest_unreadable"]);
        assert_eq!(victim.town.findings(&other), [""; 0]);
    }
}

#[test]
fn a_manifest_without_end_is_not_read_to_its_end() {
    let victim = Victim::of(Town::on(EngineKind::Sqlite));
    let path = victim.town.file(&victim.name, MANIFEST);
    fs::File::options().write(true).open(&path).unwrap().set_len(10 << 30).unwrap();
    assert_eq!(victim.town.findings(&victim.name), ["manifest_unreadable"]);
}

#[test]
fn a_pipe_or_a_link_in_place_of_a_file_is_refused_and_never_waited_for() {
    let victim = Victim::of(Town::on(EngineKind::Sqlite));
    let path = victim.town.file(&victim.name, MANIFEST);
    let refused = || match victim.town.try_verify(&victim.name, victim.town.lock()) {
        Err(BackupError::File { cause, .. }) => cause.to_string(),
        other => panic!("{other:?}"),
    };
    let aside = victim.town.folder.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
    assert_eq!(refused(), "it is not a regular file");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(refused(), "it is not a regular file");
}
