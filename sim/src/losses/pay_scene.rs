//! A calm world with one wallet that pays, in which a test decides what goes wrong, and when.

use std::sync::Arc;

use bursar_chain::TransactionId;
use bursar_money::Amount;
use bursar_payouts::Afterwards;

use crate::chain::{Bench, Family, Network, address_of};
use crate::payouts::{Act, Decision, Obligation, PayoutsRoom, Stop, wallet};
use crate::plan::{Plan, Rooms};
use crate::scenario::Scenario;
use crate::workload::Workload;
use crate::world::World;

/// See the module.
pub struct PayScene {
    pub world: Arc<World>,
    pub room: Arc<PayoutsRoom>,
    family: Family,
}

impl PayScene {
    /// One serving node with a wallet on such a chain; the platform is told when an older state comes back.
    pub fn new(family: Family) -> PayScene {
        PayScene::of(7, family)
    }

    /// The same, where an older state comes back by hand, without the journal.
    pub fn put_back_untold(family: Family) -> PayScene {
        let is_untold = |seed: &u64| {
            let room = PayoutsRoom::new(&Scenario::new(*seed), Plan::calm(1, Rooms::PAYOUTS).start_ms, 1);
            room.is_put_back_untold()
        };
        PayScene::of((0..).find(is_untold).expect("a seed in four"), family)
    }

    fn of(seed: u64, family: Family) -> PayScene {
        let (scenario, plan) = (Scenario::new(seed), Plan::calm(1, Rooms::PAYOUTS));
        let room = PayoutsRoom::new(&scenario, plan.start_ms, 1);
        let rooms: Vec<Arc<dyn Workload>> = vec![Arc::clone(&room) as _];
        let world = World::new(scenario, plan, rooms);
        world.open();
        room.tick(&world, 1);
        PayScene { world, room, family }
    }

    /// The desk orders somebody of this name to be paid, as often as it takes to be told so.
    pub fn owe(&self, name: &str, amount: u128) {
        self.order(name, amount);
        self.pass(1_000);
    }

    /// The same, up to the moment in which the order is on record.
    pub fn accept(&self, name: &str, amount: u128) {
        self.order(name, amount);
        while self.room.open_intents().is_empty() {
            self.pass(10);
        }
    }

    fn order(&self, name: &str, amount: u128) {
        let number = name.bytes().fold(1_000, |number, byte| number * 31 + u64::from(byte));
        let (wallet, to) = (wallet(self.family), address_of(number));
        let obligation = Obligation { key: name.to_owned(), wallet, to, amount };
        self.room.order(&self.world, obligation);
    }

    /// For so long the chain takes what it is sent, and all its answers are lost.
    pub fn lose_answers_for(&self, span_ms: i64) {
        let until_ms = self.world.now_ms() + span_ms;
        self.room.with_network(self.family, |network| network.lose_answers(until_ms));
    }

    /// An operator stops the desk's payouts.
    pub fn stop(&self) {
        assert!(self.room.act(&self.world, &Act::Stop(Stop::Desk)));
    }

    /// An operator takes back whatever is open; it may be refused.
    pub fn cancel_all(&self) {
        for intent in self.room.open_intents() {
            assert!(self.room.act(&self.world, &Act::Cancel(intent)), "the operator gets an answer");
        }
        assert_eq!(self.world.violation(), None);
    }

    /// The network loses whatever is not final.
    pub fn lose_what_is_open(&self) {
        self.room.with_network(self.family, Network::forget_open);
    }

    /// An operator has the slot filled in which the payment stands that is under way, and gives its payout up.
    pub fn give_up_under_way(&self) {
        for payment in self.room.under_way() {
            self.room.decide(&self.world, &Decision::Free(payment.intent, Afterwards::Fail));
        }
        assert_eq!(self.world.violation(), None);
    }

    /// An operator has the slot filled in which the payment stands that is under way: its payout is tried again.
    pub fn free_slot(&self) {
        for payment in self.room.under_way() {
            self.room.decide(&self.world, &Decision::Free(payment.intent, Afterwards::Retry));
        }
        assert_eq!(self.world.violation(), None);
    }

    /// An operator who sees that it can never become final calls what is under way dead, and gives its payout up.
    pub fn call_dead(&self) {
        for payment in self.room.under_way() {
            let transaction = TransactionId::from_canonical(payment.transaction);
            self.room.decide(&self.world, &Decision::Dead(payment.intent, transaction, Afterwards::Fail));
        }
        assert_eq!(self.world.violation(), None);
    }

    /// An operator who sees it on the chain calls what is under way paid.
    pub fn call_paid(&self) {
        for payment in self.room.under_way() {
            let (transaction, fee) = (TransactionId::from_canonical(payment.transaction), self.family.fee());
            self.room.decide(&self.world, &Decision::Paid(payment.intent, transaction, Amount::new(fee)));
        }
        assert_eq!(self.world.violation(), None);
    }

    /// Lets time pass with everything running.
    pub fn pass(&self, span_ms: i64) {
        self.world.play_for(span_ms);
        assert_eq!(self.world.violation(), None);
    }

    /// So much time goes by in which nothing runs.
    pub fn sleep(&self, span_ms: i64) {
        self.world.go_to(self.world.now_ms() + span_ms);
    }

    /// What the chain has paid out, in its order.
    pub fn payments(&self) -> Vec<u128> {
        self.room.with_network(self.family, |network| network.payments())
    }

    /// Lets time pass until so many payments were signed.
    pub fn pass_until_signed(&self, count: usize) {
        while self.attempts() < count {
            self.pass(10);
        }
    }

    /// Payments that were ever signed.
    pub fn attempts(&self) -> usize {
        self.room.signed_payments()
    }

    /// Everything comes to rest with every rule kept.
    pub fn ends_well(&self) {
        self.world.come_to_rest();
        assert_eq!(self.world.violation(), None);
    }
}
