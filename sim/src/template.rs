//! The database that every run starts from: all tables, switches off, settings at their defaults.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bursar_control::{ConfigTable, settings};
use bursar_disk_faults::{Disk, DiskImage};
use bursar_rounds::settings::{SWITCHES, all};
use bursar_store::{Clock, DatabaseUrl, EngineKind, OpenMode, Store, StoreOptions, Timestamp};
use uuid::Uuid;

use crate::plan::Rooms;
use crate::{faucet, payouts};

/// Where the database is on the simulated disk.
pub const DATABASE: &str = "data/bursar.db";

static ROUNDS: LazyLock<DiskImage> = LazyLock::new(|| image(|store| prepare(store, Rooms::ROUNDS)));
static PAYOUTS: LazyLock<DiskImage> = LazyLock::new(|| image(|store| prepare(store, Rooms::PAYOUTS)));
static BOTH: LazyLock<DiskImage> = LazyLock::new(|| image(|store| prepare(store, Rooms::BOTH)));
static FAUCET: LazyLock<DiskImage> = LazyLock::new(|| image(faucet::prepare));

fn image(prepare: impl FnOnce(&Arc<Store>)) -> DiskImage {
    let disk = Disk::new(0);
    let batches = AtomicU64::new(1);
    let options = StoreOptions {
        clock: Clock::Simulated(Arc::new(AtomicI64::new(0))),
        sqlite_vfs: Some(disk.vfs_name().to_owned()),
        batch_ids: Arc::new(move || Uuid::from_u64_pair(0, batches.fetch_add(1, Ordering::Relaxed))),
        ..StoreOptions::new(OpenMode::Tool)
    };
    let store = Store::open(&DatabaseUrl::Sqlite(DATABASE.into()), options).expect("an empty database opens");
    let store = Arc::new(store);
    prepare(&store);
    store.checkpoint().expect("the log is copied");
    drop(store);
    disk.snapshot()
}

/// A disk of `seed` that holds the database of these rooms and no other tables: each process reads all of them first.
pub fn disk(seed: u64, rooms: Rooms) -> Disk {
    let disk = Disk::new(seed);
    let image = match rooms {
        Rooms { faucet: true, .. } => &FAUCET,
        Rooms { rounds: true, payouts: true, .. } => &BOTH,
        Rooms { payouts: true, .. } => &PAYOUTS,
        Rooms { .. } => &ROUNDS,
    };
    disk.restore(DiskImage::clone(image));
    disk
}

fn prepare(store: &Arc<Store>, rooms: Rooms) {
    let mut migrations = bursar_ledger::MIGRATIONS.to_vec();
    migrations.extend(bursar_control::MIGRATIONS);
    migrations.extend(bursar_audit::MIGRATIONS);
    migrations.push(bursar_audit::guards(EngineKind::Sqlite));
    if rooms.rounds {
        migrations.extend(bursar_rounds::migrations(EngineKind::Sqlite));
    }
    if rooms.payouts {
        migrations.extend(payouts::migrations());
    }
    store.migrate(&migrations).expect("the migrations run");
    if rooms.rounds {
        prepare_rounds(store);
    }
    if rooms.payouts {
        payouts::prepare(store);
    }
}

fn prepare_rounds(store: &Store) {
    let values = all().into_iter().map(|s| (s.key, s.default.to_string(), s.description, false));
    let switches = SWITCHES.iter().map(|switch| (switch.key, "off".to_owned(), "switch", false));
    let rows: Vec<_> = values.chain(switches).collect();
    let seeded = store
        .transact("sim.seed", |tx| settings::seed(tx, ConfigTable::ROUNDS, &rows, Timestamp::from_ms(0)));
    seeded.expect("switches and settings are written");
}
