//! Payouts in the simulation: obligations, senders on every node, two chains that misbehave, and their witness.

mod broken;
mod cancels;
mod coverage;
pub mod holdings;
mod obligations;
mod operators;
mod orders;
mod put_back;
mod resolvers;
pub mod rows;
mod sending;
pub mod wiring;
mod witness;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_chain::Attempt;
use tempfile::TempDir;

pub use coverage::CATALOGUE;
#[cfg(test)]
pub use obligations::Obligation;
#[cfg(test)]
pub use operators::{Act, Stop};
#[cfg(test)]
pub use resolvers::Decision;
#[cfg(test)]
pub use wiring::wallet;
pub use wiring::{migrations, prepare};
pub use witness::{BROADCAST, FINAL, HELD, MOVES, SIGNED};

use crate::broken::Bug;
use crate::chain::{Bench, Family, Network};
use crate::event::Class;
use crate::figures::Figures;
use crate::invariant::{Breach, require};
use crate::node::Place;
use crate::part::Part;
use crate::random::Random;
use crate::scenario::{Scenario, Simpler};
use crate::watching::Eye;
use crate::workload::{self, Memory, Workload};
use crate::world::World;
use obligations::{Desk, Waiting};
use operators::Operators;
use put_back::PutBack;
use resolvers::Resolvers;
use sending::Process;
use witness::{Recollection, Witness};

/// What each wallet is given at the start, in base units.
const FUNDS: u128 = 1_000_000;

/// What money that fills a wallet up is numbered from.
const FILLED_UP: u64 = 5_000_000;

/// See the module.
pub struct PayoutsRoom {
    scenario: Scenario,
    desk: Part<Desk>,
    operators: Part<Operators>,
    resolvers: Part<Resolvers>,
    networks: Part<BTreeMap<Family, Network>>,
    /// What waits for the accept lane of each node.
    inboxes: Vec<Part<Vec<Waiting>>>,
    witness: Part<Witness>,
    /// Where the journal of signed attempts is; without one no wallet pays again after a restore.
    journal: Option<TempDir>,
    put_back: PutBack,
    /// What wallets held at the last backup of a world in which nobody tells of restores.
    levels: Part<BTreeMap<Family, u128>>,
}

impl PayoutsRoom {
    /// Payouts in the world of a scenario that begins at `start_ms`, on so many serving nodes.
    pub fn new(scenario: &Scenario, start_ms: i64, nodes: usize) -> Arc<PayoutsRoom> {
        let seed = scenario.seed;
        let journal = Random::of(seed, "journal").chance(1, 2).then(wiring::journal_folder);
        let put_back = PutBack::of(scenario, journal.is_some());
        let mut networks: BTreeMap<Family, Network> =
            Family::ALL.map(|family| (family, Network::new(family, seed, start_ms))).into();
        for (family, network) in &mut networks {
            network.deposit(wiring::address(*family).as_str(), FUNDS, 0);
        }
        Arc::new(PayoutsRoom {
            scenario: scenario.clone(),
            desk: Part::new(Desk::new(seed, put_back)),
            operators: Part::new(Operators::new(seed)),
            resolvers: Part::new(Resolvers::new(seed)),
            networks: Part::new(networks),
            inboxes: (0..=nodes).map(|_| Part::default()).collect(),
            witness: Part::new(Witness::new(put_back)),
            journal,
            put_back,
            levels: Part::default(),
        })
    }

    fn is(&self, simpler: Simpler) -> bool {
        self.scenario.omitted.options.contains(&simpler)
    }

