//! The machine under the nodes: its disk, its death, and faults at the steps of its transactions.

use std::sync::{Arc, Weak};

use bursar_disk_faults::CrashMode;
use bursar_store::fault::{Faults, Injected, Step};
use bursar_store::{DatabaseUrl, Store, StoreOptions};

use crate::boundary::die;
use crate::template::DATABASE;
use crate::world::World;

/// The unit that looks up what became of a commit. A failed look waits in real time before the next, so only death
/// strikes here.
const OUTCOME_UNIT: &str = "store.outcome";
/// How often the machine may die again while it recovers.
const CRASHES_IN_A_ROW_MAX: u32 = 8;

/// A fault that waits for a step of its kind.
#[derive(Clone, Copy, Debug)]
pub struct Armed {
    /// The kind of step.
    pub step: Step,
    /// Steps of that kind that pass before it strikes.
    pub skip: u64,
    /// What happens.
    pub blow: Blow,
    /// Whether the node dies as soon as it looks up what became of the commit.
    pub dies_looking_up: bool,
}

/// What happens at an armed step.
#[derive(Clone, Copy, Debug)]
pub enum Blow {
    /// The engine says so.
    Fault(Injected),
    /// The node dies.
    Death,
    /// The step takes this long, ms: a sync that hangs.
    Slow(i64),
}

/// The fault layer of one run of one node.
pub struct NodeFaults {
    /// The world it is in.
    pub world: Weak<World>,
    /// Which node.
    pub node: usize,
    /// Which run of it.
    pub generation: u64,
}

impl Faults for NodeFaults {
    fn before(&self, unit: &'static str, step: Step) -> Option<Injected> {
        let world = self.world.upgrade()?;
        if step == Step::Committed {
            world.witness_commit(self.node, unit);
        }
        if step == Step::Begin && unit != OUTCOME_UNIT {
            world.let_others_run(1, 8);
            world.check_alive(self.node, self.generation);
        }
        if step == Step::Begin {
            world.rooms.iter().for_each(|room| room.before(&world, self.node, unit));
        }
        world.blow(self.node, unit, step)
    }
}

impl World {
    /// Ends whoever goes on although its process has died meanwhile.
    pub fn check_alive(&self, node: usize, generation: u64) {
        if self.nodes[node].generation() != generation {
            die();
        }
    }

    fn blow(&self, node: usize, unit: &'static str, step: Step) -> Option<Injected> {
        let armed = self.nodes[node].armed.with(|slot| {
            let armed = slot.as_mut()?;
            if unit == OUTCOME_UNIT {
                return if armed.dies_looking_up { slot.take() } else { None };
            }
            if armed.step != step || armed.dies_looking_up {
                return None;
            }
            if armed.skip > 0 {
                armed.skip -= 1;
                return None;
            }
            slot.take()
        })?;
        if unit == OUTCOME_UNIT {
            self.fault("node: dies while it looks up a commit");
            self.note(&format!("node {node} dies at {unit}"));
            die();
        }
        self.fault(name_of(armed));
        self.note(&format!("node {node} {unit}: {}", name_of(armed)));
        match armed.blow {
            Blow::Death => die(),
            Blow::Slow(span_ms) => {
                self.go_to(self.now_ms() + span_ms);
                None
            }
            Blow::Fault(Injected::AnswerLost) if self.random.with(|random| random.chance(1, 3)) => {
                let next = Armed { dies_looking_up: true, ..armed };
                self.nodes[node].armed.with(|slot| *slot = Some(next));
                Some(Injected::AnswerLost)
            }
            Blow::Fault(injected) => Some(injected),
        }
    }

    /// Whether a process comes up and goes. Until one has, a commit that nobody learned of may be in the log and yet be lost by
    /// the next power cut: only what a process serves must stay.
    fn is_served(self: &Arc<World>) -> bool {
        let options = StoreOptions { faults: None, ..self.store_options(self.serving, 0) };
        Store::open(&DatabaseUrl::Sqlite(DATABASE.into()), options).is_ok()
    }

    /// All processes end at once, by a kill or a power cut, and the disk keeps what it promised.
    pub fn machine_crash(self: &Arc<World>, mode: Option<CrashMode>) {
        let ended = self.end_all();
        for crash in 0..CRASHES_IN_A_ROW_MAX {
            let drawn = self.random.with(|random| {
                if random.chance(2, 3) { CrashMode::PowerCut } else { CrashMode::ProcessKill }
            });
            let mode = mode.filter(|_| crash == 0).unwrap_or(drawn);
            self.fault(match mode {
                CrashMode::PowerCut => "machine: power cut",
                CrashMode::ProcessKill => "machine: all processes killed",
            });
            self.note(&format!("everything ends: {mode:?}"));
            self.disk.crash(mode);
            let recovered = self.connect_witnesses();
            let is_served = recovered.is_err() || self.is_served();
            let is_last = crash + 1 == CRASHES_IN_A_ROW_MAX;
            if !self.disk.halted() && (is_served || is_last) {
                self.after_recovery(recovered);
                break;
            }
        }
        drop(ended);
        self.restart_all();
    }
}

fn name_of(armed: Armed) -> &'static str {
    match (armed.blow, armed.step) {
        (Blow::Death, Step::Begin) => "node: dies before a transaction",
        (Blow::Death, Step::Statement) => "node: dies within a transaction",
        (Blow::Death, Step::Commit) => "node: dies before a commit",
        (Blow::Death, Step::Committed) => "node: dies after a commit",
        (Blow::Slow(_), _) => "disk: slow sync",
        (Blow::Fault(Injected::StatementFails), _) => "store: statement fails",
        (Blow::Fault(Injected::ConnectionLost), Step::Commit) => "store: connection lost before a commit",
        (Blow::Fault(Injected::ConnectionLost), _) => "store: connection lost",
        (Blow::Fault(Injected::Conflict), _) => "store: conflict",
        (Blow::Fault(Injected::DiskFull), _) => "store: disk full",
        (Blow::Fault(Injected::AnswerLost), Step::Committed) => "store: answer lost after a commit",
        (Blow::Fault(Injected::AnswerLost), _) => "store: answer lost before a commit",
        (Blow::Fault(Injected::Kill), _) => "store: kill",
    }
}
