//! What an account has received: amounts and senders from signed blocks, whatever a node's history says beside them.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use bursar_banano::rpc::PastReceipt;
use bursar_chain::ChainError;
use bursar_devnet_banano::{Command, Misbehaviour};
use bursar_money::Amount;
use network::{Altered, Network, chain_through, fund};

const ALL: usize = 10_000;

fn amounts(receipts: &[PastReceipt]) -> Vec<u128> {
    receipts.iter().map(|receipt| receipt.amount.units()).collect()
}

/// A wallet that received 1,000 raw, paid 100, and received 7 and 9.
fn lived(network: &Network) {
    let payment = network.payment(100);
    network.broadcast(&payment);
    for raw in [7, 9] {
        network.command_all(&fund(&network.wallet, raw));
        network.receive_all();
    }
}

#[test]
fn receipts_come_newest_first_with_their_senders_and_payments_are_left_out() {
    let network = Network::of_one();
    lived(&network);
    let receipts = network.chain.receipts(&network.wallet, ALL).unwrap();
    assert_eq!(amounts(&receipts), [9, 7, 1_000]);
    let heights: Vec<u64> = receipts.iter().map(|receipt| receipt.height).collect();
    assert_eq!(heights, [4, 3, 1]);
    assert!(
        receipts.iter().all(|receipt| receipt.sender.is_some() && receipt.sender != Some(network::key(0)))
    );
    let mut sources: Vec<_> = receipts.iter().map(|receipt| receipt.source).collect();
    sources.dedup();
    assert_eq!(sources.len(), 3);
}

#[test]
fn a_long_history_is_read_page_by_page_and_up_to_what_was_asked_for() {
    let network = Network::of_one();
    for _ in 0..204 {
        network.command_all(&fund(&network.wallet, 1));
        network.receive_all();
    }
    assert_eq!(network.chain.receipts(&network.wallet, ALL).unwrap().len(), 205);
    let some = network.chain.receipts(&network.wallet, 150).unwrap();
    assert_eq!((some.len(), some[0].height, some[149].height), (150, 205, 56));
}

#[test]
fn an_account_without_blocks_has_received_nothing() {
    let network = Network::without_funds(1, 1);
    assert_eq!(network.chain.receipts(&network.wallet, ALL).unwrap(), []);
}

#[test]
fn what_is_not_final_is_left_out() {
    let network = Network::of_one();
    network.hold_confirmations();
    network.command_all(&fund(&network.wallet, 7));
    network.command_all(&Command::ConfirmAll);
    network.receive_all();
    assert_eq!(amounts(&network.chain.receipts(&network.wallet, ALL).unwrap()), [1_000]);
}

#[test]
fn a_history_that_lies_about_amounts_and_senders_changes_nothing() {
    let network = Network::of_one();
    lived(&network);
    let change = |answer: &mut serde_json::Value| {
        for line in answer["history"].as_array_mut().unwrap() {
            line["amount"] = "999999".into();
            line["account"] = network::address(network::key(1)).to_string().into();
            line["type"] = "receive".into();
        }
    };
    let lying = Altered { node: network.node().clone(), action: "account_history", change };
    let receipts = chain_through(lying).receipts(&network.wallet, ALL).unwrap();
    assert_eq!(receipts, network.chain.receipts(&network.wallet, ALL).unwrap());
}

#[test]
fn a_history_of_foreign_or_unknown_blocks_is_refused() {
    let network = Network::of_one();
    lived(&network);
    let backwards = |answer: &mut serde_json::Value| answer["history"].as_array_mut().unwrap().reverse();
    let unknown = |answer: &mut serde_json::Value| answer["history"][0]["hash"] = format!("{:064}", 1).into();
    for change in [backwards as fn(&mut serde_json::Value), unknown] {
        let lying = Altered { node: network.node().clone(), action: "account_history", change };
        let refused = chain_through(lying).receipts(&network.wallet, ALL);
        assert!(matches!(refused, Err(ChainError::TooFewNodes { .. })), "{refused:?}");
    }
}

#[test]
fn a_receipt_that_too_few_nodes_tell_of_is_left_out_and_silence_is_an_error() {
    let network = Network::of(3, 2);
    network.node().command(fund(&network.wallet, 5)).unwrap();
    let alone = network.node().clone();
    let receivable = chain_through(alone.clone()).receivable(&network.wallet, Amount::new(1), 10).unwrap();
    let chain = chain_through(alone);
    let state = chain.receiver_state(&network.wallet).unwrap();
    let unsigned = chain.build_receive(&receivable[0], &state).unwrap();
    let attempt = bursar_chain::Chain::sign(&chain, &unsigned, &network.signer).unwrap();
    bursar_chain::Chain::broadcast(&chain, &attempt);
    assert_eq!(amounts(&chain.receipts(&network.wallet, ALL).unwrap()), [5, 1_000]);
    assert_eq!(amounts(&network.chain.receipts(&network.wallet, ALL).unwrap()), [1_000]);
    let network = Network::of_one();
    network.fault("account_history", Misbehaviour::Status(500));
    assert!(network.chain.receipts(&network.wallet, ALL).is_err());
}
