//! Wallets that make blocks by hand and hand them to a node.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test file uses its part, and may fail loudly"
)]

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use bursar_banano::work::{Threshold, Work, generate};
use bursar_banano::{BlockHash, Head, PublicKey, SecretKey, Seed, SignedBlock, StateBlock};
use bursar_devnet_banano::{Command, Node, NodeSettings, Outcome};
use bursar_money::Amount;
use serde_json::{Value, json};

pub const EASY: Threshold = Threshold(0xf000_0000_0000_0000);

pub fn node() -> Node {
    Node::new(NodeSettings::easy(1))
}

pub fn secret(index: u32) -> SecretKey {
    Seed::from_bytes([7; 32]).secret_key(index)
}

pub fn key(index: u32) -> PublicKey {
    secret(index).public_key()
}

/// The block with enough work for the tests' network.
pub fn sealed(block: StateBlock, index: u32) -> SignedBlock {
    let work = generate(&block.root(), EASY, NonZeroUsize::MIN, &AtomicBool::new(false)).unwrap();
    block.signed(&secret(index), work)
}

pub fn head(node: &Node, index: u32) -> Head {
    node.ledger().head(&key(index)).unwrap()
}

pub fn send(node: &Node, from: u32, to: u32, raw: u128) -> SignedBlock {
    sealed(head(node, from).send(key(to), Amount::new(raw)).unwrap(), from)
}

/// The block that receives whatever waits first for the account.
pub fn receive(node: &Node, index: u32) -> Option<SignedBlock> {
    let (source, waiting) = node.ledger().waiting(&key(index)).next()?;
    let block = match node.ledger().head(&key(index)) {
        Some(head) => head.receive(source, waiting.amount).unwrap(),
        None => StateBlock::open(key(index), source, waiting.amount, key(index)),
    };
    Some(sealed(block, index))
}

pub fn fund(index: u32, raw: u128) -> Command {
    Command::Fund { account: key(index).address(), raw: raw.to_string() }
}

/// A node whose accounts `0..accounts` hold 1,000 raw each.
pub fn funded(accounts: u32) -> Node {
    let mut node = node();
    for index in 0..accounts {
        node.command(fund(index, 1_000)).unwrap();
        let block = receive(&node, index).unwrap();
        process(&mut node, &block).unwrap();
    }
    node
}

/// The node's answer, as JSON.
pub fn ask(node: &mut Node, request: &Value) -> Value {
    let Outcome::Answer { status: 200, body } = node.handle(0, &request.to_string()).outcome else {
        panic!("no answer to {request}");
    };
    serde_json::from_str(&body).unwrap()
}

/// Hands a block over without naming a subtype; an error is the node's words.
pub fn process(node: &mut Node, block: &SignedBlock) -> Result<BlockHash, String> {
    processed(ask(node, &json!({ "action": "process", "json_block": "true", "block": block })))
}

pub fn process_as(node: &mut Node, block: &SignedBlock, subtype: &str) -> Result<BlockHash, String> {
    let request = json!({ "action": "process", "json_block": "true", "subtype": subtype, "block": block });
    processed(ask(node, &request))
}

fn processed(answer: Value) -> Result<BlockHash, String> {
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["hash"].as_str().unwrap().parse().unwrap()),
    }
}

pub fn without_work(block: &SignedBlock, threshold: Threshold) -> SignedBlock {
    let root = block.block.root();
    let work = (0..).map(Work).find(|&work| !threshold.admits(&root, work)).unwrap();
    SignedBlock { work, ..block.clone() }
}
