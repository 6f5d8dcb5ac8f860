//! Numbers between rows and rules: the store counts in i64, and what is out of range is a damaged row.

use bursar_store::StoreError;

use crate::rules::ban::BanE8;
use crate::rules::holdings::Share;

/// A stored amount.
pub fn ban(e8: i64) -> Result<BanE8, StoreError> {
    BanE8::new(e8).map_err(|error| StoreError::Decode(format!("amount {e8}: {error}")))
}

/// A stored count that fits 32 bits.
pub fn small(count: i64) -> Result<u32, StoreError> {
    u32::try_from(count).map_err(|_| StoreError::Decode(format!("count {count}")))
}

/// A stored count.
pub fn large(count: i64) -> Result<u64, StoreError> {
    u64::try_from(count).map_err(|_| StoreError::Decode(format!("count {count}")))
}

/// A count to store.
pub fn stored(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::Decode(format!("count {count} cannot be stored")))
}

/// A stored pair of kills and e8.
pub fn share(kills: i64, e8: i64) -> Result<Share, StoreError> {
    Ok(Share { kills: large(kills)?, amount: ban(e8)? })
}

/// A word that a column holds, by its reader.
pub fn word<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
    read(text).ok_or_else(|| StoreError::Decode(format!("unknown word {text:?}")))
}
