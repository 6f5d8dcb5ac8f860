//! The payouts of a process: which chains, desks and wallets there are, and what everything else is made with.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_access::Entropy;
use bursar_audit::Recorder;
use bursar_chain::Chain;
use bursar_control::{ConfigTable, Switch, Switchboard};
use bursar_keys::{KeyId, Keystore};
use bursar_ledger::AccountId;
use bursar_money::Amount;
use bursar_store::fault::Faults;
use bursar_store::{Store, StoreError, Timestamp, Tx};
use parking_lot::RwLock;

use crate::desk_rules::DeskRules;
use crate::journal::Journal;
use crate::metrics::PayoutMetrics;
use crate::outside::OutsideRules;
use crate::stops::{Reading, stopped};
use crate::wallet::Wallet;
use crate::{Rejection, sql};

/// A chain that payouts go out on.
#[derive(Clone)]
pub struct ChainRules {
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// Switches of which each alone stops the chain's payouts; there may be none.
    pub stops: Vec<(ConfigTable, Switch)>,
}

/// Makes the audit chain of one writer of this process from the writer's name.
pub type Recorders = Arc<dyn Fn(&str) -> Recorder + Send + Sync>;
/// How many restores the stored data has been through.
pub type Generation = Arc<dyn Fn(&mut Tx<'_>) -> Result<i64, StoreError> + Send + Sync>;

/// Waits and limits of senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendSettings {
    /// How long a payment may live before people are told, in milliseconds; usually 2 minutes.
    pub stuck_after_ms: i64,
    /// How often an idle wallet looks for money that came in, in milliseconds.
    pub receipts_every_ms: i64,
    /// What is less than this, in base units, is not worth accepting by itself.
    pub receipt_min: Amount,
}

impl Default for SendSettings {
    /// Two minutes, one minute, whatever it is.
    fn default() -> SendSettings {
        SendSettings { stuck_after_ms: 120_000, receipts_every_ms: 60_000, receipt_min: Amount::new(1) }
    }
}

/// What payouts are made of.
#[derive(Clone)]
pub struct PayoutsParts {
    /// The database.
    pub store: Arc<Store>,
    /// Who signs.
    pub keystore: Arc<Keystore>,
    /// Sources of stops.
    pub switchboard: Switchboard,
    /// Audit chains.
    pub recorders: Recorders,
    /// Randomness: public ids, and the spread of waits.
    pub entropy: Arc<dyn Entropy>,
    /// The chains.
    pub chains: Vec<ChainRules>,
    /// Switches of which each alone stops all payouts. Without any nothing is paid.
    pub stops: Vec<(ConfigTable, Switch)>,
    /// How many restores the stored data has been through: a wallet stands still until it is matched after each.
    pub generation: Generation,
    /// Where signed attempts are written down outside the database; `None` = nowhere, and after a restore every wallet
    /// waits for an operator.
    pub journal: Option<Arc<Journal>>,
    /// What is counted; `None` = nothing is.
    pub metrics: Option<PayoutMetrics>,
    /// Named places at which a test lets things go wrong; `None` in production.
    pub faults: Option<Arc<dyn Faults>>,
    /// Waits and limits of senders.
    pub settings: SendSettings,
}

/// The payouts of a process. Clones are the same.
#[derive(Clone)]
pub struct Payouts {
    pub(crate) parts: Arc<PayoutsParts>,
    desks: Arc<RwLock<BTreeMap<&'static str, Arc<DeskRules>>>>,
    outside: Arc<RwLock<BTreeMap<&'static str, Arc<OutsideRules>>>>,
}

impl Payouts {
    /// Payouts without a desk: those register themselves when they open.
    #[must_use]
    pub fn new(parts: PayoutsParts) -> Payouts {
        Payouts { parts: Arc::new(parts), desks: Arc::default(), outside: Arc::default() }
    }

    /// Lets a desk pay. An intent of a desk that is not registered waits.
    pub fn register(&self, rules: DeskRules) {
        self.desks.write().insert(rules.desk, Arc::new(rules));
    }

