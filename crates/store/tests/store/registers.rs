//! Registers that clients read and move balances between, and the record of what each client was told and when.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use bursar_store::lane::{LaneFault, Work};
use bursar_store::{Bulk, Column, Lock, Lookup, Migration, Store, StoreError, Tx};

/// How many registers there are; their ids begin at 1.
pub const REGISTERS: i64 = 8;
/// What each holds at first.
pub const BALANCE: i64 = 100;
/// The stamp of a value that nobody has written yet.
pub const UNWRITTEN: i64 = 0;

pub const TABLES: [Migration; 1] = [Migration {
    name: "test/0001_registers",
    epoch: 1,
    sql: "CREATE TABLE register (id @key, stamp @int NOT NULL, balance @int NOT NULL);
          INSERT INTO register (id, stamp, balance) VALUES
              (1, 0, 100), (2, 0, 100), (3, 0, 100), (4, 0, 100), (5, 0, 100), (6, 0, 100), (7, 0, 100), (8, 0, 100)",
}];

type Read = fn() -> Lookup;

fn reading(lock: Lock) -> Lookup {
    Lookup::new("id, stamp, balance", "register", &[("id", Column::Int)], lock)
}

static FOR_UPDATE: LazyLock<Lookup, Read> = LazyLock::new(|| reading(Lock::Update));
static FOR_SHARE: LazyLock<Lookup, Read> = LazyLock::new(|| reading(Lock::Share));
static UNLOCKED: LazyLock<Lookup, Read> = LazyLock::new(|| reading(Lock::None));
static WRITE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("id", Column::Int), ("stamp", Column::Int), ("balance", Column::Int)];
    Bulk::update("register", 1, &columns)
});

/// A register's value: who wrote it, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    pub id: i64,
    /// Names one run of one attempt, or nobody.
    pub stamp: i64,
    pub balance: i64,
}

/// One run of a transaction: what it read, and what it wrote with its own stamp. It reads whatever it writes.
#[derive(Clone, Debug)]
pub struct Run {
    pub stamp: i64,
    pub reads: Vec<Value>,
    /// Register and new balance.
    pub writes: Vec<(i64, i64)>,
}

/// What the client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is done.
    Committed,
    /// It was not done and never will be.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// One thing that a client asked for; times are places in one order of all askings and answers.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub asked: u64,
    pub answered: u64,
    pub fate: Fate,
    /// In their order; the last is the one that counts.
    pub runs: Vec<Run>,
}

/// Runs of an attempt, filled in by whatever thread runs it.
pub type Runs = Arc<Mutex<Vec<Run>>>;

/// What the clients of one test saw.
#[derive(Default)]
pub struct History {
    time: AtomicU64,
    stamps: AtomicI64,
    attempts: Mutex<Vec<Attempt>>,
}

impl History {
    /// A stamp that no other run has.
    pub fn stamp(&self) -> i64 {
        self.stamps.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Lets a client ask for something and notes down what it was told.
    pub fn attempt(&self, ask: impl FnOnce(&Runs) -> Fate) -> Fate {
        let runs = Runs::default();
        let asked = self.time.fetch_add(1, Ordering::SeqCst);
        let fate = ask(&runs);
        let answered = self.time.fetch_add(1, Ordering::SeqCst);
        let runs = runs.lock().unwrap().clone();
        self.attempts.lock().unwrap().push(Attempt { asked, answered, fate, runs });
        fate
    }

    pub fn attempts(self) -> Vec<Attempt> {
        self.attempts.into_inner().unwrap()
    }
}

/// What a client wants done in one transaction.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Moves `amount` from one register to another.
    Move { from: i64, to: i64, amount: i64 },
    /// Reads these registers where others could write.
    Look { ids: Vec<i64> },
}

impl Wish {
    fn ids(&self) -> Vec<i64> {
        match self {
            Wish::Move { from, to, .. } => vec![*from, *to],
            Wish::Look { ids } => ids.clone(),
        }
    }

    fn decide(&self, stamp: i64, reads: Vec<Value>) -> Run {
        let balance = |id: i64| reads.iter().find(|value| value.id == id).unwrap().balance;
        let writes = match self {
            Wish::Move { from, to, amount } => {
                vec![(*from, balance(*from) - amount), (*to, balance(*to) + amount)]
            }
            Wish::Look { .. } => Vec::new(),
        };
        Run { stamp, reads, writes }
    }
}

