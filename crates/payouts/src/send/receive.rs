//! Money that comes in: what has to be accepted is accepted, what simply appears is recognised, what is missing stops
//! the wallet.

use bursar_chain::{Incoming, SenderState};
use bursar_keys::{Order, Work};
use bursar_money::Amount;
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::json;

use super::conclude::note;
use super::judge::Verdict;
use super::ready::Ready;
use super::view::View;
use super::{Remote, Sender, Turn};
use crate::life::{AttemptKind, AttemptState};
use crate::receipts::{Receipt, ReceiptState};
use crate::sql::attempts::{self, AttemptRow};
use crate::wallet::{OUTRUN_MARK, Standing, Wallet};
use crate::{events, sql};

/// Most arrivals that one question asks for.
const INCOMING_MAX: usize = 256;
/// Most arrivals that one turn tries: of some that cannot be accepted the next ones must not have to wait.
const TRIES_MAX: usize = 16;

/// What came of trying to accept an arrival.
enum Taken {
    /// What accepts it is signed and stored.
    Stored(Box<AttemptRow>),
    /// This one cannot be accepted; another may.
    NotThis,
    /// None can be accepted now.
    NotNow,
}

impl Sender {
    /// The wallet is short: accepts what came in, or waits.
    pub(super) fn top_up(&self, lease: &Lease, view: &View, why: &str) -> Result<Turn, StoreError> {
        Ok(self.receive(lease, view)?.unwrap_or_else(|| self.wait(view.now, why)))
    }

    /// Accepts the next arrival; `None` = there is none to accept now.
    pub(super) fn receive(&self, lease: &Lease, view: &View) -> Result<Option<Turn>, StoreError> {
        if !view.is_running || !view.open.is_empty() {
            return Ok(None);
        }
        self.memory.lock().receipts_at = Some(view.now);
        self.payouts.fault("payouts.incoming", Step::Begin)?;
        let arrivals = self.arrivals(view)?;
        if arrivals.is_empty() {
            return Ok(None);
        }
        let Ok(state) = self.chain.receiver_state(&view.wallet.address) else { return Ok(None) };
        match self.judge_state(view, &state)? {
            Ready::Yes => {}
            Ready::NotYet(_) => return Ok(None),
            Ready::More(_) => return self.recognise(lease, &state).map(Some),
            Ready::Less(less) => return self.stop_wallet(lease, &state, less).map(Some),
            Ready::Outrun(newest) => return self.outrun(lease, view, &newest).map(Some),
        }
        for arrival in arrivals.iter().take(TRIES_MAX) {
            match self.take(lease, arrival, &state)? {
                Taken::Stored(attempt) => {
                    // Where one arrival is worth accepting there may be another: it is asked for as soon as this one is in.
                    self.memory.lock().receipts_at = None;
                    return self.send_first(lease, &attempt, &view.wallet.desk, None).map(Some);
                }
                Taken::NotThis => {}
                Taken::NotNow => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What waits to be accepted, the largest first. Anybody can send dust, so what is less than the minimum is never taken;
    /// what is accepted already may be listed for a while by nodes that are behind.
    fn arrivals(&self, view: &View) -> Result<Vec<Incoming>, StoreError> {
        let least = self.payouts.parts.settings.receipt_min;
        let incoming = self.chain.incoming(&view.wallet.address, least, INCOMING_MAX);
        let mut arrivals: Vec<Incoming> =
            incoming.into_iter().flatten().filter(|arrival| arrival.amount >= least).collect();
        arrivals.sort_by_key(|arrival| std::cmp::Reverse(arrival.amount));
        self.payouts.parts.store.read("payouts.arrivals", |tx| {
            let mut open = Vec::new();
            for arrival in &arrivals {
                let known = sql::receipts::by_source(tx, &self.wallet, arrival.id.as_str())?;
                if !known.as_ref().is_some_and(is_accepted) {
                    open.push(arrival.clone());
                }
                if open.len() == TRIES_MAX {
                    break;
                }
            }
            Ok(open)
        })
    }

    /// Signs and stores what accepts one arrival.
    fn take(&self, lease: &Lease, arrival: &Incoming, state: &SenderState) -> Result<Taken, StoreError> {
        let Ok(unsigned) = self.chain.build_receipt(arrival, state) else { return Ok(Taken::NotThis) };
        let order = Order { intent: name_of(arrival), key: self.wallet.clone(), work: Work::Upkeep };
        let may = |tx: &mut Tx<'_>, now| {
            let wallet = self.locked(tx)?;
            let known = sql::receipts::by_source(tx, &self.wallet, arrival.id.as_str())?;
            match self.is_taken(tx, &unsigned)? || known.as_ref().is_some_and(is_accepted) {
                true => Ok(Some("something else is under way".to_owned())),
                false => self.gate(tx, &wallet, now),
            }
        };
        let remote = match self.sign_remotely(lease, &order, &unsigned, may)? {
            Remote::Local => None,
            Remote::Signed(attempt) => Some(*attempt),
            Remote::Wait(_) | Remote::Refused { .. } => return Ok(Taken::NotNow),
        };
        self.payouts.parts.store.transact("payouts.receive", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let wallet = self.locked(tx)?;
            if self.is_taken(tx, &unsigned)? || self.gate(tx, &wallet, now)?.is_some() {
                return Ok(Taken::NotNow);
            }
            let known = sql::receipts::by_source(tx, &self.wallet, arrival.id.as_str())?;
            if known.as_ref().is_some_and(is_accepted) {
                return Ok(Taken::NotThis);
            }
            let Ok(signed) = self.signature(tx, &order, &unsigned, remote.as_ref(), now)? else {
                return Ok(Taken::NotThis);
            };
            let mut row = self.new_attempt(None, AttemptKind::Receipt, signed, now);
            attempts::insert(tx, &mut row)?;
            self.note_arrival(tx, known, arrival, row.id, now)?;
            Ok(Taken::Stored(Box::new(row)))
        })
    }

    fn note_arrival(
        &self,
        tx: &mut Tx<'_>,
        known: Option<Receipt>,
        arrival: &Incoming,
        attempt: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(known) = known {
            return sql::receipts::update(tx, &Receipt { attempt: Some(attempt), ..known });
        }
        let mut receipt = Receipt {
            id: 0,
            wallet: self.wallet.clone(),
            source: arrival.id.to_string(),
            sender: arrival.from.to_string(),
            amount: arrival.amount,
            attempt: Some(attempt),
            state: ReceiptState::Accepting,
            assigned_to: None,
            seen_at: now,
            ended_at: None,
        };
        sql::receipts::insert(tx, &mut receipt)
    }

    /// Ends, or goes on with, a transaction that accepts what came in.
    pub(super) fn conclude_upkeep(
        &self,
        tx: &mut Tx<'_>,
        mut wallet: Wallet,
        attempt: &AttemptRow,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mut row) = attempts::by_id(tx, attempt.id)?.filter(|row| row.state.is_alive()) else {
            return Ok(());
        };
        let is_final = verdict.death.is_none() && verdict.standing == bursar_chain::Standing::Confirmed;
        row.state = match (&verdict.death, is_final) {
            (Some(_), _) => AttemptState::Dead,
            (None, true) => AttemptState::Final,
            (None, false) => AttemptState::Broadcast,
        };
        if !row.state.is_alive() {
            row.next_at = None;
        }
        note(tx, &mut row, verdict, now)?;
        let Some(mut receipt) = sql::receipts::by_attempt(tx, &self.wallet, row.id)? else { return Ok(()) };
        if verdict.death.is_some() {
            receipt.attempt = None;
            return sql::receipts::update(tx, &receipt);
        }
        if is_final {
            self.payouts.book_receipt(tx, &mut wallet, &mut receipt, &self.recorder, now)?;
            self.pay_fee(tx, &row, verdict.fee, now)?;
        }
        Ok(())
    }

