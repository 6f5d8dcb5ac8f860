//! The faucet in the simulation: players whose kills grow, statistics that fail, every node at accrual, settlement and
//! payment, operators, and a witness of each kill and each e8.

mod adopting;
mod broken;
mod coverage;
mod operators;
mod players;
mod statistics;
mod terms;
mod wiring;
mod witness;
mod working;

use std::any::Any;
use std::sync::Arc;

use bursar_chain::Attempt;
use bursar_faucet::rules::abuse::Verdict;
use bursar_faucet::settings::{BAN_PER_KILL_E8, DAILY_KILL_CAP, WEEKLY_KILL_CAP};
use tempfile::TempDir;

pub use coverage::CATALOGUE;
pub use wiring::prepare;

use crate::chain::{Bench, Family, Network};
use crate::event::Class;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::invariant::Breach;
use crate::node::Place;
use crate::part::Part;
use crate::payouts::wiring::journal_folder;
use crate::random::Random;
use crate::scenario::{Scenario, Simpler};
use crate::watching::Eye;
use crate::workload::{self, Memory, Workload};
use crate::world::World;
use operators::{Act, Operators, Stop};
use players::Players;
use statistics::Game;
use terms::{BAN_RAW, Terms};
use wiring::{FAMILY, Process};
use witness::{Recollection, Witness};

/// What the operator puts in once all is well, in BAN: more than anybody is owed.
const TOP_UP_BAN: u128 = 20_000;

/// See the module.
pub struct FaucetRoom {
    scenario: Scenario,
    terms: Terms,
    players: Part<Players>,
    operators: Part<Operators>,
    game: Part<Game>,
    network: Part<Network>,
    witness: Part<Witness>,
    /// Where the journal of signed attempts is; without one no wallet pays again after a restore until somebody has looked.
    journal: Option<TempDir>,
}

impl FaucetRoom {
    /// The faucet in the world of a scenario that begins at `start_ms`.
    pub fn new(scenario: &Scenario, start_ms: i64) -> Arc<FaucetRoom> {
        let (seed, terms) = (scenario.seed, Terms::of(scenario));
        Arc::new(FaucetRoom {
            scenario: scenario.clone(),
            players: Part::new(Players::new(seed, terms.changes_wallets)),
            operators: Part::new(Operators::new(seed)),
            game: Part::default(),
            network: Part::new(Network::new(FAMILY, seed, start_ms)),
            witness: Part::new(Witness::new(&terms)),
            journal: terms.has_journal.then(journal_folder),
            terms,
        })
    }

    /// What the wallet holds at first comes in.
    fn fund(&self) {
        let own = players::own_address();
        let to = crate::payouts::wiring::address(FAMILY);
        let raw = u128::from(self.terms.funds) * BAN_RAW;
        self.network.with(|network| network.deposit_from(&own, to.as_str(), raw, 0));
    }

    /// Time passes on the chain also when nobody asks.
    fn tick(self: &Arc<FaucetRoom>, world: &Arc<World>, number: u64) {
        self.network.with(|network| network.advance(world.now_ms()));
        self.observe(world);
        if number.is_multiple_of(8) {
            self.match_wallet(world);
        }
        let room = Arc::clone(self);
        world.plan_in(15_000, Class::Work, move |world| room.tick(world, number + 1));
    }
}

impl Bench for FaucetRoom {
    fn with_network<T>(&self, _: Family, work: impl FnOnce(&mut Network) -> T) -> T {
        self.network.with(work)
    }

    fn leaves(&self, world: &World, _: Family, attempt: &Attempt) {
        world.hold(self.witness.with(|witness| witness.check_stored(attempt)));
    }

    fn observe(&self, world: &World) {
        for landed in self.network.with(Network::take_news) {
            world.note(&format!("{} is final", &landed.id[..8]));
            world.hold(self.witness.with(|witness| witness.admit_landed(&landed)));
        }
    }

    fn sends_when_signing(&self) -> bool {
        false
    }

    fn takes_silence_for_death(&self) -> bool {
        false
    }

    fn takes_word_for_final(&self) -> bool {
        false
    }
}

impl Workload for FaucetRoom {
    fn begin(self: Arc<Self>, world: &Arc<World>) {
        let (load, people, funds, time) = (Arc::clone(&self), Arc::clone(&self), Arc::clone(&self), self);
        match time.terms.funds_after_ms {
            0 => funds.fund(),
            after_ms => world.plan_in(after_ms, Class::Work, move |_| funds.fund()),
        }
        world.plan_in(15, Class::Load, move |world| load.burst(world));
        world.plan_in(90_000, Class::People, move |world| people.operate(world));
        world.plan_in(1_000, Class::Work, move |world| time.tick(world, 1));
    }

    fn start(self: Arc<Self>, world: &Arc<World>, place: Place<'_>) -> workload::Part {
        Box::new(Process::new(&self, world, place))
    }

