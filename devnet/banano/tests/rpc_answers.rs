//! The shape of each answer, and each misbehaviour.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod wallets;

use std::net::SocketAddr;

use bursar_devnet_banano::{Command, Fault, Misbehaviour, Node, NodeServer, Outcome};
use serde_json::{Value, json};
use wallets::{ask, fund, funded, head, key, process, receive, send};

fn balance(node: &mut Node, index: u32) -> Value {
    ask(node, &json!({ "action": "account_balance", "account": key(index).address() }))
}

fn info(node: &mut Node, index: u32) -> Value {
    ask(node, &json!({ "action": "account_info", "account": key(index).address(), "representative": "true" }))
}

#[test]
fn an_account_shows_its_chain_and_what_waits_for_it() {
    let mut node = funded(2);
    let opened = head(&node, 1).frontier;
    let block = send(&node, 0, 1, 100);
    process(&mut node, &block).unwrap();
    assert_eq!(balance(&mut node, 1), json!({ "balance": "1000", "pending": "100", "receivable": "100" }));
    assert_eq!(balance(&mut node, 9), json!({ "balance": "0", "pending": "0", "receivable": "0" }));
    assert_eq!(info(&mut node, 9), json!({ "error": "Account not found" }));
    let account = key(1).address();
    assert_eq!(
        info(&mut node, 1),
        json!({ "frontier": opened, "open_block": opened, "balance": "1000", "modified_timestamp": "0",
            "block_count": "1", "confirmation_height": "1", "representative": account })
    );
    let mut listed = |more: Value| {
        let mut request = json!({ "action": "receivable", "account": account, "count": "10" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&mut node, &request)["blocks"].clone()
    };
    let sent = block.hash().to_string();
    assert_eq!(listed(json!({})), json!([sent]));
    assert_eq!(listed(json!({ "threshold": "100" })), json!({ &sent: "100" }));
    assert_eq!(
        listed(json!({ "source": "true" })),
        json!({ &sent: { "amount": "100", "source": key(0).address() } })
    );
    assert_eq!(listed(json!({ "threshold": "101" })), json!(""));
}

#[test]
fn a_block_shows_its_contents_place_and_finality() {
    let mut node = funded(1);
    node.command(Command::ConfirmationLag(None)).unwrap();
    let before = head(&node, 0).frontier;
    let block = send(&node, 0, 1, 100);
    process(&mut node, &block).unwrap();
    let request = json!({ "action": "block_info", "hash": block.hash(), "json_block": "true" });
    let shown = ask(&mut node, &request);
    assert_eq!(
        shown,
        json!({ "block_account": key(0).address(), "amount": "100", "balance": "900", "height": "2",
            "local_timestamp": "0", "successor": "0".repeat(64), "confirmed": "false", "contents": block,
            "subtype": "send" })
    );
    node.command(Command::ConfirmAll).unwrap();
    assert_eq!(ask(&mut node, &request)["confirmed"], "true");
    let below = ask(&mut node, &json!({ "action": "block_info", "hash": before, "json_block": "true" }));
    assert_eq!(below["successor"], block.hash().to_string());
    let missing = "AB".repeat(32);
    let several = json!({ "action": "blocks_info", "hashes": [before, missing], "json_block": "true",
        "include_not_found": "true" });
    let several = ask(&mut node, &several);
    assert_eq!(
        (&several["blocks"][before.to_string()], &several["blocks_not_found"]),
        (&below, &json!([missing]))
    );
    assert_eq!(
        ask(&mut node, &json!({ "action": "block_info", "hash": missing }))["error"],
        "Block not found"
    );
    let counts = ask(&mut node, &json!({ "action": "block_count" }));
    assert_eq!(counts, json!({ "count": "4", "unchecked": "0", "cemented": "4" }));
}

#[test]
fn a_history_goes_either_way_and_leaves_changes_out() {
    let mut node = funded(1);
    let change = wallets::sealed(head(&node, 0).change(key(5)), 0);
    process(&mut node, &change).unwrap();
    let block = send(&node, 0, 1, 100);
    process(&mut node, &block).unwrap();
    let mut lines = |more: Value| {
        let mut request = json!({ "action": "account_history", "account": key(0).address(), "count": "10" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let history = ask(&mut node, &request)["history"].as_array().unwrap().clone();
        history
            .iter()
            .map(|line| format!("{} {}", line["type"], line["height"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(json!({})), ["send 3", "receive 1"]);
    assert_eq!(lines(json!({ "reverse": "true" })), ["receive 1", "send 3"]);
    assert_eq!(lines(json!({ "count": "1" })), ["send 3"]);
    assert_eq!(lines(json!({ "head": change.hash() })), ["receive 1"]);
}

#[test]
fn work_is_computed_and_validated() {
    let mut node = funded(1);
    let hash = "05".repeat(32);
    let made = ask(&mut node, &json!({ "action": "work_generate", "hash": hash }));
    let valid = ask(&mut node, &json!({ "action": "work_validate", "hash": hash, "work": made["work"] }));
    assert_eq!((&valid["valid"], &valid["valid_all"]), (&json!("1"), &json!("1")));
    let harder = json!({ "action": "work_validate", "hash": hash, "work": made["work"], "difficulty": "f".repeat(16) });
    assert_eq!(ask(&mut node, &harder)["valid"], "0");
    let too_hard = json!({ "action": "work_generate", "hash": hash, "difficulty": "f".repeat(16) });
    assert_eq!(ask(&mut node, &too_hard)["error"], "Difficulty above config limit");
}

#[test]
fn faults_hit_the_requests_they_are_meant_for_and_then_end() {
    let mut node = funded(1);
    let block = send(&node, 0, 1, 1);
    let request = json!({ "action": "process", "json_block": "true", "block": block }).to_string();
    let fault =
        |misbehaviour| Command::Fault(Fault { action: Some("process".to_owned()), misbehaviour, times: 1 });
    node.command(fault(Misbehaviour::DropRequest)).unwrap();
    assert_eq!(balance(&mut node, 0)["balance"], "1000");
    assert_eq!(node.handle(0, &request).outcome, Outcome::Cut);
    assert!(node.ledger().block(&block.hash()).is_none());
    node.command(fault(Misbehaviour::DropAnswer)).unwrap();
    assert_eq!(node.handle(0, &request).outcome, Outcome::Cut);
    assert!(node.ledger().block(&block.hash()).is_some());
    node.command(fault(Misbehaviour::Delay(70))).unwrap();
    assert_eq!(node.handle(0, &request).delay_ms, 70);
    let answer = node.handle(0, &request);
    assert_eq!(
        (answer.delay_ms, answer.outcome),
        (0, Outcome::Answer { status: 200, body: json!({ "error": "Old block" }).to_string() })
    );
}

#[test]
fn a_node_can_lie_hide_forget_and_be_away() {
    let mut node = funded(1);
    node.command(Command::LieAboutBalances(-1)).unwrap();
    assert_eq!(
        (&balance(&mut node, 0)["balance"], &info(&mut node, 0)["balance"]),
        (&json!("999"), &json!("999"))
    );
    node.command(Command::LieAboutBalances(0)).unwrap();
    node.command(Command::ConfirmationLag(None)).unwrap();
    let block = send(&node, 0, 1, 100);
    process(&mut node, &block).unwrap();
    let asked = json!({ "action": "block_info", "hash": block.hash() });
    node.command(Command::HideOpenBlocks(true)).unwrap();
    assert_eq!(
        (&ask(&mut node, &asked)["error"], &balance(&mut node, 0)["balance"]),
        (&json!("Block not found"), &json!("1000"))
    );
    node.command(Command::HideOpenBlocks(false)).unwrap();
    assert_eq!(balance(&mut node, 0)["balance"], "900");
    node.command(Command::ForgetUnconfirmed).unwrap();
    assert_eq!(
        (&ask(&mut node, &asked)["error"], &balance(&mut node, 0)["balance"]),
        (&json!("Block not found"), &json!("1000"))
    );
    node.command(Command::Restart { offline_ms: 10 }).unwrap();
    assert_eq!(node.handle(9, &asked.to_string()).outcome, Outcome::Cut);
    assert_ne!(node.handle(10, &asked.to_string()).outcome, Outcome::Cut);
}

#[test]
fn it_serves_loopback_only_and_takes_commands_from_another_process() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(NodeServer::start(wallets::node(), everywhere).is_err());
    let server = NodeServer::start(wallets::node(), SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let post = |path: &str, body: Value| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{}{path}", server.base_url());
        let mut reply = agent.post(url).content_type("application/json").send(body.to_string()).unwrap();
        (reply.status().as_u16(), reply.body_mut().read_to_string().unwrap())
    };
    let commands = json!([{ "fund": { "account": key(0).address(), "raw": "5" } }, "confirmAll",
        { "fault": { "misbehaviour": { "status": 503 }, "times": 1 } }]);
    assert_eq!(post("/control", commands), (204, String::new()));
    let balance = json!({ "action": "account_balance", "account": key(0).address() });
    assert_eq!(post("/", balance.clone()).0, 503);
    let (status, body) = post("/", balance);
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()["receivable"].clone()),
        (200, json!("5"))
    );
    let too_much = json!([{ "fund": { "account": "ban_1", "raw": "5" } }]);
    assert_eq!(post("/control", too_much).0, 409);
    assert!(server.command(fund(0, 1)).is_ok());
    assert!(server.with(|node| receive(node, 0)).is_some());
}
