//! Banano as the configuration names it: its nodes, how many must agree, and where work comes from.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bursar_banano::rpc::{HttpNode, NodeClient, PeerWork};
use bursar_banano::work::{PoolSettings, Threshold, Thresholds, WorkPool, WorkSource};
use bursar_banano::{Asking, Banano, NodeSet, Settings};
use secrecy::ExposeSecret;

use super::failpoints::{Failpoints, HeldNode};
use super::payment_room::RoomFault;
use crate::config::Configuration;

/// How long a node may take (docs/spec/faucet.md 5).
const NODE_TIME: Duration = Duration::from_secs(10);
/// How long a peer may compute work.
const WORK_TIME: Duration = Duration::from_secs(30);
/// Asked when no node is configured: nothing listens there, so a balance is unknown and nothing is paid.
const NO_NODE: &str = "http://127.0.0.1:7072";
/// Accounts that work is computed ahead for: the operator wallets of one deployment.
const WORK_ACCOUNTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// The chain. Nothing is asked of a node yet.
pub(super) fn banano(configuration: &Configuration) -> Result<Banano, RoomFault> {
    let first = configuration.values.secret("BANANO_NODE_RPC");
    let first = first.map_or(NO_NODE, |url| url.expose_secret());
    let nodes: Result<Vec<NodeClient>, RoomFault> = std::iter::once(first)
        .chain(listed(configuration, "BURSAR_BANANO_NODES"))
        .map(|url| {
            let node = HttpNode::new(url, NODE_TIME).map_err(|error| RoomFault::Nodes(error.to_string()))?;
            Ok(match failpoints(configuration) {
                Some(failpoints) => NodeClient::new(HeldNode { node, failpoints }),
                None => NodeClient::new(node),
            })
        })
        .collect();
    let nodes = nodes?;
    let usual = nodes.len().min(2);
    let agree =
        configuration.value("BURSAR_BANANO_AGREE").and_then(|text| text.parse().ok()).unwrap_or(usual);
    let nodes =
        NodeSet::new(nodes, agree, Asking::AtOnce).map_err(|error| RoomFault::Nodes(error.to_string()))?;
    let digits = configuration.value("FAUCET_WORK_THRESHOLD").unwrap_or("fffffe0000000000");
    let threshold = u64::from_str_radix(digits, 16).map_err(|_| RoomFault::Threshold)?;
    let thresholds = Thresholds::both(Threshold(threshold));
    Ok(Banano::new(nodes, work(configuration)?, Settings { thresholds, ..Settings::default() }))
}

/// Peers first, if any are named; this machine computes ahead in any case, and serves when they fail.
fn work(configuration: &Configuration) -> Result<Arc<dyn WorkSource>, RoomFault> {
    let settings = PoolSettings { threads: NonZeroUsize::MIN, accounts_max: WORK_ACCOUNTS };
    let pool = WorkPool::start(settings).map_err(|error| RoomFault::System {
        what: "the threads that compute work",
        why: error.to_string(),
    })?;
    let peers: Result<Vec<NodeClient>, RoomFault> = listed(configuration, "BURSAR_BANANO_WORK_PEERS")
        .map(|url| HttpNode::new(url, WORK_TIME).map(NodeClient::new))
        .map(|peer| peer.map_err(|error| RoomFault::WorkPeers(error.to_string())))
        .collect();
    let peers = peers?;
    if peers.is_empty() {
        return Ok(Arc::new(pool));
    }
    let sources: Vec<Box<dyn WorkSource>> = vec![Box::new(PeerWork::new(peers)), Box::new(pool)];
    Ok(Arc::new(sources))
}

/// The addresses in a comma list.
fn listed<'c>(configuration: &'c Configuration, name: &str) -> impl Iterator<Item = &'c str> {
    let urls = configuration.values.secret(name).map_or("", |urls| urls.expose_secret());
    urls.split(',').map(str::trim).filter(|url| !url.is_empty())
}

/// Those of a crash test; never in production.
pub(super) fn failpoints(configuration: &Configuration) -> Option<Failpoints> {
    configuration.failpoints.clone().map(|folder| Failpoints { folder })
}
