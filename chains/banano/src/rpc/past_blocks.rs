//! An account's blocks from one that is known backwards. Each names the block before it under its own hash and signature,
//! so that a node can neither leave one out nor add one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bursar_money::Amount;

use super::client::{BLOCKS_MAX, NodeClient};
use super::error::RpcError;
use super::reply::BlockInfo;
use crate::block::BlockHash;
use crate::keys::PublicKey;

/// A block of an account's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastBlock {
    /// The block.
    pub hash: BlockHash,
    /// The one before it; zero for the account's first.
    pub previous: BlockHash,
    /// What it sent; `None` = it is no send.
    pub sent: Option<PastSend>,
}

/// What a block sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSend {
    /// To whom.
    pub to: PublicKey,
    /// How much, in raw: the difference of two balances that the account signed.
    pub amount: Amount,
}

impl NodeClient {
    /// Up to `most` (at most 100) of the account's blocks from `head` backwards, that one first; fewer only where the account
    /// begins.
    pub fn blocks_back(
        &self,
        account: &PublicKey,
        head: BlockHash,
        most: usize,
    ) -> Result<Vec<PastBlock>, RpcError> {
        let most = most.min(BLOCKS_MAX);
        // Only a hint at what will be wanted: what it leaves out is asked for by itself.
        let hint = self.history_page(account, Some(head), most)?;
        let mut fetched = self.known(&hint)?;
        let (mut walked, mut next) = (Vec::new(), head);
        while walked.len() < most && !next.is_zero() {
            let (previous, balance, link) = {
                let block = &self.own(&mut fetched, account, next)?.block.block;
                (block.previous, block.balance, block.link)
            };
            let before = match previous.is_zero() {
                true => Amount::ZERO,
                false => self.own(&mut fetched, account, previous)?.block.block.balance,
            };
            // A fall of the balance is a send.
            let fall = before.minus(balance).ok().filter(|amount| !amount.is_zero());
            let sent = fall.map(|amount| PastSend { to: PublicKey(link), amount });
            walked.push(PastBlock { hash: next, previous, sent });
            next = previous;
        }
        Ok(walked)
    }

    /// A block of the account, asked for unless it is there.
    fn own<'f>(
        &self,
        fetched: &'f mut BTreeMap<BlockHash, BlockInfo>,
        account: &PublicKey,
        hash: BlockHash,
    ) -> Result<&'f BlockInfo, RpcError> {
        let invalid = |problem: &str| RpcError::invalid("block_info", problem);
        let info = match fetched.entry(hash) {
            Entry::Occupied(there) => &*there.into_mut(),
            Entry::Vacant(place) => {
                let info = self.block_info(&hash)?;
                let absent = || invalid("the node does not have a block that the one after it names");
                &*place.insert(info.ok_or_else(absent)?)
            }
        };
        let is_own = info.block.block.account == *account;
        is_own.then_some(info).ok_or_else(|| invalid("the block is another account's"))
    }
}
