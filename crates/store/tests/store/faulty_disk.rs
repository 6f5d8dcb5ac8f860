//! A server on a simulated disk: it counts commands, remembers what it acknowledged, and dies with the disk.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bursar_disk_faults::{CrashMode, Disk};
use bursar_store::lane::{LaneFault, Work, run_batch};
use bursar_store::{DatabaseUrl, OpenMode, Store, StoreError, StoreOptions, Tx, set_fail_stop_handler};
use uuid::Uuid;

use crate::schema::{TABLES, count_up, counter, notes, write_note};

const FILE: &str = "data/test.db";

/// Moves one from counter `b` to counter `a` for each command that has no note yet, and writes its note.
pub struct Moves;

impl Work for Moves {
    type Command = i64;
    type Reply = ();

    fn unit(&self) -> &'static str {
        "test.moves"
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[i64]) -> Result<Vec<()>, StoreError> {
        for id in commands {
            let known = tx.query_first("SELECT id FROM note WHERE id = $1", &[(*id).into()], |_| Ok(()))?;
            if known.is_none() {
                count_up(tx, "a")?;
                tx.execute("UPDATE counter SET value = value - 1 WHERE name = 'b'", &[])?;
                write_note(tx, *id)?;
            }
        }
        Ok(vec![(); commands.len()])
    }
}

/// Numbers that follow from a seed (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The server across its restarts.
pub struct Server {
    pub disk: Disk,
    pub store: Arc<Store>,
    batches: Arc<AtomicU64>,
    acknowledged: BTreeSet<i64>,
    /// Commands of the batch whose fate the server did not learn.
    in_doubt: BTreeSet<i64>,
    next: i64,
}

impl Server {
    /// A migrated server on an empty disk whose every choice follows from `seed`.
    pub fn start(seed: u64) -> Server {
        // Ends the server, as the end of the process would; the test is the operator that starts it again.
        set_fail_stop_handler(|reason| panic!("fail-stop: {reason}"));
        let (disk, batches) = (Disk::new(seed), Arc::new(AtomicU64::new(0)));
        let store = Arc::new(open(&disk, &batches));
        store.migrate(&TABLES).unwrap();
        Server { disk, store, batches, acknowledged: BTreeSet::new(), in_doubt: BTreeSet::new(), next: 1 }
    }

    /// Runs `size` new commands as one batch. `Err` = the process ended meanwhile.
    pub fn batch(&mut self, size: u64) -> Result<(), LaneFault> {
        let commands: Vec<i64> = (self.next..).take(usize::try_from(size).unwrap()).collect();
        self.next += i64::try_from(size).unwrap();
        self.run(&commands)
    }

    /// Asks again for what was in doubt.
    pub fn ask_again(&mut self) -> Result<(), LaneFault> {
        let commands: Vec<i64> = std::mem::take(&mut self.in_doubt).into_iter().collect();
        self.run(&commands)
    }

    fn run(&mut self, commands: &[i64]) -> Result<(), LaneFault> {
        let store = Arc::clone(&self.store);
        let run = AssertUnwindSafe(|| run_batch(&store, &mut Moves, commands));
        let replies = catch_unwind(run).unwrap_or_else(|_| vec![Err(LaneFault::Closed); commands.len()]);
        for (id, reply) in commands.iter().zip(&replies) {
            match reply {
                Ok(()) => self.acknowledged.insert(*id),
                Err(LaneFault::Closed) => self.in_doubt.insert(*id),
                Err(_) => false,
            };
        }
        replies.into_iter().collect()
    }

    /// Whether the process has not stopped itself since it was started.
    pub fn is_running(&self) -> bool {
        self.in_doubt.is_empty()
    }

    /// Counts commands as acknowledged that were not run through here; one more may have been in doubt.
    pub fn take_over(&mut self, acknowledged: Vec<i64>) {
        self.in_doubt = [acknowledged.last().map_or(1, |id| id + 1)].into();
        self.acknowledged.extend(acknowledged);
    }

    /// Ends the process or the power, starts again and checks what is there.
    pub fn restart(&mut self, mode: CrashMode) {
        self.disk.crash(mode);
        self.disk.clear_faults();
        self.store = Arc::new(open(&self.disk, &self.batches));
        self.check();
    }

    /// Every acknowledged command is there once, and every other one is there whole or not at all.
    pub fn check(&self) {
        let health = self.store.read("test.health", |tx| {
            tx.query_first("PRAGMA integrity_check", &[], |row| row.get::<String>(0))
        });
        assert_eq!(health.unwrap().as_deref(), Some("ok"));
        let found: BTreeSet<i64> = notes(&self.store).into_iter().collect();
        let lost: Vec<_> = self.acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let extra: BTreeSet<i64> = found.difference(&self.acknowledged).copied().collect();
        assert!(extra.is_empty() || extra == self.in_doubt, "of {:?} there is {extra:?}", self.in_doubt);
        let count = i64::try_from(found.len()).unwrap();
        assert_eq!([counter(&self.store, "a"), counter(&self.store, "b")], [count, -count]);
    }
}

fn open(disk: &Disk, batches: &Arc<AtomicU64>) -> Store {
    let mut options = StoreOptions::new(OpenMode::Server);
    options.sqlite_vfs = Some(disk.vfs_name().to_owned());
    options.sqlite_cache_kib = 1_024;
    let batches = Arc::clone(batches);
    options.batch_ids = Arc::new(move || Uuid::from_u64_pair(1, batches.fetch_add(1, Ordering::SeqCst)));
    Store::open(&DatabaseUrl::Sqlite(FILE.into()), options).unwrap()
}
