//! Nodes: serving processes that come, work and die, each with its own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bursar_audit::{Recorder, SaltKey};
use bursar_control::Switchboard;
use bursar_rounds::join::{JoinRejection, JoinWork, Joined};
use bursar_rounds::settle::{SettleError, Settler, SettlerParts, TreasuryGuard, next_due};
use bursar_store::lane::{LaneFault, run_batch};
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreError, StoreOptions};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::broken::{JoinLane, SettleLane};
use crate::event::Event;
use crate::machine::{Armed, NodeFaults};
use crate::part::Part;
use crate::template::DATABASE;
use crate::upstream::NodePrices;
use crate::wish::Attempt;
use crate::world::World;

/// Joins that a lane takes up at once.
const BATCH_MAX: usize = 24;
/// The longest a settler sleeps, ms.
const SETTLER_SLEEP_MAX_MS: i64 = 120_000;

/// What a join comes back with.
pub type JoinReply = Result<Result<Joined, JoinRejection>, LaneFault>;

/// A place where a process runs, or is down.
#[derive(Debug)]
pub struct Node {
    /// What its clock shows, Unix ms.
    pub clock_ms: Arc<AtomicI64>,
    /// How far its clock is ahead, ms.
    pub skew_ms: AtomicI64,
    /// Joins that wait for the lane.
    pub inbox: Part<Vec<Attempt>>,
    /// A fault that waits for its step.
    pub armed: Part<Option<Armed>>,
    generation: AtomicU64,
    process: Part<Option<Arc<Process>>>,
}

/// A running process.
pub struct Process {
    /// Which run of its node it is.
    pub generation: u64,
    /// Its database.
    pub store: Arc<Store>,
    joins: Mutex<JoinLane>,
    settler: SettleLane,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Node {
    /// A node that is down.
    pub fn new() -> Node {
        Node {
            clock_ms: Arc::default(),
            skew_ms: AtomicI64::new(0),
            inbox: Part::default(),
            armed: Part::default(),
            generation: AtomicU64::new(0),
            process: Part::default(),
        }
    }

    /// Its process, when it is up.
    pub fn process(&self) -> Option<Arc<Process>> {
        self.process.with(|process| process.clone())
    }

    /// Which run it is in; rises with each death.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Ends its process, if it has one. What was in its hands is gone with it.
    pub fn end(&self) -> Option<Arc<Process>> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.inbox.with(Vec::clear);
        self.armed.with(|armed| *armed = None);
        self.process.with(Option::take)
    }
}

impl World {
    /// Starts the process of a node that is down.
    pub fn start(self: &Arc<World>, node: usize) -> Result<(), StoreError> {
        let place = &self.nodes[node];
        let generation = place.generation();
        let store = Arc::new(Store::open(
            &DatabaseUrl::Sqlite(DATABASE.into()),
            self.store_options(node, generation),
        )?);
        let switchboard = Switchboard::new([], None);
        let recorder = |lane: &str| {
            let mut salt = [0; 32];
            salt[..8].copy_from_slice(&self.seed.to_be_bytes());
            Recorder::new(format!("node-{node}/{lane}"), SaltKey::new(salt))
        };
        let parts = SettlerParts {
            store: Arc::clone(&store),
            switchboard: switchboard.clone(),
            recorder: recorder("settle"),
            prices: Arc::new(NodePrices { world: Arc::downgrade(self), node, generation }),
            treasury: TreasuryGuard::Matches,
        };
        let process = Process {
            generation,
            joins: Mutex::new(JoinLane::new(
                JoinWork::new(switchboard, recorder("joins")),
                self.bug,
                Arc::downgrade(self),
            )),
            settler: SettleLane::new(Settler::new(parts), Arc::clone(&store), self.bug),
            store,
        };
        place.process.with(|slot| *slot = Some(Arc::new(process)));
        Ok(())
    }

    fn store_options(self: &Arc<World>, node: usize, generation: u64) -> StoreOptions {
        let world = Arc::downgrade(self);
        let batch_ids = move || {
            let number = world.upgrade().map_or(0, |world| world.batches.fetch_add(1, Ordering::SeqCst));
            Uuid::from_u64_pair(1, number)
        };
        StoreOptions {
            clock: Clock::Simulated(Arc::clone(&self.nodes[node].clock_ms)),
            sqlite_readers: 1,
            sqlite_cache_kib: 512,
            sqlite_vfs: Some(self.disk.vfs_name().to_owned()),
            faults: Some(Arc::new(NodeFaults { world: Arc::downgrade(self), node, generation })),
            batch_ids: Arc::new(batch_ids),
            ..StoreOptions::new(OpenMode::Tool)
        }
    }

