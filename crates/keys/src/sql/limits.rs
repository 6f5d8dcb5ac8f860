//! SQL of policies, destinations, authorisations and charges.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_chain::Address;
use bursar_money::{Amount, Asset, U256};
use bursar_store::Column::{
    Amount as AmountColumn, Bool, Int, Text, Time, U256 as U256Column, Uuid as UuidColumn,
};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};
use uuid::Uuid;

use crate::KeyId;
use crate::policy::{Book, Known, Policy, RollingCap, Sighting, Work, Written};

static CAPS: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new("key_id, window_ms, window_max", "key_cap", &[("key_id", Text)], Lock::None)
});
static DESTINATIONS: LazyLock<Lookup> = LazyLock::new(|| {
    let columns = "key_id, address, is_listed, first_seen_at";
    Lookup::new(columns, "key_destination", &[("key_id", Text), ("address", Text)], Lock::None)
});
static AUTHORIZATIONS: LazyLock<Lookup> = LazyLock::new(|| {
    let columns = "intent, key_id, asset, destination, amount, at, approvals, batch";
    Lookup::new(columns, "key_authorization", &[("intent", Text)], Lock::None)
});
static INSERT_DESTINATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("key_id", Text), ("address", Text), ("is_listed", Bool), ("first_seen_at", Time)];
    Bulk::insert("key_destination", &columns)
});
static INSERT_AUTHORIZATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("intent", Text),
        ("key_id", Text),
        ("asset", Int),
        ("destination", Text),
        ("amount", AmountColumn),
        ("at", Time),
        ("approvals", Int),
        ("batch", UuidColumn),
    ];
    Bulk::insert("key_authorization", &columns)
});
static UPDATE_AUTHORIZATIONS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("intent", Text), ("at", Time), ("approvals", Int), ("batch", UuidColumn)];
    Bulk::update("key_authorization", 1, &columns)
});
static INSERT_CHARGES: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("key_id", Text),
        ("number", Int),
        ("at", Time),
        ("intent", Text),
        ("amount", AmountColumn),
        ("charged", U256Column),
    ];
    Bulk::insert("key_charge", &columns)
});
static UPDATE_COUNTERS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("id", Text), ("mark", Time), ("charges", Int), ("charged", U256Column)];
    Bulk::update("key_pair", 1, &columns)
});

/// The caps of these keys, shortest window first.
pub(crate) fn caps(tx: &mut Tx<'_>, ids: &[&KeyId]) -> Result<BTreeMap<KeyId, Vec<RollingCap>>, StoreError> {
    let params: Vec<Param<'_>> = ids.iter().map(|id| Param::Text(id.as_str())).collect();
    let rows = tx.lookup(&CAPS, &params, |row| {
        let cap = RollingCap { window_ms: row.get(1)?, max: row.get(2)? };
        Ok((KeyId::stored(row.get(0)?), cap))
    })?;
    let mut caps: BTreeMap<KeyId, Vec<RollingCap>> = BTreeMap::new();
    for (id, cap) in rows {
        caps.entry(id).or_default().push(cap);
    }
    caps.values_mut().for_each(|caps| caps.sort_by_key(|cap| cap.window_ms));
    Ok(caps)
}

/// The sum of a key's charges before `start`.
pub(crate) fn charged_before(tx: &mut Tx<'_>, key: &KeyId, start: Timestamp) -> Result<U256, StoreError> {
    let sql =
        "SELECT charged FROM key_charge WHERE key_id = $1 AND at < $2 ORDER BY at DESC, number DESC LIMIT 1";
    let found = tx.query_first(sql, &[key.as_str().into(), start.into()], |row| row.get(0))?;
    Ok(found.unwrap_or(U256::ZERO))
}

/// Which of these pairs of key and destination are known.
pub(crate) fn destinations(
    tx: &mut Tx<'_>,
    pairs: &[(&KeyId, &Address)],
) -> Result<Vec<(KeyId, String, Sighting)>, StoreError> {
    let params: Vec<Param<'_>> =
        pairs.iter().flat_map(|(key, address)| [key.as_str(), address.as_str()]).map(Param::Text).collect();
    tx.lookup(&DESTINATIONS, &params, |row| {
        let sighting = Sighting { is_listed: row.get(2)?, first_seen_at: row.get(3)?, is_new: false };
        Ok((KeyId::stored(row.get(0)?), row.get(1)?, sighting))
    })
}

/// Listed destinations of a key, in the order of addresses, after `after`.
pub(crate) fn listed_destinations(
    tx: &mut Tx<'_>,
    key: &KeyId,
    after: &str,
    limit: i64,
) -> Result<Vec<(Address, Timestamp)>, StoreError> {
    let sql = "SELECT address, first_seen_at FROM key_destination WHERE key_id = $1 AND address > $2 AND is_listed = $3 \
               ORDER BY address LIMIT $4";
    let params = [Param::Text(key.as_str()), Param::Text(after), Param::Bool(true), Param::Int(limit)];
    tx.query(sql, &params, |row| Ok((Address::from_canonical(row.get(0)?), row.get(1)?)))
}

