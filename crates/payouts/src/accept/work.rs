//! Loading what orders touch, and saving the intents that they become, in the caller's transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_audit::Recorder;
use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_store::{StoreError, Timestamp, Tx};
use uuid::{Builder, Uuid};

use super::decide::{AcceptState, AcceptWallet, Accepted, Known, NewIntent, Placed, decide};
use super::order::PayoutOrder;
use crate::ids::{IntentId, IntentState};
use crate::life::Wish;
use crate::pages::just_accepted;
use crate::sql::intents::{self, IntentRow};
use crate::stops::Reading;
use crate::{Payouts, Rejection, events, sql, webhook};

/// Orders that were decided and are not saved yet.
#[must_use = "orders that were prepared and not saved leave holds without an intent"]
#[derive(Debug)]
pub struct Prepared {
    replies: Vec<Result<Accepted, Rejection>>,
    new: Vec<NewIntent>,
}

impl Prepared {
    /// What becomes of each order, once it is saved and committed.
    pub fn replies(&self) -> &[Result<Accepted, Rejection>] {
        &self.replies
    }
}

impl Payouts {
    /// Decides orders in the caller's transaction and adds their holds to the caller's book. The same key with the same
    /// order is the intent of the first time, and nothing is held again. The caller then numbers and writes the book,
    /// and calls [`Payouts::save`]. Accounts are best loaded before, those of the wallets
    /// ([`crate::Wallet::account`]) with them: all in the order of their numbers.
    pub fn prepare(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        orders: &[PayoutOrder],
        now: Timestamp,
    ) -> Result<Prepared, StoreError> {
        let placed: Vec<Placed> =
            orders.iter().map(|order| Placed { order: order.clone(), asked: None }).collect();
        self.prepare_placed(tx, book, &placed.iter().collect::<Vec<_>>(), now)
    }

    /// The same for orders of which it is known who asked for them from outside.
    pub(crate) fn prepare_placed(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        placed: &[&Placed],
        now: Timestamp,
    ) -> Result<Prepared, StoreError> {
        let orders: Vec<&PayoutOrder> = placed.iter().map(|placed| &placed.order).collect();
        let generation = (self.parts.generation)(tx)?;
        let wallets = self.accept_wallets(tx, book, &orders, generation, now)?;
        let known = known(tx, &orders)?;
        let fresh =
            orders.iter().filter(|order| !known.contains_key(&(order.desk, order.key.as_str().to_owned())));
        let count = i64::try_from(fresh.count()).map_err(|_| StoreError::Decode("order count".into()))?;
        let first = if count == 0 { 0 } else { tx.allocate(intents::INTENTS, count)? };
        let ids: Vec<_> = (first..).take(usize::try_from(count).unwrap_or(0)).collect();
        let ids: Vec<_> = ids.into_iter().map(|id| (IntentId(id), self.public_id(now))).collect();
        let mut state = AcceptState { book, known, wallets, ids: ids.into_iter(), new: Vec::new() };
        let replies = placed.iter().map(|placed| decide(&mut state, placed)).collect();
        let new = state.new;
        Ok(Prepared { replies, new })
    }

    /// Stores the intents of prepared orders with their audit events, which `recorder`'s chain takes. The book has been
    /// numbered and written before.
    pub fn save(
        &self,
        tx: &mut Tx<'_>,
        book: &Book,
        prepared: Prepared,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Result<Vec<Result<Accepted, Rejection>>, StoreError> {
        let rows: Vec<IntentRow> = prepared.new.iter().map(|new| row(book, new, now)).collect();
        intents::insert(tx, &rows)?;
        let told: Vec<_> = rows.into_iter().map(|row| ("payout.accepted", just_accepted(row))).collect();
        webhook::tell(self, tx, &told, now)?;
        let events: Vec<_> = prepared.new.iter().map(events::accepted).collect();
        recorder.record(tx, &events, now)?;
        Ok(prepared.replies)
    }

    fn accept_wallets(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        orders: &[&PayoutOrder],
        generation: i64,
        now: Timestamp,
    ) -> Result<BTreeMap<KeyId, AcceptWallet>, StoreError> {
        let names: BTreeSet<&KeyId> = orders.iter().map(|order| &order.wallet).collect();
        let rows = sql::wallets::load(tx, &names.into_iter().collect::<Vec<_>>())?;
        let places: BTreeSet<(String, String)> =
            rows.iter().map(|row| (row.desk.clone(), row.chain.clone())).collect();
        let mut stops: HashMap<(String, String), Option<&'static str>> = HashMap::new();
        for (desk, chain) in places {
            let stopped = self.stopped(tx, &desk, &chain, now, Reading::Locked)?;
            stops.insert((desk, chain), stopped);
        }
        let accounts: Vec<_> = rows.iter().map(|row| row.account).collect();
        book.load(tx, &accounts)?;
        let mut wallets = BTreeMap::new();
        for row in rows {
            // A wallet of a chain that is not set up here is as good as none.
            let Some(rules) = self.chain(&row.chain) else { continue };
            let account = book.slot(row.account);
            let account =
                account.ok_or_else(|| StoreError::Decode(format!("wallet {} has no account", row.name)))?;
            let stopped = stops.get(&(row.desk.clone(), row.chain.clone())).copied();
            let wallet = AcceptWallet {
                knows_its_past: row.knows_its_past(generation),
                asset: row.asset,
                address: row.address,
                account,
                chain: rules.chain.clone(),
                key: self.parts.keystore.key(tx, &row.name)?,
                stopped: stopped.unwrap_or(Some("a switch that was not read")),
                desk: row.desk,
            };
            wallets.insert(row.name, wallet);
        }
        Ok(wallets)
    }

    /// An id that says when it was made and nothing else.
    pub(crate) fn public_id(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.parts.entropy.fill(&mut random);
        let ms = u64::try_from(now.ms()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }
}

fn known(
    tx: &mut Tx<'_>,
    orders: &[&PayoutOrder],
) -> Result<HashMap<(&'static str, String), Known>, StoreError> {
    let keys: Vec<(&str, &str)> = orders.iter().map(|order| (order.desk, order.key.as_str())).collect();
    let rows = intents::by_key(tx, &keys)?;
    let mut known = HashMap::new();
    for row in rows {
        let Some(desk) = orders.iter().map(|order| order.desk).find(|desk| **desk == row.desk) else {
            continue;
        };
        let accepted = Accepted { id: row.id, public_id: row.public_id, state: row.state, is_new: false };
        known.insert((desk, row.key), Known { accepted, request_hash: row.request_hash });
    }
    Ok(known)
}

fn row(book: &Book, new: &NewIntent, now: Timestamp) -> IntentRow {
    IntentRow {
        id: new.id,
        public_id: new.public_id,
        desk: new.desk.to_owned(),
        wallet: new.wallet.clone(),
        destination: new.destination.clone(),
        amount: new.amount,
        asset: new.asset,
        reference: new.reference,
        reason: new.reason.clone(),
        key: new.key.as_str().to_owned(),
        request_hash: new.request_hash.to_vec(),
        state: IntentState::Accepted,
        why: String::new(),
        wish: Wish::Nothing,
        hold: Some(book.hold_id(new.hold)),
        attempts: 0,
        created_at: now,
        next_at: Some(now),
        broadcast_at: None,
        stuck_at: None,
        changed_at: now,
        ended_at: None,
    }
}
