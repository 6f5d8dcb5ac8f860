//! A node's answers are believed only as far as they hold together.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

use std::collections::VecDeque;

use bursar_banano::rpc::{Answer, NodeClient, Publication, RpcError, Transport, TransportError};
use bursar_banano::work::{Root, Threshold, Work};
use bursar_banano::{BlockHash, PublicKey, SecretKey, SignedBlock, StateBlock, Subtype};
use bursar_money::Amount;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A node that answers what it was told to, in order.
struct Script(Mutex<VecDeque<(u16, String)>>);

impl Transport for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn call(&self, _: &str) -> Result<Answer, TransportError> {
        let (status, body) = self.0.lock().pop_front().ok_or(TransportError::Timeout)?;
        Ok(Answer { status, body: body.into_bytes() })
    }
}

fn node(answers: &[Value]) -> NodeClient {
    let answers = answers.iter().map(|answer| (200, answer.to_string())).collect();
    NodeClient::new(Script(Mutex::new(answers)))
}

fn account() -> PublicKey {
    SecretKey::from_bytes(&[7; 32]).public_key()
}

fn block() -> SignedBlock {
    let key = SecretKey::from_bytes(&[7; 32]);
    let block = StateBlock {
        account: key.public_key(),
        previous: BlockHash([1; 32]),
        representative: key.public_key(),
        balance: Amount::new(5),
        link: [2; 32],
    };
    block.signed(&key, Work(3))
}

fn account_info() -> Value {
    let (frontier, open_block) = ("AB".repeat(32), "CD".repeat(32));
    json!({ "frontier": frontier, "open_block": open_block, "balance": "5", "block_count": "3",
        "confirmation_height": "2", "modified_timestamp": "1", "representative": account().address() })
}

fn block_info() -> Value {
    let mut contents = json!(block());
    contents["link_as_account"] = json!(PublicKey([2; 32]).address());
    json!({ "block_account": account().address(), "amount": "1", "balance": "5", "height": "2",
        "local_timestamp": "1", "successor": "00".repeat(32), "confirmed": "true", "contents": contents,
        "subtype": "send" })
}

/// Each field of `good` replaced in turn; an absent value removes it.
fn spoiled(good: &Value, changes: Vec<(&str, Option<Value>)>) -> Vec<Value> {
    let spoil = |(field, value): (&str, Option<Value>)| {
        let mut bad = good.clone();
        let fields = bad.as_object_mut().unwrap();
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.remove(field),
        };
        assert_ne!(bad, *good);
        bad
    };
    changes.into_iter().map(spoil).collect()
}

fn is_invalid<T: std::fmt::Debug>(answer: Result<T, RpcError>) -> bool {
    matches!(answer, Err(RpcError::Invalid { .. }))
}

#[test]
fn an_account_is_read_when_its_figures_hold_together() {
    let info = node(&[account_info()]).account_info(&account()).unwrap().unwrap();
    assert_eq!((info.balance.units(), info.block_count, info.confirmation_height), (5, 3, 2));
    let bad = spoiled(
        &account_info(),
        vec![
            ("frontier", None),
            ("frontier", Some(json!("AB"))),
            ("frontier", Some(json!("00".repeat(32)))),
            ("frontier", Some(json!("CD".repeat(32)))),
            ("open_block", None),
            ("balance", Some(json!(5))),
            ("balance", Some(json!("-5"))),
            ("balance", Some(json!("5.0"))),
            ("balance", Some(json!("05"))),
            ("block_count", Some(json!("0"))),
            ("block_count", Some(json!("1"))),
            ("block_count", Some(json!("+3"))),
            ("confirmation_height", Some(json!("4"))),
            ("confirmation_height", None),
        ],
    );
    for answer in bad {
        assert!(is_invalid(node(std::slice::from_ref(&answer)).account_info(&account())), "{answer}");
    }
}

