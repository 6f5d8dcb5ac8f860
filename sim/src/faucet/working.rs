//! The faucet's work in a node: accrual, settlement, payments, pruning and comparing, each in its own rhythm.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_audit::Actor;
use bursar_faucet::accrual::Run;
use bursar_faucet::settlement::{Cycle, Skipped};
use bursar_faucet::upkeep::{prune, reconcile, reconcile_all};
use bursar_payouts::Turn;
use bursar_store::lease::Lease;
use bursar_store::{Store, StoreError, Timestamp};

use super::FaucetRoom;
use super::wiring::{Process, operator};
use crate::chain::Bench;
use crate::event::Class;
use crate::node;
use crate::seat::SLEEP_MAX_MS;
use crate::world::World;

/// How long a run may take before another process takes it over, ms.
const LEASE_MS: i64 = 15_000;
/// Between two runs of accrual on one node, ms.
const ACCRUAL_GAP_MS: i64 = 70_000;
/// Between two settlements, ms.
const SETTLEMENT_GAP_MS: i64 = 90_000;
/// Between two rounds of upkeep, ms.
const UPKEEP_GAP_MS: i64 = 600_000;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Accrual,
    Settlement,
    Upkeep,
}

impl Job {
    /// All of them.
    pub const ALL: [Job; 3] = [Job::Accrual, Job::Settlement, Job::Upkeep];

    fn gap_ms(self) -> i64 {
        match self {
            Job::Accrual => ACCRUAL_GAP_MS,
            Job::Settlement => SETTLEMENT_GAP_MS,
            Job::Upkeep => UPKEEP_GAP_MS,
        }
    }
}

impl Process {
    /// Runs `work` while this process holds the lease; `None` = another one does.
    fn alone<T>(
        &self,
        store: &Store,
        name: &str,
        work: impl FnOnce(&Lease) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let lease = store.transact("faucet.lease", |tx| {
            let now = tx.reading()?;
            Lease::take(tx, name, &self.holder, now, LEASE_MS)
        })?;
        let Some(lease) = lease else { return Ok(None) };
        let done = work(&lease);
        store.transact("faucet.release", |tx| lease.release(tx))?;
        done.map(Some)
    }

    fn accrue(&self, store: &Arc<Store>) -> Result<Option<Run>, StoreError> {
        let desk = self.desk(store)?;
        self.alone(store, "faucet.accrual", |lease| desk.accrual.run(lease, &|| false))
    }

    fn settle(&self, store: &Arc<Store>) -> Result<Option<Cycle>, StoreError> {
        let desk = self.desk(store)?;
        self.alone(store, "faucet.settlement", |lease| desk.settlement.run(lease, &|| false))
    }

    /// Prunes and compares; how many rows went, and what does not add up.
    fn keep_up(&self, store: &Arc<Store>) -> Result<(u64, String), StoreError> {
        let faucet = &self.desk(store)?.faucet;
        let pruned = prune(faucet, faucet.config.retention, &Actor::system("faucet.prune"), &|| false)?;
        let found = reconcile(faucet)?;
        // The comparison of the wallet sleeps in real time while something of it is under way.
        if store.read("faucet.rests", |tx| faucet.payouts.is_at_rest(tx, &operator()))?
            && let Err(fault) = reconcile_all(faucet, &|| false)
        {
            return Err(StoreError::Unavailable(fault.to_string()));
        }
        let mismatches = found
            .mismatches
            .counts()
            .into_iter()
            .filter(|(kind, count)| *count > 0 && *kind != "stale" && *kind != "regress");
        Ok((pruned.accruals, mismatches.map(|(kind, count)| format!("{count} {kind} ")).collect()))
    }
}

impl FaucetRoom {
    /// Plans all work of a node that is up.
    pub fn begin_work(self: &Arc<FaucetRoom>, world: &Arc<World>, node: usize, generation: u64) {
        for job in Job::ALL {
            let delay_ms = world.random.with(|random| random.between(200, job.gap_ms()));
            self.plan_job(world, node, generation, job, delay_ms);
        }
        let room = Arc::clone(self);
        world.plan_in(250, Class::Work, move |world| room.pay(world, node, generation));
    }

    fn plan_job(
        self: &Arc<FaucetRoom>,
        world: &Arc<World>,
        node: usize,
        generation: u64,
        job: Job,
        delay_ms: i64,
    ) {
        let room = Arc::clone(self);
        world.plan_in(delay_ms, Class::Work, move |world| room.work(world, node, generation, job));
    }

