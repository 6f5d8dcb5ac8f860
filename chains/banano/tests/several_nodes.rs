//! How many nodes must say the same before it is believed, and what a lying node can and cannot do.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, NodeSetError, Settings};
use bursar_chain::{AccountBalance, Chain, ChainError, Evidence, Standing};
use bursar_devnet_banano::{Command, LocalNode, Misbehaviour, Node, NodeSettings};
use bursar_money::Amount;
use network::{FUNDS, Network, address, block, fund, hash, key};
use serde_json::{Value, json};
use std::sync::Arc;

/// The evidence with a change made to its JSON.
fn altered(evidence: &Evidence, change: impl FnOnce(&mut Value)) -> Evidence {
    let mut value: Value = serde_json::from_slice(&evidence.0).unwrap();
    change(&mut value);
    Evidence(serde_json::to_vec(&value).unwrap())
}

#[test]
fn death_takes_the_word_of_as_many_nodes_as_must_agree() {
    let network = Network::of(3, 2);
    network.hold_confirmations();
    let state = network.state();
    let payment = network.payment_on(&state, 100);
    let rival = network.rival(&payment, &state);
    for node in &network.nodes[..2] {
        node.command(Command::Gossip(Box::new(block(&rival)))).unwrap();
    }
    network.nodes[2].command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    assert_eq!(network.look_up(&payment), Standing::Pending);

    network.nodes[0].command(Command::ConfirmAll).unwrap();
    assert!(matches!(network.look_up(&payment), Standing::Unknown { .. }));
    let proof = network.chain.prove_dead(&payment, &network.chain.look_up(&payment));
    let told = "not proven dead: 1 nodes show another final block in the slot, 2 must";
    assert_eq!(proof.unwrap_err().to_string(), told);

    network.nodes[1].command(Command::ConfirmAll).unwrap();
    assert!(matches!(network.look_up(&payment), Standing::Rejected { .. }));
    assert_eq!(network.chain.prove_dead(&payment, &network.chain.look_up(&payment)).unwrap().nodes, 2);
}

#[test]
fn one_node_that_shows_the_payment_as_final_outweighs_all_that_show_it_dead() {
    let network = Network::of(3, 2);
    let state = network.state();
    let payment = network.payment_on(&state, 100);
    let rival = network.rival(&payment, &state);
    for node in &network.nodes[..2] {
        node.command(Command::Gossip(Box::new(block(&rival)))).unwrap();
    }
    network.nodes[2].command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    assert!(matches!(network.look_up(&payment), Standing::Unknown { .. }));
    assert!(!network.is_dead(&payment));
}

#[test]
fn nodes_that_show_different_final_blocks_in_the_slot_prove_nothing() {
    let network = Network::of(2, 2);
    let state = network.state();
    let payment = network.payment_on(&state, 100);
    for (node, raw) in network.nodes.iter().zip([1, 2]) {
        node.command(Command::Gossip(Box::new(block(&network.payment_on(&state, raw))))).unwrap();
    }
    let refused = network.chain.prove_dead(&payment, &network.chain.look_up(&payment)).unwrap_err();
    assert_eq!(refused.0, "nodes show different final blocks in the slot");
}

#[test]
fn finality_and_absence_take_the_word_of_as_many_nodes_as_must_agree() {
    let network = Network::of(3, 2);
    let payment = network.payment(100);
    assert_eq!(network.look_up(&payment), Standing::NotFound);
    network.nodes[0].command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    assert_eq!(network.look_up(&payment), Standing::Pending);
    network.nodes[1].command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    assert_eq!(network.look_up(&payment), Standing::Confirmed);
    for node in &network.nodes[1..] {
        node.command(Command::Restart { offline_ms: 1_000 }).unwrap();
    }
    assert_eq!(network.look_up(&payment), Standing::Pending);
}

