//! What a turn sees of its wallet, and the pure rule of what is due.

use bursar_store::{StoreError, Timestamp, Tx};

use super::Sender;
use crate::backoff::LONGEST_MS;
use crate::sql;
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents::{self, IntentRow};
use crate::wallet::Wallet;

/// One consistent look at a wallet.
pub(super) struct View {
    pub now: Timestamp,
    pub wallet: Wallet,
    /// Whether anything may be signed and sent: it runs, and has been matched since the last restore.
    pub is_running: bool,
    /// Whether it runs once what its account ends in is compared.
    pub is_matched: bool,
    /// How many restores the data has been through.
    pub generation: i64,
    pub open: Vec<AttemptRow>,
    /// The oldest accepted intent that is due.
    pub due: Option<IntentRow>,
    /// Whether something is held, perhaps for want of money.
    pub is_any_held: bool,
    /// When the next accepted intent falls due that is not yet.
    pub next_due: Option<Timestamp>,
}

/// What a turn does.
#[derive(Debug)]
pub(super) enum Plan {
    Idle {
        until: Option<Timestamp>,
    },
    /// Go on with this attempt of the view's.
    Follow {
        attempt: usize,
    },
    Sign {
        intent: Box<IntentRow>,
    },
}

/// Whatever is open is followed to its end before anything new is signed.
pub(super) fn plan(view: &View) -> Plan {
    // What was put off further than any wait was put off by a clock that ran ahead.
    let is_wait = |at: &Timestamp| *at <= view.now.after_ms(LONGEST_MS);
    let when = |attempt: &AttemptRow| attempt.next_at.filter(is_wait).unwrap_or(view.now);
    let next = view.open.iter().enumerate().min_by_key(|(_, attempt)| when(attempt));
    if let Some((attempt, row)) = next {
        return match when(row) {
            at if at <= view.now => Plan::Follow { attempt },
            at => Plan::Idle { until: Some(at) },
        };
    }
    match &view.due {
        Some(intent) if view.is_running => Plan::Sign { intent: Box::new(intent.clone()) },
        Some(_) => Plan::Idle { until: None },
        None => Plan::Idle { until: view.next_due.filter(|_| view.is_running) },
    }
}

impl Sender {
    pub(super) fn view(&self) -> Result<View, StoreError> {
        self.payouts.parts.store.read("payouts.view", |tx| self.view_in(tx))
    }

    pub(super) fn view_in(&self, tx: &mut Tx<'_>) -> Result<View, StoreError> {
        let now = tx.reading()?;
        let wallet = sql::wallets::load(tx, &[&self.wallet])?.into_iter().next();
        let wallet = wallet.ok_or_else(|| StoreError::Decode(format!("wallet {} is gone", self.wallet)))?;
        let generation = (self.payouts.parts.generation)(tx)?;
        let (is_running, is_matched) = (wallet.is_running(generation), wallet.is_matched(generation));
        let open = attempts::open(tx, &self.wallet)?;
        let due = intents::next_due(tx, &self.wallet, now)?;
        let next_due = if due.is_some() { None } else { intents::next_at(tx, &self.wallet)? };
        let is_any_held = intents::is_any_held(tx, &self.wallet)?;
        Ok(View { now, wallet, is_running, is_matched, generation, open, due, is_any_held, next_due })
    }
}