    fn work(self: &Arc<FaucetRoom>, world: &Arc<World>, node: usize, generation: u64, job: Job) {
        if world.nodes[node].generation() != generation {
            return;
        }
        let done = match job {
            Job::Accrual => self.accrue(world, node),
            Job::Settlement => self.settle(world, node),
            Job::Upkeep => self.keep_up(world, node),
        };
        let Some(done) = done else { return };
        let gap_ms = match done {
            Ok(()) => world.random.with(|random| random.between(job.gap_ms() / 3, job.gap_ms() * 5 / 3)),
            Err(error) => {
                world.reach("faucet", "work fails");
                world.note(&format!("node {node} {job:?} fails: {}", world.error_kind(&error)));
                8_000
            }
        };
        self.plan_job(world, node, generation, job, gap_ms);
    }

    fn accrue(&self, world: &Arc<World>, node: usize) -> Option<Result<(), StoreError>> {
        let page = self.game.with(|game| game.page(world.now_ms()));
        self.witness
            .with(|witness| page.told().for_each(|(account, kills)| witness.outside.tell(account, kills)));
        let done = world.step(node, |process: &node::Process| {
            let faucet = process.room::<Process>();
            faucet.statistics.show(page.clone());
            faucet.accrue(&process.store)
        })?;
        Some(done.map(|run| {
            let Some(run) = run else { return world.reach("faucet", "another one accrues") };
            for (count, what) in [
                (run.rows, "kills accrued"),
                (run.regressed, "a reading below the cursor"),
                (run.flagged, "a player flagged"),
                (u64::from(run.is_halted), "accrual halted"),
            ] {
                if count > 0 {
                    world.reach("faucet", what);
                }
            }
            world.note(&format!("node {node} accrued {} kills in {} rows", run.kills, run.rows));
        }))
    }

    fn settle(&self, world: &Arc<World>, node: usize) -> Option<Result<(), StoreError>> {
        let done =
            world.step(node, |process: &node::Process| process.room::<Process>().settle(&process.store))?;
        Some(done.map(|cycle| {
            let Some(cycle) = cycle else { return world.reach("faucet", "another one settles") };
            if let Some(skipped) = cycle.skipped {
                world.reach("settlement", skipped_word(skipped));
            }
            if cycle.payouts > 0 {
                world.reach("settlement", if cycle.dry_run { "pays in dry-run" } else { "pays" });
            }
            if cycle.resumed > 0 {
                world.reach("settlement", "held payouts go on");
            }
            world.figures.with(|figures| figures.batch(usize::try_from(cycle.payouts).unwrap_or(0)));
            world.note(&format!("node {node} settled: {:?}, {} payouts", cycle.skipped, cycle.payouts));
        }))
    }

    fn keep_up(&self, world: &Arc<World>, node: usize) -> Option<Result<(), StoreError>> {
        let done =
            world.step(node, |process: &node::Process| process.room::<Process>().keep_up(&process.store))?;
        Some(done.map(|(pruned, mismatches)| {
            if pruned > 0 {
                world.reach("faucet", "rows pruned");
            }
            world.reach("faucet", "reconciled");
            world.note(&format!("node {node} pruned {pruned}; {mismatches}"));
            let checked = super::witness::check_reconciled(&mismatches);
            world.hold(checked);
        }))
    }

    /// A node takes a turn for the operator's wallet, and plans the next, if it is still in that run.
    pub fn pay(self: &Arc<FaucetRoom>, world: &Arc<World>, node: usize, generation: u64) {
        if world.nodes[node].generation() != generation {
            return;
        }
        let turn = world.step(node, |process: &node::Process| {
            let faucet = process.room::<Process>();
            faucet.desk(&process.store)?;
            let mut seat = faucet.seat.try_lock().expect("one turn at a time");
            seat.turn(&process.store, &faucet.payouts, &operator(), &faucet.holder)
        });
        let Some(turn) = turn else { return };
        let now_ms = world.nodes[node].clock_ms.load(Ordering::SeqCst);
        let sleep = |until: &Timestamp| (until.ms() - now_ms).clamp(50, SLEEP_MAX_MS);
        let sleep_ms = match &turn {
            Ok(Turn::Worked) => 30,
            Ok(Turn::Idle { until }) => until.as_ref().map_or(SLEEP_MAX_MS, sleep),
            Ok(Turn::Waiting { until, why }) => {
                world.note(&format!("node {node} waits: {why}"));
                sleep(until)
            }
            Err(error) => {
                world.note(&format!("node {node} cannot pay: {}", world.error_kind(error)));
                8_000
            }
        };
        let jitter_ms = world.random.with(|random| random.between(0, 90));
        let room = Arc::clone(self);
        world.plan_in(sleep_ms + jitter_ms, Class::Work, move |world| room.pay(world, node, generation));
        self.observe(world);
    }
}

fn skipped_word(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Halted => "skipped: halted",
        Skipped::ModeChanged => "skipped: the mode changed",
        Skipped::NoWallet => "skipped: no wallet",
        Skipped::WalletStill => "skipped: the wallet stands still",
        Skipped::BelowFloor => "skipped: below the floor",
        Skipped::SchedulerHalted => "skipped: the scheduler is halted",
    }
}
