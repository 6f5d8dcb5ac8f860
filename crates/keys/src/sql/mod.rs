//! The SQL of this room: keys and their secrets here, what they may sign in `limits`, rotations in `rotation`.

pub(crate) mod limits;
pub(crate) mod rotation;

use std::sync::LazyLock;

use bursar_chain::Address;
use bursar_money::{Amount, Asset, U256};
use bursar_store::Column::Text;
use bursar_store::{Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use crate::key::{Holder, Noted, SigningKey};
use crate::policy::{ApprovalRule, Policy};
use crate::remote::{Credential, Endpoint};
use crate::seal::Sealed;
use crate::{KekId, KeyId, PublicKey};

macro_rules! key_columns {
    () => {
        "id, desk, chain, purpose, scheme, holder, endpoint, public_key, address, created_by, created_at, \
         retired_by, retired_at, retired_reason, stopped_by, stopped_at, stopped_reason, asset, payment_max, \
         is_listed_only, first_use_hold_ms, approval_above, approvals_needed, mark, charges, charged"
    };
}

/// A key's row; the caps of its policy stand elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub key: SigningKey,
    pub policy: Option<Policy>,
    pub mark: Timestamp,
    pub charges: i64,
    pub charged: U256,
}

/// A sealed secret with its row's number.
#[derive(Clone, Debug)]
pub(crate) struct SecretRow {
    pub row: i64,
    pub key: KeyId,
    pub sealed: Sealed,
}

static KEYS: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(key_columns!(), "key_pair", &[("id", Text)], Lock::None));
static KEYS_LOCKED: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(key_columns!(), "key_pair", &[("id", Text)], Lock::Update));

/// The keys of these names, without a lock.
pub(crate) fn keys(tx: &mut Tx<'_>, ids: &[&KeyId]) -> Result<Vec<KeyRow>, StoreError> {
    let params: Vec<Param<'_>> = ids.iter().map(|id| Param::Text(id.as_str())).collect();
    tx.lookup(&KEYS, &params, read_key)
}

/// The keys of these names, in the order of names, locked until the transaction ends.
pub(crate) fn keys_locked(tx: &mut Tx<'_>, ids: &[&KeyId]) -> Result<Vec<KeyRow>, StoreError> {
    let params: Vec<Param<'_>> = ids.iter().map(|id| Param::Text(id.as_str())).collect();
    tx.lookup(&KEYS_LOCKED, &params, read_key)
}

/// One key, locked until the transaction ends.
pub(crate) fn key_locked(tx: &mut Tx<'_>, id: &KeyId) -> Result<Option<KeyRow>, StoreError> {
    Ok(keys_locked(tx, &[id])?.into_iter().next())
}

/// Every key, in the order of names.
pub(crate) fn all_keys(tx: &mut Tx<'_>) -> Result<Vec<KeyRow>, StoreError> {
    tx.query(concat!("SELECT ", key_columns!(), " FROM key_pair ORDER BY id"), &[], read_key)
}

/// The key that has this public key on this chain.
pub(crate) fn key_of_wallet(
    tx: &mut Tx<'_>,
    chain: &str,
    public_key: &PublicKey,
) -> Result<Option<KeyId>, StoreError> {
    let sql = "SELECT id FROM key_pair WHERE chain = $1 AND public_key = $2";
    let params = [Param::Text(chain), Param::Bytes(&public_key.0)];
    tx.query_first(sql, &params, |row| row.get(0).map(KeyId::stored))
}

