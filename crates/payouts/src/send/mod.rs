//! One wallet's sender: signs what is due, hands stored bytes to nodes, and concludes from what they say.

pub(crate) mod conclude;
mod count;
mod follow;
mod free;
pub(crate) mod journaling;
pub(crate) mod judge;
mod matching;
pub(crate) mod outrun;
mod ready;
mod receive;
mod sign;
pub(crate) mod taker;
mod unpaid;
mod view;

use std::sync::Arc;

use bursar_audit::{Actor, Recorder};
use bursar_chain::{Chain, TransactionId};
use bursar_keys::KeyId;
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};
use parking_lot::Mutex;

use self::sign::Remote;
use self::view::{Plan, View, plan};
use crate::Payouts;
use crate::backoff::{LONGEST_MS, wait_ms};
use crate::case::Hand;
use crate::wallet::{Standing, Wallet};

/// How often money that may be wanted is looked for, in milliseconds.
const WANTED_EVERY_MS: i64 = 5_000;

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is due; something will be at `until`, if that is known.
    Idle {
        /// When something falls due.
        until: Option<Timestamp>,
    },
    /// Something was done; take another turn.
    Worked,
    /// Something is due and cannot be done now.
    Waiting {
        /// When it is tried again.
        until: Timestamp,
        /// Why, for people.
        why: String,
    },
}

/// One wallet's sender. It has no thread, clock or chance of its own: whoever holds the wallet's lease takes its turns.
/// Its memory holds no decision, so that another may go on from the store at any instant.
pub struct Sender {
    payouts: Payouts,
    wallet: KeyId,
    chain: Arc<dyn Chain>,
    recorder: Recorder,
    memory: Mutex<Memory>,
}

/// What makes waiting gentle; nothing depends on it.
#[derive(Default)]
struct Memory {
    /// Times in a row that nothing could be done.
    misses: u32,
    wait_until: Option<(Timestamp, String)>,
    /// When this process compared the wallet with its chain.
    matched_at: Option<Timestamp>,
    /// When a stopped wallet was last compared with what its account ends in.
    end_seen: Option<Timestamp>,
    /// When the journal was last compared to its end, and how many restores there had been.
    journal_read: Option<(Timestamp, i64)>,
    /// When arrivals were last asked for.
    receipts_at: Option<Timestamp>,
    /// The wait that was planned last, in milliseconds, and for which transaction.
    planned: Option<(TransactionId, i64)>,
}

impl Payouts {
    /// The sender of a wallet; `None` = its chain is not set up here.
    #[must_use]
    pub fn sender(&self, wallet: &Wallet) -> Option<Sender> {
        let chain = Arc::clone(&self.chain(&wallet.chain)?.chain);
        let recorder = (self.parts.recorders)(&format!("payouts.send.{}", wallet.name));
        let (payouts, wallet, memory) = (self.clone(), wallet.name.clone(), Mutex::default());
        Some(Sender { payouts, wallet, chain, recorder, memory })
    }

    /// A named place at which a test may let the process die.
    pub(crate) fn fault(&self, place: &'static str, step: Step) -> Result<(), StoreError> {
        use bursar_store::fault::Injected;
        let injected = self.parts.faults.as_ref().and_then(|faults| faults.before(place, step));
        match injected {
            None => Ok(()),
            Some(Injected::Kill) => std::process::abort(),
            Some(_) => Err(StoreError::Unavailable(format!("died at {place} {step:?}"))),
        }
    }
}

impl Sender {
    /// The wallet.
    #[must_use]
    pub fn wallet(&self) -> &KeyId {
        &self.wallet
    }