    /// Time passes on the chains also when nobody asks, and strangers send money.
    pub fn tick(self: &Arc<PayoutsRoom>, world: &Arc<World>, number: u64) {
        self.networks.with(|networks| {
            for (family, network) in networks.iter_mut() {
                network.advance(world.now_ms());
                if number % 41 == 40 {
                    // Each of another amount, so that a receipt tells which it is of.
                    network.deposit(wiring::address(*family).as_str(), 77 + u128::from(number), number);
                }
            }
        });
        self.observe(world);
        if number.is_multiple_of(12) {
            self.fill_up(number);
            self.match_wallets(world);
        }
        if number.is_multiple_of(12) && self.operators.with(|operators| operators.is_calm()) {
            self.let_wallets_run(world);
        }
        if number.is_multiple_of(6) && self.operators.with(|operators| operators.is_calm()) {
            self.send_unanswered(world);
        }
        let room = Arc::clone(self);
        world.plan_in(5_000, Class::Work, move |world| room.tick(world, number + 1));
    }

    /// Somebody sends as much as was paid since the backup: then no balance shows that an older state came back.
    fn fill_up(&self, number: u64) {
        if self.operators.with(|operators| operators.is_calm()) {
            return;
        }
        for (family, level) in self.levels.with(|levels| levels.clone()) {
            let account = wiring::address(family);
            self.with_network(family, |network| {
                let waiting: u128 =
                    network.arrivals(account.as_str()).iter().map(|(_, arrival)| arrival.amount).sum();
                let lacking = level.saturating_sub(network.account(account.as_str(), 0).balance + waiting);
                if lacking > 0 {
                    network.deposit(account.as_str(), lacking, FILLED_UP + number);
                }
            });
        }
    }

    /// Payments that were ever signed.
    #[cfg(test)]
    pub fn signed_payments(&self) -> usize {
        self.witness.with(|witness| witness.signed_payments())
    }

    /// Whether an older state comes back here without the journal, and nobody tells.
    #[cfg(test)]
    pub fn is_put_back_untold(&self) -> bool {
        self.put_back == PutBack::Untold
    }

    /// Payments that are not over.
    #[cfg(test)]
    pub fn under_way(&self) -> Vec<resolvers::UnderWay> {
        self.witness.with(|witness| witness.under_way())
    }

    /// Payouts that are not over.
    #[cfg(test)]
    pub fn open_intents(&self) -> Vec<i64> {
        self.witness.with(|witness| witness.open())
    }

    fn is_quiet(&self) -> bool {
        self.networks.with(|networks| networks.values().all(Network::is_quiet))
    }
}

impl Bench for PayoutsRoom {
    fn with_network<T>(&self, family: Family, work: impl FnOnce(&mut Network) -> T) -> T {
        self.networks.with(|networks| work(networks.get_mut(&family).expect("a chain of each family")))
    }

    fn leaves(&self, world: &World, _family: Family, attempt: &Attempt) {
        let checked = self.witness.with(|witness| witness.check_stored(attempt));
        world.hold(checked);
    }

    fn observe(&self, world: &World) {
        let news: Vec<_> =
            self.networks.with(|networks| networks.values_mut().flat_map(Network::take_news).collect());
        for landed in news {
            world.note(&format!("{} is final", &landed.id[..8]));
            let checked = self.witness.with(|witness| witness.admit_landed(landed));
            world.hold(checked);
        }
    }

    fn sends_when_signing(&self) -> bool {
        self.scenario.bug == Some(Bug::SendsBeforeRecord)
    }

    fn takes_silence_for_death(&self) -> bool {
        self.scenario.bug == Some(Bug::UnknownIsDead)
    }

    fn takes_word_for_final(&self) -> bool {
        self.scenario.bug == Some(Bug::TakesWordForFinal)
    }
}

impl Workload for PayoutsRoom {
    fn begin(self: Arc<Self>, world: &Arc<World>) {
        if self.resolvers.with(|resolvers| resolvers.are_there) {
            let resolvers = Arc::clone(&self);
            world.plan_in(60_000, Class::People, move |world| resolvers.resolve(world));
        }
        let (load, people, time) = (Arc::clone(&self), Arc::clone(&self), self);
        world.plan_in(15, Class::Load, move |world| load.burst(world));
        world.plan_in(90_000, Class::People, move |world| people.operate(world));
        world.plan_in(1_000, Class::Work, move |world| time.tick(world, 1));
    }

