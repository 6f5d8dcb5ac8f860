//! Trouble, as the plan has it, and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_disk_faults::{Fault, FaultPlan};
use bursar_store::fault::{Injected, Step};

use crate::event::Class;
use crate::machine::{Armed, Blow};
use crate::plan::Strike;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// Time between two steps of a clock that drifts, ms.
const DRIFT_STEP_MS: i64 = 5_000;

impl World {
    /// The next trouble.
    pub fn strike(self: &Arc<World>) {
        if let Some(mut random) = self.next_item(Item::Trouble) {
            let strike = *random.pick(&self.plan.strikes);
            self.strike_by(strike, &mut random);
        }
        let gap_ms = self.plan.strike_gap_ms;
        let pause_ms = self.random.with(|random| random.between(gap_ms / 4, gap_ms * 7 / 4));
        self.plan_in(pause_ms, Class::Trouble, World::strike);
    }

    /// One trouble of a kind.
    pub fn strike_by(self: &Arc<World>, strike: Strike, random: &mut Random) {
        // Starting again is what costs most of the simulator's time.
        let is_costly =
            matches!(strike, Strike::MachineCrash | Strike::Maintenance | Strike::NodeKill | Strike::Restore);
        match strike {
            _ if is_costly && random.chance(2, 3) => self.arm(random),
            Strike::StoreStep => self.arm(random),
            Strike::DiskStep => self.strike_disk(random),
            Strike::FullDisk => self.fill_disk(random),
            Strike::NodeKill => self.kill_some(random),
            Strike::MachineCrash => self.machine_crash(None),
            Strike::Clock => self.set_wrong(random),
            Strike::Outside => self.fail_outside(random),
            Strike::Maintenance => self.maintain(),
            Strike::Restore => self.back_up_or_restore(random),
        }
    }

    /// No trouble begins any more, and what stands is put right.
    pub fn end_trouble(self: &Arc<World>) {
        self.note("trouble ends");
        self.keep_work();
        self.disk.clear_faults();
        if self.disk.halted() {
            self.machine_crash(None);
        }
        for node in &self.nodes {
            node.armed.with(|armed| *armed = None);
            node.skew_ms.store(0, Ordering::SeqCst);
        }
        self.set_clocks();
        self.rooms.iter().for_each(|room| Arc::clone(room).put_right(self));
    }

    /// A fault waits for a step of some node.
    fn arm(self: &Arc<World>, random: &mut Random) {
        let node = random.index(self.serving + 1);
        let armed = armed(random);
        self.nodes[node].armed.with(|slot| *slot = Some(armed));
    }

    /// Something at one of the disk's next steps.
    fn strike_disk(self: &Arc<World>, random: &mut Random) {
        let fault = match random.below(8) {
            0 | 1 => Fault::FailWrite,
            2 => Fault::TornWrite { bytes: usize::try_from(random.below(5_000)).expect("a page") },
            3 => Fault::FailSync,
            4 | 5 => *random.pick(&[Fault::FailTruncate, Fault::FailDelete]),
            _ => Fault::Halt,
        };
        let step = random.below(24);
        self.disk.plan(FaultPlan::new().at(self.disk.steps() + step, fault));
    }

    fn fill_disk(self: &Arc<World>, random: &mut Random) {
        let (step, pause_ms) = (random.below(12), random.between(2_000, 60_000));
        self.disk.plan(FaultPlan::new().at(self.disk.steps() + step, Fault::DiskFull));
        self.plan_in(pause_ms, Class::Trouble, |world| world.free_space());
    }

    /// Space again, and an end to what else was planned for the disk.
    fn free_space(self: &Arc<World>) {
        self.disk.clear_faults();
        self.note("the disk has space");
    }

    fn kill_some(self: &Arc<World>, random: &mut Random) {
        let node = random.index(self.serving);
        if self.nodes[node].process().is_some() {
            self.fault("node: dies between two steps");
            self.note(&format!("node {node} is killed"));
            self.kill(node);
        }
    }

