//! What a node takes in and what it refuses, in its words.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod wallets;

use bursar_banano::work::{Threshold, Thresholds};
use bursar_banano::{BlockHash, SignedBlock, StateBlock};
use bursar_devnet_banano::{Command, Node, NodeSettings};
use bursar_money::Amount;
use serde_json::json;
use wallets::{
    EASY, ask, fund, funded, head, key, node, process, process_as, receive, sealed, secret, send,
    without_work,
};

fn refused(node: &mut Node, block: &SignedBlock) -> String {
    let before = node.ledger().block_count();
    let words = process(node, block).unwrap_err();
    assert_eq!(node.ledger().block_count(), before);
    words
}

#[test]
fn money_moves_by_a_send_and_its_receive() {
    let mut node = funded(2);
    let block = send(&node, 0, 1, 100);
    assert_eq!(process_as(&mut node, &block, "send"), Ok(block.hash()));
    let block = receive(&node, 1).unwrap();
    assert_eq!(process_as(&mut node, &block, "receive"), Ok(block.hash()));
    assert_eq!([0, 1].map(|index| node.ledger().balance(&key(index)).units()), [900, 1_100]);
    let change = sealed(head(&node, 0).change(key(5)), 0);
    assert_eq!(process_as(&mut node, &change, "change"), Ok(change.hash()));
    assert_eq!(head(&node, 0).representative, key(5));
}

#[test]
fn a_second_spend_of_the_same_balance_is_a_fork() {
    let mut node = funded(1);
    let (one, two) = (send(&node, 0, 1, 1_000), send(&node, 0, 2, 1_000));
    process(&mut node, &one).unwrap();
    assert_eq!(refused(&mut node, &two), "Fork");
    assert_eq!(node.ledger().waiting(&key(2)).count(), 0);
    let opened_again = sealed(StateBlock::open(key(0), one.hash(), Amount::new(1), key(0)), 0);
    assert_eq!(refused(&mut node, &opened_again), "Fork");
}

#[test]
fn a_block_that_is_there_is_old_and_with_its_subtype_named_refused_for_its_balance() {
    let mut node = funded(1);
    let block = send(&node, 0, 1, 100);
    process(&mut node, &block).unwrap();
    assert_eq!(refused(&mut node, &block), "Old block");
    let words = process_as(&mut node, &block, "send").unwrap_err();
    assert_eq!(words, "Invalid block balance for given subtype");
}

#[test]
fn signature_and_work_are_verified() {
    let mut node = funded(1);
    let good = send(&node, 0, 1, 100);
    let mut bent = good.clone();
    bent.block.balance = Amount::new(899);
    assert_eq!(refused(&mut node, &bent), "Bad signature");
    assert_eq!(refused(&mut node, &without_work(&good, EASY)), "Block work is less than threshold");
    assert!(process(&mut node, &good).is_ok());
}

#[test]
fn sends_and_receives_may_need_different_work() {
    let thresholds = Thresholds { send: EASY, receive: Threshold(0) };
    let mut node = Node::new(NodeSettings { thresholds, ..NodeSettings::easy(1) });
    for raw in [500, 500] {
        node.command(fund(0, raw)).unwrap();
        let block = without_work(&receive(&node, 0).unwrap(), EASY);
        process(&mut node, &block).unwrap();
    }
    let block = send(&node, 0, 1, 1);
    assert_eq!(refused(&mut node, &without_work(&block, EASY)), "Block work is less than threshold");
    let change = sealed(head(&node, 0).change(key(1)), 0);
    assert_eq!(refused(&mut node, &without_work(&change, EASY)), "Block work is less than threshold");
    assert!(process(&mut node, &block).is_ok());
}

#[test]
fn what_comes_before_must_be_there() {
    let mut node = funded(1);
    let mut later = head(&node, 0);
    later.frontier = BlockHash([9; 32]);
    let gap = sealed(later.send(key(1), Amount::new(1)).unwrap(), 0);
    assert_eq!(refused(&mut node, &gap), "Gap previous block");
    assert_eq!(process_as(&mut node, &gap, "send").unwrap_err(), "Gap previous block");
    let nothing_to_receive = sealed(head(&node, 0).receive(BlockHash([9; 32]), Amount::new(1)).unwrap(), 0);
    assert_eq!(refused(&mut node, &nothing_to_receive), "Gap source block");
    let unopened = sealed(StateBlock::open(key(3), BlockHash::ZERO, Amount::new(1), key(3)), 3);
    assert_eq!(refused(&mut node, &unopened), "Gap source block");
}

