//! Typed questions to one node.

use std::collections::BTreeMap;

use bursar_money::Amount;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{RpcError, printable};
use super::publish::Publication;
use super::reply::{
    AccountInfo, AccountInfoText, Balances, BalancesText, BlockInfo, BlockInfoText, Receivable, count,
    receivables,
};
use super::transport::Transport;
use crate::block::{BlockHash, SignedBlock, Subtype};
use crate::keys::PublicKey;
use crate::work::{Root, Threshold, Work};

/// Most blocks that one `blocks_info` asks for.
pub(super) const BLOCKS_MAX: usize = 100;
/// Most receivables that one question asks for.
const RECEIVABLES_MAX: usize = 1_000;

/// Asks one node. Every answer is checked before it is returned; what does not hold up is an error.
pub struct NodeClient {
    transport: Box<dyn Transport>,
}

impl NodeClient {
    /// A client over this transport.
    #[must_use]
    pub fn new(transport: impl Transport + 'static) -> NodeClient {
        NodeClient { transport: Box::new(transport) }
    }

    /// The node's name in messages and evidence.
    #[must_use]
    pub fn name(&self) -> &str {
        self.transport.name()
    }

    /// `account_info`; `None` for an account without blocks.
    pub fn account_info(&self, account: &PublicKey) -> Result<Option<AccountInfo>, RpcError> {
        let request = json!({ "action": "account_info", "account": account.address() });
        let answer = self.ask::<AccountInfoText>("account_info", &request);
        found(answer, "Account not found")?.map(AccountInfoText::check).transpose()
    }

    /// `account_balance`; nothing for an account without blocks.
    pub fn account_balance(&self, account: &PublicKey) -> Result<Balances, RpcError> {
        let request = json!({ "action": "account_balance", "account": account.address() });
        self.ask::<BalancesText>("account_balance", &request)?.check()
    }

    /// `block_info`; `None` when the node says that it has no such block.
    pub fn block_info(&self, hash: &BlockHash) -> Result<Option<BlockInfo>, RpcError> {
        let request = json!({ "action": "block_info", "hash": hash.to_string(), "json_block": "true" });
        let answer = self.ask::<BlockInfoText>("block_info", &request);
        found(answer, "Block not found")?.map(|text| text.check(hash)).transpose()
    }

    /// `blocks_info` of at most 100 blocks: each with what the node has, or `None` where it says that it has none. An
    /// answer that leaves a block out is an error.
    pub fn blocks_info(
        &self,
        hashes: &[BlockHash],
    ) -> Result<BTreeMap<BlockHash, Option<BlockInfo>>, RpcError> {
        #[derive(Deserialize)]
        struct Blocks {
            blocks: Value,
            #[serde(default)]
            blocks_not_found: Value,
        }
        let bad = |problem: &str| RpcError::invalid("blocks_info", problem);
        if hashes.len() > BLOCKS_MAX {
            return Err(bad("at most 100 blocks can be asked for"));
        }
        let texts: Vec<String> = hashes.iter().map(BlockHash::to_string).collect();
        let request = json!({ "action": "blocks_info", "hashes": texts, "json_block": "true", "include_not_found": "true" });
        let answer: Blocks = self.ask("blocks_info", &request)?;
        let mut there: BTreeMap<BlockHash, BlockInfoText> = collection("blocks_info", answer.blocks)?;
        let missing: Vec<BlockHash> = collection("blocks_info", answer.blocks_not_found)?;
        let mut infos = BTreeMap::new();
        for hash in hashes {
            let info = match there.remove(hash) {
                Some(text) => Some(text.check(hash)?),
                None if missing.contains(hash) => None,
                None => return Err(bad("it leaves a block out")),
            };
            infos.insert(*hash, info);
        }
        Ok(infos)
    }

    /// `receivable`: at most `most` sends (up to 1,000) of `least` raw or more that wait for the account. A node that can
    /// sort names the largest; their order here is that of their hash.
    pub fn receivable(
        &self,
        account: &PublicKey,
        least: Amount,
        most: usize,
    ) -> Result<Vec<Receivable>, RpcError> {
        #[derive(Deserialize)]
        struct Blocks {
            blocks: Value,
        }
        let most = most.min(RECEIVABLES_MAX);
        let request = json!({
            "action": "receivable", "account": account.address(), "count": most.to_string(), "source": "true",
            "threshold": least.to_string(), "sorting": "true",
        });
        let answer: Blocks = self.ask("receivable", &request)?;
        receivables(answer.blocks, most)
    }

