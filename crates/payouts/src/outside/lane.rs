//! The lane of orders from outside: whoever asks is admitted once a batch, and each order is then accepted like a desk's.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_access::{Act, Actor, By, Permission, admit};
use bursar_audit::Recorder;
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book};
use bursar_store::lane::{Lane, LaneOptions, Work};
use bursar_store::{StoreError, Timestamp, Tx};

use super::order::OutsideOrder;
use crate::accept::{Accepted, Asked, Placed};
use crate::{PayoutOrder, Payouts, Rejection, sql};

/// The lane that accepts orders from outside.
pub type OutsideLane = Lane<OutsideWork>;

type Reply = Result<Accepted, Rejection>;

/// Its work.
pub struct OutsideWork {
    payouts: Payouts,
    recorder: Recorder,
}

impl Payouts {
    /// Starts a lane that accepts orders from outside, thousands a transaction if as many wait.
    pub fn start_outside_lane(&self, options: LaneOptions) -> Result<OutsideLane, StoreError> {
        let recorder = (self.parts.recorders)("payouts.outside");
        Lane::start(Arc::clone(&self.parts.store), OutsideWork { payouts: self.clone(), recorder }, options)
    }
}

impl Work for OutsideWork {
    type Command = OutsideOrder;
    type Reply = Reply;

    fn unit(&self) -> &'static str {
        "payouts.outside"
    }

    fn run(&mut self, tx: &mut Tx<'_>, orders: &[OutsideOrder]) -> Result<Vec<Reply>, StoreError> {
        let now = tx.reading()?;
        let mut replies = self.admit(tx, orders, now)?;
        let admitted: Vec<&OutsideOrder> = orders
            .iter()
            .zip(&replies)
            .filter(|(_, reply)| reply.is_none())
            .map(|(order, _)| order)
            .collect();
        let mut accepted = self.accept(tx, &admitted, now)?.into_iter();
        for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
            *reply = accepted.next();
        }
        let lost = || StoreError::Decode("an order without a reply".into());
        replies.into_iter().map(|reply| reply.ok_or_else(lost)).collect()
    }
}

impl OutsideWork {
    /// What becomes at once of the orders of those who may not ask; `None` = they may, and nobody takes that from them
    /// before this transaction ends.
    fn admit(
        &self,
        tx: &mut Tx<'_>,
        orders: &[OutsideOrder],
        now: Timestamp,
    ) -> Result<Vec<Option<Reply>>, StoreError> {
        let mut known: Vec<(&Actor, &'static str, Option<Rejection>)> = Vec::new();
        let mut replies = Vec::with_capacity(orders.len());
        for order in orders {
            let place = known.iter().position(|(by, desk, _)| **by == order.by && *desk == order.desk);
            let place = match place {
                Some(place) => place,
                None => {
                    let refused = self.admit_one(tx, order, now)?;
                    known.push((&order.by, order.desk, refused));
                    known.len() - 1
                }
            };
            let refused = known.get(place).and_then(|(_, _, refused)| refused.clone());
            replies.push(refused.map(Err));
        }
        Ok(replies)
    }

    fn admit_one(
        &self,
        tx: &mut Tx<'_>,
        order: &OutsideOrder,
        now: Timestamp,
    ) -> Result<Option<Rejection>, StoreError> {
        if self.payouts.outside(order.desk).is_none() {
            return Ok(Some(Rejection::NotOpen("the desk has not opened its wallets to them")));
        }
        let act = Act {
            action: "payouts.api_create".to_owned(),
            desk: order.desk.to_owned(),
            subject: order.by.audit_id(),
            payload: String::new(),
            permission: Permission::CreatePayout,
        };
        match admit(tx, &By::new(&order.by, now), &act)? {
            Ok(admission) => {
                admission.spend(tx)?;
                Ok(None)
            }
            Err(rejection) => Ok(Some(rejection.into())),
        }
    }

    fn accept(
        &self,
        tx: &mut Tx<'_>,
        orders: &[&OutsideOrder],
        now: Timestamp,
    ) -> Result<Vec<Reply>, StoreError> {
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let names: BTreeSet<&KeyId> = orders.iter().map(|order| &order.wallet).collect();
        let wallets = sql::wallets::load(tx, &names.into_iter().collect::<Vec<_>>())?;
        let mut book = Book::default();
        let accounts: Vec<AccountId> =
            wallets.iter().flat_map(|wallet| [wallet.account, wallet.funds]).collect();
        book.load(tx, &accounts)?;
        let funds = |order: &OutsideOrder| {
            let wallet = wallets.iter().find(|wallet| wallet.name == order.wallet);
            wallet.and_then(|wallet| book.slot(wallet.funds)).ok_or(Rejection::WalletUnknown)
        };
        // Of a wallet that is not there, or has no funds account, nothing is placed.
        let placed: Vec<Result<Placed, Rejection>> =
            orders.iter().map(|order| funds(order).map(|debit| self.placed(order, debit))).collect();
        let known: Vec<&Placed> = placed.iter().filter_map(|placed| placed.as_ref().ok()).collect();
        let prepared = self.payouts.prepare_placed(tx, &mut book, &known, now)?;
        book.number(tx)?;
        book.write(tx, now)?;
        let mut replies = self.payouts.save(tx, &book, prepared, &self.recorder, now)?.into_iter();
        let lost = || StoreError::Decode("an order without a reply".into());
        let reply = |placed: Result<Placed, Rejection>| match placed {
            Ok(_) => replies.next().ok_or_else(lost),
            Err(rejection) => Ok(Err(rejection)),
        };
        placed.into_iter().map(reply).collect()
    }

    fn placed(&self, order: &OutsideOrder, debit: bursar_ledger::AccountSlot) -> Placed {
        Placed {
            order: PayoutOrder {
                desk: order.desk,
                wallet: order.wallet.clone(),
                key: order.key.stored().clone(),
                destination: order.destination.clone(),
                amount: order.amount,
                debit,
                reference: 0,
                reason: order.reference.clone(),
            },
            asked: Some(Asked {
                asset: order.asset,
                closed: self.payouts.outside(order.desk).and_then(|rules| rules.closed),
                author: order.author(),
            }),
        }
    }
}
