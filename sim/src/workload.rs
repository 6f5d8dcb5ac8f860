//! What a room of the house brings into the simulation: its load, its work in each process, and its witness.

use std::any::Any;
use std::sync::Arc;

use crate::figures::Figures;
use crate::invariant::Breach;
use crate::node::Place;
use crate::random::Random;
use crate::watching::Eye;
use crate::world::World;

/// What of a room runs in one process; gone with it.
pub type Part = Box<dyn Any + Send + Sync>;
/// What a witness knew at a moment, kept beside a backup.
pub type Memory = Box<dyn Any + Send>;

/// A room in one world. All rooms of a world share its nodes, disk, store, time and trouble.
///
/// What a room promises to its users, and what its database and the outside must look like, it knows by itself; the
/// world tells it when to look.
pub trait Workload: Send + Sync {
    /// Plans what it begins with.
    fn begin(self: Arc<Self>, world: &Arc<World>);

    /// What of it runs in a process that has just opened its store.
    fn start(self: Arc<Self>, world: &Arc<World>, place: Place<'_>) -> Part;

    /// A serving node is up: plans its work there.
    fn up(self: Arc<Self>, world: &Arc<World>, node: usize, generation: u64);

    /// A process has ended, and with it what waited there.
    fn down(&self, node: usize);

    /// `unit` is about to begin a transaction on `node`; a planted bug may interfere.
    fn before(&self, world: &Arc<World>, node: usize, unit: &'static str);

    /// `unit` has committed on `node`, and nobody has been told yet.
    fn committed(&self, node: usize, unit: &'static str) -> Result<(), Breach>;

    /// Lets its witness look through `eye`.
    fn connect(&self, eye: &Eye);

    /// Closes its eye.
    fn disconnect(&self);

    /// Goes through everything; after a recovery also through what nobody was told.
    fn examine(&self, after_recovery: bool) -> Result<(), Breach>;

    /// Something outside fails for a while; what, and for how long (ms).
    fn fail_outside(&self, now_ms: i64, random: &mut Random) -> (&'static str, i64);

    /// Trouble has ended: the outside is well, and operators put back what they stopped.
    fn put_right(self: Arc<Self>, world: &Arc<World>);

    /// Whether nothing is left to do.
    fn is_at_rest(&self) -> bool;

    /// Holds what must be once nothing stands in the way any more.
    fn check_rest(&self) -> Result<(), Breach>;

    /// What the witness knows now.
    fn remember(&self) -> Memory;

    /// An older state was restored, and with it what the witness knew then.
    fn go_back_to(&self, memory: &Memory);

    /// Adds what was seen to the figures of the run.
    fn count(&self, figures: &mut Figures);
}
