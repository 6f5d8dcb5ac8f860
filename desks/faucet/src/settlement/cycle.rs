//! One settlement cycle: who takes part and in what order, then chunk after chunk.

use std::sync::Arc;

use bursar_access::Entropy;
use bursar_audit::Recorder;
use bursar_control::Switchboard;
use bursar_keys::KeyId;
use bursar_payouts::Payouts;
use bursar_store::lease::Lease;
use bursar_store::{Store, StoreError, Timestamp, Tx};

use super::chunk::{Chunk, REFUSED, UNPAYABLE};
use super::load::{below_caps, waiting};
use super::resume::resume;
use crate::mode::Mode;
use crate::policy::{Policy, unusable_caps};
use crate::record::Finding;
use crate::rules::balance::meets_floor;
use crate::rules::ban::BanE8;
use crate::rules::payout_order::{Draw, Waiting, draw};
use crate::settings::Values;

/// Players settled in one transaction.
const CHUNK: usize = 500;

/// What settlement works with.
#[derive(Clone)]
pub struct SettlementParts {
    /// The database.
    pub store: Arc<Store>,
    /// Sources of stops.
    pub switchboard: Switchboard,
    /// The payouts room.
    pub payouts: Payouts,
    /// The wallet that payouts leave from; as long as it is not there, nothing real is settled.
    pub operator: KeyId,
    /// Asks what the operator wallet holds by the chain; `None` = unknown. Blocks.
    pub balance: Arc<dyn Fn() -> Option<BanE8> + Send + Sync>,
    /// Randomness for the order of players.
    pub entropy: Arc<dyn Entropy>,
    /// The configuration.
    pub policy: Arc<Policy>,
    /// The audit chain of this writer.
    pub recorder: Arc<Recorder>,
}

/// Turns open accruals into payouts.
pub struct Settlement {
    parts: SettlementParts,
}

/// Why a cycle did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// `payouts_halted` is on or cannot be read.
    Halted,
    /// `scheduler_halted` is on or cannot be read: the cycle does not begin, whoever asked for it and however long ago.
    SchedulerHalted,
    /// The mode changed while the cycle ran: what is left waits for the next one.
    ModeChanged,
    /// No operator wallet is set up.
    NoWallet,
    /// The operator's wallet is stopped, or was not matched with its chain since a restore: what it paid may not all be
    /// known here.
    WalletStill,
    /// The operator's balance is below the floor, or unknown.
    BelowFloor,
}

/// What a cycle did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cycle {
    /// Why it did nothing, or nothing more.
    pub skipped: Option<Skipped>,
    /// Whether it was one of dry-run.
    pub dry_run: bool,
    /// Players who could be paid.
    pub candidates: u64,
    /// Payouts made.
    pub payouts: u64,
    /// Players whose payout would be more than can be paid at once.
    pub refused: u64,
    /// Payouts that were held and go on.
    pub resumed: u64,
    /// Accruals in them.
    pub accruals: u64,
    /// Amount and region of each payout made, for metrics.
    pub made: Vec<(BanE8, Option<String>)>,
    /// Players of the order that were looked at, from the first on.
    pub looked_at: usize,
}

impl Cycle {
    fn add(&mut self, done: Cycle) {
        self.looked_at += done.looked_at;
        self.refused += done.refused;
        self.candidates += done.candidates;
        self.payouts += done.payouts;
        self.accruals += done.accruals;
        self.made.extend(done.made);
    }
}

/// What a cycle begins with.
struct Plan {
    mode: Mode,
    now: Timestamp,
    interval_s: u32,
    waiting: Vec<Waiting>,
    has_wallet: bool,
    is_paying: bool,
}

impl Plan {
    /// Nobody is asked for what would change nothing.
    fn asks_balance(&self) -> bool {
        let is_halted = self.mode.scheduler_halted || self.mode.payouts_halted;
        !is_halted && !self.mode.dry_run && self.is_paying
    }
}

impl Settlement {
    /// With everything it works with.
    #[must_use]
    pub fn new(parts: SettlementParts) -> Settlement {
        Settlement { parts }
    }

