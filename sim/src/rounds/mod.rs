//! The rounds desk in the simulation: players, operators, the price service, lanes and settlers, and their witness.

mod broken;
mod clients;
mod coverage;
mod lanes;
mod operators;
mod plan;
mod upstream;
mod wish;
mod witness;

use std::any::Any;
use std::sync::Arc;

pub use coverage::CATALOGUE;
#[cfg(test)]
pub use lanes::JoinReply;
#[cfg(test)]
pub use operators::{Act, Stoppable};
pub use plan::RoundsPlan;
pub use wish::Attempt;
#[cfg(test)]
pub use wish::{Content, Wish};

use crate::event::Class;
use crate::figures::Figures;
use crate::invariant::Breach;
use crate::node::Place;
use crate::part::Part;
use crate::random::Random;
use crate::scenario::{Scenario, Simpler};
use crate::watching::Eye;
use crate::workload::{self, Memory, Workload};
use crate::world::World;
use clients::Clients;
use lanes::Process;
use operators::Operators;
use upstream::Upstream;
use witness::{Recollection, Witness};

/// Units of work that change what the witness knows.
const WATCHED: [&str; 5] =
    ["rounds.join", "rounds.freeze", "rounds.post", "broken.pay_again", "broken.keep_remainder"];

/// See the module.
pub struct Rounds {
    scenario: Scenario,
    plan: RoundsPlan,
    clients: Part<Clients>,
    operators: Part<Operators>,
    upstream: Part<Upstream>,
    /// What waits for the join lane of each node.
    inboxes: Vec<Part<Vec<Attempt>>>,
    pub(crate) witness: Part<Witness>,
}

impl Rounds {
    /// The desk in the world of a scenario, on so many serving nodes.
    pub fn new(scenario: &Scenario, plan: RoundsPlan, nodes: usize) -> Arc<Rounds> {
        let seed = scenario.seed;
        Arc::new(Rounds {
            scenario: scenario.clone(),
            clients: Part::new(Clients::new(seed)),
            operators: Part::new(Operators::new(seed)),
            upstream: Part::new(Upstream::new(seed, plan.upstream_faults_of_100)),
            inboxes: (0..=nodes).map(|_| Part::default()).collect(),
            witness: Part::new(Witness::new(seed)),
            plan,
        })
    }

    fn is(&self, simpler: Simpler) -> bool {
        self.scenario.omitted.options.contains(&simpler)
    }
}

impl Workload for Rounds {
    fn begin(self: Arc<Self>, world: &Arc<World>) {
        let (load, people, reads) = (Arc::clone(&self), Arc::clone(&self), self);
        world.plan_in(10, Class::Load, move |world| load.burst(world));
        world.plan_in(60_000, Class::People, move |world| people.operate(world));
        world.plan_in(70_000, Class::Work, move |world| reads.look_at_results(world));
    }

    fn start(self: Arc<Self>, world: &Arc<World>, place: Place<'_>) -> workload::Part {
        Box::new(Process::new(&self, world, place))
    }

    fn up(self: Arc<Self>, world: &Arc<World>, node: usize, generation: u64) {
        world.plan_in(200, Class::Work, move |world| self.settle(world, node, generation));
    }

    fn down(&self, node: usize) {
        self.inboxes[node].with(Vec::clear);
    }

    fn before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        self.spoil_before(world, node, unit);
    }

    fn committed(&self, node: usize, unit: &'static str) -> Result<(), Breach> {
        if !WATCHED.contains(&unit) {
            return Ok(());
        }
        self.witness.with(|witness| witness.look(Some(node)))
    }

    fn connect(&self, eye: &Eye) {
        self.witness.with(|witness| witness.connect(eye));
    }

    fn disconnect(&self) {
        self.witness.with(Witness::disconnect);
        self.operators.with(Operators::leave);
    }

    fn examine(&self, after_recovery: bool) -> Result<(), Breach> {
        self.witness.with(|witness| {
            if after_recovery {
                witness.look(None)?;
            }
            witness.examine()
        })
    }

    fn fail_outside(&self, now_ms: i64, random: &mut Random) -> (&'static str, i64) {
        if self.is(Simpler::CalmUpstream) {
            return ("nothing fails outside", 0);
        }
        let longest_ms = *random.pick(&[20_000, 120_000, 1_500_000]);
        let span_ms = random.between(5_000, longest_ms);
        let trouble = self.upstream.with(|upstream| upstream.fail_until(now_ms + span_ms, random));
        (trouble.name(), span_ms)
    }

    fn put_right(self: Arc<Self>, world: &Arc<World>) {
        self.upstream.with(Upstream::be_well);
        self.resume_everything(world);
    }

    fn is_at_rest(&self) -> bool {
        self.witness.with(|witness| witness.is_at_rest())
    }

    fn check_rest(&self) -> Result<(), Breach> {
        self.witness.with(|witness| witness.check_settled())
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
