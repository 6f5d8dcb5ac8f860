//! The demo's chain: a node of its own whose blocks are kept beside the database, and what its accounts say.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bursar_banano::work::{Threshold, Thresholds};
use bursar_banano::{PublicKey, Subtype};
use bursar_devnet_banano::{Command, Node, NodeServer, NodeSettings};
use bursar_money::Amount;

/// Work for one block takes 16 trials on average.
pub(super) const WORK: u64 = 0xf000_0000_0000_0000;
/// How long blocks take to become final: long enough to be seen as sent.
const FINAL_AFTER_MS: u64 = 400;
/// The network of every demo; the keys of its accounts differ.
const NETWORK: u64 = 2026;

/// A chain.
pub(super) struct Chain(NodeServer);

impl Chain {
    /// The chain that is kept in the file, behind HTTP on loopback.
    pub fn open(path: &Path) -> io::Result<Chain> {
        let settings = NodeSettings {
            seed: NETWORK,
            thresholds: Thresholds::both(Threshold(WORK)),
            confirmation_lag_ms: Some(FINAL_AFTER_MS),
        };
        let node = Node::reopen(settings, path)?;
        NodeServer::start(node, SocketAddr::from(([127, 0, 0, 1], 0))).map(Chain)
    }

    pub fn url(&self) -> String {
        self.0.base_url()
    }

    /// Sends BAN that the demo invents; it waits to be received.
    pub fn give(&self, account: &PublicKey, ban: u128) -> Result<(), String> {
        let raw = (ban * 10_u128.pow(29)).to_string();
        self.0.command(Command::Fund { account: account.address(), raw })
    }

    /// Whether nobody has ever sent this account anything.
    pub fn is_unknown(&self, account: &PublicKey) -> bool {
        self.0.with(|node| {
            node.ledger().account(account).is_none() && node.ledger().waiting(account).next().is_none()
        })
    }

    /// What an account holds, without what waits to be received.
    pub fn balance(&self, account: &PublicKey) -> Amount {
        self.0.with(|node| node.ledger().balance(account))
    }

    /// How often an account has sent, and how much in all.
    pub fn sent(&self, account: &PublicKey) -> (usize, Amount) {
        self.0.with(|node| {
            let blocks = node.ledger().blocks();
            let sends: Vec<Amount> = blocks
                .into_iter()
                .filter(|entry| entry.block.block.account == *account && entry.subtype == Subtype::Send)
                .map(|entry| entry.amount)
                .collect();
            // All balances of a chain sum to what an amount holds, so its sends of one supply do too, unless money goes
            // in circles; then the largest amount stands for it, which no book agrees with.
            (sends.len(), Amount::sum(sends).unwrap_or(Amount::MAX))
        })
    }
}