/// Puts a destination on a key's list or takes it off. Since when it is known stays.
pub(crate) fn list_destination(
    tx: &mut Tx<'_>,
    key: &KeyId,
    address: &Address,
    is_listed: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_destination (key_id, address, is_listed, first_seen_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (key_id, address) DO UPDATE SET is_listed = excluded.is_listed";
    let params =
        [Param::Text(key.as_str()), Param::Text(address.as_str()), Param::Bool(is_listed), Param::Time(now)];
    tx.execute(sql, &params).map(|_| ())
}

/// The intents of these ids that were authorised, each with the transaction that did it last.
pub(crate) fn authorizations(
    tx: &mut Tx<'_>,
    intents: &[&str],
) -> Result<Vec<(String, Known, Uuid)>, StoreError> {
    let params: Vec<Param<'_>> = intents.iter().map(|&intent| Param::Text(intent)).collect();
    tx.lookup(&AUTHORIZATIONS, &params, read_authorization)
}

fn read_authorization(row: &Row<'_>) -> Result<(String, Known, Uuid), StoreError> {
    let intent: String = row.get(0)?;
    let parts: (Option<i64>, Option<String>, Option<Amount>) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let work = match parts {
        (None, None, None) => Work::Upkeep,
        (Some(asset), Some(destination), Some(amount)) => {
            let asset = Asset::from_code(asset).map_err(|error| StoreError::Decode(error.to_string()))?;
            Work::Payment { asset, destination: Address::from_canonical(destination), amount }
        }
        _ => return Err(StoreError::Decode(format!("authorisation of intent {intent}"))),
    };
    let approvals = u32::try_from(row.get::<i64>(6)?);
    let approvals = approvals.map_err(|_| StoreError::Decode(format!("approvals of intent {intent}")))?;
    let key = KeyId::stored(row.get(1)?);
    Ok((intent, Known { key, work, at: row.get(5)?, approvals, written: Written::Stored }, row.get(7)?))
}

/// Replaces a key's policy with its caps; the key's row is locked by the caller.
pub(crate) fn put_policy(tx: &mut Tx<'_>, key: &KeyId, policy: &Policy) -> Result<(), StoreError> {
    let sql = "UPDATE key_pair SET asset = $2, payment_max = $3, is_listed_only = $4, first_use_hold_ms = $5, \
               approval_above = $6, approvals_needed = $7 WHERE id = $1";
    let params = [
        Param::Text(key.as_str()),
        Param::Int(policy.asset.code()),
        Param::Amount(policy.payment_max),
        Param::Bool(policy.is_listed_only),
        Param::Int(policy.first_use_hold_ms),
        policy.approval.map(|rule| rule.above).into(),
        Param::Int(policy.approval.map_or(0, |rule| i64::from(rule.needed))),
    ];
    tx.execute(sql, &params)?;
    tx.execute("DELETE FROM key_cap WHERE key_id = $1", &[key.as_str().into()])?;
    for cap in &policy.caps {
        let sql = "INSERT INTO key_cap (key_id, window_ms, window_max) VALUES ($1, $2, $3)";
        tx.execute(sql, &[key.as_str().into(), cap.window_ms.into(), cap.max.into()])?;
    }
    Ok(())
}

/// Writes all that decisions added to the book.
pub(crate) fn save(tx: &mut Tx<'_>, book: &Book) -> Result<(), StoreError> {
    let (mut seen, mut charges, mut counters) = (Vec::new(), Vec::new(), Vec::new());
    for (id, account) in &book.accounts {
        let id = Param::Text(id.as_str());
        for (address, sighting) in account.destinations.iter().filter(|(_, sighting)| sighting.is_new) {
            let is_listed = Param::Bool(sighting.is_listed);
            seen.extend([id, Param::Text(address), is_listed, Param::Time(sighting.first_seen_at)]);
        }
        for charge in &account.added {
            charges.extend([
                id,
                Param::Int(charge.number),
                Param::Time(charge.at),
                Param::Text(&charge.intent),
            ]);
            charges.extend([Param::Amount(charge.amount), Param::U256(charge.charged)]);
        }
        if !account.added.is_empty() {
            let charged = Param::U256(account.charged);
            counters.extend([id, Param::Time(account.now), Param::Int(account.charges), charged]);
        }
    }
    tx.execute_many(&INSERT_DESTINATIONS, &seen)?;
    tx.execute_many(&INSERT_CHARGES, &charges)?;
    tx.execute_many(&UPDATE_COUNTERS, &counters)?;
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for (intent, known) in &book.known {
        let intent = Param::Text(intent);
        let approvals = Param::Int(i64::from(known.approvals));
        let rest = [Param::Time(known.at), approvals, Param::Uuid(book.batch)];
        match known.written {
            Written::Stored => {}
            Written::Changed => changed.extend([&[intent][..], &rest].concat()),
            Written::New => {
                new.extend([intent, Param::Text(known.key.as_str())]);
                new.extend(match &known.work {
                    Work::Upkeep => [Param::Null; 3],
                    Work::Payment { asset, destination, amount } => {
                        [Param::Int(asset.code()), Param::Text(destination.as_str()), Param::Amount(*amount)]
                    }
                });
                new.extend(rest);
            }
        }
    }
    tx.execute_many(&INSERT_AUTHORIZATIONS, &new)?;
    tx.execute_many(&UPDATE_AUTHORIZATIONS, &changed).map(|_| ())
}
