//! What the desk owes, and how it asks for it: with one key each, again when no answer comes, and again on another day.

use std::sync::Arc;

use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_money::{Amount, Asset};
use bursar_payouts::{Accepted, IdempotencyKey, PayoutOrder, Payouts, Rejection};
use bursar_store::lane::{LaneFault, Work, run_batch};
use bursar_store::{StoreError, Tx};

use super::PayoutsRoom;
use super::put_back::PutBack;
use super::sending::Process;
use super::wiring::{self, DESK, PAYMENT_MAX, TREASURY};
use crate::chain::{Family, address_of};
use crate::event::Class;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// Orders that a lane takes up at once.
const BATCH_MAX: usize = 16;
/// How often one order is given before the desk waits for another day.
const SENDS_MAX: u32 = 8;
/// Most obligations that come together.
const BURST_MAX: u64 = 10;
/// Most lost ones that are asked for again at a time.
const AGAIN_MAX: usize = 8;
/// Mean time between bursts, ms.
const BURST_GAP_MS: i64 = 135_000;

/// Somebody who is to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// The desk's name for it, one payout's for ever.
    pub key: String,
    /// From which wallet.
    pub wallet: KeyId,
    /// Whom: everybody has an address of their own.
    pub to: Address,
    /// How much.
    pub amount: u128,
}

/// One order on its way.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which obligation, by number.
    pub number: usize,
    /// What is asked for.
    pub obligation: Obligation,
}

#[derive(Debug)]
struct Owed {
    obligation: Obligation,
    sends: u32,
    is_answered: bool,
    is_refused: bool,
    /// The desk has heard that it is paid, and asks no more.
    is_heard_of: bool,
}

/// The desk with everything that it ever owed.
#[derive(Debug)]
pub struct Desk {
    random: Random,
    /// From whose wallets it pays.
    families: &'static [Family],
    owed: Vec<Owed>,
}

/// What an order comes back with.
pub type OrderReply = Result<Result<Accepted, Rejection>, LaneFault>;

impl Desk {
    /// The desk of a seed, which owes nothing yet.
    pub fn new(seed: u64, put_back: PutBack) -> Desk {
        Desk { random: Random::of(seed, "obligations"), families: put_back.families(), owed: Vec::new() }
    }

    /// A new obligation: mostly a good one, sometimes one that must be refused.
    fn owe(&mut self, random: &mut Random) -> usize {
        let number = self.owed.len();
        let family = *random.pick(self.families);
        let mut obligation = Obligation {
            key: format!("order-{number}"),
            wallet: wiring::wallet(family),
            to: address_of(u64::try_from(number).expect("few orders")),
            amount: u128::from(random.below(500) + 1),
        };
        match random.below(40) {
            0 => obligation.to = Address::from_canonical("nobody".to_owned()),
            1 => obligation.to = wiring::address(family),
            2 => obligation.amount = 0,
            4 => obligation.wallet = KeyId::parse("cold").expect("a name"),
            3 => obligation.amount = PAYMENT_MAX + 1,
            6 if number > 0 => obligation.key = self.owed[random.index(number)].obligation.key.clone(),
            _ => {}
        }
        self.owed.push(Owed {
            obligation,
            sends: 0,
            is_answered: false,
            is_refused: false,
            is_heard_of: false,
        });
        number
    }

    /// Hears which payees have been paid and asks for that no more; whether any of it is news.
    pub fn hear_of_paid(&mut self, is_paid: impl Fn(&str) -> bool) -> bool {
        let mut has_news = false;
        for owed in self.owed.iter_mut().filter(|owed| !owed.is_heard_of) {
            if is_paid(owed.obligation.to.as_str()) {
                (owed.is_answered, owed.is_refused, has_news) = (true, true, true);
                owed.is_heard_of = true;
            }
        }
        has_news
    }
}

