//! Whatever is thrown at a node: nothing is spent twice, nothing is made or lost, and what is final stays.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

mod wallets;

use std::collections::BTreeSet;

use bursar_banano::{BlockHash, SignedBlock};
use bursar_devnet_banano::{Command, Election, Node};
use bursar_money::Amount;
use proptest::prelude::*;
use wallets::{fund, funded, head, key, process, receive, sealed, send};

const ACCOUNTS: u32 = 3;

#[derive(Clone, Debug)]
enum Act {
    /// Sends part of a balance.
    Send {
        from: u32,
        to: u32,
        part: u8,
    },
    /// Receives what waits first.
    Receive(u32),
    /// Hands over an earlier block again.
    Repeat(usize),
    /// Hands over another send in the slot of an earlier block.
    DoubleSpend {
        of: usize,
        to: u32,
    },
    /// Confirms an earlier block, also one refused as a fork.
    Confirm(usize),
    ConfirmAll,
    Forget,
    Restart,
    Seeded(bool),
    Fund(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let account = 0..ACCOUNTS;
    prop_oneof![
        4 => (account.clone(), account.clone(), 1_u8..=255).prop_map(|(from, to, part)| Act::Send { from, to, part }),
        4 => account.clone().prop_map(Act::Receive),
        1 => any::<usize>().prop_map(Act::Repeat),
        3 => (any::<usize>(), account.clone()).prop_map(|(of, to)| Act::DoubleSpend { of, to }),
        2 => any::<usize>().prop_map(Act::Confirm),
        1 => Just(Act::ConfirmAll),
        1 => Just(Act::Forget),
        1 => Just(Act::Restart),
        1 => any::<bool>().prop_map(Act::Seeded),
        1 => account.prop_map(Act::Fund),
    ]
}

/// Does it, and remembers each block that was handed over.
fn perform(node: &mut Node, act: Act, made: &mut Vec<SignedBlock>) {
    let earlier = |made: &[SignedBlock], index: usize| made.get(index % made.len().max(1)).cloned();
    let block = match act {
        Act::Send { from, to, part } => {
            let Some(head) = node.ledger().head(&key(from)) else { return };
            let raw = head.balance.units() * u128::from(part) / 255;
            if raw == 0 {
                return;
            }
            Some(send(node, from, to, raw))
        }
        Act::Receive(index) => receive(node, index),
        Act::Repeat(index) => earlier(made, index),
        Act::DoubleSpend { of, to } => earlier(made, of).and_then(|block| rival(&block, to)),
        Act::Confirm(index) => {
            let hash = earlier(made, index).map(|block| block.hash());
            // A block that is neither there nor a fork cannot be made final; the node says so.
            let _ = hash.map(|hash| node.command(Command::Confirm(hash)));
            None
        }
        Act::ConfirmAll => command(node, Command::ConfirmAll),
        Act::Forget => command(node, Command::ForgetUnconfirmed),
        Act::Restart => command(node, Command::Restart { offline_ms: 0 }),
        Act::Seeded(seeded) => {
            command(node, Command::Elect(if seeded { Election::Seeded } else { Election::FirstSeen }))
        }
        Act::Fund(index) => command(node, fund(index, 50)),
    };
    if let Some(block) = block {
        // Taken in or refused: the invariants must hold either way.
        let _ = process(node, &block);
        made.push(block);
    }
}

fn command(node: &mut Node, command: Command) -> Option<SignedBlock> {
    node.command(command).unwrap();
    None
}

/// A send of the same account after the same block, to another destination or of another amount.
fn rival(block: &SignedBlock, to: u32) -> Option<SignedBlock> {
    let index = (0..ACCOUNTS).find(|&index| key(index) == block.block.account)?;
    let mut rival = block.block.clone();
    rival.balance = rival.balance.minus(Amount::new(1)).ok()?;
    rival.link = key(to).0;
    Some(sealed(rival, index))
}

fn final_blocks(node: &Node) -> BTreeSet<BlockHash> {
    node.ledger()
        .blocks()
        .into_iter()
        .filter(|entry| entry.confirmed)
        .map(|entry| entry.block.hash())
        .collect()
}

/// Follows every account's chain from its newest block to its first, and every send to its receive.
fn check(node: &Node) {
    let ledger = node.ledger();
    assert_eq!(ledger.total(), Ok(Amount::MAX));
    let (mut slots, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for entry in ledger.blocks() {
        let block = &entry.block.block;
        assert!(entry.block.verifies());
        assert!(slots.insert((block.account, block.previous)), "two blocks in one slot");
        if matches!(entry.subtype.as_str(), "open" | "receive") {
            assert!(sources.insert(block.link), "a send received twice");
            let source = ledger.block(&BlockHash(block.link)).is_some_and(|send| send.confirmed);
            let is_genesis = block.account == node.genesis_account() && entry.height == 1;
            assert!(!entry.confirmed || source || is_genesis, "final before what it receives");
        }
        let below = ledger.block(&block.previous);
        assert_eq!(below.map_or(0, |below| below.height) + 1, entry.height);
        assert!(!entry.confirmed || below.is_none_or(|below| below.confirmed), "final on what is not");
        if let Some(below) = below {
            assert_eq!(below.successor, entry.block.hash());
            let (before, after) = (below.block.block.balance, block.balance);
            let moved = before.minus(after).or_else(|_| after.minus(before)).unwrap();
            assert_eq!(moved, entry.amount);
        }
    }
    let chains: u64 =
        (0..ACCOUNTS).filter_map(|index| ledger.account(&key(index))).map(|known| known.height).sum();
    let genesis = ledger.account(&node.genesis_account()).unwrap().height;
    assert_eq!(usize::try_from(chains + genesis), Ok(ledger.block_count()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ledger_conserves_and_never_takes_a_double_spend(acts in prop::collection::vec(act(), 1..60)) {
        let mut node = funded(2);
        node.command(Command::ConfirmationLag(None)).unwrap();
        let mut made = Vec::new();
        for act in acts {
            let before = final_blocks(&node);
            perform(&mut node, act, &mut made);
            check(&node);
            prop_assert!(before.is_subset(&final_blocks(&node)), "a final block has gone");
        }
    }

    #[test]
    fn the_same_seed_and_requests_give_the_same_answers(acts in prop::collection::vec(act(), 1..30)) {
        let walk = || {
            let mut node = funded(2);
            let mut made = Vec::new();
            acts.iter().for_each(|act| perform(&mut node, act.clone(), &mut made));
            node.ledger().blocks().into_iter().map(|entry| (entry.block.hash(), entry.confirmed)).collect::<Vec<_>>()
        };
        prop_assert_eq!(walk(), walk());
    }
}

#[test]
fn a_fork_that_wins_takes_the_place_of_the_block_and_of_all_that_was_built_on_it() {
    let mut node = funded(2);
    node.command(Command::ConfirmationLag(None)).unwrap();
    let first = send(&node, 0, 1, 100);
    let rival = sealed(head(&node, 0).change(key(9)), 0);
    process(&mut node, &first).unwrap();
    let received = receive(&node, 1).unwrap();
    process(&mut node, &received).unwrap();
    let second = send(&node, 0, 1, 5);
    process(&mut node, &second).unwrap();
    assert_eq!(process(&mut node, &rival).unwrap_err(), "Fork");
    node.command(Command::Confirm(rival.hash())).unwrap();
    for gone in [&first, &received, &second] {
        assert!(node.ledger().block(&gone.hash()).is_none());
    }
    assert_eq!([0, 1].map(|index| node.ledger().balance(&key(index)).units()), [1_000, 1_000]);
    check(&node);
    assert_eq!(process(&mut node, &first).unwrap_err(), "Fork");
    assert!(node.command(Command::Confirm(first.hash())).is_err());
}

#[test]
fn blocks_become_final_when_their_time_has_come() {
    let mut node = funded(1);
    node.command(Command::ConfirmationLag(Some(500))).unwrap();
    let block = send(&node, 0, 1, 1);
    process(&mut node, &block).unwrap();
    node.advance(499);
    assert_eq!(node.ledger().open_blocks(), [block.hash()]);
    node.advance(500);
    assert!(node.ledger().open_blocks().is_empty());
    node.advance(0);
    assert!(node.ledger().block(&block.hash()).unwrap().confirmed);
}

#[test]
fn a_seeded_vote_can_go_either_way() {
    let winner = |seed: u64| {
        let mut node = Node::new(bursar_devnet_banano::NodeSettings::easy(seed));
        node.command(fund(0, 1_000)).unwrap();
        let open = receive(&node, 0).unwrap();
        process(&mut node, &open).unwrap();
        node.command(Command::ConfirmationLag(None)).unwrap();
        node.command(Command::Elect(Election::Seeded)).unwrap();
        let (one, two) = (send(&node, 0, 1, 1), send(&node, 0, 2, 1));
        process(&mut node, &one).unwrap();
        assert_eq!(process(&mut node, &two).unwrap_err(), "Fork");
        node.command(Command::ConfirmAll).unwrap();
        node.ledger().block(&two.hash()).is_some()
    };
    let wins = (0..32).filter(|&seed| winner(seed)).count();
    assert!((4..=28).contains(&wins), "{wins} of 32");
}
