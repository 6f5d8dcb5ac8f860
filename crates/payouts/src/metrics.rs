//! What payouts count: attempts as they happen, and the standing of everything as it was last looked at.

use std::sync::Arc;

use bursar_store::{Store, StoreError, Tx};
use bursar_web::metrics::{CounterFamily, HistogramFamily, MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;

use crate::wallet::Wallet;
use crate::{IntentState, sql};

/// From a fast chain to a long stop.
const LATENCY_BOUNDS_S: &[&str] =
    &["0.1", "0.3", "0.5", "1", "2", "5", "10", "30", "60", "300", "3600", "86400"];
const WAIT_BOUNDS_S: &[&str] = &["0.5", "1", "1.5", "2", "3", "4", "5"];

/// The figures of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Figures {
    /// By state and desk, of what is not over.
    intents: Vec<(String, String, i64)>,
    stuck: i64,
    /// By chain, desk and standing.
    wallets: Vec<(String, String, &'static str)>,
}

/// The metrics of payouts.
#[derive(Clone)]
pub struct PayoutMetrics {
    attempts: CounterFamily<3>,
    latency: HistogramFamily<1>,
    waits: HistogramFamily<0>,
    figures: Arc<Mutex<Figures>>,
}

impl PayoutMetrics {
    /// Registers them, once a registry.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn register(registry: &Registry) -> Result<PayoutMetrics, MetricError> {
        let help = "Transactions of payouts by what became of them: signed, final or dead.";
        let attempts =
            registry.counter("bursar_payout_attempts_total", help, ["chain", "desk", "result"], Unit::ONE)?;
        let help = "From the acceptance of a payout to its first broadcast, by the rules' clock.";
        let name = "bursar_payout_accept_to_broadcast_seconds";
        let latency = registry.histogram(name, help, ["chain"], Unit::MILLISECONDS, LATENCY_BOUNDS_S)?;
        let help = "Waits before a transaction was looked at again.";
        let waits =
            registry.histogram("bursar_payout_wait_seconds", help, [], Unit::MILLISECONDS, WAIT_BOUNDS_S)?;
        let figures = Arc::new(Mutex::new(Figures::default()));
        let seen = Arc::clone(&figures);
        let help = "Payouts that are not over, by state and desk.";
        registry.computed_gauge("bursar_payout_intents", help, ["state", "desk"], Unit::ONE, move || {
            let figures = seen.lock();
            let reading = |(state, desk, value): &(String, String, i64)| Reading {
                labels: [state.clone(), desk.clone()],
                value: *value,
            };
            figures.intents.iter().map(reading).collect()
        })?;
        let seen = Arc::clone(&figures);
        let help = "Payouts that are under way for too long.";
        registry.computed_gauge("bursar_payout_stuck", help, [], Unit::ONE, move || {
            vec![Reading { labels: [], value: seen.lock().stuck }]
        })?;
        let seen = Arc::clone(&figures);
        let help = "Wallets by standing: running, stopped or unmatched.";
        let labels = ["chain", "desk", "standing"];
        registry.computed_gauge("bursar_payout_wallet_standing", help, labels, Unit::ONE, move || {
            standings(&seen.lock().wallets)
        })?;
        Ok(PayoutMetrics { attempts, latency, waits, figures })
    }

    /// Looks at the store for what gauges show.
    pub fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let figures = store.read("payouts.figures", |tx| {
            let mut intents = Vec::new();
            for state in IntentState::ALL.into_iter().filter(|state| !state.is_ended()) {
                let counts = sql::intents::count_by_desk(tx, state)?;
                intents
                    .extend(counts.into_iter().map(|(desk, count)| (state.name().to_owned(), desk, count)));
            }
            Ok(Figures { intents, stuck: sql::intents::count_stuck(tx)?, wallets: wallets(tx)? })
        })?;
        *self.figures.lock() = figures;
        Ok(())
    }

    pub(crate) fn count(&self, chain: &str, desk: &str, result: &str) {
        self.attempts.with([chain, desk, result]).increment();
    }

    pub(crate) fn observe_broadcast(&self, chain: &str, after_ms: i64) {
        self.latency.with([chain]).observe(u64::try_from(after_ms).unwrap_or(0));
    }

    pub(crate) fn observe_wait(&self, wait_ms: i64) {
        self.waits.with([]).observe(u64::try_from(wait_ms).unwrap_or(0));
    }
}

fn wallets(tx: &mut Tx<'_>) -> Result<Vec<(String, String, &'static str)>, StoreError> {
    let of = |wallet: Wallet| (wallet.chain, wallet.desk, wallet.standing.name());
    Ok(sql::wallets::all(tx)?.into_iter().map(of).collect())
}

fn standings(wallets: &[(String, String, &'static str)]) -> Vec<Reading<3>> {
    let mut counted: std::collections::BTreeMap<_, i64> = std::collections::BTreeMap::new();
    for (chain, desk, standing) in wallets {
        *counted.entry([chain.clone(), desk.clone(), (*standing).to_owned()]).or_default() += 1;
    }
    counted.into_iter().map(|(labels, value)| Reading { labels, value }).collect()
}
