//! What must hold at rest, each from the chain's own history, the customs' list and the rows, and not from what servers
//! say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use bursar_banano::{PublicKey, Subtype};
use serde_json::json;

use crate::harness::Tool;
use crate::harness::faucet::{Outside, Player, RAW_PER_E8, operator};
use crate::rows::{DEAD, FINAL, FREEING, PAID, PAYMENT, RECEIPT, Rows};

/// A block of the operator's, as the chain has it.
#[derive(Clone, Debug)]
pub struct Block {
    pub hash: String,
    pub subtype: Subtype,
    /// Whom, if it is a send.
    pub to: String,
    pub raw: u128,
    pub is_final: bool,
}

/// The operator's chain, oldest first.
pub fn chain(outside: &Outside) -> Vec<Block> {
    outside.node.with(|node| {
        let blocks = node.ledger().blocks();
        let ours = blocks.into_iter().filter(|entry| entry.block.block.account == operator());
        let block = |entry: &bursar_devnet_banano::Entry| Block {
            hash: entry.block.hash().to_string(),
            subtype: entry.subtype,
            to: PublicKey(entry.block.block.link).address(),
            raw: entry.amount.units(),
            is_final: entry.confirmed,
        };
        ours.map(block).collect()
    })
}

/// Each block of the chain is one attempt of ours that ended well, or a rival; each such attempt is on the chain; each
/// other attempt is proven dead and is not.
pub fn check_chain(chain: &[Block], rows: &Rows, rivals: &BTreeSet<String>) {
    let on_chain: BTreeMap<&str, &Block> = chain.iter().map(|block| (block.hash.as_str(), block)).collect();
    let mut explained: BTreeSet<&str> = rivals.iter().map(String::as_str).collect();
    for attempt in &rows.attempts {
        let block = on_chain.get(attempt.transaction.as_str());
        if attempt.state == DEAD {
            assert!(attempt.has_proof && block.is_none(), "dead without proof, or on the chain: {attempt:?}");
            continue;
        }
        assert_eq!(attempt.state, FINAL, "neither final nor dead: {attempt:?}");
        let block = block.unwrap_or_else(|| panic!("final, and not on the chain: {attempt:?}"));
        assert!(block.is_final, "{attempt:?}");
        explained.insert(&attempt.transaction);
        let fits = match attempt.kind {
            PAYMENT => block.subtype == Subtype::Send,
            FREEING => block.subtype == Subtype::Change,
            RECEIPT => matches!(block.subtype, Subtype::Open | Subtype::Receive),
            other => panic!("an attempt of kind {other}"),
        };
        assert!(fits, "{attempt:?} is {block:?}");
    }
    for block in chain {
        assert!(explained.contains(block.hash.as_str()), "nothing of ours explains {block:?}");
    }
}

/// Each intent is final by exactly one payment, which sent exactly its amount to its destination, and belongs to exactly
/// one payout; and each payout has one.
pub fn check_payouts(chain: &[Block], rows: &Rows) {
    let sends = chain.iter().filter(|block| block.subtype == Subtype::Send).count();
    assert_eq!(
        (sends, rows.intents.len()),
        (rows.payouts.len(), rows.payouts.len()),
        "sends, intents, payouts"
    );
    for intent in &rows.intents {
        assert_eq!(intent.state, PAID, "{intent:?}");
        let is_its_payment = |row: &&crate::rows::Attempt| {
            row.intent == Some(intent.id) && row.kind == PAYMENT && row.state == FINAL
        };
        let paid: Vec<_> = rows.attempts.iter().filter(is_its_payment).collect();
        let [paid] = paid[..] else { panic!("paid {} times: {intent:?}", paid.len()) };
        let sent = chain.iter().find(|block| block.hash == paid.transaction).unwrap();
        assert_eq!((&sent.to, sent.raw), (&intent.destination, intent.raw), "{intent:?}");
        let payouts: Vec<_> = rows.payouts.iter().filter(|row| row.intent == Some(intent.id)).collect();
        let [payout] = payouts[..] else { panic!("{} payouts of {intent:?}", payouts.len()) };
        assert_eq!((payout.id, payout.status.as_str()), (intent.reference, "confirmed"), "{payout:?}");
        assert_eq!(payout.transaction.as_ref(), Some(&paid.transaction), "{payout:?}");
        assert_eq!((&payout.address, raw(payout.e8)), (&intent.destination, intent.raw), "{payout:?}");
    }
}

/// Every kill since the sign-in is in exactly one settled accrual at its rate, every payout is the sum of its accruals,
/// and what the chain sent to a player is what those come to. `grown` = kills since the sign-in by Epic account.
pub fn check_players(chain: &[Block], rows: &Rows, players: &[Player], grown: &BTreeMap<String, u64>) {
    for player in players {
        let user = rows.users[&player.epic];
        let accruals: Vec<_> = rows.accruals.iter().filter(|row| row.user == user).collect();
        for accrual in &accruals {
            assert_eq!(accrual.e8, accrual.kills * accrual.rate_e8, "{accrual:?}");
            assert_eq!(accrual.state, "settled", "{accrual:?}");
        }
        let kills: i64 = accruals.iter().map(|row| row.kills).sum();
        assert_eq!(kills, i64::try_from(grown[&player.epic]).unwrap(), "kills of {}", player.epic);
        for payout in rows.payouts.iter().filter(|row| row.user == user) {
            let parts: Vec<_> = accruals.iter().filter(|row| row.payout == Some(payout.id)).collect();
            let sums = (parts.iter().map(|row| row.kills).sum(), parts.iter().map(|row| row.e8).sum());
            assert_eq!((payout.kills, payout.e8), sums, "{payout:?}");
        }
        let earned: u128 = accruals.iter().map(|row| raw(row.e8)).sum();
        let is_theirs = |block: &&Block| block.subtype == Subtype::Send && block.to == player.address;
        let paid: u128 = chain.iter().filter(is_theirs).map(|block| block.raw).sum();
        assert_eq!(paid, earned, "paid to {}", player.epic);
    }
}

/// Nothing is held or owed, and the wallet runs and holds by the book what it holds by the chain.
pub fn check_rest(outside: &Outside, rows: &Rows) {
    assert_eq!((rows.holds, rows.owed), (0, 0), "holds, and what is owed");
    assert_eq!(rows.wallet.standing, 0, "{:?}", rows.wallet);
    assert_eq!(rows.wallet.expected, outside.operator_balance(), "{:?}", rows.wallet);
    assert!(!rows.receipts.contains(&0), "something is still being accepted");
}

/// The program's own verbs say the same.
pub fn check_verbs(tool: &Tool) {
    let reconciled = tool.json(&["payouts", "reconcile", "--json"]);
    assert_eq!(reconciled["wallets"][0]["verdict"], json!("equal"), "{reconciled}");
    let verified = tool.run(&["audit", "verify"]);
    assert_eq!(verified.status, 0, "{verified:?}");
    let trial = tool.run(&["ledger", "trial"]);
    assert_eq!(trial.status, 0, "{trial:?}");
}

fn raw(e8: i64) -> u128 {
    u128::try_from(e8).unwrap() * RAW_PER_E8
}
