//! What the operator's wallet holds by the chain, as last seen.

use std::sync::Arc;

use bursar_chain::Chain;
use bursar_keys::KeyId;
use bursar_money::Amount;
use bursar_payouts::{Payouts, Wallet};
use bursar_store::{Store, StoreError, Timestamp};
use parking_lot::Mutex;

use crate::rules::ban::BanE8;

/// The wallet as the chain showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it holds, in raw.
    pub settled: Amount,
    /// What was sent to it and is not accepted yet, in raw.
    pub pending: Amount,
    /// When, by the rules' clock.
    pub at: Timestamp,
}

impl Seen {
    /// What it holds, in whole e8.
    #[must_use]
    pub fn balance(&self) -> BanE8 {
        // More e8 than fit are far above anything that this is compared with.
        BanE8::from_raw_floor(self.settled).map_or(BanE8::MAX, |(balance, _)| balance)
    }
}

/// Asks the chain and remembers what it said.
pub struct OperatorBalance {
    store: Arc<Store>,
    payouts: Payouts,
    chain: Arc<dyn Chain>,
    operator: KeyId,
    seen: Mutex<Option<Seen>>,
}

impl OperatorBalance {
    /// Of this wallet, which need not be there yet.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        payouts: Payouts,
        chain: Arc<dyn Chain>,
        operator: KeyId,
    ) -> OperatorBalance {
        OperatorBalance { store, payouts, chain, operator, seen: Mutex::default() }
    }

    /// What the chain said last.
    #[must_use]
    pub fn known(&self) -> Option<Seen> {
        *self.seen.lock()
    }

    /// The wallet; `None` = no operator seed was set.
    pub fn wallet(&self) -> Result<Option<Wallet>, StoreError> {
        self.store.read("faucet.wallet", |tx| self.payouts.wallet(tx, &self.operator))
    }

    /// Asks the chain now; `None` = no wallet, or no answer. Blocks.
    pub fn ask(&self) -> Result<Option<Seen>, StoreError> {
        let Some(wallet) = self.wallet()? else { return Ok(None) };
        let at = self.store.read("faucet.balance", |tx| tx.reading())?;
        match self.chain.balance(&wallet.address) {
            Ok(balance) => {
                let seen = Seen { settled: balance.settled, pending: balance.incoming, at };
                *self.seen.lock() = Some(seen);
                Ok(Some(seen))
            }
            Err(error) => {
                tracing::warn!(%error, "the operator's balance is unknown now");
                Ok(None)
            }
        }
    }

    /// What the wallet holds now in whole e8; unknown counts as nothing that anybody relies on.
    #[must_use]
    pub fn now(&self) -> Option<BanE8> {
        let asked = self.ask().unwrap_or_else(|error| {
            tracing::warn!(%error, "the operator's wallet cannot be read");
            None
        });
        asked.map(|seen| seen.balance())
    }
}
