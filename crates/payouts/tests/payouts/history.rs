//! What the chain's own history says, and whether the book says the same.

use std::collections::BTreeMap;

use bursar_banano::{Seed, Subtype};
use bursar_devnet_banano::{Command, LocalNode, Node, NodeSettings};
use bursar_money::{Amount, Balance};

use crate::scene::{SEED, Scene, payee_key};

impl Scene {
    /// How much each payee was sent, by the chain's own history.
    pub fn paid(&self, to: u32) -> u128 {
        self.node
            .with(|node| node.ledger().waiting(&payee_key(to)).map(|(_, item)| item.amount.units()).sum())
    }

    /// What the wallet's account holds, without what waits to be accepted.
    pub fn holds(&self) -> u128 {
        self.node.with(|node| node.ledger().head(&self.wallet_key())).map_or(0, |head| head.balance.units())
    }

    /// Sends of the wallet that the chain holds.
    pub fn sends(&self) -> Vec<(String, u128)> {
        let own = self.wallet_key();
        self.node.with(|node| {
            let blocks = node.ledger().blocks();
            let ours = blocks
                .iter()
                .filter(|entry| entry.block.block.account == own && entry.subtype == Subtype::Send);
            ours.map(|entry| (entry.block.hash().to_string(), entry.amount.units())).collect()
        })
    }

    /// A node that has what ours has, and hears nothing more.
    pub fn copy_of_node(&self) -> LocalNode {
        let copy = LocalNode::new("old", Node::new(NodeSettings::easy(1)), 10_000);
        let blocks: Vec<_> = self
            .node
            .with(|node| node.ledger().blocks().into_iter().map(|entry| entry.block.clone()).collect());
        for block in blocks.into_iter().skip(1) {
            copy.command(Command::Gossip(Box::new(block))).unwrap();
        }
        copy.command(Command::ConfirmAll).unwrap();
        copy
    }

    /// Whoever has stolen the key sends from the wallet, final at once.
    pub fn steal(&self, raw: u128) {
        let secret = Seed::from_bytes(SEED).secret_key(0);
        let head = self.node.with(|node| node.ledger().head(&self.wallet_key())).unwrap();
        let block = head.send(payee_key(99), Amount::new(raw)).unwrap();
        let signed = block.signed(&secret, bursar_banano::work::Work(0));
        self.command(Command::Gossip(Box::new(signed)));
        self.command(Command::ConfirmAll);
    }

    /// The states of all intents, in their order.
    pub fn states(&self) -> Vec<i64> {
        self.read(|tx| tx.query("SELECT state FROM payout_intent ORDER BY id", &[], |row| row.get(0)))
    }

    /// However far it got: nothing was sent that is not stored, and no intent has two sends.
    pub fn check_nothing_doubled(&self) {
        assert_eq!(*self.watching.violations.lock(), Vec::<String>::new());
        let sql = "SELECT transaction_id, intent FROM payout_attempt WHERE kind = 0";
        let attempts: Vec<(String, i64)> =
            self.read(|tx| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?))));
        let attempts: BTreeMap<String, i64> = attempts.into_iter().collect();
        let mut paid = BTreeMap::new();
        for (id, _) in self.sends() {
            let intent = attempts.get(&id).unwrap_or_else(|| panic!("{id} is on the chain and not stored"));
            let twice = paid.insert(*intent, id.clone());
            assert_eq!(twice, None, "intent {intent} was sent twice");
        }
    }

    /// The chain's history is what the book says: every send is a final attempt of one intent, of its amount, every
    /// final intent has one send, and the chain holds what the wallet must. Nothing was ever sent that was not stored.
    pub fn check(&self) {
        assert_eq!(*self.watching.violations.lock(), Vec::<String>::new());
        let sql = "SELECT a.transaction_id, i.amount, i.id FROM payout_attempt a JOIN payout_intent i ON i.id = a.intent \
                   WHERE a.state = 2 AND a.kind = 0 AND i.state = 4";
        let final_ones: Vec<(String, Amount, i64)> =
            self.read(|tx| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))));
        let by_intent: BTreeMap<i64, &String> =
            final_ones.iter().map(|(id, _, intent)| (*intent, id)).collect();
        assert_eq!(by_intent.len(), final_ones.len(), "an intent was paid twice");
        assert_eq!(
            self.count("SELECT COUNT(*) FROM payout_intent WHERE state = 4"),
            i64::try_from(by_intent.len()).unwrap()
        );
        let mut booked: Vec<(String, u128)> =
            final_ones.iter().map(|(id, amount, _)| (id.clone(), amount.units())).collect();
        let mut sends = self.sends();
        booked.sort();
        sends.sort();
        assert_eq!(sends, booked);
        let wallet = self.read(|tx| self.payouts.wallet(tx, &self.wallet)).unwrap();
        let held = self.node.with(|node| node.ledger().balance(&self.wallet_key()));
        assert_eq!(wallet.expected, held);
        let below = self.account("payouts/hot").0;
        assert_eq!(below, Balance::between(Amount::ZERO, held));
    }
}
