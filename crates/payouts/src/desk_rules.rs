//! What a desk tells the machine of itself: its switches, its margins, and its ear.

use std::sync::Arc;

use bursar_chain::{Address, TransactionId};
use bursar_control::{ConfigTable, Switch};
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book};
use bursar_money::Amount;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::{IntentId, IntentState};

/// A change of an intent, as its desk hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The intent.
    pub intent: IntentId,
    /// The desk's own row; 0 = none.
    pub reference: i64,
    /// Where it stood.
    pub from: IntentState,
    /// Where it stands now.
    pub to: IntentState,
    /// Its newest transaction; `None` = nothing was signed yet.
    pub transaction: Option<TransactionId>,
    /// Payments signed so far.
    pub attempts: u32,
    /// Why it is held, failed or cancelled.
    pub why: Option<String>,
    /// Whether nothing was ever held for it, as the journal alone brought it back: what is paid of it leaves suspense.
    pub is_unheld: bool,
    /// The suspense account of its wallet.
    pub suspense: AccountId,
}

/// Money that came to a wallet unasked and is final. It stands in the wallet's suspense account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Number of the receipt.
    pub receipt: i64,
    /// Which wallet.
    pub wallet: KeyId,
    /// Who sent it; `None` = the chain does not say.
    pub sender: Option<Address>,
    /// The sender's transaction, or words for what has none.
    pub source: String,
    /// How much, in base units.
    pub amount: Amount,
    /// The suspense account, loaded in the book.
    pub suspense: AccountId,
}

/// A desk's ear: called in the very transaction that changes an intent of its, so that its own rows follow in the same
/// commit. Transfers that it adds to the book are written with the change. It does no network I/O, and may be called
/// again for the same change when the transaction has to be repeated.
pub trait Ear: Send + Sync {
    /// An intent of the desk changed, after it was accepted.
    fn changed(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        change: &Change,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Money came to a wallet of the desk. By default it stays in suspense until an operator assigns it. An ear that
    /// moves it out of suspense says so with `true`.
    fn received(
        &self,
        _tx: &mut Tx<'_>,
        _book: &mut Book,
        _received: &Received,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// A node shows the newest payment of an intent, which is not final yet. `reference` is the desk's own row.
    fn seen(
        &self,
        _tx: &mut Tx<'_>,
        _intent: IntentId,
        _reference: i64,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// An operator lets a wallet of the desk run though payments of it may not be known here: after a restore without the
    /// journals that it was written down in, or with money gone that the records cannot account for. The desk may think that
    /// it still owes what they paid.
    fn blind(&self, _tx: &mut Tx<'_>, _wallet: &KeyId, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    /// A payment of the desk's that no node is known to have is sent once more, after a planned wait of `waited_ms`. For
    /// metrics: outside any transaction, and not told of a wait that a restart cut short.
    fn retried(&self, _waited_ms: i64) {}

    /// A payment of the desk's was handed to nodes, and what they said leaves open whether they took it. For metrics:
    /// outside any transaction.
    fn doubted(&self) {}
}

/// What a desk's margin is judged by, right before a payment is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginView {
    /// What is to be paid.
    pub amount: Amount,
    /// What the wallet can spend. Nothing signed is outstanding then.
    pub spendable: Amount,
    /// The desk's own row; 0 = none.
    pub reference: i64,
}

/// What a desk says to a payment that is about to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarginVerdict {
    /// Go on.
    Pay,
    /// Hold the payment until somebody releases it; such as `insufficient_balance`.
    Hold {
        /// Why, for people and machines.
        why: String,
    },
    /// Nothing more leaves this wallet for now; asked again soon.
    Wait {
        /// Why.
        why: String,
    },
}

/// A desk's guard before a payout is signed, asked outside any transaction: by its balance, and by what else the desk knows.
pub type Margin = Arc<dyn Fn(&MarginView) -> MarginVerdict + Send + Sync>;

/// A desk that pays.
#[derive(Clone)]
pub struct DeskRules {
    /// Its name.
    pub desk: &'static str,
    /// The table that holds its switches.
    pub table: ConfigTable,
    /// Switches of which each alone stops its payouts. A desk without any pays nothing.
    pub switches: Vec<Switch>,
    /// Its balance guard; `None` = the amount itself must be there.
    pub margin: Option<Margin>,
    /// Told of every change; `None` = nobody is.
    pub ear: Option<Arc<dyn Ear>>,
}
