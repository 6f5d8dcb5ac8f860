//! The desk's work in a node: its join lane and its settler.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_control::Switchboard;
use bursar_rounds::join::{JoinRejection, JoinWork, Joined};
use bursar_rounds::settle::{SettleError, SettleReport, Settler, SettlerParts, TreasuryGuard, next_due};
use bursar_store::lane::{LaneFault, run_batch};
use bursar_store::{StoreError, Timestamp};
use parking_lot::Mutex;

use super::Rounds;
use super::broken::{JoinLane, SettleLane};
use super::upstream::NodePrices;
use super::wish::Attempt;
use crate::event::Class;
use crate::node::Place;
use crate::world::World;

/// Joins that a lane takes up at once.
const BATCH_MAX: usize = 24;
/// The longest a settler sleeps, ms.
const SETTLER_SLEEP_MAX_MS: i64 = 120_000;

/// What a join comes back with.
pub type JoinReply = Result<Result<Joined, JoinRejection>, LaneFault>;

/// What of the desk runs in one process.
pub struct Process {
    joins: Mutex<JoinLane>,
    settler: SettleLane,
}

impl Process {
    /// Lane and settler, as they are or with a bug.
    pub fn new(rounds: &Arc<Rounds>, world: &Arc<World>, place: Place<'_>) -> Process {
        let switchboard = Switchboard::new([], None);
        let Place { node, generation, store, .. } = place;
        let prices =
            NodePrices { world: Arc::downgrade(world), rounds: Arc::downgrade(rounds), node, generation };
        let parts = SettlerParts {
            store: Arc::clone(store),
            switchboard: switchboard.clone(),
            recorder: place.recorder("settle"),
            prices: Arc::new(prices),
            treasury: TreasuryGuard::Matches,
        };
        let bug = rounds.scenario.bug;
        let work = JoinWork::new(switchboard, place.recorder("joins"));
        Process {
            joins: Mutex::new(JoinLane::new(work, bug, Arc::downgrade(rounds))),
            settler: SettleLane::new(Settler::new(parts), Arc::clone(store), bug),
        }
    }
}

impl Rounds {
    /// A node's join lane takes up what waits.
    pub fn lane(self: &Arc<Rounds>, world: &Arc<World>, node: usize) {
        let batch: Vec<Attempt> = self.inboxes[node].with(|inbox| {
            let count = inbox.len().min(BATCH_MAX);
            inbox.drain(..count).collect()
        });
        if batch.is_empty() {
            return;
        }
        let since = self.witness.with(|witness| witness.begin(&batch));
        let replies = self.carry_out(world, node, &batch);
        match replies {
            Some(None) => {
                self.witness.with(|witness| witness.end(&batch));
                self.inboxes[node].with(|inbox| inbox.extend(batch));
                self.plan_lane(world, node, 5);
            }
            Some(Some(replies)) => {
                world.figures.with(|figures| figures.batch(batch.len()));
                self.answer_batch(world, node, since, &batch, replies);
            }
            None => world.note(&format!("node {node} died with {} joins in hand", batch.len())),
        }
        if self.inboxes[node].with(|inbox| !inbox.is_empty()) {
            self.plan_lane(world, node, 5);
        }
    }

    /// Runs a batch on a node; inside `None` when its lane is in the middle of another.
    pub fn carry_out(
        &self,
        world: &Arc<World>,
        node: usize,
        batch: &[Attempt],
    ) -> Option<Option<Vec<JoinReply>>> {
        let commands: Vec<_> = batch.iter().map(|attempt| attempt.command.clone()).collect();
        world.step(node, |process| {
            // The lane is one thread: while it is in the middle of a batch, what came since has to wait.
            let mut lane = process.room::<Process>().joins.try_lock()?;
            Some(run_batch(&process.store, &mut *lane, &commands))
        })
    }

    /// Lets a node's lane take up what waits, in a moment.
    pub fn plan_lane(self: &Arc<Rounds>, world: &Arc<World>, node: usize, delay_ms: i64) {
        let rounds = Arc::clone(self);
        world.plan_in(delay_ms, Class::Work, move |world| rounds.lane(world, node));
    }

    /// A node's settler runs once and sleeps until it is needed, if the node is still in that run.
    pub fn settle(self: &Arc<Rounds>, world: &Arc<World>, node: usize, generation: u64) {
        if world.nodes[node].generation() != generation {
            return;
        }
        let done = world.step(node, |process| {
            let report = process.room::<Process>().settler.run();
            (report, process.store.read("rounds.next_due", next_due))
        });
        world.reach("settler", "runs");
        let Some((report, due)) = done else { return };
        let sleep_ms = sleep_after(&report, due, world.nodes[node].clock_ms.load(Ordering::SeqCst));
        match &report {
            Ok(report) if report.checked == 0 => {}
            Ok(report) => {
                world.note(&format!("node {node} settled {} of {}", report.settled.len(), report.checked));
            }
            Err(SettleError::Store(error)) => {
                world.note(&format!("node {node} could not settle: {}", world.error_kind(error)));
            }
            Err(error) => {
                world.reach("settler", "paused");
                world.note(&format!("node {node} did not settle: {error}"));
            }
        }
        let jitter_ms = world.random.with(|random| random.between(0, 300));
        let rounds = Arc::clone(self);
        world.plan_in(sleep_ms + jitter_ms, Class::Work, move |world| rounds.settle(world, node, generation));
    }
}

fn sleep_after(
    report: &Result<SettleReport, SettleError>,
    due: Result<Option<Timestamp>, StoreError>,
    now_ms: i64,
) -> i64 {
    match (report, due) {
        (Ok(_), Ok(Some(due))) => (due.ms() - now_ms).clamp(500, SETTLER_SLEEP_MAX_MS),
        (Ok(_), Ok(None)) => SETTLER_SLEEP_MAX_MS,
        _ => 8_000,
    }
}
