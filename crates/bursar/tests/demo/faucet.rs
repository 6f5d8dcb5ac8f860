//! The demo's faucet pays on its own chain, which goes on with the database however the demo ends.

use serde_json::Value;

use crate::stage::{Demo, Stage};

/// Payouts on the chain as the newest line tells it, once one is confirmed.
fn sent(demo: &Demo) -> Option<u64> {
    let text = demo.text();
    let line = text.lines().rev().find(|line| line.contains(", newest "))?;
    line.split_once("| chain ")?.1.split(' ').next()?.replace(',', "").parse().ok()
}

#[track_caller]
fn wait_for_more(demo: &Demo, before: u64) -> u64 {
    demo.wait("more payouts", |demo| sent(demo).filter(|sends| *sends > before))
}

/// The payout that the feed shows as final, with its block.
fn confirmed(demo: &Demo) -> Option<Value> {
    let feed = demo.get("/api/feed?limit=50");
    let payouts = feed["payouts"].as_array()?.clone();
    payouts.into_iter().find(|one| one["status"] == "sent" && one["tx_hash"].is_string())
}

#[test]
fn the_faucet_really_pays_and_goes_on_after_ctrl_c_and_after_a_kill() {
    let stage = Stage::new();
    let first = stage.start();
    let paid = first.wait("a payout that was sent", confirmed);
    assert_eq!(paid["tx_hash"].as_str().unwrap().len(), 64, "{paid}");
    let sends = wait_for_more(&first, 2);
    // The page shows the newest payouts: once none is added, they end up confirmed.
    stage.tool().json(&["faucet", "stop", "accrual", "--reason", "a look at the page"]);
    first.wait("a page with a confirmed payout", |demo| {
        let page = demo.page("/faucet");
        assert!(page.contains("Demo Faucet"), "{page}");
        page.contains("confirmed").then_some(())
    });
    stage.tool().json(&["faucet", "resume", "accrual", "--reason", "looked"]);
    let end = first.interrupt();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", end.stdout);
    assert!(end.stdout.contains("Chain: ") && !end.stdout.contains("NOT WHAT"), "{}", end.stdout);

    let second = stage.start();
    let more = wait_for_more(&second, sends);
    second.kill();
    let third = stage.start();
    wait_for_more(&third, more);
    let end = third.interrupt();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""), "{}", end.stdout);
    let trial = stage.tool().json(&["ledger", "trial"]);
    let banano =
        trial["assets"].as_array().unwrap().iter().find(|one| one["asset"] == "BAN").unwrap().clone();
    assert_eq!(banano["sum"], "0", "{trial}");
}

#[test]
fn a_chain_that_lost_what_was_paid_is_told_and_ends_the_demo_with_exit_1() {
    let stage = Stage::new();
    let first = stage.start();
    wait_for_more(&first, 0);
    assert_eq!(first.interrupt().code, Some(0));
    std::fs::remove_file(stage.data().join("demo-chain.jsonl")).unwrap();
    let second = stage.start();
    second.wait_for("NOT WHAT THE BOOK SAYS");
    let end = second.interrupt();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("the chain and the book disagree"), "{}", end.stderr);
}

#[test]
fn a_damaged_chain_refuses_the_start_and_says_which_file() {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.data()).unwrap();
    std::fs::write(stage.data().join("demo-chain.jsonl"), "nonsense\n").unwrap();
    let end = stage.refuse(&["--listen", "127.0.0.1:0"]);
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("demo-chain.jsonl") && end.stderr.contains("--data"), "{}", end.stderr);
}
