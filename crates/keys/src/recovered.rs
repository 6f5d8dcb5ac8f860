//! Charging what was signed and forgotten: payments of which a restored database learns from outside.

use std::collections::BTreeMap;

use bursar_store::{StoreError, Timestamp, Tx};

use crate::policy::{Account, Book, Charge, Known, Order, Work, Written};
use crate::{Keystore, sql};

impl Keystore {
    /// Charges a payment that was signed at `signed_at` and whose charge is lost, against all caps of its key and above
    /// them if need be: it left, so the next payments have less room. Once an intent, as in [`Keystore::authorize`]. A key
    /// that is not here any more, and upkeep, are charged nothing.
    pub fn charge_recovered(
        &self,
        tx: &mut Tx<'_>,
        order: &Order,
        signed_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Work::Payment { amount, .. } = &order.work else { return Ok(()) };
        let Some(row) = sql::key_locked(tx, &order.key)? else { return Ok(()) };
        // Charges ascend in time, so one that comes late counts from the newest on.
        let at = signed_at.min(now).max(row.mark);
        let known = sql::limits::authorizations(tx, &[&order.intent])?.into_iter().next();
        let lifetime_ms = row.policy.as_ref().map_or(0, crate::Policy::authorization_lifetime_ms);
        if known.as_ref().is_some_and(|(_, known, _)| at <= known.at.after_ms(lifetime_ms)) {
            return Ok(());
        }
        let charged = row.charged.saturating_add(bursar_money::U256::from(amount.units()));
        let number = row.charges.saturating_add(1);
        let charge = Charge { number, at, intent: order.intent.clone(), amount: *amount, charged };
        let account = Account {
            halted: None,
            policy: row.policy,
            now: at,
            charges: number,
            charged,
            windows: Vec::new(),
            destinations: BTreeMap::new(),
            added: vec![charge],
        };
        let (approvals, written) =
            known.map_or((0, Written::New), |(_, known, _)| (known.approvals, Written::Changed));
        let entry = Known { key: order.key.clone(), work: order.work.clone(), at, approvals, written };
        let book = Book {
            accounts: BTreeMap::from([(order.key.clone(), account)]),
            known: BTreeMap::from([(order.intent.clone(), entry)]),
            batch: tx.batch(),
        };
        sql::limits::save(tx, &book)
    }
}
