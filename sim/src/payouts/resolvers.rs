//! A second crew of operators, in half of the worlds: they decide payouts that are under way, stop single wallets, and let them
//! run again by what their chain shows.

use std::sync::Arc;

use bursar_access::{Actor, By};
use bursar_audit::{Recorder, SaltKey};
use bursar_chain::TransactionId;
use bursar_money::Amount;
use bursar_payouts::{Afterwards, IntentId, Outcome, Payouts, Rejection, Resolution, WalletSight};
use bursar_store::{Store, Tx};

use super::put_back::PutBack;
use super::sending::Process;
use super::{PayoutsRoom, wiring};
use crate::chain::{AccountState, Bench, Family, Fate, Network};
use crate::event::Class;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// How often they look when nothing is to be done, ms.
const LOOK_EVERY_MS: i64 = 3_000;

/// The mark of a wallet whose account made a payment that its records lack.
const PAID_UNKNOWN: i64 = -2;

/// What they decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Something that moves no money is to take the payment's slot.
    Free(i64, Afterwards),
    /// This payment is final, for which its chain took so much.
    Paid(i64, TransactionId, Amount),
    /// This payment is dead.
    Dead(i64, TransactionId, Afterwards),
    /// Nothing leaves a wallet.
    Stop(Family),
    /// A wallet that stands still runs by its balance.
    Match(Family),
    /// The same by a person's word that its past is unknown, once what the chain shows as paid was put aside.
    Insist(Family),
}

/// A payment that is under way, as it is on record.
#[derive(Clone, Debug)]
pub struct UnderWay {
    pub intent: i64,
    pub wallet: String,
    pub transaction: String,
    pub bytes: Vec<u8>,
    /// Whether others may have its bytes.
    pub has_left: bool,
}

/// The crew of a seed.
#[derive(Debug)]
pub struct Resolvers {
    random: Random,
    /// Whether they ever come.
    pub are_there: bool,
}

impl Resolvers {
    /// Those of a seed, with draws of their own.
    pub fn new(seed: u64) -> Resolvers {
        let mut random = Random::of(seed, "payout resolvers");
        Resolvers { are_there: random.chance(1, 2), random }
    }
}

impl PayoutsRoom {
    /// They look what there is to decide.
    pub fn resolve(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        let can_act = self.witness.with(|witness| !witness.under_way().is_empty() || !witness.wallets_run());
        let pause_ms = match if can_act { world.next_item(Item::Act) } else { None } {
            Some(mut random) => {
                if let Some(decision) = self.drawn(world, &mut random) {
                    self.decide(world, &decision);
                }
                random.between(5_000, 90_000)
            }
            None => LOOK_EVERY_MS,
        };
        let room = Arc::clone(self);
        world.plan_in(pause_ms, Class::People, move |world| room.resolve(world));
    }

    /// What they decide, going by what is true on the chain.
    fn drawn(self: &Arc<PayoutsRoom>, world: &Arc<World>, random: &mut Random) -> Option<Decision> {
        if random.chance(1, 10) {
            return Some(Decision::Stop(*random.pick(&Family::ALL)));
        }
        if self.witness.with(|witness| !witness.wallets_run()) && random.chance(1, 2) {
            let family = *random.pick(&Family::ALL);
            let insists = self.put_back == PutBack::WithJournal
                && random.chance(1, 2)
                && self.is_quiet()
                && self.has_put_paid_aside(world);
            return Some(if insists { Decision::Insist(family) } else { Decision::Match(family) });
        }
        let under_way = self.witness.with(|witness| witness.under_way());
        let payment = (!under_way.is_empty()).then(|| random.pick(&under_way).clone())?;
        let then = if random.chance(1, 2) { Afterwards::Retry } else { Afterwards::Fail };
        let free = Decision::Free(payment.intent, then);
        let is_its = |family: &Family| wiring::wallet(*family).as_str() == payment.wallet;
        let family = Family::ALL.into_iter().find(is_its)?;
        if random.chance(1, 2) {
            self.lose(world, family, payment, random);
            return Some(free);
        }
        let transaction = TransactionId::from_canonical(payment.transaction.clone());
        Some(match self.fate_of(world, family, &payment) {
            Fate::Open => free,
            Fate::Final => Decision::Paid(payment.intent, transaction, Amount::new(family.fee())),
            Fate::Dead => Decision::Dead(payment.intent, transaction, then),
        })
    }

    /// The network loses a payment, which is why its slot is to be freed; whoever has its bytes may send them again later.
    fn lose(
        self: &Arc<PayoutsRoom>,
        world: &Arc<World>,
        family: Family,
        payment: UnderWay,
        random: &mut Random,
    ) {
        self.with_network(family, Network::forget_open);
        world.note(&format!("{} forgets what is not final", family.chain()));
        if self.put_back != PutBack::Told && !world.disk.halted() && random.chance(1, 3) {
            // Where it comes back untold, the older state holds a payment that is decided on now.
            world.back_up();
            if random.chance(1, 2) {
                world.plan_in(random.between(30_000, 600_000), Class::Trouble, World::restore);
            }
        }
        if payment.has_left && random.chance(1, 2) {
            let room = Arc::clone(self);
            world.plan_in(random.between(100, 30_000), Class::Work, move |world| {
                world.note(&format!("somebody sends {} again", &payment.transaction[..8]));
                room.with_network(family, |network| {
                    network.advance(world.now_ms());
                    network.hand(0, &payment.bytes)
                });
                room.observe(world);
            });
        }
    }