    /// Does the next thing that is due, if anything is: at most one payment from signing to the first look at the chain.
    /// Every write checks the lease. An error of the store leaves the wallet as a crash at that point would.
    pub fn turn(&self, lease: &Lease) -> Result<Turn, StoreError> {
        let view = self.view()?;
        if let Some((until, why)) = self.waits(view.now) {
            return Ok(Turn::Waiting { until, why });
        }
        if self.must_read_journal(&view) {
            // What was signed before a restore must be known before anything else happens.
            if let Some(turn) = self.read_journal(lease)? {
                return Ok(turn);
            }
            self.memory.lock().journal_read = Some((view.now, view.generation));
        }
        if self.must_match(&view) && view.open.is_empty() {
            return self.match_up(lease, &view);
        }
        if self.must_compare_end(&view) {
            return self.compare_end(lease, &view);
        }
        match plan(&view) {
            Plan::Idle { until } => self.look_around(lease, &view, until),
            Plan::Follow { attempt } => self.follow(lease, &view, attempt),
            Plan::Sign { intent } => self.sign(lease, &view, &intent),
        }
    }

    /// Nothing is due: looks for money that came in, now and then.
    fn look_around(&self, lease: &Lease, view: &View, until: Option<Timestamp>) -> Result<Turn, StoreError> {
        if view.now < self.looks_at(view) {
            return Ok(Turn::Idle { until });
        }
        Ok(self.receive(lease, view)?.unwrap_or(Turn::Idle { until }))
    }

    /// When a turn would find something to do.
    pub(crate) fn due_at(&self, tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
        let view = self.view_in(tx)?;
        if let Some((until, _)) = self.waits(view.now) {
            return Ok(Some(until));
        }
        let is_stopped = view.wallet.standing == Standing::Stopped;
        if (view.open.is_empty() || is_stopped) && self.must_read_journal(&view)
            || self.must_compare_end(&view)
        {
            return Ok(Some(view.now));
        }
        let planned = match plan(&view) {
            Plan::Idle { until } => until,
            Plan::Follow { .. } | Plan::Sign { .. } => return Ok(Some(view.now)),
        };
        if !view.is_running || !view.open.is_empty() {
            return Ok(planned);
        }
        let looks = self.looks_at(&view);
        Ok(Some(planned.map_or(looks, |planned| planned.min(looks))))
    }

    /// When money that came in is looked for next: soon while something may be held for want of it.
    fn looks_at(&self, view: &View) -> Timestamp {
        let usual_ms = self.payouts.parts.settings.receipts_every_ms;
        let every_ms = if view.is_any_held { usual_ms.min(WANTED_EVERY_MS) } else { usual_ms };
        self.memory.lock().receipts_at.map_or(view.now, |asked| asked.after_ms(every_ms))
    }

    /// Counts what became of a transaction.
    fn count_result(&self, desk: &str, result: &str) {
        if let Some(metrics) = &self.payouts.parts.metrics {
            metrics.count(self.chain.name(), desk, result);
        }
    }

    /// Until when nothing is tried, and why. A longer wait than any was planned while the clock ran ahead.
    fn waits(&self, now: Timestamp) -> Option<(Timestamp, String)> {
        let wait = self.memory.lock().wait_until.clone();
        wait.filter(|(until, _)| now < *until && *until <= now.after_ms(LONGEST_MS))
    }

    /// Notes that what is due cannot be done now.
    fn wait(&self, now: Timestamp, why: impl Into<String>) -> Turn {
        let why = why.into();
        let mut memory = self.memory.lock();
        memory.misses = memory.misses.saturating_add(1);
        let until = now.after_ms(wait_ms(memory.misses.saturating_add(1), self.draw()));
        tracing::info!(wallet = %self.wallet, why, "a payout waits");
        memory.wait_until = Some((until, why.clone()));
        Turn::Waiting { until, why }
    }

    fn worked(&self) -> Turn {
        let mut memory = self.memory.lock();
        (memory.misses, memory.wait_until) = (0, None);
        Turn::Worked
    }

    fn draw(&self) -> u32 {
        let mut bytes = [0; 4];
        self.payouts.parts.entropy.fill(&mut bytes);
        u32::from_be_bytes(bytes)
    }

    fn hand(&self, now: Timestamp) -> Hand<'_> {
        Hand { recorder: &self.recorder, actor: Actor::system("payouts"), now }
    }
}