#[test]
fn a_block_is_read_when_it_is_the_one_asked_for_and_its_account_signed_it() {
    let hash = block().hash();
    let info = node(&[block_info()]).block_info(&hash).unwrap().unwrap();
    assert_eq!((info.block, info.height, info.confirmed), (block(), 2, true));
    assert_eq!((info.amount, info.successor), (Some(Amount::new(1)), Some(BlockHash::ZERO)));
    assert!(is_invalid(node(&[block_info()]).block_info(&BlockHash([9; 32]))));

    let changed = |field: &str, value: Value| {
        let mut contents = json!(block());
        contents[field] = value;
        Some(contents)
    };
    let bad = spoiled(
        &block_info(),
        vec![
            ("block_account", Some(json!(PublicKey([2; 32]).address()))),
            ("balance", Some(json!("6"))),
            ("height", Some(json!("0"))),
            ("height", Some(json!("1"))),
            ("confirmed", Some(json!("yes"))),
            ("confirmed", Some(json!(1))),
            ("confirmed", None),
            ("subtype", Some(json!("open"))),
            ("subtype", Some(json!("gift"))),
            ("amount", Some(json!("x"))),
            ("contents", None),
            ("contents", changed("balance", json!("6"))),
            ("contents", changed("signature", json!("00".repeat(64)))),
            ("contents", changed("type", json!("send"))),
            ("contents", Some(json!(json!(block()).to_string()))),
        ],
    );
    for answer in bad {
        assert!(is_invalid(node(std::slice::from_ref(&answer)).block_info(&hash)), "{answer}");
    }
    for answer in
        spoiled(&block_info(), vec![("confirmed", Some(json!(true))), ("successor", None), ("amount", None)])
    {
        assert!(node(&[answer]).block_info(&hash).unwrap().unwrap().confirmed);
    }
}

#[test]
fn only_the_nodes_own_words_mean_that_something_is_not_there() {
    let absent = |text: &str| json!({ "error": text });
    assert_eq!(node(&[absent("Account not found")]).account_info(&account()), Ok(None));
    assert_eq!(node(&[absent("Block not found")]).block_info(&BlockHash([1; 32])), Ok(None));
    for text in ["Block not found.", "not found", "", "Account not found"] {
        let answer = node(&[absent(text)]).block_info(&BlockHash([1; 32]));
        assert_eq!(answer, Err(RpcError::Refused(text.to_owned())));
    }
    for (status, body) in [(404, ""), (404, "Block not found"), (500, "{}"), (302, "{}")] {
        let script = Script(Mutex::new([(status, body.to_owned())].into()));
        let answer = NodeClient::new(script).block_info(&BlockHash([1; 32]));
        assert_eq!(answer, Err(RpcError::Status(status)));
    }
    let proxy = Script(Mutex::new([(400, absent("Block not found").to_string())].into()));
    assert_eq!(NodeClient::new(proxy).block_info(&BlockHash([1; 32])), Ok(None));
    assert_eq!(node(&[]).block_info(&BlockHash([1; 32])), Err(RpcError::Transport(TransportError::Timeout)));
}

#[test]
fn what_is_no_json_object_of_the_right_kind_is_invalid() {
    for body in ["", "null", "[]", "\"\"", "{", "{}", "<html>", "{\"error\": 5}", &"[".repeat(10_000)] {
        let script = Script(Mutex::new([(200, body.to_owned())].into()));
        assert!(is_invalid(NodeClient::new(script).account_info(&account())), "{body}");
    }
}

#[test]
fn several_blocks_are_read_when_none_is_left_out() {
    let (there, missing) = (block().hash(), BlockHash([9; 32]));
    let answer = json!({ "blocks": { there.to_string(): block_info() }, "blocks_not_found": [missing] });
    let infos = node(&[answer]).blocks_info(&[there, missing]).unwrap();
    assert_eq!((infos[&there].as_ref().unwrap().height, infos[&missing].is_none()), (2, true));
    let incomplete = [
        json!({ "blocks": { there.to_string(): block_info() } }),
        json!({ "blocks": "", "blocks_not_found": [missing] }),
        json!({ "blocks": { missing.to_string(): block_info() }, "blocks_not_found": [] }),
    ];
    for answer in incomplete {
        assert!(is_invalid(node(&[answer]).blocks_info(&[there, missing])));
    }
    let none = json!({ "blocks": "", "blocks_not_found": [missing] });
    assert_eq!(node(&[none]).blocks_info(&[missing]).unwrap()[&missing], None);
    assert!(is_invalid(node(&[]).blocks_info(&[missing; 101])));
}

