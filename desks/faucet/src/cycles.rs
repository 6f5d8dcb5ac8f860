//! One run of accrual or settlement at a time, over all processes: the jobs and whoever triggers one by hand take turns.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bursar_store::lease::{Lease, renewing};
use bursar_store::{Store, StoreError};
use parking_lot::Mutex;

use crate::accrual::{AccrualRun, Run};
use crate::settlement::{Cycle, Settlement};

/// How long a lease lasts unless it is renewed. Real time.
const LEASE_MS: i64 = 4_000;
/// How long somebody waits for another run to end; a run that takes longer is in the way of nothing urgent.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at a lease that another process has.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum CycleFault {
    /// Another run takes longer than anybody waits.
    #[error("another run is under way; try again once it has ended")]
    Busy,
    /// The store failed; what was committed before stays.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs accrual and settlement.
pub struct Cycles {
    store: Arc<Store>,
    process: String,
    accrual: (Mutex<()>, AccrualRun),
    settlement: (Mutex<()>, Settlement),
}

impl Cycles {
    /// With what they run; `process` names the holder of their leases.
    #[must_use]
    pub fn new(store: Arc<Store>, process: &str, accrual: AccrualRun, settlement: Settlement) -> Cycles {
        let process = process.to_owned();
        Cycles {
            store,
            process,
            accrual: (Mutex::default(), accrual),
            settlement: (Mutex::default(), settlement),
        }
    }

    /// One accrual run, after whichever is under way. Blocks.
    pub fn accrue(&self, is_stopping: &dyn Fn() -> bool) -> Result<Run, CycleFault> {
        let (turn, run) = &self.accrual;
        self.alone("faucet.accrual", turn, is_stopping, |lease| run.run(lease, is_stopping))
    }

    /// One settlement, after whichever is under way. Blocks.
    pub fn settle(&self, is_stopping: &dyn Fn() -> bool) -> Result<Cycle, CycleFault> {
        let (turn, settlement) = &self.settlement;
        self.alone("faucet.settlement", turn, is_stopping, |lease| settlement.run(lease, is_stopping))
    }

    fn alone<T>(
        &self,
        name: &str,
        turn: &Mutex<()>,
        is_stopping: &dyn Fn() -> bool,
        work: impl FnOnce(&Lease) -> Result<T, StoreError>,
    ) -> Result<T, CycleFault> {
        let until = Instant::now() + PATIENCE;
        let is_over = || Instant::now() >= until || is_stopping();
        let _turn = loop {
            match turn.try_lock_for(LOOK_AGAIN) {
                Some(turn) => break turn,
                None if is_over() => return Err(CycleFault::Busy),
                None => {}
            }
        };
        let lease = loop {
            match self.take(name)? {
                Some(lease) => break lease,
                None if is_over() => return Err(CycleFault::Busy),
                None => thread::sleep(LOOK_AGAIN),
            }
        };
        let done = renewing(&self.store, &lease, LEASE_MS, || work(&lease));
        let released = self.store.transact("faucet.release", |tx| lease.release(tx));
        let done = done?;
        released?;
        Ok(done)
    }

    fn take(&self, name: &str) -> Result<Option<Lease>, StoreError> {
        self.store.transact("faucet.lease", |tx| {
            let real = tx.real_time()?;
            Lease::take(tx, name, &self.process, real, LEASE_MS)
        })
    }
}
