//! Whether a wallet's account went on without the records: what they call unpaid may then have been paid.

use bursar_chain::{Address, Chain, ChainError, Past, TransactionId};
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::json;

use super::matching::MATCH_EVERY_MS;
use super::view::View;
use super::{Sender, Turn};
use crate::sql::{doubts, heads};
use crate::wallet::{Doubt, OUTRUN_MARK, Standing, Wallet};

/// Transactions that are asked for, page after page; who has more that is unknown has been away for long. Few at first: one
/// that cannot be read, such as a block of the network's own, spoils the page in which it stands.
const PAGES: [usize; 11] = [1, 10, 100, 100, 100, 100, 100, 100, 100, 100, 100];

/// Why nothing is built on an account that ends in nothing, though it has a history.
pub(crate) const UNTOLD_END: &str = "the nodes do not tell what its account ends in";

/// *Asks.* What an account ends in, without what building on it takes where its chain tells histories.
pub(crate) fn newest_of(chain: &dyn Chain, account: &Address) -> Result<Option<TransactionId>, ChainError> {
    let told = chain.history().and_then(|history| history.past(account, None, 1).ok());
    match told {
        Some(page) => Ok(page.into_iter().next().map(|past| past.id)),
        None => chain.receiver_state(account).map(|state| state.newest),
    }
}

/// What the account did that the records do not know.
enum Unknown {
    /// It paid nobody.
    Harmless,
    /// It paid somebody, or nobody can tell.
    Payment(TransactionId),
    /// The chain does not answer now.
    Untold(String),
}

impl Sender {
    fn knows(&self, tx: &mut Tx<'_>, id: &TransactionId) -> Result<bool, StoreError> {
        self.payouts.knows(tx, &self.wallet, id)
    }

    /// Whether the records know what the account's history ends in ([`crate::Payouts::knows_end`]).
    pub(super) fn knows_end(
        &self,
        tx: &mut Tx<'_>,
        newest: Option<&TransactionId>,
    ) -> Result<bool, StoreError> {
        self.payouts.knows_end(tx, &self.wallet, &*self.chain, newest)
    }

    /// RESTORE-NEVER-REPAYS: the account ends in a transaction that the records lack. If it paid somebody meanwhile, as when
    /// the disk was put back as a whole, journal and all, which counts no restore, a person has to look.
    pub(super) fn outrun(
        &self,
        lease: &Lease,
        view: &View,
        newest: &TransactionId,
    ) -> Result<Turn, StoreError> {
        match self.unknown(view, newest)? {
            Unknown::Untold(why) => {
                self.doubt(lease, view, newest)?;
                Ok(self.wait(view.now, why))
            }
            Unknown::Harmless => {
                self.payouts.parts.store.transact("payouts.head", |tx| {
                    lease.check(tx)?;
                    heads::set(tx, &self.wallet, newest.as_str())
                })?;
                Ok(self.worked())
            }
            Unknown::Payment(payment) if view.wallet.restored_mark == OUTRUN_MARK => {
                Ok(self.wait(view.now, outrun_by(&payment)))
            }
            Unknown::Payment(payment) => self.stand_still(lease, &payment),
        }
    }

    fn unknown(&self, view: &View, newest: &TransactionId) -> Result<Unknown, StoreError> {
        let Some(history) = self.chain.history() else { return Ok(Unknown::Payment(newest.clone())) };
        let mut from = newest.clone();
        for most in PAGES {
            let page = match history.past(&view.wallet.address, Some(&from), most) {
                Ok(page) => page,
                Err(error) => return Ok(Unknown::Untold(error.to_string())),
            };
            let Some(last) = page.last() else {
                return Ok(Unknown::Untold(format!("the nodes do not tell what went before {from}")));
            };
            let (unknown, is_whole) = self.unknown_of(&page)?;
            if let Some(payment) = unknown.iter().find(|past| past.sent.is_some()) {
                return Ok(Unknown::Payment(payment.id.clone()));
            }
            match &last.previous {
                Some(previous) if !is_whole && !self.is_known(previous)? => from = previous.clone(),
                Some(_) | None => return Ok(Unknown::Harmless),
            }
        }
        Ok(Unknown::Payment(newest.clone()))
    }

    fn is_known(&self, id: &TransactionId) -> Result<bool, StoreError> {
        self.payouts.parts.store.read("payouts.past", |tx| self.knows(tx, id))
    }