    /// `process`: hands a block over. When the answer does not tell where it is, the node is asked for it.
    pub fn publish(&self, block: &SignedBlock, subtype: Subtype) -> Publication {
        let mut answer = self.process(block, Some(subtype));
        // Nodes compare the subtype with the account's present balance, so they refuse a block in this way that they
        // have already, and a rival of their newest block. Without subtype they say which.
        if matches!(&answer, Err(RpcError::Refused(text)) if text.ends_with("for given subtype")) {
            answer = self.process(block, None);
        }
        let publication = answer.map_or_else(Publication::of_error, |()| Publication::Accepted);
        if publication.is_there() || matches!(publication, Publication::Silent(_)) {
            return publication;
        }
        match self.block_info(&block.hash()) {
            Ok(Some(_)) => Publication::AlreadyThere,
            _ => publication,
        }
    }

    fn process(&self, block: &SignedBlock, subtype: Option<Subtype>) -> Result<(), RpcError> {
        #[derive(Deserialize)]
        struct Processed {
            hash: BlockHash,
        }
        let mut request = json!({ "action": "process", "json_block": "true", "block": block });
        if let Some(subtype) = subtype {
            request["subtype"] = subtype.as_str().into();
        }
        let answer: Processed = self.ask("process", &request)?;
        if answer.hash == block.hash() {
            return Ok(());
        }
        Err(RpcError::invalid("process", "it names another block than the one handed over"))
    }

    /// `block_confirm`: asks the node to have a block voted on again. A block that waits too long needs the push.
    pub fn request_confirmation(&self, hash: &BlockHash) -> Result<(), RpcError> {
        #[derive(Deserialize)]
        struct Started {
            started: String,
        }
        let request = json!({ "action": "block_confirm", "hash": hash.to_string() });
        let answer: Started = self.ask("block_confirm", &request)?;
        if answer.started == "1" {
            return Ok(());
        }
        Err(RpcError::invalid("block_confirm", "it started nothing"))
    }

    /// `work_generate`: work that the node computed, verified.
    pub fn work_generate(&self, root: &Root, threshold: Threshold) -> Result<Work, RpcError> {
        #[derive(Deserialize)]
        struct Generated {
            work: Work,
        }
        let (hash, difficulty) = (BlockHash(root.0).to_string(), threshold.to_string());
        let request = json!({ "action": "work_generate", "hash": hash, "difficulty": difficulty });
        let answer: Generated = self.ask("work_generate", &request)?;
        if threshold.admits(root, answer.work) {
            return Ok(answer.work);
        }
        Err(RpcError::invalid("work_generate", "the work is below the threshold"))
    }

    /// `block_count`: how many blocks the node holds as final.
    pub fn cemented_count(&self) -> Result<u64, RpcError> {
        #[derive(Deserialize)]
        struct Counts {
            cemented: String,
        }
        let answer: Counts = self.ask("block_count", &json!({ "action": "block_count" }))?;
        count(&answer.cemented).ok_or_else(|| RpcError::invalid("block_count", "cemented"))
    }

    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        action: &'static str,
        request: &Value,
    ) -> Result<T, RpcError> {
        #[derive(Deserialize)]
        struct Failure {
            error: String,
        }
        let answer = self.transport.call(&request.to_string())?;
        if let Ok(failure) = serde_json::from_slice::<Failure>(&answer.body) {
            return Err(RpcError::Refused(printable(&failure.error)));
        }
        if answer.status != 200 {
            return Err(RpcError::Status(answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|error| RpcError::invalid(action, error))
    }
}

/// Tells the node's word that there is nothing from every other failure: only this text means absence.
fn found<T>(answer: Result<T, RpcError>, absent: &str) -> Result<Option<T>, RpcError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(RpcError::Refused(text)) if text == absent => Ok(None),
        Err(error) => Err(error),
    }
}

/// A list or map, which nodes write as an empty text when there is nothing in it, or leave out.
pub(super) fn collection<T: DeserializeOwned + Default>(
    action: &'static str,
    value: Value,
) -> Result<T, RpcError> {
    match value {
        Value::Null => Ok(T::default()),
        Value::String(text) if text.is_empty() => Ok(T::default()),
        value => serde_json::from_value(value).map_err(|error| RpcError::invalid(action, error)),
    }
}
