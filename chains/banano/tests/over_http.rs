//! The same over HTTP: time-outs, limits and broken connections are errors, and never more than that.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bursar_banano::rpc::{HttpNode, NodeClient, RpcError, TransportError};
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, LocalSigner, NodeSet, Seed, Settings};
use bursar_chain::{Chain, Standing};
use bursar_devnet_banano::{Command, Fault, Misbehaviour, Node, NodeServer, NodeSettings};
use bursar_money::Amount;
use network::{SEED, address, fund, key, pay};

fn server() -> NodeServer {
    NodeServer::start(Node::new(NodeSettings::easy(1)), SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

fn client(server: &NodeServer, timeout: Duration) -> NodeClient {
    NodeClient::new(HttpNode::new(&server.base_url(), timeout).unwrap())
}

fn ask_with(misbehaviour: Misbehaviour, timeout: Duration) -> RpcError {
    let server = server();
    server.command(Command::Fault(Fault { action: None, misbehaviour, times: 1 })).unwrap();
    client(&server, timeout).cemented_count().unwrap_err()
}

#[test]
fn a_payment_goes_out_over_http() {
    let server = server();
    let set = NodeSet::new(vec![client(&server, Duration::from_secs(10))], 1, Asking::AtOnce).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    let chain = Banano::new(set, Arc::new(InThread), Settings { thresholds, ..Settings::default() });
    let (wallet, signer) = (address(key(0)), LocalSigner::new(Seed::from_bytes(SEED).secret_key(0)));
    server.command(fund(&wallet, 1_000)).unwrap();
    let receivable = chain.receivable(&wallet, Amount::new(1), 1).unwrap();
    let opening = chain.build_receive(&receivable[0], &chain.receiver_state(&wallet).unwrap()).unwrap();
    chain.broadcast(&chain.sign(&opening, &signer).unwrap());
    let unsigned = chain.build(&pay(&wallet, 100), &chain.sender_state(&wallet).unwrap()).unwrap();
    let attempt = chain.sign(&unsigned, &signer).unwrap();
    assert_eq!(chain.classify(&attempt, &chain.broadcast(&attempt)), Standing::Pending);
    assert_eq!(chain.classify(&attempt, &chain.look_up(&attempt)), Standing::Confirmed);
    assert_eq!(server.with(|node| node.ledger().balance(&key(0)).units()), 900);
}

#[test]
fn an_answer_that_does_not_come_ends_at_the_time_out() {
    let timeout = Duration::from_millis(100);
    for misbehaviour in [Misbehaviour::Silence, Misbehaviour::Delay(60_000)] {
        assert_eq!(ask_with(misbehaviour, timeout), RpcError::Transport(TransportError::Timeout));
    }
}

#[test]
fn an_answer_that_breaks_off_or_is_too_long_is_no_answer() {
    let long = Duration::from_secs(20);
    let cut = ask_with(Misbehaviour::DropAnswer, long);
    assert!(
        matches!(cut, RpcError::Transport(TransportError::Broken | TransportError::Unreachable(_))),
        "{cut}"
    );
    assert_eq!(ask_with(Misbehaviour::Oversized, long), RpcError::Transport(TransportError::TooLarge));
    assert_eq!(ask_with(Misbehaviour::Status(503), long), RpcError::Status(503));
    assert_eq!(ask_with(Misbehaviour::Status(302), long), RpcError::Status(302));
    assert!(matches!(ask_with(Misbehaviour::Garbage, long), RpcError::Invalid { .. }));
}

#[test]
fn a_node_that_is_gone_is_unreachable() {
    let server = server();
    let client = client(&server, Duration::from_secs(10));
    drop(server);
    assert!(matches!(client.cemented_count(), Err(RpcError::Transport(TransportError::Unreachable(_)))));
}
