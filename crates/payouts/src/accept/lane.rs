//! A lane of its own for callers without a transaction: the HTTP API, and whoever has many orders at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_audit::Recorder;
use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book};
use bursar_money::Amount;
use bursar_store::lane::{Lane, LaneOptions, Work};
use bursar_store::{StoreError, Tx};

use super::decide::Accepted;
use super::order::PayoutOrder;
use crate::ids::IdempotencyKey;
use crate::{Payouts, Rejection, sql};

/// What an order of the lane is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debit {
    /// The wallet's account for orders from outside any desk.
    Funds,
    /// This account.
    Account(AccountId),
}

/// An order of a caller without a transaction; as [`PayoutOrder`].
#[derive(Clone, Debug)]
pub struct LaneOrder {
    /// The desk that owes it.
    pub desk: &'static str,
    /// The wallet that pays it.
    pub wallet: KeyId,
    /// The caller's name for it.
    pub key: IdempotencyKey,
    /// Whom.
    pub destination: Address,
    /// How much, in base units.
    pub amount: Amount,
    /// What it is paid from.
    pub debit: Debit,
    /// The desk's own row; 0 = none.
    pub reference: i64,
    /// Why.
    pub reason: String,
}

/// The lane that accepts orders; [`Lane::submit`] or [`Lane::call`] it.
pub type PayoutLane = Lane<AcceptWork>;

/// The accept lane's work.
pub struct AcceptWork {
    payouts: Payouts,
    recorder: Recorder,
}

impl Payouts {
    /// Starts a lane that accepts orders, thousands a transaction if as many wait.
    pub fn start_lane(&self, options: LaneOptions) -> Result<PayoutLane, StoreError> {
        let recorder = (self.parts.recorders)("payouts.accept");
        Lane::start(Arc::clone(&self.parts.store), AcceptWork { payouts: self.clone(), recorder }, options)
    }
}

impl Work for AcceptWork {
    type Command = LaneOrder;
    type Reply = Result<Accepted, Rejection>;

    fn unit(&self) -> &'static str {
        "payouts.accept"
    }

    fn run(&mut self, tx: &mut Tx<'_>, orders: &[LaneOrder]) -> Result<Vec<Self::Reply>, StoreError> {
        let now = tx.reading()?;
        let mut book = Book::default();
        let names: BTreeSet<&KeyId> = orders.iter().map(|order| &order.wallet).collect();
        let wallets = sql::wallets::load(tx, &names.into_iter().collect::<Vec<_>>())?;
        let mut accounts: Vec<AccountId> =
            wallets.iter().flat_map(|wallet| [wallet.account, wallet.funds]).collect();
        accounts.extend(orders.iter().filter_map(|order| match order.debit {
            Debit::Funds => None,
            Debit::Account(account) => Some(account),
        }));
        book.load(tx, &accounts)?;
        let debit = |order: &LaneOrder| match order.debit {
            Debit::Account(account) => book.slot(account).ok_or(Rejection::AccountUnknown),
            Debit::Funds => {
                let wallet = wallets.iter().find(|wallet| wallet.name == order.wallet);
                wallet.and_then(|wallet| book.slot(wallet.funds)).ok_or(Rejection::WalletUnknown)
            }
        };
        let slots: Vec<_> = orders.iter().map(debit).collect();
        let placed: Vec<PayoutOrder> = orders
            .iter()
            .zip(&slots)
            .filter_map(|(order, slot)| slot.as_ref().ok().map(|debit| order.placed(*debit)))
            .collect();
        let prepared = self.payouts.prepare(tx, &mut book, &placed, now)?;
        book.number(tx)?;
        book.write(tx, now)?;
        let mut replies = self.payouts.save(tx, &book, prepared, &self.recorder, now)?.into_iter();
        let lost = || Err(StoreError::Decode("an order without a reply".into()));
        slots
            .into_iter()
            .map(|slot| {
                slot.map_or_else(|rejection| Ok(Err(rejection)), |_| replies.next().map_or_else(lost, Ok))
            })
            .collect()
    }
}

impl LaneOrder {
    fn placed(&self, debit: bursar_ledger::AccountSlot) -> PayoutOrder {
        PayoutOrder {
            desk: self.desk,
            wallet: self.wallet.clone(),
            key: self.key.clone(),
            destination: self.destination.clone(),
            amount: self.amount,
            debit,
            reference: self.reference,
            reason: self.reason.clone(),
        }
    }
}
