//! Clients: they wish, ask, ask again with the same id when no answer comes, and look at their results.

use std::sync::Arc;

use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::stake::{Side, TIERS_BUCKS};
use bursar_rounds::timing::{CYCLE_MS, OPEN_MS, Round};
use bursar_rounds::{pool, results};
use bursar_store::Timestamp;
use bursar_store::lane::LaneFault;

use super::lanes::JoinReply;
use super::wish::{Attempt, Content, FLAWS, Wish};
use super::witness::Since;
use super::{Rounds, RoundsPlan};
use crate::broken::Bug;
use crate::event::Class;
use crate::inspection::next_anchor;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// How often one wish is sent before its client gives up.
const SENDS_MAX: u32 = 7;
/// Mean time between bursts, ms.
const BURST_GAP_MS: i64 = 90_000;

/// All clients with what they ever wished.
#[derive(Debug)]
pub struct Clients {
    random: Random,
    wishes: Vec<Wish>,
}

impl Clients {
    /// Clients of a seed.
    pub fn new(seed: u64) -> Clients {
        Clients { random: Random::of(seed, "clients"), wishes: Vec::new() }
    }

    /// A new wish: mostly a good one, sometimes late, early, flawed, or with the id of another.
    fn wish(&mut self, plan: &RoundsPlan, now_ms: i64, random: &mut Random) -> usize {
        let number = self.wishes.len();
        let market = *random.pick(&plan.markets);
        let slot = match random.below(20) {
            0 => random.between(-3, -1),
            1 => 1,
            _ => 0,
        };
        let start_ms = Round::current(market, Timestamp::from_ms(now_ms)).start_ms() + slot * CYCLE_MS;
        let wallet = random.index(plan.wallets.len());
        let content = Content {
            round: Round::starting(market, start_ms).expect("a multiple of the cycle"),
            side: if random.chance(1, 2) { Side::Up } else { Side::Down },
            bucks: *random.pick(&TIERS_BUCKS),
            wallet: plan.wallets[wallet],
        };
        let flaw = random.chance(1, 15).then(|| *random.pick(&FLAWS));
        let mut id = format!("wish-{number}");
        if number.is_multiple_of(17) {
            // The longest id, in characters of two bytes.
            id = format!("{id:é<128}");
        }
        let takes_another = flaw.is_none() && number > 0 && random.chance(1, 20);
        if takes_another {
            let other = &self.wishes[random.index(number)];
            if other.content.is_some_and(|other| other != content) {
                id.clone_from(&other.id);
            }
        }
        let address = format!("10.0.0.{}", wallet % 3);
        self.wishes.push(Wish::new(id, content, flaw, address));
        number
    }
}

impl Rounds {
    /// Some clients wish something at about the same time.
    pub fn burst(self: &Arc<Rounds>, world: &Arc<World>) {
        let now_ms = world.now_ms();
        if let Some(mut random) = world.next_item(Item::Burst) {
            let fresh: Vec<usize> = self.clients.with(|clients| {
                let count = random.below(self.plan.burst_max) + 1;
                (0..count).map(|_| clients.wish(&self.plan, now_ms, &mut random)).collect()
            });
            fresh.into_iter().for_each(|wish| self.send(world, wish));
        }
        let gap_ms = world.burst_gap_ms(BURST_GAP_MS);
        let at_ms = self.clients.with(|clients| {
            let at_ms = now_ms + clients.random.between(gap_ms / 10, gap_ms * 19 / 10);
            let is_shut = at_ms % CYCLE_MS >= OPEN_MS;
            // Few clients call while no round is open.
            if is_shut && clients.random.chance(5, 6) {
                at_ms - at_ms % CYCLE_MS + CYCLE_MS + clients.random.between(0, OPEN_MS - 1)
            } else {
                at_ms
            }
        });
        let rounds = Arc::clone(self);
        world.plan_in(at_ms - now_ms, Class::Load, move |world| rounds.burst(world));
    }

    /// A client sends its wish to some node, and will not wait for ever.
    fn send(self: &Arc<Rounds>, world: &Arc<World>, number: usize) {
        let loss = world.plan.network_loss_of_1000;
        let (copies, attempt, sends, node, patience_ms) = self.clients.with(|clients| {
            let wish = &mut clients.wishes[number];
            wish.sends += 1;
            if self.scenario.bug == Some(Bug::RetriesWithNewId) && wish.sends > 1 {
                wish.rename(wish.sends);
            }
            let (attempt, sends) = (wish.attempt(number), wish.sends);
            let random = &mut clients.random;
            let is_lost = random.chance(loss, 1_000);
            let is_doubled = !is_lost && random.chance(loss, 1_000);
            let copies = if is_lost { 0 } else { 1 + u64::from(is_doubled) };
            (
                copies,
                attempt,
                sends,
                random.index(world.serving),
                random.between(2_000, 6_000) << (sends - 1).min(4),
            )
        });
        match copies {
            0 => world.fault("network: request lost"),
            1 => {}
            _ => world.fault("network: request doubled"),
        }
        for _ in 0..copies {
            let (delay_ms, node) = self.clients.with(|clients| {
                let is_elsewhere = copies > 1 && clients.random.chance(1, 2);
                let node = if is_elsewhere { clients.random.index(world.serving) } else { node };
                (clients.random.between(1, 150), node)
            });
            let (rounds, attempt) = (Arc::clone(self), attempt.clone());
            world.plan_in(delay_ms, Class::Work, move |world| rounds.deliver(world, node, attempt));
        }
        let rounds = Arc::clone(self);
        world.plan_in(patience_ms, Class::Work, move |world| rounds.lose_patience(world, number, sends));
    }

