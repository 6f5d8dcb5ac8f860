//! Power cuts at random steps: what was committed stays, on a disk that keeps its promises.

use std::collections::BTreeSet;

use bursar_disk_faults::{CrashMode, Disk, Fault, FaultPlan};

use crate::book::{self, Mode};

const CUTS_PER_DISK: u64 = 5;

/// Writes until the power goes, again and again on one disk; an error when a committed entry is not there.
fn survive(seed: u64, mode: Mode, lies: Option<Fault>) -> Result<(), String> {
    let disk = Disk::new(seed);
    let mut committed = BTreeSet::new();
    let mut next = 0;
    for cut in 0..CUTS_PER_DISK {
        let lifetime = (seed * 7_919 + cut * 104_729) % 97;
        disk.plan(FaultPlan::new().at(disk.steps() + lifetime, Fault::Halt));
        if let Some(lie) = lies {
            disk.plan(FaultPlan::new().at(disk.steps() + lifetime / 2, lie));
        }
        let in_doubt = write_until_halted(&disk, mode, &mut next, &mut committed);
        assert!(disk.halted(), "the halt at step {lifetime} was never reached");
        disk.crash(CrashMode::PowerCut);
        disk.clear_faults();
        let found = book::read(&disk, mode)?;
        let lost: Vec<_> = committed.difference(&found).collect();
        let unknown: Vec<_> = found.difference(&committed).filter(|id| Some(**id) != in_doubt).collect();
        if !lost.is_empty() || !unknown.is_empty() {
            return Err(format!("seed {seed} cut {cut}: lost {lost:?}, not committed {unknown:?}"));
        }
        committed = found;
    }
    Ok(())
}

/// Gives the entry whose commit got no answer.
fn write_until_halted(disk: &Disk, mode: Mode, next: &mut i64, committed: &mut BTreeSet<i64>) -> Option<i64> {
    let mut connection = book::open(disk, mode).ok()?;
    loop {
        let id = *next;
        *next += 1;
        if book::enter(&mut connection, id).is_err() {
            return Some(id);
        }
        committed.insert(id);
    }
}

#[test]
fn a_wal_with_full_sync_loses_nothing_in_500_power_cuts() {
    for seed in 0..100 {
        assert_eq!(survive(seed, book::WAL, None), Ok(()));
    }
}

#[test]
fn so_does_a_wal_under_one_exclusive_connection() {
    for seed in 0..20 {
        assert_eq!(survive(seed, book::WAL_EXCLUSIVE, None), Ok(()));
    }
}

#[test]
fn so_does_a_rollback_journal_with_extra_sync() {
    for seed in 0..40 {
        assert_eq!(survive(seed, book::ROLLBACK, None), Ok(()));
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_caught_by_the_same_test() {
    let caught = (0..40).filter(|seed| survive(*seed, book::WAL, Some(Fault::LyingSyncs)).is_err()).count();
    assert!(caught >= 30, "{caught} of 40 lying disks were caught");
}

#[test]
fn one_lost_write_is_caught_by_the_same_test() {
    let caught = (0..40).filter(|seed| survive(*seed, book::WAL, Some(Fault::LostWrite)).is_err()).count();
    assert!(caught >= 20, "{caught} of 40 disks that lost a write were caught");
}

#[test]
fn a_power_cut_may_take_what_was_never_synced_and_a_kill_may_not() {
    let unsynced = Mode { synchronous: "OFF", ..book::WAL };
    let survivors = |mode: CrashMode, seed: u64| {
        let disk = Disk::new(seed);
        drop(book::open(&disk, unsynced).unwrap());
        disk.sync_directory(book::FILE);
        let mut connection = book::open(&disk, unsynced).unwrap();
        book::enter(&mut connection, 1).unwrap();
        disk.crash(mode);
        book::read(&disk, unsynced).map_or(0, |found| found.len())
    };
    assert_eq!((0..20).map(|seed| survivors(CrashMode::ProcessKill, seed)).sum::<usize>(), 20);
    assert!((0..20).map(|seed| survivors(CrashMode::PowerCut, seed)).sum::<usize>() < 20);
}

#[test]
fn a_commit_lasts_although_another_connection_created_the_wal_and_never_wrote() {
    for seed in 0..20 {
        let disk = Disk::new(seed);
        drop(book::open(&disk, book::WAL).unwrap());
        disk.sync_directory(book::FILE);
        let reader = book::connect(&disk, book::FILE).unwrap();
        reader.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap();
        let mut writer = book::connect(&disk, book::FILE).unwrap();
        book::enter(&mut writer, 1).unwrap();
        disk.crash(CrashMode::PowerCut);
        assert_eq!(book::read(&disk, book::WAL), Ok(BTreeSet::from([1])), "seed {seed}");
    }
}
