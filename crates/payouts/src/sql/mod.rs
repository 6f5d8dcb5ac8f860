//! All SQL of payouts: rows in, rows out, no decision.

pub(crate) mod attempts;
pub(crate) mod doubts;
pub(crate) mod heads;
pub(crate) mod intents;
pub(crate) mod journals;
pub(crate) mod receipts;
pub(crate) mod wallets;
pub(crate) mod webhooks;

use bursar_keys::KeyId;
use bursar_money::Asset;
use bursar_store::StoreError;

pub(crate) fn key_of(text: &str) -> Result<KeyId, StoreError> {
    KeyId::parse(text).map_err(|error| StoreError::Decode(error.to_string()))
}

pub(crate) fn asset_of(code: i64) -> Result<Asset, StoreError> {
    Asset::from_code(code).map_err(|error| StoreError::Decode(error.to_string()))
}