impl PayoutsRoom {
    /// Some obligations come up at about the same time, and some old ones are asked for once more.
    pub fn burst(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        if let Some(mut random) = world.next_item(Item::Burst) {
            let fresh: Vec<usize> = self.desk.with(|desk| {
                let count = random.below(BURST_MAX) + 1;
                (0..count).map(|_| desk.owe(&mut random)).collect()
            });
            let again: Vec<usize> = self.desk.with(|desk| {
                let count = desk.owed.len();
                (0..random.below(3))
                    .map(|_| random.index(count))
                    .filter(|n| desk.owed[*n].is_answered && !desk.owed[*n].is_heard_of)
                    .collect()
            });
            fresh.into_iter().chain(again).for_each(|number| self.send(world, number));
            self.send_unanswered(world);
        }
        let gap_ms = world.burst_gap_ms(BURST_GAP_MS);
        let pause_ms = self.desk.with(|desk| desk.random.between(gap_ms / 10, gap_ms * 19 / 10));
        let room = Arc::clone(self);
        world.plan_in(pause_ms, Class::Load, move |world| room.burst(world));
    }

    /// The desk asks again for everything that it owes and that is not on record as accepted: after lost answers, and
    /// after a restore that has forgotten it.
    pub fn send_unanswered(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        let open: Vec<usize> = self.desk.with(|desk| {
            let owed = desk.owed.iter().enumerate().filter(|(_, owed)| !owed.is_refused);
            let lost = owed.filter(|(_, owed)| {
                let is_known = self.witness.with(|witness| witness.is_accepted(&owed.obligation));
                !is_known && (owed.is_answered || owed.sends >= SENDS_MAX)
            });
            lost.map(|(number, _)| number).take(AGAIN_MAX).collect()
        });
        open.into_iter().for_each(|number| self.send(world, number));
    }

    /// What can be paid and is neither on record nor paid.
    pub fn lacking(&self) -> Vec<Obligation> {
        self.desk.with(|desk| {
            let owed = desk.owed.iter().map(|owed| &owed.obligation);
            self.witness.with(|witness| owed.filter(|owed| witness.lacks(owed)).cloned().collect())
        })
    }

    /// The desk owes this and asks for it.
    #[cfg(test)]
    pub fn order(self: &Arc<PayoutsRoom>, world: &Arc<World>, obligation: Obligation) {
        let number = self.desk.with(|desk| {
            desk.owed.push(Owed {
                obligation,
                sends: 0,
                is_answered: false,
                is_refused: false,
                is_heard_of: false,
            });
            desk.owed.len() - 1
        });
        self.send(world, number);
    }

    fn send(self: &Arc<PayoutsRoom>, world: &Arc<World>, number: usize) {
        let loss = world.plan.network_loss_of_1000;
        let (waiting, sends, node, delay_ms, is_lost, is_doubled) = self.desk.with(|desk| {
            let owed = &mut desk.owed[number];
            owed.sends += 1;
            let waiting = Waiting { number, obligation: owed.obligation.clone() };
            let (sends, random) = (owed.sends, &mut desk.random);
            let node = random.index(world.serving);
            let is_lost = random.chance(loss, 1_000);
            (waiting, sends, node, random.between(1, 200), is_lost, random.chance(loss, 1_000))
        });
        if is_lost {
            world.fault("network: request lost");
        }
        for copy in 0..if is_lost { 0 } else { 1 + i64::from(is_doubled) } {
            let (room, waiting) = (Arc::clone(self), waiting.clone());
            world
                .plan_in(delay_ms * (1 + copy), Class::Work, move |world| room.deliver(world, node, waiting));
        }
        let room = Arc::clone(self);
        let patience_ms = 4_000_i64 << sends.min(5);
        world.plan_in(patience_ms, Class::Work, move |world| {
            let asks_again = room.desk.with(|desk| {
                let owed = &desk.owed[number];
                !owed.is_answered && owed.sends == sends && sends < SENDS_MAX
            });
            if asks_again {
                room.send(world, number);
            }
        });
    }

    fn deliver(self: &Arc<PayoutsRoom>, world: &Arc<World>, node: usize, waiting: Waiting) {
        if world.nodes[node].process().is_none() {
            return;
        }
        let length = self.inboxes[node].with(|inbox| {
            inbox.push(waiting);
            inbox.len()
        });
        if length == 1 {
            let room = Arc::clone(self);
            world.plan_in(60, Class::Work, move |world| room.accept(world, node));
        }
    }