#[test]
fn a_refusal_by_one_node_is_none_while_another_is_silent() {
    let network = Network::of(2, 1);
    let payment = network.payment(100);
    network.fault("process", Misbehaviour::Refuse("Bad signature".to_owned()));
    network.nodes[1].command(Command::Restart { offline_ms: 1_000 }).unwrap();
    assert!(matches!(network.broadcast(&payment), Standing::Unknown { .. }));
}

#[test]
fn silent_nodes_do_not_count_as_nodes_that_do_not_know_it() {
    let network = Network::of(3, 2);
    let payment = network.payment(100);
    for node in &network.nodes[1..] {
        node.command(Command::Restart { offline_ms: 1_000 }).unwrap();
    }
    assert!(matches!(network.look_up(&payment), Standing::Unknown { .. }));
}

#[test]
fn proof_rests_on_a_block_that_the_account_signed_in_the_same_slot_and_that_is_final() {
    let network = Network::of_one();
    let state = network.state();
    let payment = network.payment_on(&state, 100);
    network.broadcast(&network.rival(&payment, &state));
    let evidence = network.chain.look_up(&payment);
    assert!(network.chain.prove_dead(&payment, &evidence).is_ok());
    let holder = |value: &mut Value, field: &str, with: Value| {
        value["finding"]["look_up"][0]["said"]["slot_taken"][field] = with;
    };
    let other = block(&network.payment(1));
    for (field, with) in [
        ("confirmed", json!(false)),
        ("final_height", json!(1)),
        ("block", json!(other)),
        ("block", json!(block(&payment))),
    ] {
        let altered = altered(&evidence, |value| holder(value, field, with));
        assert_ne!(altered, evidence);
        assert!(network.chain.prove_dead(&payment, &altered).is_err(), "{field}");
    }
    let forged = altered(&evidence, |value| {
        let block = &mut value["finding"]["look_up"][0]["said"]["slot_taken"]["block"];
        block["representative"] = json!(key(5).address());
    });
    assert!(network.chain.prove_dead(&payment, &forged).is_err());
    for broken in [Evidence(Vec::new()), Evidence(b"{}".to_vec())] {
        assert!(network.chain.prove_dead(&payment, &broken).is_err());
        assert!(matches!(network.chain.classify(&payment, &broken), Standing::Unknown { .. }));
    }
}

#[test]
fn evidence_of_another_attempt_proves_nothing() {
    let network = Network::of_one();
    let state = network.state();
    let (one, two) = (network.payment_on(&state, 100), network.payment_on(&state, 200));
    network.broadcast(&network.rival(&one, &state));
    let evidence = network.chain.look_up(&one);
    assert!(network.chain.prove_dead(&one, &evidence).is_ok());
    assert!(network.chain.prove_dead(&two, &evidence).is_err());
    assert!(matches!(network.chain.classify(&two, &evidence), Standing::Unknown { .. }));
}

#[test]
fn a_lie_about_the_balance_is_found_in_the_frontier_block_and_nothing_is_built() {
    for lie in [-1, 1] {
        let network = Network::of_one();
        network.node().command(Command::LieAboutBalances(lie)).unwrap();
        let Err(ChainError::TooFewNodes { problem, .. }) = network.chain.sender_state(&network.wallet) else {
            panic!("the lie was believed");
        };
        assert!(problem.contains("the balance is not that of the frontier block"), "{problem}");
    }
}

#[test]
fn a_lying_node_is_outvoted_when_enough_others_agree() {
    let network = Network::of(3, 2);
    network.nodes[1].command(Command::LieAboutBalances(-5)).unwrap();
    assert_eq!(network.state().spendable, Amount::new(FUNDS));
}

#[test]
fn a_node_that_lags_is_not_counted_and_one_that_is_ahead_holds_everything_up() {
    let network = Network::of(3, 2);
    let payment = network.payment(100);
    for node in &network.nodes[..2] {
        node.command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    }
    assert_eq!(network.state().spendable, Amount::new(FUNDS - 100));

    let network = Network::of(3, 2);
    network.nodes[2].command(Command::Gossip(Box::new(block(&payment)))).unwrap();
    assert_eq!(network.chain.sender_state(&network.wallet), Err(ChainError::Unsettled));
}