    fn fate_of(&self, world: &World, family: Family, payment: &UnderWay) -> Fate {
        let fate = self.with_network(family, |network| network.fate(&payment.bytes, world.now_ms()));
        self.observe(world);
        fate
    }

    /// Lets wallets run again that were stopped, once nothing fails any more.
    pub fn let_wallets_run(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        let are_there = self.resolvers.with(|resolvers| resolvers.are_there);
        for family in Family::ALL {
            if are_there && !self.witness.with(|witness| witness.wallets_run()) {
                self.decide(world, &Decision::Match(family));
            }
        }
    }

    /// Carries a decision out, as far as the platform lets them.
    pub fn decide(self: &Arc<PayoutsRoom>, world: &Arc<World>, decision: &Decision) {
        let node = self.resolvers.with(|resolvers| resolvers.random.index(world.serving));
        let Some(seen) = self.seen_for(world, node, decision) else { return };
        self.witness.with(|witness| witness.begin_decision(decision));
        let done = world.command(Some(node), |process| {
            let payouts = &process.room::<Process>().payouts;
            write(&process.store, payouts, decision, seen.as_ref())
        });
        world.note(&format!("payout resolver: {decision:?}: {done:?}"));
        if let Some(Ok(answer)) = done {
            let is_done = answer.is_ok();
            world.reach("operator", if is_done { word_of(decision) } else { "decision refused" });
            let checked = self.witness.with(|witness| witness.decided(decision, is_done));
            world.hold(checked);
        }
    }

    /// What a wallet must hold by its records, and then what it holds, for who matches one: others act between the two. Where
    /// money left unknown to the records this crew leaves the wallet to those who know what was paid. `None` = leave it, or the
    /// records could not be read.
    fn seen_for(
        &self,
        world: &Arc<World>,
        node: usize,
        decision: &Decision,
    ) -> Option<Option<(Amount, AccountState)>> {
        let (Decision::Match(family) | Decision::Insist(family)) = decision else { return Some(None) };
        let wallet = world.command(Some(node), |process| {
            let payouts = &process.room::<Process>().payouts;
            let read = |tx: &mut Tx<'_>| payouts.wallet(tx, &wiring::wallet(*family));
            process.store.read("payouts.act", read)
        })?;
        let wallet = wallet.ok()??;
        let account = wiring::address(*family);
        let state = self.with_network(*family, |network| {
            network.advance(world.now_ms());
            network.account(account.as_str(), 0)
        });
        self.observe(world);
        let is_unclear = wallet.restored_mark == PAID_UNKNOWN || state.balance < wallet.expected.units();
        let may_look = !is_unclear || matches!(decision, Decision::Insist(_));
        may_look.then_some(Some((wallet.expected, state)))
    }
}

fn word_of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Free(..) => "free a slot",
        Decision::Paid(..) => "call a payment paid",
        Decision::Dead(..) => "call a payment dead",
        Decision::Stop(_) => "stop a wallet",
        Decision::Match(_) => "match by the balance",
        Decision::Insist(_) => "insist that a wallet runs",
    }
}

/// Does it, or is refused.
fn write(
    store: &Store,
    payouts: &Payouts,
    decision: &Decision,
    seen: Option<&(Amount, AccountState)>,
) -> Outcome<()> {
    let (root, evidence) = (Actor::cli("root"), "seen on the chain".to_owned());
    let recorder = Recorder::new("resolvers", SaltKey::new([6; 32]));
    let (intent, resolution) = match decision {
        Decision::Free(intent, then) => (*intent, Resolution::FreeSlot { then: *then }),
        Decision::Paid(intent, transaction, fee) => {
            (*intent, Resolution::Paid { transaction: transaction.clone(), fee: Some(*fee), evidence })
        }
        Decision::Dead(intent, transaction, then) => match payouts.look_at(transaction)? {
            Ok(sight) => (*intent, Resolution::Dead { sight: Box::new(sight), evidence, then: *then }),
            Err(rejection) => return Ok(Err(rejection)),
        },
        Decision::Stop(family) => {
            return store.transact("payouts.act", |tx| {
                let by = By::new(&root, tx.reading()?);
                payouts.stop_wallet(tx, &by, &wiring::wallet(*family), "drill", &recorder)
            });
        }
        Decision::Match(family) | Decision::Insist(family) => {
            let Some((expected, state)) = seen else { return Ok(Ok(())) };
            let sight = WalletSight {
                holds: Amount::new(state.balance),
                expected: *expected,
                newest: state.newest(),
                journals_are_lost: matches!(decision, Decision::Insist(_)),
            };
            return store.transact("payouts.act", |tx| {
                let by = By::new(&root, tx.reading()?);
                // Found since they looked: who does not insist leaves it.
                let wallet = payouts.lock_wallet(tx, &wiring::wallet(*family))?;
                if !sight.journals_are_lost && wallet.is_some_and(|row| row.restored_mark == PAID_UNKNOWN) {
                    return Ok(Err(Rejection::WalletUnmatched));
                }
                payouts.match_wallet(tx, &by, &wiring::wallet(*family), &sight, "its balance", &recorder)
            });
        }
    };
    store.transact("payouts.act", |tx| {
        let by = By::new(&root, tx.reading()?);
        let done = payouts.resolve(tx, &by, IntentId(intent), &resolution, &recorder)?;
        Ok(done.map(|_| ()))
    })
}