fn values(tx: &mut Tx<'_>, lookup: &'static Lookup, ids: &[i64]) -> Result<Vec<Value>, StoreError> {
    let keys: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
    tx.lookup(lookup, &keys, |row| Ok(Value { id: row.get(0)?, stamp: row.get(1)?, balance: row.get(2)? }))
}

fn write(tx: &mut Tx<'_>, values: &[Value]) -> Result<(), StoreError> {
    let params: Vec<_> =
        values.iter().flat_map(|value| [value.id, value.stamp, value.balance]).map(Into::into).collect();
    tx.execute_many(&WRITE, &params).map(drop)
}

fn written(run: &Run) -> Vec<Value> {
    let value = |(id, balance): &(i64, i64)| Value { id: *id, stamp: run.stamp, balance: *balance };
    run.writes.iter().map(value).collect()
}

/// Does `wish` in the open transaction. It locks register after register, in the order of the wish, so that two of
/// them can meet crosswise.
pub fn fulfil(tx: &mut Tx<'_>, wish: &Wish, history: &History, runs: &Runs) -> Result<(), StoreError> {
    let lock = if matches!(wish, Wish::Move { .. }) { &FOR_UPDATE } else { &FOR_SHARE };
    let mut reads = Vec::new();
    for id in wish.ids() {
        reads.extend(values(tx, lock, &[id])?);
    }
    let run = wish.decide(history.stamp(), reads);
    let values = written(&run);
    // Noted before it is written: a run whose end nobody saw may count.
    runs.lock().unwrap().push(run);
    write(tx, &values)
}

/// The same without locks and with a pause in the middle: what strict serialisability is lost by.
pub fn fulfil_carelessly(
    tx: &mut Tx<'_>,
    wish: &Wish,
    history: &History,
    runs: &Runs,
    pause: impl FnOnce(),
) -> Result<(), StoreError> {
    let run = wish.decide(history.stamp(), values(tx, &UNLOCKED, &wish.ids())?);
    pause();
    let values = written(&run);
    runs.lock().unwrap().push(run);
    write(tx, &values)
}

/// Some registers in one snapshot.
pub fn survey(store: &Store, ids: std::ops::RangeInclusive<i64>) -> Result<Vec<Value>, StoreError> {
    let ids: Vec<i64> = ids.collect();
    store.read("test.survey", |tx| values(tx, &UNLOCKED, &ids))
}

/// What a client of a store is told.
pub fn fate<T>(result: &Result<T, StoreError>) -> Fate {
    match result {
        Ok(_) => Fate::Committed,
        Err(StoreError::UnknownCommit(_)) => Fate::Unknown,
        Err(_) => Fate::Refused,
    }
}

/// What a client of a lane is told.
pub fn lane_fate<T>(result: &Result<T, LaneFault>) -> Fate {
    match result {
        Ok(_) => Fate::Committed,
        Err(LaneFault::UnknownOutcome(_)) => Fate::Unknown,
        Err(_) => Fate::Refused,
    }
}

/// Fulfils wishes on a lane: loads what the batch touches, decides each in turn, saves what changed.
pub struct Batches(pub Arc<History>);

impl Work for Batches {
    type Command = (Wish, Runs);
    type Reply = ();

    fn unit(&self) -> &'static str {
        "test.registers"
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[(Wish, Runs)]) -> Result<Vec<()>, StoreError> {
        let ids: Vec<i64> = commands.iter().flat_map(|(wish, _)| wish.ids()).collect();
        let mut state = values(tx, &FOR_UPDATE, &ids)?;
        for (wish, runs) in commands {
            let known = |id: i64| *state.iter().find(|value| value.id == id).unwrap();
            let run = wish.decide(self.0.stamp(), wish.ids().into_iter().map(known).collect());
            for value in written(&run) {
                *state.iter_mut().find(|old| old.id == value.id).unwrap() = value;
            }
            runs.lock().unwrap().push(run);
        }
        write(tx, &state)?;
        Ok(vec![(); commands.len()])
    }
}