    /// The chain holds more than it must, and nothing of ours is open: somebody sent it.
    pub(super) fn recognise(&self, lease: &Lease, state: &SenderState) -> Result<Turn, StoreError> {
        self.payouts.parts.store.transact("payouts.recognise", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            let is_open = !attempts::open(tx, &self.wallet)?.is_empty();
            let used = attempts::of_slot(tx, &self.wallet, &state.slot)?;
            let Ready::More(amount) = super::ready::judge(&wallet, state, used.as_deref()) else {
                return Ok(());
            };
            if is_open {
                return Ok(());
            }
            let mut receipt = Receipt {
                id: 0,
                wallet: self.wallet.clone(),
                source: format!("{} at {}", state.slot, state.spendable),
                sender: String::new(),
                amount,
                attempt: None,
                state: ReceiptState::Suspense,
                assigned_to: None,
                seen_at: now,
                ended_at: None,
            };
            sql::receipts::insert(tx, &mut receipt)?;
            self.payouts.book_receipt(tx, &mut wallet, &mut receipt, &self.recorder, now)
        })?;
        Ok(self.worked())
    }

    /// The chain holds less than it must, and nothing of ours explains it: nothing more leaves.
    pub(super) fn stop_wallet(
        &self,
        lease: &Lease,
        state: &SenderState,
        less: Amount,
    ) -> Result<Turn, StoreError> {
        let why = format!(
            "the chain holds {} and must hold {less} more: an outflow that nothing of ours explains. Look at the \
             account's history on the chain and at who can reach the key",
            state.spendable
        );
        tracing::error!(wallet = %self.wallet, why, "a wallet is stopped");
        self.payouts.parts.store.transact("payouts.stop", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            let used = attempts::of_slot(tx, &self.wallet, &state.slot)?;
            if !matches!(super::ready::judge(&wallet, state, used.as_deref()), Ready::Less(_)) {
                return Ok(());
            }
            (wallet.standing, wallet.why, wallet.since) = (Standing::Stopped, why.clone(), now);
            // RESTORE-NEVER-REPAYS: what left may be what the records, put back with the disk, call unpaid.
            if !self.knows_end(tx, state.newest.as_ref())? {
                wallet.restored_mark = OUTRUN_MARK;
            }
            sql::wallets::update(tx, &wallet)?;
            let seen = json!({ "holds": state.spendable.to_string(), "missing": less.to_string() });
            let event = events::wallet_stopped(&self.payouts, &wallet, &seen);
            self.recorder.record(tx, &[event], now).map(|_| ())
        })?;
        Ok(self.worked())
    }

    pub(super) fn locked(&self, tx: &mut Tx<'_>) -> Result<Wallet, StoreError> {
        let wallet = sql::wallets::load_locked(tx, &self.wallet)?;
        wallet.ok_or_else(|| StoreError::Decode(format!("wallet {} is gone", self.wallet)))
    }
}

/// Whether an arrival is being accepted, or has been.
fn is_accepted(row: &Receipt) -> bool {
    row.state != ReceiptState::Accepting || row.attempt.is_some()
}

/// The key store's name for accepting an arrival: short whatever the chain's ids are.
fn name_of(arrival: &Incoming) -> String {
    format!("receipt/{}", blake3::hash(arrival.id.as_str().as_bytes()).to_hex())
}
