//! An account's own past: its newest final block, and everything before that.

use bursar_chain::{Address, ChainError, History, Past, TransactionId};

use super::Banano;
use super::account::{AccountSight, agreed_account};
use crate::block::{BlockHash, BlockHashError};
use crate::keys::PublicKey;
use crate::rpc::PastBlock;

impl Banano {
    /// *Asks.* The account's newest block, final by the word of as many nodes as must agree; `None` when they have no block of
    /// it. While its newest block is not final there is no answer.
    pub fn newest_block(&self, account: &Address) -> Result<Option<BlockHash>, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        let sights = self.nodes.ask_enough(|node| AccountSight::of(node, &key))?;
        Ok(agreed_account(sights, self.nodes.agree())?.map(|head| head.frontier))
    }

    /// *Asks.* Up to `most` (at most 100) of the account's blocks from `head` backwards, that one first; fewer only where the
    /// account begins. What is before a final block is final, and named by it.
    pub fn blocks_back(
        &self,
        account: &Address,
        head: BlockHash,
        most: usize,
    ) -> Result<Vec<PastBlock>, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        self.nodes.ask_alike(|node| node.blocks_back(&key, head, most))
    }
}

impl History for Banano {
    fn past(
        &self,
        account: &Address,
        from: Option<&TransactionId>,
        most: usize,
    ) -> Result<Vec<Past>, ChainError> {
        let foreign =
            |id: &TransactionId, error: BlockHashError| ChainError::Disagreement(format!("{id}: {error}"));
        let head = match from {
            Some(id) => Some(id.as_str().parse().map_err(|error| foreign(id, error))?),
            None => self.newest_block(account)?,
        };
        match head {
            Some(head) => Ok(self.blocks_back(account, head, most)?.into_iter().map(told).collect()),
            None => Ok(Vec::new()),
        }
    }
}

fn told(block: PastBlock) -> Past {
    let id = |hash: BlockHash| TransactionId::from_canonical(hash.to_string());
    Past {
        id: id(block.hash),
        previous: (!block.previous.is_zero()).then(|| id(block.previous)),
        sent: block.sent.map(|sent| (Address::from_canonical(sent.to.address()), sent.amount)),
    }
}