    /// Runs one cycle under a lease: whoever lost it commits nothing more. `is_stopping` ends it between two chunks; what
    /// is left waits for the next cycle.
    pub fn run(&self, lease: &Lease, is_stopping: &dyn Fn() -> bool) -> Result<Cycle, StoreError> {
        let plan = self.parts.store.read("faucet.settlement_plan", |tx| self.plan(tx))?;
        let dry_run = plan.mode.dry_run;
        let balance = if plan.asks_balance() { (self.parts.balance)() } else { None };
        let mut cycle = Cycle { skipped: self.skipped(&plan, balance), dry_run, ..Cycle::default() };
        if cycle.skipped.is_some() {
            return Ok(cycle);
        }
        let chunk = Chunk { parts: &self.parts, lease, dry_run };
        if let Some(balance) = balance {
            cycle.resumed =
                self.parts.store.transact("faucet.resume", |tx| resume(tx, &self.parts, lease, balance))?;
        }
        let order = draw(&plan.waiting, self.terms(plan.now, plan.interval_s));
        let batch = self.batch();
        // Only who is paid takes a place in the batch: whoever cannot be would keep it, cycle after cycle.
        while cycle.looked_at < order.len() && cycle.made.len() < batch && !is_stopping() {
            let left = order.get(cycle.looked_at..).unwrap_or_default();
            let users = left.get(..CHUNK).unwrap_or(left);
            let room = batch.saturating_sub(cycle.made.len());
            let done = self.parts.store.transact("faucet.settle", |tx| chunk.settle(tx, users, room))?;
            if done.skipped.is_some() {
                cycle.skipped = done.skipped;
                break;
            }
            cycle.add(done);
        }
        let was_everybody = cycle.skipped.is_none() && cycle.looked_at == order.len();
        self.note_refusals(cycle.refused, was_everybody)?;
        Ok(cycle)
    }

    /// Tells of whoever was refused; once everybody was looked at and nobody refused, an earlier finding is put right.
    fn note_refusals(&self, refused: u64, was_everybody: bool) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let is_over = refused == 0;
        if is_over && !(was_everybody && store.read("faucet.refusals", |tx| Finding::is_open(tx, REFUSED))?) {
            return Ok(());
        }
        let (count, text) =
            if is_over { (0, "") } else { (i64::try_from(refused).unwrap_or(i64::MAX), UNPAYABLE) };
        store.transact("faucet.refusals", |tx| {
            let now = tx.reading()?;
            Finding::note(tx, REFUSED, count, text, now).map(|_| ())
        })
    }

    fn plan(&self, tx: &mut Tx<'_>) -> Result<Plan, StoreError> {
        let parts = &self.parts;
        let now = tx.reading()?;
        let mode = Mode::peek(tx, &parts.switchboard, &parts.policy, now)?;
        let live = Values::read(tx)?;
        let terms = parts.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?;
        let mut waiting = waiting(tx, mode.dry_run, parts.policy.minimum)?;
        if parts.policy.batch_size > 0 {
            // Whoever is at a cap need not be looked at in full.
            waiting = below_caps(tx, waiting, mode.dry_run, terms)?;
        }
        let wallet = parts.payouts.wallet(tx, &parts.operator)?;
        let is_paying = match &wallet {
            Some(wallet) => parts.payouts.is_paying(tx, wallet)?,
            None => false,
        };
        let interval_s = live.intervals().settlement_s();
        Ok(Plan { mode, now, interval_s, waiting, has_wallet: wallet.is_some(), is_paying })
    }

    fn skipped(&self, plan: &Plan, balance: Option<BanE8>) -> Option<Skipped> {
        if plan.mode.scheduler_halted {
            return Some(Skipped::SchedulerHalted);
        }
        if plan.mode.payouts_halted {
            return Some(Skipped::Halted);
        }
        if plan.mode.dry_run {
            return None;
        }
        if !plan.has_wallet {
            return Some(Skipped::NoWallet);
        }
        if !plan.is_paying {
            return Some(Skipped::WalletStill);
        }
        (!meets_floor(balance, self.parts.policy.floor)).then_some(Skipped::BelowFloor)
    }

    /// How many players a cycle pays.
    fn batch(&self) -> usize {
        match self.parts.policy.batch_size {
            0 => usize::MAX,
            size => usize::try_from(size).unwrap_or(usize::MAX),
        }
    }

    fn terms(&self, now: Timestamp, interval_s: u32) -> Draw {
        let mut seed = [0; 8];
        self.parts.entropy.fill(&mut seed);
        Draw { now, interval_s, seed: u64::from_be_bytes(seed) }
    }
}
