//! Nodes that are older than ours, or whose answers do not fit each other.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use std::sync::Arc;

use bursar_banano::rpc::{Answer, Transport, TransportError};
use bursar_chain::{Chain, ChainError, Standing};
use bursar_devnet_banano::{Command, LocalNode};
use network::{Altered, Network, chain_through, key};
use parking_lot::Mutex;
use serde_json::{Value, json};

fn state_error(network: &Network, change: fn(&mut Value)) -> ChainError {
    let altered = Altered { node: network.node().clone(), action: "account_info", change };
    chain_through(altered).sender_state(&network.wallet).unwrap_err()
}

fn problem(error: ChainError) -> String {
    let ChainError::TooFewNodes { problem, .. } = error else { panic!("{error}") };
    problem
}

#[test]
fn a_node_that_names_no_successors_is_walked_back_from_its_newest_block() {
    let network = Network::of_one();
    let state = network.state();
    let dead = network.payment_on(&state, 100);
    let change = |body: &mut Value| {
        body.as_object_mut().unwrap().remove("successor");
    };
    let chain = chain_through(Altered { node: network.node().clone(), action: "block_info", change });
    assert_eq!(chain.classify(&dead, &chain.look_up(&dead)), Standing::NotFound);
    network.broadcast(&network.payment_on(&state, 1));
    for _ in 0..3 {
        network.broadcast(&network.payment(1));
    }
    let proof = chain.prove_dead(&dead, &chain.look_up(&dead)).unwrap();
    assert_eq!(proof.taken_by, Some(network.payment_on(&state, 1).id));
    for _ in 0..64 {
        network.broadcast(&network.payment(1));
    }
    assert!(chain.prove_dead(&dead, &chain.look_up(&dead)).is_err());
}

#[test]
fn an_empty_slot_is_told_apart_from_one_that_the_node_does_not_know() {
    let network = Network::of_one();
    let said = |payment| {
        let evidence: Value = serde_json::from_slice(&network.chain.look_up(payment).0).unwrap();
        evidence["finding"]["look_up"][0]["said"].clone()
    };
    let payment = network.payment(100);
    assert_eq!(said(&payment), json!("slot_free"));
    network.hold_confirmations();
    network.broadcast(&payment);
    network.node().command(Command::ConfirmAll).unwrap();
    let next = network.payment(100);
    let elsewhere = Network::of_one();
    let evidence: Value = serde_json::from_slice(&elsewhere.chain.look_up(&next).0).unwrap();
    assert_eq!(evidence["finding"]["look_up"][0]["said"], json!("not_covered"));
}

#[test]
fn a_frontier_must_be_a_block_of_the_account() {
    let network = Network::of_one();
    let change = |body: &mut Value| {
        let genesis = bursar_devnet_banano::Node::new(bursar_devnet_banano::NodeSettings::easy(1));
        let block = genesis.ledger().blocks()[0].block.clone();
        body["frontier"] = json!(block.hash());
        body["open_block"] = json!(block.hash());
        body["balance"] = json!(block.block.balance.to_string());
    };
    assert!(problem(state_error(&network, change)).contains("the frontier is another account's block"));
}

#[test]
fn a_frontier_must_be_known_and_stand_at_the_height_that_is_named() {
    let network = Network::of_one();
    let unknown = |body: &mut Value| {
        body["frontier"] = json!("AB".repeat(32));
        body["open_block"] = json!("AB".repeat(32));
    };
    assert!(problem(state_error(&network, unknown)).contains("does not have the frontier that it names"));
    network.broadcast(&network.payment(1));
    let higher = |body: &mut Value| {
        body["block_count"] = json!("3");
        body["confirmation_height"] = json!("3");
    };
    assert!(problem(state_error(&network, higher)).contains("not at the height that the node names"));
}

#[test]
fn a_frontier_above_the_final_height_is_not_built_on() {
    let network = Network::of_one();
    let change = |body: &mut Value| body["confirmation_height"] = json!("0");
    assert_eq!(state_error(&network, change), ChainError::Unsettled);
}

/// A node that remembers what it was asked.
struct Listening(LocalNode, Arc<Mutex<Vec<String>>>);

impl Transport for Listening {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn call(&self, request: &str) -> Result<Answer, TransportError> {
        let asked: Value = serde_json::from_str(request).unwrap();
        self.1.lock().push(asked["action"].as_str().unwrap().to_owned());
        self.0.call(request)
    }
}

#[test]
fn a_block_that_is_there_already_is_voted_on_again() {
    let network = Network::of_one();
    let payment = network.payment(1);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let chain = chain_through(Listening(network.node().clone(), Arc::clone(&asked)));
    chain.broadcast(&payment);
    assert_eq!(*asked.lock(), ["process"]);
    asked.lock().clear();
    chain.broadcast(&payment);
    assert_eq!(*asked.lock(), ["process", "process", "block_confirm"]);
    assert!(network.node().with(|node| node.ledger().account(&key(0)).is_some()));
}