    /// A request arrives; a node that is down refuses the connection.
    pub fn deliver(self: &Arc<Rounds>, world: &Arc<World>, node: usize, attempt: Attempt) {
        if world.nodes[node].process().is_none() || self.turns_away_at_door(world, node) {
            return;
        }
        let waiting = self.inboxes[node].with(|inbox| {
            inbox.push(attempt);
            inbox.len()
        });
        if waiting == 1 {
            let delay_ms = world.random.with(|random| random.between(0, 900));
            self.plan_lane(world, node, delay_ms);
        }
    }

    /// No answer came in time: the client asks again with the same id, or gives up.
    fn lose_patience(self: &Arc<Rounds>, world: &Arc<World>, number: usize, sends: u32) {
        let asks_again = self.clients.with(|clients| {
            let wish = &clients.wishes[number];
            !wish.is_answered && wish.sends == sends && sends < SENDS_MAX
        });
        if asks_again {
            self.send(world, number);
        }
    }

    /// The lane has answered: what it says is held against what is there, and goes back to the clients.
    pub fn answer_batch(
        self: &Arc<Rounds>,
        world: &Arc<World>,
        node: usize,
        since: Since,
        batch: &[Attempt],
        replies: Vec<JoinReply>,
    ) {
        replies.iter().for_each(|reply| world.reach("answer", code_of(reply)));
        let codes: Vec<&str> = replies.iter().map(code_of).collect();
        world.note(&format!("node {node} joins: {}", codes.join(" ")));
        let checked = self.witness.with(|witness| {
            witness.end(batch);
            witness.check_answers(node, since, batch, &replies)
        });
        world.hold(checked);
        let lost: u64 = self.clients.with(|clients| {
            let answers = batch.iter().zip(&replies);
            answers
                .map(|(attempt, reply)| clients.hear(attempt.wish, reply, world.plan.network_loss_of_1000))
                .sum()
        });
        (0..lost).for_each(|_| world.fault("network: answer lost"));
    }

    /// Some players read their results and a pool, from some node.
    pub fn look_at_results(self: &Arc<Rounds>, world: &Arc<World>) {
        let (node, wallet, round) = self.clients.with(|clients| {
            let random = &mut clients.random;
            let (wallet, market) = (*random.pick(&self.plan.wallets), *random.pick(&self.plan.markets));
            let at = Timestamp::from_ms(world.now_ms() - random.between(0, 600_000));
            (random.index(world.serving), wallet, Round::current(market, at))
        });
        let read = world.step(node, |process| {
            let results = process.store.read("rounds.results", |tx| results::for_wallet(tx, wallet, 50, 0));
            let stats = process.store.read("rounds.pool", |tx| pool::stats(tx, &round.id()));
            let anchor = process.store.read("sim.anchor", |tx| {
                let kept = world.anchor.with(|kept| kept.clone());
                next_anchor(tx, kept.as_ref())
            });
            results.and_then(|results| Ok((results, stats?, anchor?)))
        });
        if let Some(Ok((results, stats, anchor))) = read {
            let kept = world.keep_anchor(anchor);
            world.hold(kept);
            let checked = self.witness.with(|witness| witness.check_reads(wallet, &results, round, &stats));
            world.hold(checked);
        }
        let pause_ms = world.random.with(|random| random.between(10_000, 120_000));
        let rounds = Arc::clone(self);
        world.plan_in(pause_ms, Class::Work, move |world| rounds.look_at_results(world));
    }
}

impl Clients {
    /// A client hears that its wish is entered.
    pub fn hear_early(&mut self, wish: Option<usize>) {
        wish.into_iter().for_each(|wish| self.wishes[wish].is_answered = true);
    }

    /// A client hears an answer, unless it is lost (then 1).
    fn hear(&mut self, wish: usize, reply: &JoinReply, loss_of_1000: u64) -> u64 {
        if self.random.chance(loss_of_1000, 1_000) {
            return 1;
        }
        let is_final = match reply {
            Ok(Ok(_)) => true,
            Ok(Err(JoinRejection::Paused | JoinRejection::RateLimited { .. })) => false,
            Ok(Err(_)) => true,
            Err(_) => false,
        };
        self.wishes[wish].is_answered |= is_final;
        0
    }
}

/// The code of an answer.
pub fn code_of(reply: &JoinReply) -> &'static str {
    match reply {
        Ok(Ok(Joined { created: true })) => "created",
        Ok(Ok(Joined { created: false })) => "known",
        Ok(Err(rejection)) => rejection.code(),
        Err(LaneFault::Unavailable(_)) => "unavailable",
        Err(LaneFault::Poison(_)) => "poison",
        Err(LaneFault::UnknownOutcome(_)) => "unknown_outcome",
        Err(LaneFault::Closed) => "closed",
    }
}
