//! The seat of a wallet's sender in a process: its turns, under a lease that it takes and renews.

use bursar_keys::KeyId;
use bursar_payouts::{Payouts, Sender, Turn};
use bursar_store::lease::Lease;
use bursar_store::{Store, StoreError};

/// How long a lease holds, ms, and how much of it may be left when it is renewed.
const LEASE_MS: i64 = 60_000;
const LEASE_LEFT_MS: i64 = 15_000;
/// The longest that an idle sender sleeps, ms.
pub const SLEEP_MAX_MS: i64 = 20_000;

/// A wallet's sender, while its process holds the lease.
#[derive(Default)]
pub struct Seat {
    sender: Option<Sender>,
    lease: Option<(Lease, i64)>,
}

impl Seat {
    /// One turn, or none while another process holds the lease.
    pub fn turn(
        &mut self,
        store: &Store,
        payouts: &Payouts,
        wallet: &KeyId,
        holder: &str,
    ) -> Result<Turn, StoreError> {
        let now = store.read("payouts.now", |tx| tx.reading())?;
        let lasts = self.lease.as_ref().is_some_and(|(_, until_ms)| until_ms - now.ms() > LEASE_LEFT_MS);
        if !lasts {
            self.lease = None;
            let name = format!("payouts.{wallet}");
            self.lease = store.transact("payouts.lease", |tx| {
                let now = tx.reading()?;
                Ok(Lease::take(tx, &name, holder, now, LEASE_MS)?.map(|lease| (lease, now.ms() + LEASE_MS)))
            })?;
        }
        let Some((lease, _)) = self.lease.clone() else {
            return Ok(Turn::Idle { until: Some(now.after_ms(SLEEP_MAX_MS)) });
        };
        if self.sender.is_none() {
            let found = store.read("payouts.wallet", |tx| payouts.wallet(tx, wallet))?;
            self.sender = found.and_then(|wallet| payouts.sender(&wallet));
        }
        let sender = self.sender.as_ref().expect("the template has every wallet");
        let turn = sender.turn(&lease);
        if matches!(turn, Err(StoreError::LeaseLost(_))) {
            self.lease = None;
        }
        turn
    }
}
