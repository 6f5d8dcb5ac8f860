//! Authorising orders: loads what the decisions need, decides each in turn, and saves what they booked.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use bursar_access::{Act, By, Cleared, Permission, admit};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::key::KeyId;
use crate::policy::{Account, Book, Decision, Order, Policy, Window, Work, decide};
use crate::sql::{self, KeyRow};
use crate::standing::find;
use crate::stops::Reading;
use crate::{Keystore, Outcome, Rejection, accepted};

/// The action that approvals of large payments are filed for.
pub const PAYMENT_ACTION: &str = "keys.payment.approve";

/// What became of an order that was brought with other people's approval.
#[derive(Debug)]
pub struct ApprovedDecision {
    /// The decision.
    pub decision: Decision,
    /// Who brought it and who approved; `None` = it was not authorised, and the approval can still be used.
    pub cleared: Option<Cleared>,
}

impl Keystore {
    /// Decides orders one after the other and records what they are charged, all in the caller's transaction: with it
    /// the charges stand or fall. The rows of the keys stay locked until it ends, taken in the order of names, so limits
    /// hold across processes; whoever locks rows of their own does it before this or always after.
    ///
    /// The same intent again is authorised again without a charge while [`Policy::authorization_lifetime_ms`] lasts;
    /// every other check is made anew, so call it where an intent is accepted and again beside storing its attempt.
    pub fn authorize(
        &self,
        tx: &mut Tx<'_>,
        orders: &[Order],
        now: Timestamp,
    ) -> Result<Vec<Decision>, StoreError> {
        self.authorize_with(tx, orders, now, 0)
    }

    /// Authorises one order with the approval that `by` filed for it ([`Keystore::approval_act`]) and that other people
    /// have given. The approval is used up when the order is authorised, and not before. Call it before locking
    /// anything else.
    pub fn authorize_approved(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        order: &Order,
    ) -> Outcome<ApprovedDecision> {
        let act = accepted!(self.approval_act(tx, order)?);
        let admission = accepted!(admit(tx, by, &act)?);
        let request = match by.approval {
            Some(id) => bursar_access::approval(tx, id)?,
            None => None,
        };
        let approvals = request.map_or(0, |request| request.approvals());
        let decisions = self.authorize_with(tx, slice::from_ref(order), by.now, approvals)?;
        let decision = decisions.into_iter().next().unwrap_or(Decision::Refused(Rejection::KeyUnknown));
        let cleared = match &decision {
            Decision::Authorized(_) => Some(admission.spend(tx)?),
            Decision::Held { .. } | Decision::Refused(_) => None,
        };
        Ok(Ok(ApprovedDecision { decision, cleared }))
    }

    /// What people are asked to approve, for [`bursar_access::request_approval`].
    pub fn approval_act(&self, tx: &mut Tx<'_>, order: &Order) -> Outcome<Act> {
        accepted!(order.check());
        let key = accepted!(find(tx, &order.key)?);
        let payload = match &order.work {
            Work::Upkeep => format!("key={} work=upkeep", key.id),
            Work::Payment { asset, destination, amount } => {
                format!("key={} asset={asset} destination={destination} amount={amount}", key.id)
            }
        };
        Ok(Ok(Act {
            action: PAYMENT_ACTION.into(),
            desk: key.desk,
            subject: order.intent.clone(),
            payload,
            permission: Permission::ResolvePayout,
        }))
    }

    fn authorize_with(
        &self,
        tx: &mut Tx<'_>,
        orders: &[Order],
        now: Timestamp,
        approvals: u32,
    ) -> Result<Vec<Decision>, StoreError> {
        let mut book = self.load(tx, orders, now)?;
        let decisions = orders.iter().map(|order| decide(&mut book, order, approvals)).collect();
        sql::limits::save(tx, &book)?;
        Ok(decisions)
    }

    /// Switches first, then keys in the order of names, then what hangs on them.
    fn load(&self, tx: &mut Tx<'_>, orders: &[Order], now: Timestamp) -> Result<Book, StoreError> {
        let wanted: BTreeSet<&KeyId> = orders.iter().map(|order| &order.key).collect();
        let wanted: Vec<&KeyId> = wanted.into_iter().collect();
        let desks: BTreeSet<String> = sql::keys(tx, &wanted)?.into_iter().map(|row| row.key.desk).collect();
        let mut stopped = BTreeMap::new();
        for desk in desks {
            let rejection = self.stops.stopped(tx, &desk, now, Reading::Locked)?;
            stopped.insert(desk, rejection);
        }
        let rows = sql::keys_locked(tx, &wanted)?;
        let mut caps = sql::limits::caps(tx, &wanted)?;
        let mut accounts = BTreeMap::new();
        for row in rows {
            let unknown = Some(Rejection::SwitchStopped { switch: "the desk's switch, which was not read," });
            let halted = stopped.get(&row.key.desk).cloned().unwrap_or(unknown);
            let caps = caps.remove(&row.key.id).unwrap_or_default();
            accounts.insert(row.key.id.clone(), account(tx, row, caps, halted, now)?);
        }
        load_destinations(tx, &mut accounts, orders)?;
        let intents: Vec<&str> = orders.iter().map(|order| order.intent.as_str()).collect();
        let known = sql::limits::authorizations(tx, &storable(&intents))?;
        let known = known.into_iter().map(|(intent, known, _)| (intent, known)).collect();
        Ok(Book { accounts, known, batch: tx.batch() })
    }
}

/// One key with its windows, as they stand at its own time.
fn account(
    tx: &mut Tx<'_>,
    row: KeyRow,
    caps: Vec<crate::RollingCap>,
    halted: Option<Rejection>,
    now: Timestamp,
) -> Result<Account, StoreError> {
    let now = now.max(row.mark);
    let mut windows = Vec::with_capacity(caps.len());
    for &cap in &caps {
        let start = Timestamp::from_ms(now.ms().saturating_sub(cap.window_ms));
        windows.push(Window { cap, charged_before: sql::limits::charged_before(tx, &row.key.id, start)? });
    }
    Ok(Account {
        halted: halted.or(row.key.check_standing().err()),
        policy: row.policy.map(|policy| Policy { caps, ..policy }),
        now,
        charges: row.charges,
        charged: row.charged,
        windows,
        destinations: BTreeMap::new(),
        added: Vec::new(),
    })
}

fn load_destinations(
    tx: &mut Tx<'_>,
    accounts: &mut BTreeMap<KeyId, Account>,
    orders: &[Order],
) -> Result<(), StoreError> {
    let pairs: Vec<_> = orders
        .iter()
        .filter_map(|order| match &order.work {
            Work::Payment { destination, .. } => Some((&order.key, destination)),
            Work::Upkeep => None,
        })
        .filter(|(_, destination)| !destination.as_str().contains('\0'))
        .collect();
    for (key, address, sighting) in sql::limits::destinations(tx, &pairs)? {
        if let Some(account) = accounts.get_mut(&key) {
            account.destinations.insert(address, sighting);
        }
    }
    Ok(())
}

/// Ids that the store can be asked for; the others are refused by the decision.
fn storable<'a>(intents: &[&'a str]) -> Vec<&'a str> {
    intents.iter().copied().filter(|intent| !intent.contains('\0')).collect()
}
