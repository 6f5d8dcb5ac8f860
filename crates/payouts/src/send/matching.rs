//! Matching a wallet with its chain: before the first payment after a start, every hour, and after each restore.

use bursar_chain::{SenderState, TransactionId};
use bursar_money::Balance;
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::judge::word;
use super::ready::Ready;
use super::view::View;
use super::{Sender, Turn};
use crate::sql::attempts::AttemptRow;
use crate::sql::journals::JournalRow;
use crate::sql::{attempts, doubts, heads, journals};
use crate::wallet::{Doubt, Standing, Wallet};
use crate::{events, sql};

/// How long a match is good for, in milliseconds.
pub(super) const MATCH_EVERY_MS: i64 = 3_600_000;

/// For how long a process that has compared a wallet relies on another that did so after it, in milliseconds.
const SHARED_MS: i64 = 60_000;

/// How a comparison ended that found on the chain what must be there.
enum Match {
    /// Something else is so by now.
    Changed,
    /// The wallet runs, since when it was compared.
    Good(Timestamp),
    /// It runs once an operator says so.
    WordNeeded,
}

impl Sender {
    /// Whether the wallet has to be compared with its chain before anything else happens.
    pub(super) fn must_match(&self, view: &View) -> bool {
        let is_old = view.wallet.matched_at.is_none_or(|at| at.after_ms(MATCH_EVERY_MS) <= view.now);
        view.wallet.standing != Standing::Stopped
            && (!self.was_compared(view) || is_old || !view.is_running || view.wallet.doubt != Doubt::Nothing)
    }

    /// Whether this process was the last to compare the wallet with its chain, or another sender was, a moment after it did:
    /// two of them must not do so in turns for ever. A person has looked at less, whose word is stamped as the wallet's standing
    /// is; and a time before its own, or one that is still to come, is none of a moment ago.
    fn was_compared(&self, view: &View) -> bool {
        let (own, stored) = (self.memory.lock().matched_at, view.wallet.matched_at);
        let is_fresh = own.is_some_and(|own| view.now < own.after_ms(SHARED_MS));
        let is_after = own < stored && stored <= Some(view.now) && stored != Some(view.wallet.since);
        own.is_some() && (own == stored || (is_fresh && is_after))
    }

    /// Whether the journal has to be compared: before each match, and of a wallet that is stopped as well. Whoever lets it
    /// run again must not find anything missing.
    pub(super) fn must_read_journal(&self, view: &View) -> bool {
        let is_fresh = |(at, generation): (Timestamp, i64)| {
            generation == view.generation && view.now < at.after_ms(MATCH_EVERY_MS)
        };
        self.must_match(view) || !self.memory.lock().journal_read.is_some_and(is_fresh)
    }

