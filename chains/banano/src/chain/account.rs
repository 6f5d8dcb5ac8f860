//! An account as several nodes show it, and what they agree on.

use bursar_chain::ChainError;

use crate::block::Head;
use crate::keys::PublicKey;
use crate::rpc::{NodeClient, RpcError};

/// An account on one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AccountSight {
    /// No block yet.
    Unopened,
    /// Its newest block, by the block itself and not by the node's summary.
    Open {
        /// The newest block.
        head: Head,
        /// How many blocks there are.
        height: u64,
        /// Whether the newest is final.
        settled: bool,
    },
}

impl AccountSight {
    /// Reads balance and representative from the frontier block, whose hash and signature the client verifies. An account
    /// whose newest block is the network's own (an epoch upgrade) is refused until it has one of its own on top.
    pub(super) fn of(node: &NodeClient, account: &PublicKey) -> Result<AccountSight, RpcError> {
        let Some(info) = node.account_info(account)? else { return Ok(AccountSight::Unopened) };
        let invalid =
            |problem: &str| RpcError::Invalid { action: "account_info", problem: problem.to_owned() };
        let frontier = node.block_info(&info.frontier)?;
        let frontier =
            frontier.ok_or_else(|| invalid("the node does not have the frontier that it names"))?;
        let block = &frontier.block.block;
        if block.account != *account {
            return Err(invalid("the frontier is another account's block"));
        }
        if block.balance != info.balance {
            return Err(invalid("the balance is not that of the frontier block"));
        }
        if frontier.height != info.block_count {
            return Err(invalid("the frontier is not at the height that the node names"));
        }
        let settled = frontier.confirmed && info.confirmation_height == info.block_count;
        let head = Head {
            account: *account,
            frontier: info.frontier,
            balance: block.balance,
            representative: block.representative,
        };
        Ok(AccountSight::Open { head, height: info.block_count, settled })
    }

    const fn height(&self) -> u64 {
        match self {
            AccountSight::Unopened => 0,
            AccountSight::Open { height, .. } => *height,
        }
    }
}

/// The account's newest block, final by the word of `agree` nodes; `None` when `agree` nodes have no block of it. Nodes
/// that lag behind are not counted; two different newest blocks at one height are a contradiction.
pub(super) fn agreed_account(sights: Vec<AccountSight>, agree: usize) -> Result<Option<Head>, ChainError> {
    let highest = sights.iter().map(AccountSight::height).max().unwrap_or_default();
    let mut newest = sights.into_iter().filter(|sight| sight.height() == highest);
    let Some(first) = newest.next() else { return Err(ChainError::Unsettled) };
    let AccountSight::Open { head, mut settled, .. } = first else {
        return if 1 + newest.count() >= agree { Ok(None) } else { Err(ChainError::Unsettled) };
    };
    let mut vouching = usize::from(settled);
    for other in newest {
        let AccountSight::Open { head: other, settled: other_settled, .. } = other else { continue };
        if other != head {
            let (one, two) = (head.frontier, other.frontier);
            return Err(ChainError::Disagreement(format!("newest block {one} against {two}")));
        }
        vouching += usize::from(other_settled);
        settled |= other_settled;
    }
    if settled && vouching >= agree { Ok(Some(head)) } else { Err(ChainError::Unsettled) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockHash;
    use bursar_money::Amount;

    fn open(frontier: u8, height: u64, settled: bool) -> AccountSight {
        let (account, representative) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let head =
            Head { account, frontier: BlockHash([frontier; 32]), balance: Amount::new(5), representative };
        AccountSight::Open { head, height, settled }
    }

    fn frontier(sights: Vec<AccountSight>, agree: usize) -> Result<Option<u8>, ChainError> {
        agreed_account(sights, agree).map(|head| head.map(|head| head.frontier.0[0]))
    }

    #[test]
    fn the_newest_block_counts_once_enough_nodes_have_it_final() {
        assert_eq!(frontier(vec![open(9, 3, true)], 1), Ok(Some(9)));
        assert_eq!(frontier(vec![open(9, 3, true), open(9, 3, true), open(8, 2, true)], 2), Ok(Some(9)));
        assert_eq!(frontier(vec![open(9, 3, true), open(8, 2, true)], 2), Err(ChainError::Unsettled));
        assert_eq!(frontier(vec![open(9, 3, true), open(9, 3, false)], 2), Err(ChainError::Unsettled));
        assert_eq!(frontier(vec![open(9, 3, false)], 1), Err(ChainError::Unsettled));
    }

    #[test]
    fn two_newest_blocks_at_one_height_are_a_contradiction() {
        let contradiction = frontier(vec![open(9, 3, true), open(8, 3, true), open(9, 3, true)], 2);
        assert!(matches!(contradiction, Err(ChainError::Disagreement(_))));
    }

    #[test]
    fn an_account_is_unopened_when_enough_nodes_and_no_other_say_so() {
        let unopened = || AccountSight::Unopened;
        assert_eq!(frontier(vec![unopened(), unopened()], 2), Ok(None));
        assert_eq!(frontier(vec![unopened()], 2), Err(ChainError::Unsettled));
        assert_eq!(frontier(vec![unopened(), unopened(), open(9, 1, true)], 2), Err(ChainError::Unsettled));
        assert_eq!(frontier(vec![], 1), Err(ChainError::Unsettled));
    }
}
