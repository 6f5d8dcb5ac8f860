//! A node whose blocks are in a file goes on where the process before it stopped.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod wallets;

use std::fs::OpenOptions;
use std::io::Write;

use bursar_devnet_banano::{Node, NodeSettings};
use tempfile::TempDir;
use wallets::{fund, key, process, receive, send};

#[test]
fn a_node_that_was_reopened_has_every_block_final_and_takes_the_next() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chain");
    let settings = NodeSettings { confirmation_lag_ms: None, ..NodeSettings::easy(1) };
    let mut node = Node::reopen(settings, &path).unwrap();
    node.command(fund(0, 1_000)).unwrap();
    let block = receive(&node, 0).unwrap();
    process(&mut node, &block).unwrap();
    let sent = send(&node, 0, 1, 300);
    process(&mut node, &sent).unwrap();
    assert!(!node.ledger().block(&sent.hash()).unwrap().confirmed);
    let (blocks, total) = (node.ledger().block_count(), node.ledger().total().unwrap());
    drop(node);

    let mut node = Node::reopen(settings, &path).unwrap();
    assert_eq!((node.ledger().block_count(), node.ledger().total().unwrap()), (blocks, total));
    assert!(node.ledger().block(&sent.hash()).unwrap().confirmed);
    assert_eq!(process(&mut node, &sent).unwrap_err(), "Old block");
    let block = receive(&node, 1).unwrap();
    process(&mut node, &block).unwrap();
    drop(node);
    let node = Node::reopen(settings, &path).unwrap();
    assert_eq!([0, 1].map(|index| node.ledger().balance(&key(index)).units()), [700, 300]);
}

#[test]
fn a_block_that_was_being_written_when_the_process_died_is_cut_off() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chain");
    let mut node = Node::reopen(NodeSettings::easy(1), &path).unwrap();
    node.command(fund(0, 1_000)).unwrap();
    drop(node);
    let whole = std::fs::metadata(&path).unwrap().len();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"block\":{\"acc").unwrap();
    let mut node = Node::reopen(NodeSettings::easy(1), &path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
    let block = receive(&node, 0).unwrap();
    process(&mut node, &block).unwrap();
    drop(node);
    assert_eq!(Node::reopen(NodeSettings::easy(1), &path).unwrap().ledger().balance(&key(0)).units(), 1_000);
}

#[test]
fn a_file_of_another_network_or_with_a_gap_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chain");
    let mut node = Node::reopen(NodeSettings::easy(1), &path).unwrap();
    node.command(fund(0, 1_000)).unwrap();
    let block = receive(&node, 0).unwrap();
    process(&mut node, &block).unwrap();
    drop(node);
    assert!(Node::reopen(NodeSettings::easy(2), &path).is_err());
    let lines = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, lines.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    assert!(Node::reopen(NodeSettings::easy(1), &path).is_err());
}