    /// Ends a node's process and plans its return.
    pub fn kill(self: &Arc<World>, node: usize) {
        drop(self.nodes[node].end());
        if node < self.serving {
            let pause_ms = self.random.with(|random| random.between(500, 20_000));
            self.plan_in(pause_ms, Event::Restart(node));
        }
    }

    /// A node comes back, or tries again later.
    pub fn restart(self: &Arc<World>, node: usize) {
        if self.nodes[node].process().is_some() {
            return;
        }
        match self.start(node) {
            Ok(()) => {
                self.note(&format!("node {node} is up"));
                let generation = self.nodes[node].generation();
                self.plan_in(200, Event::Settle { node, generation });
            }
            Err(_) if self.disk.halted() => self.machine_crash(None),
            Err(error) => {
                self.note(&format!("node {node} does not start: {}", kind_of(&error)));
                self.plan_in(3_000, Event::Restart(node));
            }
        }
    }

    /// A node's join lane takes up what waits.
    pub fn lane(self: &Arc<World>, node: usize) {
        let batch: Vec<Attempt> = self.nodes[node].inbox.with(|inbox| {
            let count = inbox.len().min(BATCH_MAX);
            inbox.drain(..count).collect()
        });
        if batch.is_empty() {
            return;
        }
        let commands: Vec<_> = batch.iter().map(|attempt| attempt.command.clone()).collect();
        let since = self.witness.with(|witness| witness.begin(&batch));
        let replies = self.step(node, |process| {
            // The lane is one thread: while it is in the middle of a batch, what came since has to wait.
            let mut lane = process.joins.try_lock()?;
            Some(run_batch(&process.store, &mut *lane, &commands))
        });
        match replies {
            Some(None) => {
                self.witness.with(|witness| witness.end(&batch));
                self.nodes[node].inbox.with(|inbox| inbox.extend(batch));
                self.plan_in(5, Event::Lane(node));
            }
            Some(Some(replies)) => {
                self.figures.with(|figures| figures.batch(batch.len()));
                self.answer_batch(node, since, &batch, replies);
            }
            None => self.note(&format!("node {node} died with {} joins in hand", batch.len())),
        }
        if self.nodes[node].inbox.with(|inbox| !inbox.is_empty()) {
            self.plan_in(5, Event::Lane(node));
        }
    }

    /// A node's settler runs once and sleeps until it is needed.
    pub fn settle(self: &Arc<World>, node: usize, generation: u64) {
        if self.nodes[node].generation() != generation {
            return;
        }
        let done = self.step(node, |process| {
            let report = process.settler.run();
            (report, process.store.read("rounds.next_due", next_due))
        });
        self.figures.with(|figures| figures.settler_runs += 1);
        let Some((report, due)) = done else { return };
        let now_ms = self.nodes[node].clock_ms.load(Ordering::SeqCst);
        let sleep_ms = match (&report, due) {
            (Ok(_), Ok(Some(due))) => (due.ms() - now_ms).clamp(500, SETTLER_SLEEP_MAX_MS),
            (Ok(_), Ok(None)) => SETTLER_SLEEP_MAX_MS,
            _ => 8_000,
        };
        match &report {
            Ok(report) if report.checked == 0 => {}
            Ok(report) => {
                self.note(&format!("node {node} settled {} of {}", report.settled.len(), report.checked));
            }
            Err(SettleError::Store(error)) => {
                self.note(&format!("node {node} could not settle: {}", kind_of(error)))
            }
            Err(error) => self.note(&format!("node {node} did not settle: {error}")),
        }
        let jitter_ms = self.random.with(|random| random.between(0, 300));
        self.plan_in(sleep_ms + jitter_ms, Event::Settle { node, generation });
    }

    /// A node copies the log into the database.
    pub fn checkpoint(self: &Arc<World>, node: usize) {
        if let Some(Err(error)) = self.step(node, |process| process.store.checkpoint()) {
            self.note(&format!("node {node} could not checkpoint: {}", kind_of(&error)));
        }
        let pause_ms = self.random.with(|random| random.between(60_000, 300_000));
        self.plan_in(pause_ms, Event::Checkpoint(node));
    }
}

/// The kind of an error, without texts that may differ from run to run.
pub fn kind_of(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict(_) => "conflict",
        StoreError::Duplicate(_) => "duplicate",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::DiskFull(_) => "disk full",
        StoreError::UnknownCommit(_) => "unknown commit",
        StoreError::Statement(_) => "statement failed",
        StoreError::Decode(_) => "does not decode",
        StoreError::Schema(_) => "schema",
        StoreError::Guarded(_) => "held back by a guard",
        StoreError::LeaseLost(_) => "lease lost",
    }
}
