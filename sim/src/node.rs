//! Nodes: serving processes that come, work and die, each with its own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bursar_audit::{Recorder, SaltKey};
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreError, StoreOptions};
use uuid::Uuid;

use crate::book::Book;
use crate::event::Class;
use crate::machine::{Armed, NodeFaults};
use crate::part::Part;
use crate::template::DATABASE;
use crate::workload;
use crate::world::World;

/// A place where a process runs, or is down.
#[derive(Debug)]
pub struct Node {
    /// What its clock shows, Unix ms.
    pub clock_ms: Arc<AtomicI64>,
    /// How far its clock is ahead, ms.
    pub skew_ms: AtomicI64,
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
    rooms: Vec<workload::Part>,
}

/// Where a room's part of a process starts.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// On which node.
    pub node: usize,
    /// In which run of it.
    pub generation: u64,
    /// The process's database.
    pub store: &'a Arc<Store>,
    seed: u64,
}

impl Place<'_> {
    /// The audit chain of one of the process's writers.
    pub fn recorder(&self, writer: &str) -> Recorder {
        let mut salt = [0; 32];
        salt[..8].copy_from_slice(&self.seed.to_be_bytes());
        Recorder::new(format!("node-{}/{writer}", self.node), SaltKey::new(salt))
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Process {
    /// A room's part of it.
    pub fn room<T: 'static>(&self) -> &T {
        let part = self.rooms.iter().find_map(|part| part.downcast_ref());
        part.expect("a process has a part of each room")
    }
}

impl Node {
    /// A node that is down.
    pub fn new() -> Node {
        Node {
            clock_ms: Arc::default(),
            skew_ms: AtomicI64::new(0),
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

    fn end(&self) -> Option<Arc<Process>> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.armed.with(|armed| *armed = None);
        self.process.with(Option::take)
    }
}

impl World {
    /// Starts the process of a node that is down.
    fn start(self: &Arc<World>, node: usize) -> Result<(), StoreError> {
        let generation = self.nodes[node].generation();
        let url = DatabaseUrl::Sqlite(DATABASE.into());
        let store = Arc::new(Store::open(&url, self.store_options(node, generation))?);
        let place = Place { node, generation, store: &store, seed: self.scenario.seed };
        let rooms = self.rooms.iter().map(|room| Arc::clone(room).start(self, place)).collect();
        let process = Process { generation, store, rooms };
        self.nodes[node].process.with(|slot| *slot = Some(Arc::new(process)));
        Ok(())
    }

    /// How a process of a node's run opens the database.
    pub fn store_options(self: &Arc<World>, node: usize, generation: u64) -> StoreOptions {
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

    /// Ends a node's process, if it has one. What was in its hands is gone with it.
    fn end(&self, node: usize) -> Option<Arc<Process>> {
        let ended = self.nodes[node].end();
        self.rooms.iter().for_each(|room| room.down(node));
        ended
    }

    /// Ends all processes and closes the witnesses' connections.
    pub fn end_all(&self) -> Vec<Option<Arc<Process>>> {
        let ended = (0..self.nodes.len()).map(|node| self.end(node)).collect();
        self.book.with(Book::disconnect);
        self.rooms.iter().for_each(|room| room.disconnect());
        ended
    }

    /// Plans the return of every node.
    pub fn restart_all(self: &Arc<World>) {
        for node in 0..self.serving {
            let pause_ms = self.random.with(|random| random.between(300, 15_000));
            self.plan_in(pause_ms, Class::Work, move |world| world.restart(node));
        }
    }

    /// Ends a node's process and plans its return.
    pub fn kill(self: &Arc<World>, node: usize) {
        drop(self.end(node));
        if node < self.serving {
            let pause_ms = self.random.with(|random| random.between(500, 20_000));
            self.plan_in(pause_ms, Class::Work, move |world| world.restart(node));
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
                self.rooms.iter().for_each(|room| Arc::clone(room).up(self, node, generation));
            }
            Err(_) if self.disk.halted() => self.machine_crash(None),
            Err(error) => {
                self.note(&format!("node {node} does not start: {}", kind_of(&error)));
                self.plan_in(3_000, Class::Work, move |world| world.restart(node));
            }
        }
    }

    /// Runs something on a node that is up (any of them, drawn by `draw`), or in a process of its own beside the nodes.
    /// `None` when it came to nothing.
    pub fn command<T>(self: &Arc<World>, node: Option<usize>, work: impl Fn(&Process) -> T) -> Option<T> {
        match node.filter(|node| self.nodes[*node].process().is_some()) {
            Some(node) => self.step(node, work),
            None => self.command_line(work),
        }
    }

    /// The operators' own process: one for a single act, or a console that is left open and serves the next ones too.
    fn command_line<T>(self: &Arc<World>, work: impl Fn(&Process) -> T) -> Option<T> {
        let place = self.serving;
        let is_open = self.nodes[place].process().is_some();
        if let Some(Err(error)) = (!is_open).then(|| self.start(place)) {
            self.note(&format!("the command line does not start: {}", kind_of(&error)));
            if self.disk.halted() {
                self.machine_crash(None);
            }
            return None;
        }
        let done = self.step(place, work);
        if self.random.with(|random| random.chance(1, 4)) {
            drop(self.end(place));
        }
        done
    }

    /// A node copies the log into the database.
    pub fn checkpoint(self: &Arc<World>, node: usize) {
        if let Some(Err(error)) = self.step(node, |process| process.store.checkpoint()) {
            self.note(&format!("node {node} could not checkpoint: {}", kind_of(&error)));
        }
        let pause_ms = self.random.with(|random| random.between(60_000, 300_000));
        self.plan_in(pause_ms, Class::Work, move |world| world.checkpoint(node));
    }

    /// The error of a unit of work, counted and without texts that may differ from run to run.
    pub fn error_kind(&self, error: &StoreError) -> &'static str {
        let kind = kind_of(error);
        self.reach("store error", kind);
        kind
    }
}

/// The kind of an error.
fn kind_of(error: &StoreError) -> &'static str {
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