    /// Lets callers from outside have a desk's wallets pay. Without this they pay for its own orders alone.
    pub fn open_to_outside(&self, rules: OutsideRules) {
        self.outside.write().insert(rules.desk, Arc::new(rules));
    }

    /// What a desk says of callers from outside; `None` = it has nothing for them.
    #[must_use]
    pub fn outside(&self, name: &str) -> Option<Arc<OutsideRules>> {
        self.outside.read().get(name).cloned()
    }

    /// The rules of a desk that is registered.
    pub(crate) fn desk(&self, name: &str) -> Option<Arc<DeskRules>> {
        self.desks.read().get(name).cloned()
    }

    /// The chain of this name.
    pub(crate) fn chain(&self, name: &str) -> Option<&ChainRules> {
        self.parts.chains.iter().find(|rules| rules.chain.name() == name)
    }

    /// Why nothing of this desk may be accepted or leave on this chain, if so: the first switch that is stopped.
    pub(crate) fn stopped(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        chain: &str,
        now: Timestamp,
        reading: Reading,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(rules) = self.desk(desk).filter(|rules| !rules.switches.is_empty()) else {
            return Ok(Some("the switch of this desk, which has none,"));
        };
        if self.parts.stops.is_empty() {
            return Ok(Some("the switch of all payouts, which is missing,"));
        }
        let of_chain = self.chain(chain).map(|rules| rules.stops.clone()).unwrap_or_default();
        let of_desk = rules.switches.iter().map(|switch| (rules.table, *switch));
        let guards: Vec<_> = self.parts.stops.iter().copied().chain(of_chain).chain(of_desk).collect();
        stopped(tx, &self.parts.switchboard, &guards, now, reading)
    }

    /// Makes a wallet of each signing key for the purpose `payouts` of a chain that is known here, where there is none
    /// yet, with its accounts in the book. Returns the new ones. Call it when the process starts.
    pub fn open_wallets(
        &self,
        tx: &mut Tx<'_>,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Result<Vec<KeyId>, StoreError> {
        crate::wallet::open_all(self, tx, recorder, now)
    }

    /// The wallet of this name.
    pub fn wallet(&self, tx: &mut Tx<'_>, name: &KeyId) -> Result<Option<Wallet>, StoreError> {
        Ok(sql::wallets::load(tx, &[name])?.into_iter().next())
    }

    /// The wallet of this name, locked until the transaction ends. Senders lock it before anything else: whoever changes
    /// intents and locks accounts, or rows that a desk's ear writes, in one transaction takes it first as well.
    pub fn lock_wallet(&self, tx: &mut Tx<'_>, name: &KeyId) -> Result<Option<Wallet>, StoreError> {
        sql::wallets::load_locked(tx, name)
    }

    /// Whether a wallet pays: it runs, and was matched after the newest restore. Until then a desk gives no new orders, as
    /// the journal may bring back what they would pay a second time.
    pub fn is_paying(&self, tx: &mut Tx<'_>, wallet: &Wallet) -> Result<bool, StoreError> {
        Ok(wallet.is_running((self.parts.generation)(tx)?))
    }

    /// Whether nothing of a wallet is under way: every transaction that was signed for it is final or dead.
    pub fn is_at_rest(&self, tx: &mut Tx<'_>, name: &KeyId) -> Result<bool, StoreError> {
        Ok(sql::attempts::open(tx, name)?.is_empty())
    }

    /// Every wallet, in the order of names.
    pub fn wallets(&self, tx: &mut Tx<'_>) -> Result<Vec<Wallet>, StoreError> {
        sql::wallets::all(tx)
    }

    /// The account that a wallet's orders from outside any desk are paid from.
    pub fn funds_account(
        &self,
        tx: &mut Tx<'_>,
        name: &KeyId,
    ) -> Result<Result<AccountId, Rejection>, StoreError> {
        Ok(self.wallet(tx, name)?.map(|wallet| wallet.funds).ok_or(Rejection::WalletUnknown))
    }
}
