//! Looking for a block on one node, and for whatever holds its slot.

use serde::{Deserialize, Serialize};

use super::report::Holder;
use crate::block::{BlockHash, StateBlock};
use crate::rpc::{AccountInfo, BlockInfo, NodeClient, RpcError};

/// Most blocks that are walked through backwards on a node that does not name successors.
const STEPS_MAX: usize = 64;

/// What one node shows of a block and of its slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sighting {
    /// No answer that can be used.
    Silent(String),
    /// There, and final.
    Confirmed,
    /// There, and not final.
    Unconfirmed,
    /// Not there; the slot is empty.
    SlotFree,
    /// Not there; the slot holds another block.
    SlotTaken(Box<Holder>),
    /// Not there; the node does not know the slot either, so its history may not reach that far.
    NotCovered,
}

impl Sighting {
    /// Asks the node for the block, and when it is not there for what holds its slot.
    pub(super) fn of(node: &NodeClient, block: &StateBlock) -> Sighting {
        look(node, block).unwrap_or_else(|error| Sighting::Silent(error.to_string()))
    }
}

fn look(node: &NodeClient, block: &StateBlock) -> Result<Sighting, RpcError> {
    let hash = block.hash();
    if let Some(info) = node.block_info(&hash)? {
        return Ok(there(&info));
    }
    let account = node.account_info(&block.account)?;
    let holder = if block.previous.is_zero() {
        let Some(account) = &account else { return Ok(Sighting::SlotFree) };
        node.block_info(&account.open_block)?
    } else {
        let Some(previous) = node.block_info(&block.previous)? else { return Ok(Sighting::NotCovered) };
        match previous.successor {
            Some(BlockHash::ZERO) => return Ok(Sighting::SlotFree),
            Some(successor) => node.block_info(&successor)?,
            None => match walk_back(node, account.as_ref(), &block.previous)? {
                Walk::Found(info) => Some(*info),
                Walk::NothingAfter => return Ok(Sighting::SlotFree),
                Walk::TooFar => return Ok(Sighting::NotCovered),
            },
        }
    };
    // The node changed its mind between two questions, or contradicts itself.
    let (Some(holder), Some(account)) = (holder, account) else { return Ok(Sighting::NotCovered) };
    // It arrived between two questions.
    if holder.block.hash() == hash {
        return Ok(there(&holder));
    }
    Ok(Sighting::SlotTaken(Box::new(Holder {
        block: holder.block,
        height: holder.height,
        confirmed: holder.confirmed,
        final_height: account.confirmation_height,
    })))
}

const fn there(info: &BlockInfo) -> Sighting {
    if info.confirmed { Sighting::Confirmed } else { Sighting::Unconfirmed }
}

enum Walk {
    Found(Box<BlockInfo>),
    NothingAfter,
    TooFar,
}

/// Walks from the account's newest block to the one right after `previous`.
fn walk_back(
    node: &NodeClient,
    account: Option<&AccountInfo>,
    previous: &BlockHash,
) -> Result<Walk, RpcError> {
    let Some(account) = account else { return Ok(Walk::TooFar) };
    let mut hash = account.frontier;
    if hash == *previous {
        return Ok(Walk::NothingAfter);
    }
    for _ in 0..STEPS_MAX {
        let Some(info) = node.block_info(&hash)? else { return Ok(Walk::TooFar) };
        hash = info.block.block.previous;
        if hash == *previous {
            return Ok(Walk::Found(Box::new(info)));
        }
    }
    Ok(Walk::TooFar)
}