    /// A node's clock goes wrong: usually by little, sometimes by minutes, for moments or for long.
    fn set_wrong(self: &Arc<World>, random: &mut Random) {
        let reach_ms = *random.pick(&[500, 3_000, 3_000, 10_000, 10_000, 60_000, 200_000, 1_200_000]);
        let skew_ms = random.between(-reach_ms, reach_ms);
        let longest_ms = if random.chance(1, 2) { 5_000 } else { 200_000 };
        let (node, pause_ms) = (random.index(self.serving), random.between(50, longest_ms));
        if random.chance(1, 3) {
            self.fault("clock: drifts");
            let steps = pause_ms / DRIFT_STEP_MS + 1;
            self.drift(node, skew_ms / steps, steps);
            return;
        }
        self.fault(if skew_ms < 0 { "clock: back" } else { "clock: forward" });
        self.note(&format!("node {node}'s clock is wrong by {skew_ms} ms"));
        self.nodes[node].skew_ms.store(skew_ms, Ordering::SeqCst);
        self.set_clocks();
        self.plan_in(pause_ms, Class::Work, move |world| world.set_right(node));
    }

    /// A node's clock is right, give or take a moment.
    fn set_right(self: &Arc<World>, node: usize) {
        let skew_ms = self.random.with(|random| random.between(-40, 40));
        self.nodes[node].skew_ms.store(skew_ms, Ordering::SeqCst);
        self.set_clocks();
    }

    /// A node's clock runs fast or slow by `rate_ms` every few seconds, until it is set right.
    fn drift(self: &Arc<World>, node: usize, rate_ms: i64, steps: i64) {
        if steps == 0 {
            self.set_right(node);
            return;
        }
        self.nodes[node].skew_ms.fetch_add(rate_ms, Ordering::SeqCst);
        self.set_clocks();
        self.plan_in(DRIFT_STEP_MS, Class::Trouble, move |world| world.drift(node, rate_ms, steps - 1));
    }

    fn fail_outside(self: &Arc<World>, random: &mut Random) {
        let room = random.pick(&self.rooms);
        let (trouble, span_ms) = room.fail_outside(self.now_ms(), random);
        self.note(&format!("{trouble} for {span_ms} ms"));
    }

    fn back_up_or_restore(self: &Arc<World>, random: &mut Random) {
        let is_kept = self.backup.with(|backup| backup.is_some());
        if is_kept && random.chance(1, 2) {
            self.restore();
        } else if !self.disk.halted() {
            self.back_up();
        }
    }

    /// All processes stop in order, so that the last one closes the database; then they start again.
    pub fn maintain(self: &Arc<World>) {
        self.note("everything is stopped in order");
        drop(self.end_all());
        let connected = self.connect_witnesses();
        if self.disk.halted() {
            self.machine_crash(None);
            return;
        }
        self.after_recovery(connected);
        for node in 0..self.serving {
            self.restart(node);
        }
    }

    /// Counts the disk's faults once, by kind.
    pub fn report_disk_faults(&self) {
        for fired in self.disk.fired() {
            self.fault(match fired.fault {
                Fault::FailWrite => "disk: write fails",
                Fault::TornWrite { .. } => "disk: write tears",
                Fault::FailSync => "disk: sync fails",
                Fault::FailTruncate => "disk: truncation fails",
                Fault::FailDelete => "disk: deletion fails",
                Fault::DiskFull => "disk: full",
                Fault::Halt => "disk: everything dies at a step",
                Fault::LostWrite | Fault::LostSync | Fault::LyingSyncs => "disk: lies",
            });
        }
    }
}

/// A fault at a step where it can be, or a death.
fn armed(random: &mut Random) -> Armed {
    let step = *random.pick(&[Step::Begin, Step::Statement, Step::Statement, Step::Commit, Step::Committed]);
    let faults: &[Injected] = match step {
        Step::Begin => &[Injected::ConnectionLost, Injected::Conflict, Injected::DiskFull],
        Step::Statement => &[
            Injected::StatementFails,
            Injected::StatementFails,
            Injected::ConnectionLost,
            Injected::Conflict,
            Injected::DiskFull,
        ],
        Step::Commit => &[
            Injected::ConnectionLost,
            Injected::Conflict,
            Injected::DiskFull,
            Injected::AnswerLost,
            Injected::AnswerLost,
        ],
        Step::Committed => &[Injected::AnswerLost],
    };
    let skip = match step {
        Step::Statement => random.below(30),
        Step::Begin | Step::Commit | Step::Committed => random.below(3),
    };
    let blow = match random.below(12) {
        0 if step == Step::Commit => Blow::Slow(random.between(1_000, 30_000)),
        0..4 => Blow::Death,
        _ => Blow::Fault(*random.pick(faults)),
    };
    Armed { step, skip, blow, dies_looking_up: false }
}
