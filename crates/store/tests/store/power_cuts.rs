//! The embedded engine on a failing disk: what was acknowledged is there, once, whatever happened meanwhile.

use bursar_disk_faults::{CrashMode, Fault, FaultPlan};
use bursar_store::lane::{Lane, LaneFault, LaneOptions};

use crate::faulty_disk::{Moves, Random, Server};
use crate::schema::notes;

const LIVES: u64 = 3;

/// Batches and checkpoints until the disk dies, `LIVES` times over.
fn survive(seed: u64, mode: CrashMode) {
    println!("seed {seed}");
    let (mut server, mut random) = (Server::start(seed), Random(seed));
    for _ in 0..LIVES {
        let last_step = server.disk.steps() + random.below(120);
        server.disk.plan(FaultPlan::new().at(last_step, Fault::Halt));
        while !server.disk.halted() {
            if random.below(4) == 0 {
                // A checkpoint that fails is tried again later.
                let _ = server.store.checkpoint();
            }
            let _ = server.batch(1 + random.below(8));
        }
        server.restart(mode);
        server.ask_again().unwrap();
        server.check();
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_in_600_power_cuts() {
    (0..200).for_each(|seed| survive(seed, CrashMode::PowerCut));
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_in_150_kills() {
    (1_000..1_050).for_each(|seed| survive(seed, CrashMode::ProcessKill));
}

#[test]
fn what_a_server_reads_after_a_kill_within_a_commit_survives_the_power_cut_that_follows() {
    let mut survivors = 0;
    for seed in 0..60 {
        println!("seed {seed}");
        let mut server = Server::start(seed);
        server.batch(2).unwrap();
        server.disk.plan(FaultPlan::new().at(server.disk.steps() + seed % 6, Fault::Halt));
        while server.batch(2).is_ok() {}
        server.restart(CrashMode::ProcessKill);
        let seen = notes(&server.store);
        server.restart(CrashMode::PowerCut);
        assert_eq!(notes(&server.store), seen);
        survivors += usize::from(seen.len() > 2);
    }
    assert!(survivors > 0, "no commit was there that nobody had acknowledged");
}

#[test]
fn what_a_failed_sync_left_to_be_read_is_written_anew_before_anything_is_built_on_it() {
    for seed in 0..60 {
        println!("seed {seed}");
        let mut server = Server::start(seed);
        server.batch(2).unwrap();
        server.disk.plan(FaultPlan::new().at(server.disk.steps() + seed % 6, Fault::FailSync));
        while server.batch(2).is_ok() {}
        server.restart(CrashMode::ProcessKill);
        server.ask_again().unwrap();
        server.batch(3).unwrap();
        let seen = notes(&server.store);
        server.restart(CrashMode::PowerCut);
        assert_eq!(notes(&server.store), seen);
    }
}

#[test]
fn a_disk_that_fails_in_a_commit_ends_the_process_and_what_it_had_acknowledged_is_there() {
    let arrives_and_is_reported_failed = Fault::TornWrite { bytes: usize::MAX };
    let faults =
        [Fault::FailSync, Fault::FailWrite, Fault::TornWrite { bytes: 700 }, arrives_and_is_reported_failed];
    for (seed, fault) in (0..160).zip(faults.into_iter().cycle()) {
        println!("seed {seed}, {fault:?}");
        let (mut server, mut random) = (Server::start(seed), Random(seed));
        (0..random.below(5)).for_each(|_| server.batch(4).unwrap());
        server.disk.plan(FaultPlan::new().at(server.disk.steps() + random.below(6), fault));
        while server.batch(4).is_ok() {}
        assert!(!server.is_running());
        server.restart(if random.below(2) == 0 { CrashMode::PowerCut } else { CrashMode::ProcessKill });
        server.ask_again().unwrap();
        server.check();
    }
}

#[test]
fn a_full_disk_is_answered_leaves_nothing_and_works_again_when_there_is_space() {
    for seed in 0..30 {
        let mut server = Server::start(seed);
        server.batch(3).unwrap();
        server.disk.plan(FaultPlan::new().at(server.disk.steps(), Fault::DiskFull));
        for _ in 0..3 {
            let refused = server.batch(5);
            assert!(
                matches!(&refused, Err(LaneFault::Unavailable(text)) if text.contains("full")),
                "{refused:?}"
            );
            server.check();
        }
        server.disk.clear_faults();
        server.batch(5).unwrap();
        server.restart(CrashMode::PowerCut);
    }
}

#[test]
fn a_lane_whose_disk_dies_answers_every_command_and_lies_to_none() {
    for seed in 0..20 {
        let mut server = Server::start(seed);
        let lane = Lane::start(server.store.clone(), Moves, LaneOptions::default()).unwrap();
        server.disk.plan(FaultPlan::new().at(server.disk.steps() + 10 + seed * 3, Fault::Halt));
        let mut answered = Vec::new();
        for id in 1.. {
            match lane.call(id) {
                Ok(()) => answered.push(id),
                Err(_) => break,
            }
        }
        server.take_over(answered);
        drop(lane);
        server.restart(CrashMode::PowerCut);
    }
}