    /// What of a page comes after all that the records know, and whether they know the rest of it.
    fn unknown_of<'p>(&self, page: &'p [Past]) -> Result<(&'p [Past], bool), StoreError> {
        self.payouts.parts.store.read("payouts.past", |tx| {
            for (index, past) in page.iter().enumerate() {
                if self.knows(tx, &past.id)? {
                    return Ok((page.get(..index).unwrap_or_default(), true));
                }
            }
            Ok((page, false))
        })
    }

    /// Whether a stopped wallet is to be compared with what its account ends in: what counts as unpaid may be taken back, and
    /// whoever lets it run again asks for its balance alone.
    pub(super) fn must_compare_end(&self, view: &View) -> bool {
        let is_fresh = |at: Timestamp| view.now < at.after_ms(MATCH_EVERY_MS);
        view.wallet.standing == Standing::Stopped
            && view.open.is_empty()
            && !view.wallet.needs_word()
            && (view.wallet.doubt != Doubt::Nothing || !self.memory.lock().end_seen.is_some_and(is_fresh))
    }

    /// Compares what a stopped wallet's account ends in with the records.
    pub(super) fn compare_end(&self, lease: &Lease, view: &View) -> Result<Turn, StoreError> {
        let state = match self.chain.receiver_state(&view.wallet.address) {
            Ok(state) => state,
            Err(error) => return Ok(self.wait(view.now, error.to_string())),
        };
        let newest = state.newest.as_ref();
        let is_known = self.payouts.parts.store.read("payouts.end", |tx| self.knows_end(tx, newest))?;
        match newest {
            _ if state.account != view.wallet.address => {
                return Ok(self.wait(view.now, "the nodes answered for another account"));
            }
            Some(newest) if !is_known => return self.outrun(lease, view, newest),
            None if !is_known => {
                return Ok(self.wait(view.now, UNTOLD_END));
            }
            Some(_) | None => {}
        }
        if view.wallet.doubt != Doubt::Nothing {
            self.trust_end(lease, newest)?;
        }
        self.memory.lock().end_seen = Some(view.now);
        Ok(self.worked())
    }

    /// The records know what the account of a stopped wallet ends in: what counts as unpaid was not paid.
    fn trust_end(&self, lease: &Lease, newest: Option<&TransactionId>) -> Result<(), StoreError> {
        self.payouts.parts.store.transact("payouts.end", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            if wallet.standing == Standing::Stopped && self.knows_end(tx, newest)? {
                self.hold_unasked(tx, &wallet, now)?;
                wallet.doubt = Doubt::Nothing;
                doubts::put(tx, &wallet)?;
            }
            Ok(())
        })
    }

    /// Holds what waits since it came to nothing after a word that was given while it was under way.
    fn hold_unasked(&self, tx: &mut Tx<'_>, wallet: &Wallet, now: Timestamp) -> Result<(), StoreError> {
        while wallet.doubt == Doubt::Unpaid && self.payouts.hold_back(tx, wallet, &self.hand(now))? {}
        Ok(())
    }

    /// What the account did since the records cannot be told now: nothing leaves or is taken back until it can.
    fn doubt(&self, lease: &Lease, view: &View, newest: &TransactionId) -> Result<(), StoreError> {
        self.payouts.parts.store.transact("payouts.unmatch", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            let is_same = (wallet.standing, wallet.restored_mark)
                == (view.wallet.standing, view.wallet.restored_mark);
            let is_doubted_already = wallet.doubt == Doubt::All && wallet.standing != Standing::Running;
            if !is_same || is_doubted_already || self.knows(tx, newest)? {
                return Ok(());
            }
            let why = format!(
                "its account ends in {newest}, which the records do not know, and the nodes do not tell what it did before"
            );
            self.hold_unasked(tx, &wallet, now)?;
            wallet.doubt = Doubt::All;
            doubts::put(tx, &wallet)?;
            wallet.distrust(why, now);
            self.note_distrust(tx, &wallet, &json!({ "newest": newest.to_string() }), now)
        })
    }

    fn stand_still(&self, lease: &Lease, payment: &TransactionId) -> Result<Turn, StoreError> {
        tracing::error!(wallet = %self.wallet, %payment, "the records do not know a payment of a wallet");
        self.payouts.parts.store.transact("payouts.unmatch", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            if self.knows(tx, payment)? || wallet.restored_mark == OUTRUN_MARK {
                return Ok(());
            }
            wallet.distrust(outrun_by(payment), now);
            wallet.restored_mark = OUTRUN_MARK;
            while self.payouts.hold_back(tx, &wallet, &self.hand(now))? {}
            self.note_distrust(tx, &wallet, &json!({ "payment": payment.to_string() }), now)
        })?;
        Ok(self.worked())
    }
}

fn outrun_by(payment: &TransactionId) -> String {
    format!(
        "its account made the payment {payment}, which the records do not know: they fell back to an older state, or somebody \
         else has the key"
    )
}