    fn accept(self: &Arc<PayoutsRoom>, world: &Arc<World>, node: usize) {
        let batch: Vec<Waiting> = self.inboxes[node].with(|inbox| {
            let count = inbox.len().min(BATCH_MAX);
            inbox.drain(..count).collect()
        });
        if batch.is_empty() {
            return;
        }
        let orders: Vec<Obligation> = batch.iter().map(|waiting| waiting.obligation.clone()).collect();
        let since = self.witness.with(|witness| witness.take_in_hand(&orders));
        let replies = world.step(node, |process| {
            let mut lane = process.room::<Process>().accept.try_lock()?;
            Some(run_batch(&process.store, &mut *lane, &orders))
        });
        match replies {
            None => world.note(&format!("node {node} died with {} orders in hand", batch.len())),
            Some(None) => self.inboxes[node].with(|inbox| inbox.extend(batch)),
            Some(Some(replies)) => {
                world.figures.with(|figures| figures.batch(batch.len()));
                let checked =
                    self.witness.with(|witness| witness.check_answers(node, since, &orders, &replies));
                world.hold(checked);
                self.answer(world, node, &batch, &replies);
            }
        }
        if self.inboxes[node].with(|inbox| !inbox.is_empty()) {
            let room = Arc::clone(self);
            world.plan_in(10, Class::Work, move |world| room.accept(world, node));
        }
    }

    fn answer(
        self: &Arc<PayoutsRoom>,
        world: &Arc<World>,
        node: usize,
        batch: &[Waiting],
        replies: &[OrderReply],
    ) {
        let codes: Vec<&str> = replies.iter().map(code_of).collect();
        world.note(&format!("node {node} orders: {}", codes.join(" ")));
        codes.iter().for_each(|code| world.reach("order", code));
        for (waiting, reply) in batch.iter().zip(replies) {
            let is_stopped = matches!(reply, Ok(Err(Rejection::Stopped { .. })));
            let is_given_up = is_stopped && self.spoil_refused(world, node, &waiting.obligation);
            let loss = world.plan.network_loss_of_1000;
            let is_lost = self.desk.with(|desk| {
                let is_lost = desk.random.chance(loss, 1_000);
                let owed = &mut desk.owed[waiting.number];
                let is_final = reply.is_ok() && (!is_stopped || is_given_up);
                owed.is_answered |= is_final && !is_lost;
                owed.is_refused |= is_final && !is_lost && matches!(reply, Ok(Err(_)));
                is_lost
            });
            if is_lost {
                world.fault("network: answer lost");
            }
        }
    }
}

/// The code of an answer.
fn code_of(reply: &OrderReply) -> &'static str {
    match reply {
        Ok(Ok(Accepted { is_new: true, .. })) => "accepted",
        Ok(Ok(Accepted { is_new: false, .. })) => "known",
        Ok(Err(rejection)) => rejection.code(),
        Err(LaneFault::Unavailable(_)) => "unavailable",
        Err(LaneFault::Poison(_)) => "poison",
        Err(LaneFault::UnknownOutcome(_)) => "unknown_outcome",
        Err(LaneFault::Closed) => "closed",
    }
}

/// The desk's lane: what a desk does that owes money, in one transaction.
pub struct AcceptOrders {
    /// The payouts of the process.
    pub payouts: Payouts,
    /// The lane's audit chain.
    pub recorder: bursar_audit::Recorder,
}

impl Work for AcceptOrders {
    type Command = Obligation;
    type Reply = Result<Accepted, Rejection>;

    fn unit(&self) -> &'static str {
        "payouts.accept"
    }

    fn run(&mut self, tx: &mut Tx<'_>, orders: &[Obligation]) -> Result<Vec<Self::Reply>, StoreError> {
        let now = tx.reading()?;
        let mut book = Book::default();
        book.load_paths(tx, &[TREASURY])?;
        let debit = book.slot_of_path(TREASURY, Asset::Banano);
        let debit = debit.ok_or_else(|| StoreError::Decode("no treasury".to_owned()))?;
        let placed: Vec<PayoutOrder> = orders
            .iter()
            .map(|order| PayoutOrder {
                desk: DESK,
                wallet: order.wallet.clone(),
                key: IdempotencyKey::parse(&order.key).expect("a key"),
                destination: order.to.clone(),
                amount: Amount::new(order.amount),
                debit,
                reference: 0,
                reason: "owed".to_owned(),
            })
            .collect();
        let prepared = self.payouts.prepare(tx, &mut book, &placed, now)?;
        book.number(tx)?;
        book.write(tx, now)?;
        self.payouts.save(tx, &book, prepared, &self.recorder, now)
    }
}