    /// Compares what the chain holds with what it must (CHAIN-IS-BOOK). Nothing of the wallet is open, and the journal has
    /// been read.
    pub(super) fn match_up(&self, lease: &Lease, view: &View) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.match", Step::Begin)?;
        let balance = match self.chain.balance(&view.wallet.address) {
            Ok(balance) => balance,
            Err(error) => return Ok(self.wait(view.now, error.to_string())),
        };
        let state = match self.chain.receiver_state(&view.wallet.address) {
            Ok(state) => state,
            Err(error) => return Ok(self.wait(view.now, error.to_string())),
        };
        if balance.settled != state.spendable {
            let why = format!("the nodes say that it holds {} and show {}", balance.settled, state.spendable);
            return Ok(self.wait(view.now, why));
        }
        match self.judge_state(view, &state)? {
            Ready::Yes => self.note_match(lease, view, &state),
            Ready::Outrun(newest) => self.outrun(lease, view, &newest),
            Ready::NotYet(why) => Ok(self.wait(view.now, why)),
            Ready::More(_) if view.is_matched => self.recognise(lease, &state),
            Ready::Less(less) if view.is_matched => self.stop_wallet(lease, &state, less),
            Ready::More(more) => {
                self.stay_unmatched(lease, view, &format!("the chain holds {more} more than it must"))
            }
            Ready::Less(less) => {
                self.stay_unmatched(lease, view, &format!("the chain holds {less} less than it must"))
            }
        }
    }

    /// The chain holds what it must: the wallet runs, if an operator's word is not needed. RESTORE-NEVER-REPAYS: after a
    /// restore it is, unless all journals that the wallet was written down in are here and whole.
    fn note_match(&self, lease: &Lease, view: &View, state: &SenderState) -> Result<Turn, StoreError> {
        let found = self.payouts.parts.store.transact("payouts.match", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            if wallet.expected != view.wallet.expected || !attempts::open(tx, &self.wallet)?.is_empty() {
                return Ok(Match::Changed);
            }
            if let Some(why) = self.book_differs(tx, &wallet)? {
                (wallet.standing, wallet.why, wallet.since) = (Standing::Stopped, why, now);
                sql::wallets::update(tx, &wallet)?;
                let event = events::wallet_stopped(&self.payouts, &wallet, &json!({}));
                self.recorder.record(tx, &[event], now)?;
                return Ok(Match::Changed);
            }
            let generation = (self.payouts.parts.generation)(tx)?;
            let is_restored = wallet.restored_mark != generation;
            let word_needed = wallet.needs_word() || (is_restored && !self.knows_journal(tx)?);
            let runs = !word_needed && wallet.standing != Standing::Stopped;
            // Before a word that was given while something was open only what waited then was held.
            let may_wait_unasked = is_restored || wallet.doubt == Doubt::Unpaid;
            if runs && may_wait_unasked && self.payouts.hold_back(tx, &wallet, &self.hand(now))? {
                return Ok(Match::Changed);
            }
            wallet.matched_at = Some(now);
            if runs {
                if wallet.standing == Standing::Unmatched || is_restored {
                    let event = events::wallet_matched(&self.payouts, &wallet);
                    self.recorder.record(tx, &[event], now)?;
                    (wallet.standing, wallet.why, wallet.since) = (Standing::Running, String::new(), now);
                }
                wallet.restored_mark = generation;
                if wallet.doubt != Doubt::Nothing {
                    wallet.doubt = Doubt::Nothing;
                    wallet.why.clear();
                    doubts::put(tx, &wallet)?;
                }
                heads::put(tx, &self.wallet, state.newest.as_ref().map_or("", TransactionId::as_str))?;
                self.trust_journal(tx)?;
            }
            sql::wallets::update(tx, &wallet)?;
            Ok(if word_needed { Match::WordNeeded } else { Match::Good(now) })
        })?;
        match found {
            Match::Changed => {}
            Match::Good(now) => self.memory.lock().matched_at = Some(now),
            Match::WordNeeded => {
                let why =
                    "what was signed since the backup cannot be known, as there is no whole journal of it";
                return self.stay_unmatched(lease, view, why);
            }
        }
        Ok(self.worked())
    }

    /// Whether the journal here is the one that the wallet was written down in, and the only one: any other knows nothing,
    /// or not all, of what was signed before a restore.
    fn knows_journal(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let rows = journals::of_wallet(tx, &self.wallet)?;
        Ok(self.payouts.journal_lacks(&rows).is_none())
    }

    /// From now on whatever the wallet signs is written down in the journal here, whose past is compared.
    fn trust_journal(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let Some(journal) = &self.payouts.parts.journal else { return Ok(()) };
        let rows = journals::of_wallet(tx, &self.wallet)?;
        let row = rows.into_iter().find(|row| row.journal == journal.id());
        let row = row.unwrap_or_else(|| JournalRow::unread(journal.id()));
        if row.is_known {
            return Ok(());
        }
        journals::put(tx, &self.wallet, &JournalRow { is_known: true, ..row })
    }

    /// Why the book does not say what the wallet's row says, if so.
    fn book_differs(&self, tx: &mut Tx<'_>, wallet: &Wallet) -> Result<Option<String>, StoreError> {
        let path = format!("payouts/{}", wallet.name);
        let Some(view) = bursar_ledger::account_by_path(tx, &path, wallet.asset)? else {
            return Ok(Some("its account is not in the book".to_owned()));
        };
        let below = Balance::between(view.debits, view.credits);
        let is_same = below == Balance::Credit(wallet.expected);
        Ok((!is_same).then(|| {
            format!("the book says that the chain holds {below}, the records say {}", wallet.expected)
        }))
    }

    /// RESTORE-NEVER-REPAYS: what was signed before a restore and no node has is sent again by a person's word alone. Between
    /// the backup and the restore somebody may have given it up, which is not known here.
    pub(super) fn note_unsent(
        &self,
        lease: &Lease,
        view: &View,
        attempt: &AttemptRow,
    ) -> Result<(), StoreError> {
        if view.is_running || view.wallet.standing != Standing::Running {
            return Ok(());
        }
        let id = &attempt.transaction.id;
        let now = self.payouts.parts.store.read("payouts.unsent", |tx| attempts::by_transaction(tx, id))?;
        let Some(now) = now.filter(|now| now.state.is_alive() && word(&now.standing) != "pending") else {
            return Ok(());
        };
        let why = format!(
            "{id} was signed before the restore, and of it the nodes say {}; see that nobody gave it up since the backup, then \
             match the wallet by hand, and it is sent again",
            word(&now.standing)
        );
        self.unmatch(lease, view, why)
    }

    /// What is seen needs an operator's decision: nothing leaves, and the wallet is looked at again now and then.
    fn stay_unmatched(&self, lease: &Lease, view: &View, why: &str) -> Result<Turn, StoreError> {
        let why = format!("{why}; look at its history and at the journal, then match it by hand");
        if view.wallet.standing != Standing::Unmatched || view.wallet.why != why {
            self.unmatch(lease, view, why.clone())?;
        }
        Ok(self.wait(view.now, why))
    }

    /// Lets nothing leave, and says why, unless somebody has decided on the wallet since the view.
    fn unmatch(&self, lease: &Lease, view: &View, why: String) -> Result<(), StoreError> {
        tracing::error!(wallet = %self.wallet, why, "a wallet is not matched with its chain");
        self.payouts.parts.store.transact("payouts.unmatch", |tx| {
            lease.check(tx)?;
            let now: Timestamp = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            if (wallet.standing, wallet.restored_mark) != (view.wallet.standing, view.wallet.restored_mark) {
                return Ok(());
            }
            wallet.distrust(why.clone(), now);
            self.note_distrust(tx, &wallet, &json!({}), now)
        })
    }

    /// Stores a wallet that is not trusted any more, and tells of it.
    pub(super) fn note_distrust(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        seen: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sql::wallets::update(tx, wallet)?;
        let event = events::wallet_stopped(&self.payouts, wallet, seen);
        self.recorder.record(tx, &[event], now).map(|_| ())
    }
}