#[test]
fn nodes_with_different_newest_blocks_are_a_disagreement() {
    let network = Network::of(2, 1);
    let state = network.state();
    for (node, raw) in network.nodes.iter().zip([100, 200]) {
        node.command(Command::Gossip(Box::new(block(&network.payment_on(&state, raw))))).unwrap();
    }
    assert!(matches!(network.chain.sender_state(&network.wallet), Err(ChainError::Disagreement(_))));
}

#[test]
fn a_balance_is_told_when_all_who_answer_say_the_same() {
    let network = Network::of(3, 2);
    for node in &network.nodes {
        node.command(fund(&network.wallet, 5)).unwrap();
    }
    let balance = AccountBalance { settled: Amount::new(FUNDS), incoming: Amount::new(5) };
    assert_eq!(network.chain.balance(&network.wallet), Ok(balance));
    let nothing = AccountBalance { settled: Amount::ZERO, incoming: Amount::ZERO };
    assert_eq!(network.chain.balance(&address(key(9))), Ok(nothing));
    network.nodes[2].command(Command::LieAboutBalances(1)).unwrap();
    assert!(matches!(network.chain.balance(&network.wallet), Err(ChainError::Disagreement(_))));
    for node in &network.nodes[1..] {
        node.command(Command::Restart { offline_ms: 1_000 }).unwrap();
    }
    assert!(matches!(
        network.chain.balance(&network.wallet),
        Err(ChainError::TooFewNodes { answered: 1, .. })
    ));
}

#[test]
fn finality_is_a_height_that_enough_nodes_have_reached() {
    let network = Network::of(3, 2);
    let before = network.chain.finality().unwrap();
    assert_eq!((before.height, before.nodes), (3, 3));
    network.nodes[0].command(fund(&address(key(9)), 1)).unwrap();
    assert_eq!(network.chain.finality().unwrap().height, 3);
    network.nodes[1].command(fund(&address(key(9)), 1)).unwrap();
    assert_eq!(network.chain.finality().unwrap().height, 4);
    assert_eq!(Network::of(1, 1).chain.finality().unwrap().nodes, 1);
    let all_must = Network::of(3, 3);
    all_must.nodes[0].command(fund(&address(key(9)), 1)).unwrap();
    assert_eq!(all_must.chain.finality().unwrap().height, 3);
}

#[test]
fn asking_all_nodes_at_once_gives_the_same_answers() {
    let network = Network::of(3, 2);
    let clients = network.nodes.iter().cloned().map(NodeClient::new).collect();
    let set = NodeSet::new(clients, 2, Asking::AtOnce).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    let chain = Banano::new(set, Arc::new(InThread), Settings { thresholds, ..Settings::default() });
    assert_eq!(chain.sender_state(&network.wallet), network.chain.sender_state(&network.wallet));
    let payment = network.payment(100);
    assert_eq!(chain.look_up(&payment), network.chain.look_up(&payment));
    assert_eq!(hash(&payment).to_string(), payment.id.as_str());
}

#[test]
fn a_set_of_nodes_that_would_agree_with_itself_is_refused() {
    let client = |name: &str| NodeClient::new(LocalNode::new(name, Node::new(NodeSettings::easy(1)), 1));
    let set = |names: &[&str], agree| {
        NodeSet::new(names.iter().map(|name| client(name)).collect(), agree, Asking::InTurn)
    };
    assert_eq!(set(&[], 1).err(), Some(NodeSetError::Count));
    assert_eq!(set(&["a", "b", "a"], 1).err(), Some(NodeSetError::Twice("a".to_owned())));
    assert_eq!(set(&["a", "b"], 0).err(), Some(NodeSetError::Agreement));
    assert_eq!(set(&["a", "b"], 3).err(), Some(NodeSetError::Agreement));
    assert_eq!(set(&["a", "b", "c", "d", "e", "f", "g", "h"], 1).err(), Some(NodeSetError::Count));
    assert!(set(&["a", "b"], 2).is_ok());
}
