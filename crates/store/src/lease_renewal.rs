//! Keeping a lease for work that takes longer than a lease lasts.

use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::lease::Lease;
use crate::{EngineKind, Store, StoreError};

/// A lease is renewed so many times while it would last.
const RENEWALS: u64 = 4;

/// Renews a lease of `duration_ms` while `work` goes on, on a thread of its own: a transaction of the work that proves the
/// lease lets no renewal through until it ends, and whatever it waits for, nobody else waits with it. A lease that could not
/// be renewed is found lost by the next proof. On the embedded engine no other process could take it over.
pub fn renewing<T>(store: &Store, lease: &Lease, duration_ms: i64, work: impl FnOnce() -> T) -> T {
    if store.kind() == EngineKind::Sqlite {
        return work();
    }
    let every = Duration::from_millis(u64::try_from(duration_ms).unwrap_or(0) / RENEWALS);
    let (is_over, ended) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        let renewals = || {
            while !is_over_after(&is_over, &ended, every) {
                let Err(error) = renew(store, lease, duration_ms) else { continue };
                tracing::warn!(%error, lease = lease.name, "a lease could not be renewed; its work may lose it");
                if matches!(error, StoreError::LeaseLost(_)) {
                    return;
                }
            }
        };
        let spawned = thread::Builder::new().name("lease renewal".to_owned()).spawn_scoped(scope, renewals);
        if let Err(error) = spawned {
            tracing::error!(%error, lease = lease.name, "no thread to renew a lease; its work may lose it");
        }
        let _end = End { is_over: &is_over, ended: &ended };
        work()
    })
}

fn is_over_after(is_over: &Mutex<bool>, ended: &Condvar, wait: Duration) -> bool {
    let mut over = is_over.lock();
    if !*over {
        ended.wait_for(&mut over, wait);
    }
    *over
}

fn renew(store: &Store, lease: &Lease, duration_ms: i64) -> Result<(), StoreError> {
    store.transact("store.lease_renewal", |tx| lease.renew(tx, duration_ms))
}

/// Ends the renewing thread, also when the work panics.
struct End<'a> {
    is_over: &'a Mutex<bool>,
    ended: &'a Condvar,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.is_over.lock() = true;
        self.ended.notify_all();
    }
}
