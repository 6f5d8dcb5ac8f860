//! An ear that keeps what it heard.

use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_payouts::{Change, Ear};
use bursar_store::{StoreError, Timestamp, Tx};
use parking_lot::Mutex;

/// Every change that an ear heard of, in order, the wait before each retry, in milliseconds, and the wallets that run
/// though payments of them may not be known.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<Change>>, pub Mutex<Vec<i64>>, pub Mutex<Vec<KeyId>>);

impl Ear for Heard {
    fn changed(&self, _: &mut Tx<'_>, _: &mut Book, change: &Change, _: Timestamp) -> Result<(), StoreError> {
        self.0.lock().push(change.clone());
        Ok(())
    }

    fn retried(&self, waited_ms: i64) {
        self.1.lock().push(waited_ms);
    }

    fn blind(&self, _: &mut Tx<'_>, wallet: &KeyId, _: Timestamp) -> Result<(), StoreError> {
        self.2.lock().push(wallet.clone());
        Ok(())
    }
}
