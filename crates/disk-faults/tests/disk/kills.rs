//! A halt between any two steps of one transaction leaves it whole or absent.

use std::collections::BTreeSet;

use bursar_disk_faults::{CrashMode, Disk, Fault, FaultPlan};

use crate::book::{self, Mode};

/// Halts before step 0, 1, 2... of writing entry 2 until the work gets done; counts the runs in which the
/// entry was absent and present afterwards.
fn halt_everywhere(seed: u64, mode: Mode, end: CrashMode, extra: Option<Fault>) -> (u32, u32) {
    let disk = Disk::new(seed);
    book::enter(&mut book::open(&disk, mode).unwrap(), 1).unwrap();
    let before = disk.snapshot();
    let (mut absent, mut present) = (0, 0);
    for step in 0.. {
        disk.restore(before.clone());
        let at = disk.steps() + step;
        disk.plan(FaultPlan::new().at(at, extra.unwrap_or(Fault::Halt)).at(at + 1, Fault::Halt));
        let committed = write_and_check_point(&disk, mode);
        let done = !disk.halted();
        disk.clear_faults();
        disk.crash(end);
        let found = book::read(&disk, mode).unwrap();
        assert!(found.contains(&1), "halt before step {step} of {mode:?}: the old entry is gone");
        let here = found == BTreeSet::from([1, 2]);
        assert!(here || !committed, "halt before step {step} of {mode:?}: committed, and gone");
        if here {
            present += 1
        } else {
            absent += 1
        }
        if done {
            break;
        }
    }
    (absent, present)
}

/// Whether the entry's commit was answered.
fn write_and_check_point(disk: &Disk, mode: Mode) -> bool {
    let Ok(mut connection) = book::open(disk, mode) else { return false };
    let committed = book::enter(&mut connection, 2).is_ok();
    let _either_way = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    committed
}

#[test]
fn a_process_killed_between_any_two_steps_leaves_a_transaction_whole_or_absent() {
    for mode in [book::WAL, book::WAL_EXCLUSIVE, book::ROLLBACK] {
        let (absent, present) = halt_everywhere(1, mode, CrashMode::ProcessKill, None);
        assert!(absent >= 4 && present >= 1, "{mode:?}: {absent} absent, {present} present");
    }
}

#[test]
fn so_does_a_power_cut_between_any_two_steps() {
    for seed in 0..15 {
        for mode in [book::WAL, book::WAL_EXCLUSIVE, book::ROLLBACK] {
            let (absent, present) = halt_everywhere(seed, mode, CrashMode::PowerCut, None);
            assert!(absent >= 2 && present >= 1, "{mode:?}: {absent} absent, {present} present");
        }
    }
}

#[test]
fn so_does_a_write_torn_by_the_halt() {
    for bytes in [1, 23, 512, 4000] {
        let torn = Some(Fault::TornWrite { bytes });
        halt_everywhere(3, book::WAL, CrashMode::ProcessKill, torn);
        halt_everywhere(4, book::ROLLBACK, CrashMode::ProcessKill, torn);
    }
}

#[test]
fn nothing_reaches_a_halted_disk() {
    let disk = Disk::new(1);
    let mut connection = book::open(&disk, book::WAL).unwrap();
    book::enter(&mut connection, 1).unwrap();
    disk.plan(FaultPlan::new().at(disk.steps() + 2, Fault::Halt));
    book::enter(&mut connection, 2).unwrap_err();
    let (image, steps) = (disk.snapshot(), disk.steps());
    assert!(disk.halted());
    book::enter(&mut connection, 3).unwrap_err();
    assert!(book::open(&disk, book::WAL).is_err(), "a dead process opens nothing");
    drop(connection);
    assert_eq!((disk.snapshot(), disk.steps()), (image, steps));
}

#[test]
fn connections_of_a_dead_process_stay_dead_after_the_restart() {
    let disk = Disk::new(1);
    let mut old = book::open(&disk, book::WAL).unwrap();
    book::enter(&mut old, 1).unwrap();
    disk.crash(CrashMode::ProcessKill);
    let mut new = book::open(&disk, book::WAL).unwrap();
    book::enter(&mut old, 2).unwrap_err();
    book::enter(&mut new, 3).unwrap();
    drop(old);
    book::enter(&mut new, 4).unwrap();
    drop(new);
    assert_eq!(book::read(&disk, book::WAL), Ok(BTreeSet::from([1, 3, 4])));
}
