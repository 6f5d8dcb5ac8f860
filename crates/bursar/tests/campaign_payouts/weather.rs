//! How the node misbehaves during a cycle, and what befalls the chain while a server stands still.

use std::collections::BTreeSet;

use bursar_banano::work::Work;
use bursar_banano::{BlockHash, Head, PublicKey, Seed};
use bursar_devnet_banano::{Command, Election, Fault, Misbehaviour, NodeServer};

use crate::campaign::Random;
use crate::harness::faucet::operator;

/// What the node does in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weather {
    Calm,
    /// Answers come late.
    Slow,
    /// A block is taken in, and nobody is told.
    AnswerDropped,
    /// A block does not arrive.
    RequestDropped,
    /// 500, and nothing was done.
    Failing,
    /// 502, and it was done.
    FailingAfterDoing,
    /// It says that another block holds the slot.
    CriesFork,
    /// It says that the block is old.
    CriesOld,
    /// It says that it knows no such block.
    Forgetful,
    /// It says that it knows no such account.
    Blind,
    /// It answers with no JSON.
    Garbled,
    /// Its answers are too long.
    Oversized,
    /// Blocks take their time to become final.
    Lagging,
    /// Blocks do not become final by themselves, and no question shows them.
    Hiding,
    /// Blocks do not become final by themselves.
    Stalled,
    /// Balances are told wrong.
    Lying,
    /// It is away for a while.
    Away,
}

const ALL: [Weather; 17] = [
    Weather::Calm,
    Weather::Slow,
    Weather::AnswerDropped,
    Weather::RequestDropped,
    Weather::Failing,
    Weather::FailingAfterDoing,
    Weather::CriesFork,
    Weather::CriesOld,
    Weather::Forgetful,
    Weather::Blind,
    Weather::Garbled,
    Weather::Oversized,
    Weather::Lagging,
    Weather::Hiding,
    Weather::Stalled,
    Weather::Lying,
    Weather::Away,
];

impl Weather {
    pub fn any(random: &mut Random) -> Weather {
        random.pick(&ALL)
    }

    /// Ends what was, and begins.
    pub fn begin(self, node: &NodeServer, random: &mut Random) {
        heal(node);
        let times = u32::try_from(1 + random.below(3)).unwrap();
        let anything = |misbehaviour| fault(None, misbehaviour, times);
        let process = |misbehaviour| fault(Some("process"), misbehaviour, times);
        let commands = match self {
            Weather::Calm => vec![],
            Weather::Slow => vec![anything(Misbehaviour::Delay(50 + random.below(300)))],
            Weather::AnswerDropped => vec![process(Misbehaviour::DropAnswer)],
            Weather::RequestDropped => vec![process(Misbehaviour::DropRequest)],
            Weather::Failing => vec![anything(Misbehaviour::Status(500))],
            Weather::FailingAfterDoing => vec![process(Misbehaviour::StatusAfterDoing(502))],
            Weather::CriesFork => vec![process(Misbehaviour::Refuse("Fork".to_owned()))],
            Weather::CriesOld => vec![process(Misbehaviour::Refuse("Old block".to_owned()))],
            Weather::Forgetful => {
                vec![fault(Some("block_info"), Misbehaviour::Refuse("Block not found".to_owned()), times)]
            }
            Weather::Blind => {
                vec![fault(Some("account_info"), Misbehaviour::Refuse("Account not found".to_owned()), times)]
            }
            Weather::Garbled => vec![anything(Misbehaviour::Garbage)],
            Weather::Oversized => vec![anything(Misbehaviour::Oversized)],
            Weather::Lagging => vec![Command::ConfirmationLag(Some(20 + random.below(200)))],
            Weather::Hiding => vec![Command::ConfirmationLag(None), Command::HideOpenBlocks(true)],
            Weather::Stalled => vec![Command::ConfirmationLag(None)],
            Weather::Lying => {
                vec![Command::LieAboutBalances(if random.below(2) == 0 { 1_000 } else { -1_000 })]
            }
            Weather::Away => vec![Command::Restart { offline_ms: 50 + random.below(250) }],
        };
        commands.into_iter().for_each(|command| node.command(command).unwrap());
    }
}

/// Lets the node behave from now on. What it holds and is not final becomes final.
pub fn heal(node: &NodeServer) {
    for command in [
        Command::ClearFaults,
        Command::LieAboutBalances(0),
        Command::HideOpenBlocks(false),
        Command::Elect(Election::Seeded),
        Command::ConfirmationLag(Some(0)),
        Command::ConfirmAll,
        Command::Restart { offline_ms: 0 },
    ] {
        node.command(command).unwrap();
    }
}

/// No block that is handed over arrives.
pub fn lose_every_block(node: &NodeServer) {
    node.command(fault(Some("process"), Misbehaviour::DropRequest, u32::MAX)).unwrap();
}

fn fault(action: Option<&str>, misbehaviour: Misbehaviour, times: u32) -> Command {
    Command::Fault(Fault { action: action.map(str::to_owned), misbehaviour, times })
}

/// What befalls the chain while a server stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    Nothing,
    /// The node loses every block that is not final.
    Forgets,
    /// The node starts anew, and forgets forks and faults.
    Restarts,
    /// Another block, signed with the operator's key elsewhere, takes the open slot, or contests the newest block's.
    Rival,
}

impl Blow {
    pub fn any(random: &mut Random) -> Blow {
        random.pick(&[Blow::Nothing, Blow::Nothing, Blow::Forgets, Blow::Restarts, Blow::Rival])
    }

    /// Falls. Rivals are noted in `rivals`.
    pub fn fall(self, node: &NodeServer, random: &mut Random, rivals: &mut BTreeSet<BlockHash>) {
        match self {
            Blow::Nothing => {}
            Blow::Forgets => node.command(Command::ForgetUnconfirmed).unwrap(),
            Blow::Restarts => node.command(Command::Restart { offline_ms: 20 }).unwrap(),
            Blow::Rival => rivals.extend(rival(node, random)),
        }
    }
}

/// A block of the operator's that moves nothing.
fn rival(node: &NodeServer, random: &mut Random) -> Option<BlockHash> {
    let head = node.with(|node| {
        let ledger = node.ledger();
        let head = ledger.head(&operator())?;
        let newest = ledger.block(&head.frontier)?;
        if newest.confirmed || newest.block.block.previous.is_zero() {
            return Some(head);
        }
        let before = &ledger.block(&newest.block.block.previous)?.block.block;
        let (frontier, balance, representative) = (before.hash(), before.balance, before.representative);
        Some(Head { frontier, balance, representative, ..head })
    })?;
    let mut other = [0; 32];
    other[..8].copy_from_slice(&random.below(u64::MAX).to_be_bytes());
    let key = Seed::from_bytes([7; 32]).secret_key(0);
    let block = head.change(PublicKey(other)).signed(&key, Work(0));
    let hash = block.hash();
    // A fork is refused, and remembered for the vote.
    let _ = node.command(Command::Gossip(Box::new(block)));
    if random.below(2) == 0 {
        // Where the slot went to a final block meanwhile, there is nothing to confirm.
        let _ = node.command(Command::Confirm(hash));
    }
    Some(hash)
}
