//! Answers, checked as far as they can be.

use std::collections::BTreeMap;

use bursar_money::Amount;
use serde::Deserialize;

use super::error::RpcError;
use crate::block::{BlockHash, SignedBlock, Subtype};
use crate::keys::PublicKey;
use crate::wire::raw;

/// What a node says of an account that has blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its newest block on this node, final or not.
    pub frontier: BlockHash,
    /// Its first block.
    pub open_block: BlockHash,
    /// Its balance in raw after the newest block.
    pub balance: Amount,
    /// How many blocks it has.
    pub block_count: u64,
    /// How many of them, from the first, are final.
    pub confirmation_height: u64,
}

/// What a node says an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balances {
    /// Its own, in raw.
    pub balance: Amount,
    /// Sent to it and not yet received, in raw.
    pub receivable: Amount,
}

/// A block as a node has it. Hash, signature and account are verified; amount, height and finality are its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// The block.
    pub block: SignedBlock,
    /// What it moved, in raw; `None` where the node no longer knows.
    pub amount: Option<Amount>,
    /// Its place in the account's chain, from 1.
    pub height: u64,
    /// Whether it is final.
    pub confirmed: bool,
    /// The next block: `None` when the node does not say, zero when there is none.
    pub successor: Option<BlockHash>,
}

/// A send that waits to be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receivable {
    /// The send.
    pub source: BlockHash,
    /// Who sent it.
    pub sender: PublicKey,
    /// How much, in raw.
    pub amount: Amount,
}

#[derive(Deserialize)]
pub(super) struct AccountInfoText {
    frontier: BlockHash,
    open_block: BlockHash,
    balance: String,
    block_count: String,
    confirmation_height: String,
}

#[derive(Deserialize)]
pub(super) struct BalancesText {
    balance: String,
    receivable: Option<String>,
    /// The older name; nodes give both.
    pending: Option<String>,
}

/// Older nodes write truth as text, newer ones as JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Truth {
    Json(bool),
    Text(String),
}

#[derive(Deserialize)]
pub(super) struct BlockInfoText {
    block_account: String,
    #[serde(default)]
    amount: Option<String>,
    balance: String,
    height: String,
    confirmed: Truth,
    #[serde(default)]
    successor: Option<BlockHash>,
    #[serde(default)]
    subtype: Option<Subtype>,
    contents: SignedBlock,
}

#[derive(Deserialize)]
pub(super) struct ReceivableText {
    amount: String,
    source: String,
}

impl AccountInfoText {
    pub(super) fn check(self) -> Result<AccountInfo, RpcError> {
        let bad = |problem: &str| RpcError::invalid("account_info", problem);
        let info = AccountInfo {
            frontier: self.frontier,
            open_block: self.open_block,
            balance: raw(&self.balance).ok_or_else(|| bad("balance"))?,
            block_count: count(&self.block_count).ok_or_else(|| bad("block_count"))?,
            confirmation_height: count(&self.confirmation_height)
                .ok_or_else(|| bad("confirmation_height"))?,
        };
        let one_block = info.frontier == info.open_block;
        let sound = info.block_count >= 1
            && info.confirmation_height <= info.block_count
            && one_block == (info.block_count == 1)
            && !info.frontier.is_zero()
            && !info.open_block.is_zero();
        if sound { Ok(info) } else { Err(bad("its figures contradict each other")) }
    }
}

impl BalancesText {
    pub(super) fn check(self) -> Result<Balances, RpcError> {
        let bad = |problem: &str| RpcError::invalid("account_balance", problem);
        let receivable = self.receivable.or(self.pending).ok_or_else(|| bad("receivable"))?;
        Ok(Balances {
            balance: raw(&self.balance).ok_or_else(|| bad("balance"))?,
            receivable: raw(&receivable).ok_or_else(|| bad("receivable"))?,
        })
    }
}

impl BlockInfoText {
    pub(super) fn check(self, asked: &BlockHash) -> Result<BlockInfo, RpcError> {
        let bad = |problem: &str| RpcError::invalid("block_info", problem);
        let block = self.contents;
        if block.hash() != *asked {
            return Err(bad("the block has another hash than the one asked for"));
        }
        if !block.verifies() {
            return Err(bad("the block's account did not sign it"));
        }
        if PublicKey::from_address(&self.block_account) != Ok(block.block.account) {
            return Err(bad("block_account is not the block's account"));
        }
        if raw(&self.balance) != Some(block.block.balance) {
            return Err(bad("balance is not the block's balance"));
        }
        let confirmed = match self.confirmed {
            Truth::Json(truth) => truth,
            Truth::Text(text) => text.parse().map_err(|_| bad("confirmed"))?,
        };
        let height = count(&self.height).filter(|&height| height >= 1).ok_or_else(|| bad("height"))?;
        if (height == 1) != block.block.previous.is_zero() {
            return Err(bad("height and previous contradict each other"));
        }
        if self.subtype.is_some_and(|subtype| subtype == Subtype::Open && height != 1) {
            return Err(bad("subtype and height contradict each other"));
        }
        let amount = match self.amount {
            Some(text) => Some(raw(&text).ok_or_else(|| bad("amount"))?),
            None => None,
        };
        Ok(BlockInfo { block, amount, height, confirmed, successor: self.successor })
    }
}

/// The receivables of an account. Nodes write an empty list as an empty text, an empty array or an empty object.
pub(super) fn receivables(blocks: serde_json::Value, most: usize) -> Result<Vec<Receivable>, RpcError> {
    let bad = |problem: &str| RpcError::invalid("receivable", problem);
    let none = match &blocks {
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if none {
        return Ok(Vec::new());
    }
    let blocks: BTreeMap<BlockHash, ReceivableText> =
        serde_json::from_value(blocks).map_err(|error| RpcError::invalid("receivable", error))?;
    if blocks.len() > most {
        return Err(bad("more blocks than were asked for"));
    }
    let check = |(source, text): (BlockHash, ReceivableText)| {
        Ok(Receivable {
            source,
            sender: PublicKey::from_address(&text.source).map_err(|_| bad("source"))?,
            amount: raw(&text.amount).filter(|amount| !amount.is_zero()).ok_or_else(|| bad("amount"))?,
        })
    };
    blocks.into_iter().map(check).collect()
}

/// A count as nodes write it: decimal digits.
pub(super) fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}