    fn up(self: Arc<Self>, world: &Arc<World>, node: usize, generation: u64) {
        self.begin_work(world, node, generation);
    }

    fn down(&self, _node: usize) {}

    fn before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        if unit == "faucet.accrue" {
            // The statistics took their time, in which others acted.
            let generation = world.nodes[node].generation();
            let spent_ms = world.random.with(|random| random.between(50, 12_000));
            world.go_to(world.now_ms() + spent_ms);
            world.let_others_run(1, 2);
            world.check_alive(node, generation);
        }
        self.witness.with(|witness| witness.outside.now_ms = world.now_ms());
        self.spoil_before(world, node, unit);
    }

    fn committed(&self, _node: usize, unit: &'static str) -> Result<(), Breach> {
        match unit {
            "faucet.lease" | "faucet.release" | "faucet.open" | "payouts.lease" => Ok(()),
            // It only moves the desk's clock, and `faucet.pruned` follows many that do nothing: what they did is seen with the
            // next commit, or with the recovery.
            "faucet.accrual_begin" | "faucet.prune" => Ok(()),
            _ if unit.starts_with("faucet.") => self.witness.with(|witness| witness.look(true)),
            _ if unit.starts_with("payouts.") => self.witness.with(|witness| witness.look(false)),
            _ => Ok(()),
        }
    }

    fn connect(&self, eye: &Eye) {
        self.witness.with(|witness| witness.connect(eye));
    }

    fn disconnect(&self) {
        self.witness.with(Witness::disconnect);
    }

    fn examine(&self, _after_recovery: bool) -> Result<(), Breach> {
        self.witness.with(Witness::examine)
    }

    fn fail_outside(&self, now_ms: i64, random: &mut Random) -> (&'static str, i64) {
        if self.scenario.omitted.options.contains(&Simpler::CalmUpstream) {
            return ("nothing fails outside", 0);
        }
        let (area, (name, span_ms)) = if random.chance(1, 2) {
            ("chain", self.network.with(|network| network.fail(now_ms, random)))
        } else {
            ("statistics", self.game.with(|game| game.fail(random, now_ms)))
        };
        self.witness.with(|witness| witness.troubles.push((area, name)));
        (name, span_ms)
    }

    fn put_right(self: Arc<Self>, world: &Arc<World>) {
        self.network.with(Network::be_well);
        self.game.with(Game::be_well);
        self.deposit(world, true, TOP_UP_BAN * BAN_RAW);
        for act in [
            Act::Set(DAILY_KILL_CAP, -1),
            Act::Set(WEEKLY_KILL_CAP, -1),
            Act::Set(BAN_PER_KILL_E8, 0),
            Act::Resume(Stop::Accrual),
            Act::Resume(Stop::Reality),
            Act::Resume(Stop::Payouts),
            Act::Review(Verdict::FalsePositive),
            Act::Lift,
        ] {
            self.act(world, act);
        }
        let room = Arc::clone(&self);
        world.plan_in(30_000, Class::Work, move |world| room.tend(world));
    }

    fn is_at_rest(&self) -> bool {
        let played = self.game.with(|game| game.truth());
        self.network.with(|network| network.is_quiet())
            && self.witness.with(|witness| witness.is_at_rest(&played))
    }

    fn check_rest(&self) -> Result<(), Breach> {
        let own = crate::payouts::wiring::address(FAMILY);
        let truth = self.network.with(|network| network.truth(own.as_str()));
        let played = self.game.with(|game| game.truth());
        self.witness.with(|witness| witness.check_rest(&truth, &played))
    }

    fn remember(&self) -> Memory {
        Box::new(self.witness.with(|witness| witness.remember()))
    }

    fn go_back_to(&self, memory: &Memory) {
        let memory: &dyn Any = memory.as_ref();
        let recollection: &Recollection = memory.downcast_ref().expect("a memory of this room");
        self.witness.with(|witness| witness.go_back_to(recollection));
    }

    fn count(&self, figures: &mut Figures) {
        self.witness.with(|witness| witness.count(figures));
    }
}

impl FaucetRoom {
    /// Once all is well, operators see to it that nothing stays missing, held or halted.
    fn tend(self: &Arc<FaucetRoom>, world: &Arc<World>) {
        if self.witness.with(|witness| witness.lacks_payments()) {
            self.adopt(world);
        }
        let (gates, is_halted) = self.witness.with(|witness| (witness.gates, witness.is_halted()));
        for (stop, gate) in Stop::ALL.into_iter().zip(gates) {
            if gate != Gate::Open || (stop == Stop::Payouts && is_halted) {
                self.act(world, Act::Resume(stop));
            }
        }
        self.act(world, Act::Lift);
        for intent in self.witness.with(|witness| witness.held_intents()) {
            self.act(world, Act::Release(intent));
        }
        let room = Arc::clone(self);
        world.plan_in(60_000, Class::Work, move |world| room.tend(world));
    }
}
