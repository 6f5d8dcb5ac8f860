//! Trouble, as the plan has it, and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_disk_faults::{Fault, FaultPlan};
use bursar_store::fault::{Injected, Step};

use crate::event::Event;
use crate::machine::{Armed, Blow};
use crate::plan::Strike;
use crate::random::Random;
use crate::world::World;

impl World {
    /// The next trouble.
    pub fn strike(self: &Arc<World>) {
        let strike = self.random.with(|random| *random.pick(&self.plan.strikes));
        // Starting again is what costs most of the simulator's time.
        let is_spared = matches!(strike, Strike::MachineCrash | Strike::Maintenance | Strike::NodeKill)
            && self.random.with(|random| random.chance(2, 3));
        match strike {
            _ if is_spared => self.arm(),
            Strike::StoreStep => self.arm(),
            Strike::DiskStep => self.strike_disk(),
            Strike::FullDisk => self.fill_disk(),
            Strike::NodeKill => self.kill_some(),
            Strike::MachineCrash => self.machine_crash(None),
            Strike::Clock => self.set_wrong(),
            Strike::Upstream => self.strike_prices(),
            Strike::Maintenance => self.maintain(),
        }
        let gap_ms = self.plan.strike_gap_ms;
        let pause_ms = self.random.with(|random| random.between(gap_ms / 4, gap_ms * 7 / 4));
        self.plan_in(pause_ms, Event::Strike);
    }

    /// No trouble begins any more, and what stands is put right.
    pub fn end_trouble(self: &Arc<World>) {
        self.note("trouble ends");
        self.keep_events(|event| {
            !matches!(event, Event::Strike | Event::Operator | Event::Burst | Event::SpaceFreed)
        });
        self.disk.clear_faults();
        if self.disk.halted() {
            self.machine_crash(None);
        }
        for node in &self.nodes {
            node.armed.with(|armed| *armed = None);
            node.skew_ms.store(0, Ordering::SeqCst);
        }
        self.set_clocks();
        self.upstream.with(|upstream| upstream.be_well());
        self.resume_everything();
    }

    /// A fault waits for a step of some node.
    fn arm(self: &Arc<World>) {
        let (node, armed) = self.random.with(|random| {
            let node = random.index(self.serving + 1);
            (node, armed(random))
        });
        self.nodes[node].armed.with(|slot| *slot = Some(armed));
    }

    /// Something at one of the disk's next steps.
    fn strike_disk(self: &Arc<World>) {
        let (step, fault) = self.random.with(|random| {
            let fault = match random.below(8) {
                0 | 1 => Fault::FailWrite,
                2 => Fault::TornWrite { bytes: usize::try_from(random.below(5_000)).expect("a page") },
                3 => Fault::FailSync,
                4 | 5 => *random.pick(&[Fault::FailTruncate, Fault::FailDelete]),
                _ => Fault::Halt,
            };
            (random.below(24), fault)
        });
        self.disk.plan(FaultPlan::new().at(self.disk.steps() + step, fault));
    }

    fn fill_disk(self: &Arc<World>) {
        let (step, pause_ms) = self.random.with(|random| (random.below(12), random.between(2_000, 60_000)));
        self.disk.plan(FaultPlan::new().at(self.disk.steps() + step, Fault::DiskFull));
        self.plan_in(pause_ms, Event::SpaceFreed);
    }

    /// Space again, and an end to what else was planned for the disk.
    pub fn free_space(self: &Arc<World>) {
        self.disk.clear_faults();
        self.note("the disk has space");
    }

    fn kill_some(self: &Arc<World>) {
        let node = self.random.with(|random| random.index(self.serving));
        if self.nodes[node].process().is_some() {
            self.fault("node: dies between two steps");
            self.note(&format!("node {node} is killed"));
            self.kill(node);
        }
    }

    /// A node's clock goes wrong: usually by little, sometimes by minutes, for moments or for long.
    fn set_wrong(self: &Arc<World>) {
        let (node, skew_ms, pause_ms) = self.random.with(|random| {
            let reach_ms = *random.pick(&[500, 3_000, 3_000, 10_000, 10_000, 60_000, 200_000, 1_200_000]);
            let skew_ms = random.between(-reach_ms, reach_ms);
            let longest_ms = if random.chance(1, 2) { 5_000 } else { 200_000 };
            (random.index(self.serving), skew_ms, random.between(50, longest_ms))
        });
        self.fault(if skew_ms < 0 { "clock: back" } else { "clock: forward" });
        self.note(&format!("node {node}'s clock is wrong by {skew_ms} ms"));
        self.nodes[node].skew_ms.store(skew_ms, Ordering::SeqCst);
        self.set_clocks();
        self.plan_in(pause_ms, Event::ClockRight(node));
    }

    /// A node's clock is right, give or take a moment.
    pub fn set_right(self: &Arc<World>, node: usize) {
        let skew_ms = self.random.with(|random| random.between(-40, 40));
        self.nodes[node].skew_ms.store(skew_ms, Ordering::SeqCst);
        self.set_clocks();
    }

    fn strike_prices(self: &Arc<World>) {
        let pause_ms = self.random.with(|random| {
            let longest_ms = *random.pick(&[20_000, 120_000, 1_500_000]);
            random.between(5_000, longest_ms)
        });
        let until_ms = self.now_ms() + pause_ms;
        let trouble = self.upstream.with(|upstream| upstream.fail_until(until_ms));
        self.note(&format!("{} for {pause_ms} ms", trouble.name()));
    }

    /// All processes stop in order, so that the last one closes the database; then they start again.
    fn maintain(self: &Arc<World>) {
        self.note("everything is stopped in order");
        self.witness.with(|witness| witness.disconnect());
        self.operators.with(crate::operators::Operators::leave);
        for node in &self.nodes {
            drop(node.end());
        }
        if self.disk.halted() {
            self.machine_crash(None);
            return;
        }
        let connected = self.connect_witness();
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
    let blow = if random.chance(1, 3) { Blow::Death } else { Blow::Fault(*random.pick(faults)) };
    Armed { step, skip, blow, dies_looking_up: false }
}
