//! An account's blocks walked backwards: none is left out and none is added, whatever a node's history says.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod network;

use bursar_banano::rpc::PastBlock;
use bursar_chain::ChainError;
use bursar_devnet_banano::Misbehaviour;
use network::{Altered, Network, chain_through, fund};

fn back(network: &Network, most: usize) -> Vec<PastBlock> {
    let head = network.chain.newest_block(&network.wallet).unwrap().unwrap();
    network.chain.blocks_back(&network.wallet, head, most).unwrap()
}

fn sent(blocks: &[PastBlock]) -> Vec<u128> {
    blocks.iter().map(|block| block.sent.as_ref().map_or(0, |sent| sent.amount.units())).collect()
}

/// A wallet that received 1,000 raw, sent 100, and received 7.
fn lived(network: &Network) {
    let payment = network.payment(100);
    network.broadcast(&payment);
    network.command_all(&fund(&network.wallet, 7));
    network.receive_all();
}

#[test]
fn blocks_come_newest_first_with_what_they_sent_down_to_the_first() {
    let network = Network::of_one();
    lived(&network);
    let blocks = back(&network, 100);
    assert_eq!(sent(&blocks), [0, 100, 0]);
    assert_eq!((blocks[0].previous, blocks[1].previous), (blocks[1].hash, blocks[2].hash));
    assert!(blocks[2].previous.is_zero());
    assert_eq!(sent(&back(&network, 2)), [0, 100]);
}

#[test]
fn an_account_without_blocks_has_no_newest() {
    let network = Network::without_funds(1, 1);
    assert_eq!(network.chain.newest_block(&network.wallet), Ok(None));
}

#[test]
fn a_history_that_leaves_blocks_out_or_lies_about_them_changes_nothing() {
    let network = Network::of_one();
    lived(&network);
    let leaves_out = |answer: &mut serde_json::Value| answer["history"].as_array_mut().unwrap().truncate(1);
    let empty = |answer: &mut serde_json::Value| answer["history"] = "".into();
    let backwards = |answer: &mut serde_json::Value| answer["history"].as_array_mut().unwrap().reverse();
    for change in [leaves_out as fn(&mut serde_json::Value), empty, backwards] {
        let lying = Altered { node: network.node().clone(), action: "account_history", change };
        let head = network.chain.newest_block(&network.wallet).unwrap().unwrap();
        let told = chain_through(lying).blocks_back(&network.wallet, head, 100).unwrap();
        assert_eq!(told, back(&network, 100));
    }
}

#[test]
fn a_block_that_is_missing_or_silence_is_an_error_and_no_short_history() {
    let network = Network::of_one();
    lived(&network);
    let head = network.chain.newest_block(&network.wallet).unwrap().unwrap();
    for action in ["account_history", "blocks_info"] {
        network.fault(action, Misbehaviour::Status(500));
        let refused = network.chain.blocks_back(&network.wallet, head, 100);
        assert!(matches!(refused, Err(ChainError::TooFewNodes { .. })), "{action}: {refused:?}");
    }
    let foreign = bursar_banano::BlockHash([9; 32]);
    assert!(network.chain.blocks_back(&network.wallet, foreign, 100).is_err());
}
