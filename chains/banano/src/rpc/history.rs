//! What an account has received, from its own blocks: a node's word is taken for which blocks there are, and for nothing else.

use std::collections::BTreeMap;

use bursar_money::Amount;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{BLOCKS_MAX, NodeClient, collection};
use super::error::RpcError;
use super::reply::BlockInfo;
use crate::block::BlockHash;
use crate::keys::PublicKey;

/// A send that an account has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastReceipt {
    /// The send.
    pub source: BlockHash,
    /// Who sent it; `None` where the node no longer has the send.
    pub sender: Option<PublicKey>,
    /// How much, in raw: the difference of two balances that the account signed.
    pub amount: Amount,
    /// The account's block that received it.
    pub block: BlockHash,
    /// Its place in the account's chain, from 1.
    pub height: u64,
}

type Blocks = BTreeMap<BlockHash, BlockInfo>;

impl NodeClient {
    /// What the account has received and is final, newest first, out of its newest `most` sends and receives.
    pub fn receipts(&self, account: &PublicKey, most: usize) -> Result<Vec<PastReceipt>, RpcError> {
        let (mut receipts, mut head, mut left) = (Vec::new(), None, most);
        while left > 0 {
            let hashes = self.history_page(account, head, left.min(BLOCKS_MAX))?;
            let Some(last) = hashes.last() else { break };
            let page = self.known(&hashes)?;
            let own = |hash: &BlockHash| match page.get(hash) {
                Some(info) if info.block.block.account == *account => Ok(info),
                Some(_) => Err(invalid("it names a block of another account")),
                None => Err(invalid("it names a block that the node does not have")),
            };
            let in_order: Vec<&BlockInfo> = hashes.iter().map(own).collect::<Result<_, _>>()?;
            if in_order.is_sorted_by(|newer, older| newer.height > older.height) {
                receipts.extend(self.page_receipts(&in_order, &page)?);
            } else {
                return Err(invalid("its blocks are out of order"));
            }
            left -= hashes.len().min(left);
            let before = own(last)?.block.block.previous;
            if before.is_zero() || head == Some(before) {
                break;
            }
            head = Some(before);
        }
        Ok(receipts)
    }

    /// The hashes of a page of the account's history, newest first, from `head` on.
    pub(super) fn history_page(
        &self,
        account: &PublicKey,
        head: Option<BlockHash>,
        count: usize,
    ) -> Result<Vec<BlockHash>, RpcError> {
        #[derive(Deserialize)]
        struct History {
            #[serde(default)]
            history: Value,
        }
        #[derive(Deserialize)]
        struct Line {
            hash: BlockHash,
        }
        let mut request =
            json!({ "action": "account_history", "account": account.address(), "count": count.to_string() });
        if let Some(head) = head {
            request["head"] = head.to_string().into();
        }
        let answer: History = self.ask("account_history", &request)?;
        let lines: Vec<Line> = collection("account_history", answer.history)?;
        if lines.len() > count {
            return Err(invalid("it has more blocks than were asked for"));
        }
        Ok(lines.into_iter().map(|line| line.hash).collect())
    }

    /// Those of a page whose balance rose over the block before.
    fn page_receipts(&self, page: &[&BlockInfo], known: &Blocks) -> Result<Vec<PastReceipt>, RpcError> {
        let missing = page.iter().map(|info| info.block.block.previous);
        let missing = missing.filter(|hash| !hash.is_zero() && !known.contains_key(hash)).collect::<Vec<_>>();
        let before = self.known(&missing)?;
        let balance_before = |info: &BlockInfo| {
            let previous = info.block.block.previous;
            if previous.is_zero() {
                return Ok(Amount::ZERO);
            }
            let block = known.get(&previous).or_else(|| before.get(&previous));
            block
                .map(|block| block.block.block.balance)
                .ok_or_else(|| invalid("a block before it is missing"))
        };
        let mut rises = Vec::new();
        for info in page.iter().filter(|info| info.confirmed) {
            let balance = info.block.block.balance;
            // A fall is a send.
            if let Ok(amount) = balance.minus(balance_before(info)?)
                && !amount.is_zero()
            {
                rises.push((info, BlockHash(info.block.block.link), amount));
            }
        }
        let sources = self.known(&rises.iter().map(|(_, source, _)| *source).collect::<Vec<_>>())?;
        let receipt = |(info, source, amount): (&&BlockInfo, BlockHash, Amount)| PastReceipt {
            source,
            sender: sources
                .get(&source)
                .filter(|send| send.block.block.link == info.block.block.account.0)
                .map(|send| send.block.block.account),
            amount,
            block: info.block.hash(),
            height: info.height,
        };
        Ok(rises.into_iter().map(receipt).collect())
    }

    /// Those of at most 100 blocks that the node has.
    pub(super) fn known(&self, hashes: &[BlockHash]) -> Result<Blocks, RpcError> {
        if hashes.is_empty() {
            return Ok(Blocks::new());
        }
        let infos = self.blocks_info(hashes)?;
        Ok(infos.into_iter().filter_map(|(hash, info)| Some((hash, info?))).collect())
    }
}

fn invalid(problem: &str) -> RpcError {
    RpcError::invalid("account_history", problem)
}