    fn start(self: Arc<Self>, world: &Arc<World>, place: Place<'_>) -> workload::Part {
        Box::new(Process::new(&self, world, place))
    }

    fn up(self: Arc<Self>, world: &Arc<World>, node: usize, generation: u64) {
        for family in Family::ALL {
            let room = Arc::clone(&self);
            world.plan_in(250, Class::Work, move |world| room.pay(world, node, generation, family));
        }
    }

    fn down(&self, node: usize) {
        self.inboxes[node].with(Vec::clear);
    }

    fn before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        self.spoil_before(world, node, unit);
    }

    fn committed(&self, node: usize, unit: &'static str) -> Result<(), Breach> {
        if !unit.starts_with("payouts.") || unit == "payouts.lease" {
            return Ok(());
        }
        self.witness.with(|witness| witness.look(Some(node)))
    }

    fn connect(&self, eye: &Eye) {
        self.witness.with(|witness| witness.connect(eye));
    }

    fn disconnect(&self) {
        self.witness.with(Witness::disconnect);
    }

    fn examine(&self, after_recovery: bool) -> Result<(), Breach> {
        let wallets = Family::ALL.map(|family| wiring::wallet(family).to_string());
        self.witness.with(|witness| witness.examine(&wallets, after_recovery))
    }

    fn fail_outside(&self, now_ms: i64, random: &mut Random) -> (&'static str, i64) {
        if self.is(Simpler::CalmUpstream) {
            return ("nothing fails outside", 0);
        }
        let family = *random.pick(&Family::ALL);
        let (name, span_ms) = self.with_network(family, |network| network.fail(now_ms, random));
        self.witness.with(|witness| witness.troubles.push(name));
        (name, span_ms)
    }

    fn put_right(self: Arc<Self>, world: &Arc<World>) {
        self.networks.with(|networks| networks.values_mut().for_each(Network::be_well));
        self.resume_everything(world);
        self.send_unanswered(world);
    }

    fn is_at_rest(&self) -> bool {
        self.is_quiet() && self.lacking().is_empty() && self.witness.with(|witness| witness.is_at_rest())
    }

    fn check_rest(&self) -> Result<(), Breach> {
        let lacking = self.lacking();
        require!(PaidOnce, lacking.is_empty(), "nothing stands in the way, and nobody accepted {lacking:?}");
        let truths = Family::ALL.map(|family| {
            let address = wiring::address(family);
            let truth = self.with_network(family, |network| network.truth(address.as_str()));
            (wiring::wallet(family).to_string(), truth)
        });
        self.witness.with(|witness| witness.check_rest(&truths))
    }

    fn remember(&self) -> Memory {
        if self.put_back != PutBack::Told {
            let level = |family: &Family| {
                self.with_network(*family, |network| {
                    network.account(wiring::address(*family).as_str(), 0).balance
                })
            };
            let levels = self.put_back.families().iter().map(|family| (*family, level(family))).collect();
            self.levels.with(|kept| *kept = levels);
        }
        let journal = self.journal.as_ref().filter(|_| self.put_back == PutBack::WithJournal);
        let journal = journal.map(|folder| std::fs::read(wiring::journal_file(folder)).unwrap_or_default());
        Box::new((self.witness.with(|witness| witness.remember()), journal))
    }

    fn go_back_to(&self, memory: &Memory) {
        let memory: &dyn Any = memory.as_ref();
        let (recollection, journal): &(Recollection, Option<Vec<u8>>) =
            memory.downcast_ref().expect("a memory of this room");
        self.witness.with(|witness| witness.go_back_to(recollection));
        if let (Some(folder), Some(journal)) = (&self.journal, journal) {
            std::fs::write(wiring::journal_file(folder), journal).expect("the journal is put back");
        }
    }

    fn count(&self, figures: &mut Figures) {
        self.witness.with(|witness| witness.count(figures));
    }
}