#[test]
fn a_receive_takes_exactly_what_was_sent_to_the_account_and_once() {
    let mut node = funded(3);
    let block = send(&node, 0, 1, 100);
    let sent = process(&mut node, &block).unwrap();
    for raw in [99, 101, 0] {
        let wrong = sealed(head(&node, 1).receive(sent, Amount::new(raw)).unwrap(), 1);
        assert_eq!(refused(&mut node, &wrong), "Balance and amount delta do not match");
    }
    let thief = sealed(head(&node, 2).receive(sent, Amount::new(100)).unwrap(), 2);
    assert_eq!(refused(&mut node, &thief), "Unreceivable");
    let block = receive(&node, 1).unwrap();
    process(&mut node, &block).unwrap();
    let again = sealed(head(&node, 1).receive(sent, Amount::new(100)).unwrap(), 1);
    assert_eq!(refused(&mut node, &again), "Unreceivable");
    let printed = sealed(StateBlock { balance: Amount::new(5_000), ..head(&node, 0).change(key(0)) }, 0);
    assert_eq!(refused(&mut node, &printed), "Balance and amount delta do not match");
}

#[test]
fn a_named_subtype_must_fit() {
    let mut node = funded(1);
    let block = send(&node, 0, 1, 100);
    let balance = "Invalid block balance for given subtype";
    for (subtype, words) in [
        ("receive", balance),
        ("change", balance),
        ("open", "Invalid previous block for given subtype"),
        ("gift", "Invalid block subtype"),
    ] {
        assert_eq!(process_as(&mut node, &block, subtype).unwrap_err(), words);
    }
}

#[test]
fn what_is_no_request_is_refused_in_words() {
    let mut node = node();
    let error = |node: &mut Node, request: &str| {
        let bursar_devnet_banano::Outcome::Answer { body, .. } = node.handle(0, request).outcome else {
            panic!("no answer")
        };
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(error(&mut node, "{"), "Unable to parse JSON");
    assert_eq!(error(&mut node, "{}"), "Unknown command");
    assert_eq!(error(&mut node, r#"{"action":"send","wallet":"x"}"#), "RPC control is disabled");
    assert_eq!(error(&mut node, r#"{"action":"account_info","account":"ban_1"}"#), "Bad account number");
    assert_eq!(error(&mut node, r#"{"action":"block_info","hash":"00"}"#), "Invalid block hash");
    assert_eq!(
        error(&mut node, r#"{"action":"process","json_block":"true","block":{}}"#),
        "Block is invalid"
    );
}

#[test]
fn a_block_can_be_made_to_order() {
    let mut node = funded(1);
    let head = head(&node, 0);
    // The key of account 0, as vectors of this seed have it, is not public; any key will do for an account of its own.
    let secret = "00".repeat(31) + "02";
    let account = "ban_3qgmh14nwztqw4wmcdzy4xpqeejey68chx6nciczwn9abji7ihhum9qtpmdr";
    node.command(Command::Fund { account: account.to_owned(), raw: "7".to_owned() }).unwrap();
    let owner = bursar_banano::PublicKey::from_address(account).unwrap();
    let (source, _) = node.ledger().waiting(&owner).next().unwrap();
    let request = json!({ "action": "block_create", "type": "state", "json_block": "true", "key": secret,
        "account": account, "previous": "00".repeat(32), "representative": head.account.address(), "balance": "7",
        "link": source });
    let made = ask(&mut node, &request);
    let block: SignedBlock = serde_json::from_value(made["block"].clone()).unwrap();
    assert_eq!(made["hash"], block.hash().to_string());
    assert_eq!(process_as(&mut node, &block, "open"), Ok(block.hash()));
    assert_eq!(node.ledger().balance(&owner), Amount::new(7));
    assert_ne!(crate::secret(0).public_key(), owner);
}