/// Writes a new key, without a policy.
pub(crate) fn insert_key(tx: &mut Tx<'_>, key: &SigningKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_pair (id, desk, chain, purpose, scheme, holder, endpoint, public_key, address, \
               created_by, created_at, is_listed_only, first_use_hold_ms, approvals_needed, mark, charges, charged) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $11, 0, $13)";
    let endpoint = match &key.holder {
        Holder::Local => Param::Null,
        Holder::Remote { endpoint, .. } => Param::Text(endpoint.as_str()),
    };
    let params = [
        Param::Text(key.id.as_str()),
        Param::Text(&key.desk),
        Param::Text(&key.chain),
        Param::Text(&key.purpose),
        Param::Text(&key.scheme),
        Param::Text(key.holder.name()),
        endpoint,
        Param::Bytes(&key.public_key.0),
        Param::Text(key.address.as_str()),
        Param::Text(&key.created_by),
        Param::Time(key.created_at),
        Param::Bool(true),
        Param::U256(U256::ZERO),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Writes the sealed secret of a new key.
pub(crate) fn insert_secret(tx: &mut Tx<'_>, secret: &SecretRow, now: Timestamp) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO key_secret (id, key_id, kek, nonce, sealed, sealed_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let params = [
        Param::Int(secret.row),
        Param::Text(secret.key.as_str()),
        Param::Text(secret.sealed.kek.as_str()),
        Param::Bytes(&secret.sealed.nonce),
        Param::Bytes(&secret.sealed.bytes),
        Param::Time(now),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Replaces a sealed secret; the key's row is locked by the caller.
pub(crate) fn update_secret(tx: &mut Tx<'_>, secret: &SecretRow, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE key_secret SET kek = $2, nonce = $3, sealed = $4, sealed_at = $5 WHERE id = $1";
    let params = [
        Param::Int(secret.row),
        Param::Text(secret.sealed.kek.as_str()),
        Param::Bytes(&secret.sealed.nonce),
        Param::Bytes(&secret.sealed.bytes),
        Param::Time(now),
    ];
    match tx.execute(sql, &params)? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict(format!("the secret of key {} is gone", secret.key))),
    }
}

/// The sealed secret of a key.
pub(crate) fn secret(tx: &mut Tx<'_>, key: &KeyId) -> Result<Option<SecretRow>, StoreError> {
    let sql = "SELECT id, key_id, kek, nonce, sealed FROM key_secret WHERE key_id = $1";
    tx.query_first(sql, &[key.as_str().into()], |row| {
        let sealed = Sealed { kek: KekId::stored(row.get(2)?), nonce: row.get(3)?, bytes: row.get(4)? };
        Ok(SecretRow { row: row.get(0)?, key: KeyId::stored(row.get(1)?), sealed })
    })
}

/// Notes that a key is retired.
pub(crate) fn retire(tx: &mut Tx<'_>, key: &KeyId, noted: &Noted) -> Result<(), StoreError> {
    let sql = "UPDATE key_pair SET retired_by = $2, retired_at = $3, retired_reason = $4 WHERE id = $1";
    let params = [
        Param::Text(key.as_str()),
        Param::Text(&noted.by),
        Param::Time(noted.at),
        Param::Text(&noted.reason),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Notes that a key is stopped, or no longer.
pub(crate) fn set_stopped(tx: &mut Tx<'_>, key: &KeyId, noted: Option<&Noted>) -> Result<(), StoreError> {
    let sql = "UPDATE key_pair SET stopped_by = $2, stopped_at = $3, stopped_reason = $4 WHERE id = $1";
    let params = [
        Param::Text(key.as_str()),
        noted.map(|noted| noted.by.as_str()).into(),
        noted.map(|noted| noted.at).into(),
        noted.map(|noted| noted.reason.as_str()).into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

fn read_key(row: &Row<'_>) -> Result<KeyRow, StoreError> {
    let id = KeyId::stored(row.get(0)?);
    let [desk, chain, purpose, scheme] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
    let key = SigningKey {
        desk,
        chain,
        purpose,
        scheme,
        holder: read_holder(&id, &row.get::<String>(5)?, row.get(6)?)?,
        public_key: PublicKey(row.get(7)?),
        address: Address::from_canonical(row.get(8)?),
        created_by: row.get(9)?,
        created_at: row.get(10)?,
        retired: read_noted(row, 11)?,
        stopped: read_noted(row, 14)?,
        id,
    };
    let policy = read_policy(row)?;
    Ok(KeyRow { key, policy, mark: row.get(23)?, charges: row.get(24)?, charged: row.get(25)? })
}

/// A mark counts when any part of it is there: a half-written one stops rather than not.
fn read_noted(row: &Row<'_>, first: usize) -> Result<Option<Noted>, StoreError> {
    let (by, at): (Option<String>, Option<Timestamp>) = (row.get(first)?, row.get(first + 1)?);
    let reason: Option<String> = row.get(first + 2)?;
    if by.is_none() && at.is_none() && reason.is_none() {
        return Ok(None);
    }
    let (by, reason) = (by.unwrap_or_default(), reason.unwrap_or_default());
    Ok(Some(Noted { by, at: at.unwrap_or(Timestamp::from_ms(0)), reason }))
}

fn read_holder(id: &KeyId, name: &str, endpoint: Option<String>) -> Result<Holder, StoreError> {
    let credential = match name {
        "local" => return Ok(Holder::Local),
        "remote_bearer" => Credential::Bearer,
        "remote_hmac" => Credential::Hmac,
        _ => return Err(StoreError::Decode(format!("holder of key {id}"))),
    };
    let endpoint = endpoint.and_then(|url| Endpoint::parse(&url).ok());
    let endpoint = endpoint.ok_or_else(|| StoreError::Decode(format!("endpoint of key {id}")))?;
    Ok(Holder::Remote { endpoint, credential })
}

fn read_policy(row: &Row<'_>) -> Result<Option<Policy>, StoreError> {
    let Some(asset) = row.get::<Option<i64>>(17)? else { return Ok(None) };
    let asset = Asset::from_code(asset).map_err(|error| StoreError::Decode(error.to_string()))?;
    let needed = u32::try_from(row.get::<i64>(22)?);
    let needed = needed.map_err(|_| StoreError::Decode("approvals of a key".into()))?;
    let approval = row.get::<Option<Amount>>(21)?.map(|above| ApprovalRule { above, needed });
    Ok(Some(Policy {
        asset,
        // A policy without its limit allows nothing.
        payment_max: row.get::<Option<Amount>>(18)?.unwrap_or(Amount::ZERO),
        is_listed_only: row.get(19)?,
        first_use_hold_ms: row.get(20)?,
        approval,
        caps: Vec::new(),
    }))
}