#[test]
fn receivables_are_read_in_each_form_that_means_none_and_in_one_that_means_some() {
    for none in [json!(""), json!([]), json!({})] {
        assert_eq!(
            node(&[json!({ "blocks": none })]).receivable(&account(), Amount::new(1), 5),
            Ok(Vec::new())
        );
    }
    let source = account().address();
    let some = json!({ "blocks": { "AB".repeat(32): { "amount": "7", "source": source } } });
    let list = node(&[some]).receivable(&account(), Amount::new(1), 5).unwrap();
    assert_eq!((list[0].amount.units(), list[0].sender, list.len()), (7, account(), 1));
    let two = json!({ "AB".repeat(32): { "amount": "7", "source": source }, "CD".repeat(32): { "amount": "7", "source": source } });
    assert!(is_invalid(node(&[json!({ "blocks": two })]).receivable(&account(), Amount::new(1), 1)));
    for bad in [
        json!("x"),
        json!(["AB".repeat(32)]),
        json!({ "AB".repeat(32): "7" }),
        json!(null),
        json!({ "AB": { "amount": "7", "source": source } }),
        json!({ "AB".repeat(32): { "amount": "0", "source": source } }),
        json!({ "AB".repeat(32): { "amount": "7", "source": "ban_1" } }),
    ] {
        assert!(
            is_invalid(node(&[json!({ "blocks": bad })]).receivable(&account(), Amount::new(1), 5)),
            "{bad}"
        );
    }
}

#[test]
fn balances_are_read_under_the_newer_name_and_the_older() {
    for answer in [
        json!({ "balance": "1", "pending": "2" }),
        json!({ "balance": "1", "receivable": "2" }),
        json!({ "balance": "1", "pending": "2", "receivable": "2" }),
    ] {
        let balances = node(&[answer]).account_balance(&account()).unwrap();
        assert_eq!((balances.balance.units(), balances.receivable.units()), (1, 2));
    }
    for answer in
        [json!({ "balance": "1" }), json!({ "pending": "2" }), json!({ "balance": 1, "pending": "2" })]
    {
        assert!(is_invalid(node(&[answer]).account_balance(&account())));
    }
}

#[test]
fn a_publication_counts_for_the_block_that_was_handed_over() {
    let hash = block().hash();
    let publish = |answers: &[Value]| node(answers).publish(&block(), Subtype::Send);
    let not_found = json!({ "error": "Block not found" });
    assert_eq!(publish(&[json!({ "hash": hash })]), Publication::Accepted);
    assert_eq!(publish(&[json!({ "error": "Old block" })]), Publication::AlreadyThere);
    assert!(matches!(
        publish(&[json!({ "hash": BlockHash([9; 32]) }), not_found.clone()]),
        Publication::Unclear(_)
    ));
    assert_eq!(publish(&[json!({ "error": "Fork" }), not_found.clone()]), Publication::Fork);
    assert_eq!(publish(&[json!({ "error": "Fork" }), block_info()]), Publication::AlreadyThere);
    let subtype = json!({ "error": "Invalid block balance for given subtype" });
    assert_eq!(publish(&[subtype.clone(), json!({ "hash": hash })]), Publication::Accepted);
    assert_eq!(publish(&[subtype, json!({ "error": "Fork" }), not_found]), Publication::Fork);
    assert!(matches!(publish(&[]), Publication::Silent(_)));
}

#[test]
fn work_and_counts_from_a_node_are_checked() {
    let root = Root([5; 32]);
    let threshold = Threshold(Work(1).value(&root));
    let answer = |work: &str| json!({ "work": work, "hash": "05".repeat(32) });
    assert_eq!(node(&[answer("0000000000000001")]).work_generate(&root, threshold), Ok(Work(1)));
    let too_hard = Threshold(threshold.0 + 1);
    assert!(is_invalid(node(&[answer("0000000000000001")]).work_generate(&root, too_hard)));
    assert!(is_invalid(node(&[answer("1")]).work_generate(&root, threshold)));
    assert_eq!(node(&[json!({ "count": "9", "cemented": "7" })]).cemented_count(), Ok(7));
    assert!(is_invalid(node(&[json!({ "count": "9", "cemented": "-7" })]).cemented_count()));
    assert_eq!(node(&[json!({ "started": "1" })]).request_confirmation(&BlockHash([1; 32])), Ok(()));
    assert!(is_invalid(node(&[json!({ "started": "0" })]).request_confirmation(&BlockHash([1; 32]))));
}

#[test]
fn a_nodes_words_are_shortened_and_made_printable_before_anyone_shows_them() {
    let words = format!("\u{1b}[31m{}", "x".repeat(1_000));
    let Err(RpcError::Refused(shown)) = node(&[json!({ "error": words })]).cemented_count() else {
        panic!("not refused");
    };
    assert_eq!(shown.chars().count(), 160);
    assert!(!shown.contains('\u{1b}'));
}
