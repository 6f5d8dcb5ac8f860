//! One accrual run: page after page of players, read side by side, saved together.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bursar_control::Switchboard;
use bursar_store::lease::Lease;
use bursar_store::{Store, StoreError, Timestamp};

use super::apply::{Page, Read, apply};
use crate::mode::Mode;
use crate::policy::Policy;
use crate::record::{Tally, User, WalletLink};
use crate::rules::accrual::Player;
use crate::rules::baseline::{Baseline, KillReading};
use crate::upstream::{KillQuestion, Problem, Reading, Upstreams};

/// Players read and saved together.
const PAGE: i64 = 200;
/// Questions to the statistics at a time (docs/spec/faucet.md 5.5).
const AT_ONCE: usize = 4;
/// How long one player's reading may wait for its turn; whoever is not reached stands in front in the next run.
const PATIENCE: Duration = Duration::from_secs(30);

/// What accrual works with.
#[derive(Clone)]
pub struct AccrualParts {
    /// The database.
    pub store: Arc<Store>,
    /// Sources of stops.
    pub switchboard: Switchboard,
    /// The real services.
    pub live: Upstreams,
    /// Their stand-ins in dry-run.
    pub dry_run: Upstreams,
    /// The configuration.
    pub policy: Arc<Policy>,
}

/// Counts kills.
pub struct AccrualRun {
    parts: AccrualParts,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `accrual_halted` is on or cannot be read, or the mode changed meanwhile: nothing more was done.
    pub is_halted: bool,
    /// Players whose turn it was.
    pub considered: u64,
    /// Accruals made.
    pub rows: u64,
    /// Readings without growth.
    pub unchanged: u64,
    /// Kills accrued.
    pub kills: u64,
    /// Readings below the cursor.
    pub regressed: u64,
    /// Flags raised.
    pub flagged: u64,
    /// Kills and region of each accrual, for metrics.
    pub made: Vec<(u32, Option<String>)>,
}

impl Run {
    pub(super) fn add(&mut self, page: Run) {
        self.considered += page.considered;
        self.rows += page.rows;
        self.unchanged += page.unchanged;
        self.kills += page.kills;
        self.regressed += page.regressed;
        self.flagged += page.flagged;
        self.made.extend(page.made);
    }
}

impl AccrualRun {
    /// With everything it works with.
    #[must_use]
    pub fn new(parts: AccrualParts) -> AccrualRun {
        AccrualRun { parts }
    }

    /// Reads everybody once, under a lease: whoever lost it commits nothing more. Ends early when our own limit on
    /// questions is used up, or when `is_stopping`.
    pub fn run(&self, lease: &Lease, is_stopping: &dyn Fn() -> bool) -> Result<Run, StoreError> {
        let (mode, began) = self.parts.store.read("faucet.accrual_plan", |tx| {
            let now = tx.reading()?;
            Ok((Mode::peek(tx, &self.parts.switchboard, &self.parts.policy, now)?, now))
        })?;
        let mut run = Run { is_halted: mode.accrual_halted, ..Run::default() };
        while !run.is_halted && !is_stopping() {
            let page = self.page(mode.dry_run, began)?;
            if page.is_empty() {
                break;
            }
            let (reads, is_exhausted) = self.ask(mode.dry_run, page);
            let page = Page { reads, dry_run: mode.dry_run, lease };
            let done = self.parts.store.transact("faucet.accrue", |tx| apply(tx, &self.parts, &page))?;
            run.is_halted = done.is_halted;
            run.add(done);
            if is_exhausted {
                break;
            }
        }
        Ok(run)
    }

    /// The next players, with the cursor that each reading is compared with.
    fn page(&self, dry_run: bool, began: Timestamp) -> Result<Vec<Asked>, StoreError> {
        self.parts.store.read("faucet.accrual_page", |tx| {
            let users = User::to_read(tx, began, PAGE)?;
            let ids: Vec<i64> = users.iter().map(|user| user.id).collect();
            let links = WalletLink::of_users(tx, &ids)?;
            let tallies = Tally::peek(tx, &ids, dry_run)?;
            let asked = users.into_iter().map(|user| {
                let tally = tallies.iter().find(|tally| tally.user_id == user.id);
                let baseline = tally.map_or(Baseline::NONE, |tally| tally.baseline);
                let has_wallet = links.iter().any(|link| link.user_id == user.id && link.is_verified);
                let is_due = player(&user, has_wallet, baseline, None).requirements().missing().is_none();
                let cursor = match baseline {
                    Baseline::Pending { .. } => None,
                    Baseline::Set { kills, .. } => Some(u64::from(kills.cursor)),
                };
                Asked { user_id: user.id, account: user.epic_account_id.unwrap_or_default(), cursor, is_due }
            });
            Ok(asked.collect())
        })
    }

    /// Asks about a page, a few at a time. Says also whether our own limit left somebody out.
    fn ask(&self, dry_run: bool, page: Vec<Asked>) -> (Vec<Read>, bool) {
        let upstreams = if dry_run { &self.parts.dry_run } else { &self.parts.live };
        let share = page.len().div_ceil(AT_ONCE).max(1);
        let answers: Vec<(Asked, Option<Reading<u64>>)> = thread::scope(|scope| {
            let parts: Vec<_> = page
                .chunks(share)
                .map(|part| {
                    scope.spawn(|| part.iter().map(|asked| answer(upstreams, asked)).collect::<Vec<_>>())
                })
                .collect();
            parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
        });
        let mut is_exhausted = false;
        let reads = answers.into_iter().filter_map(|(asked, reading)| {
            let reading = match reading {
                None => KillReading::Unavailable,
                Some(Reading::Unavailable(problem)) if problem.problem == Problem::LocallyLimited => {
                    is_exhausted = true;
                    return None;
                }
                Some(reading) => KillReading::of_answer(reading.found()),
            };
            Some(Read { user_id: asked.user_id, epic_account_id: asked.account, reading })
        });
        let reads = reads.collect();
        (reads, is_exhausted)
    }
}

/// A player whose turn it is.
#[derive(Clone, Debug)]
struct Asked {
    user_id: i64,
    account: String,
    cursor: Option<u64>,
    /// Whether kills could accrue at all; nobody else is asked about.
    is_due: bool,
}

fn answer(upstreams: &Upstreams, asked: &Asked) -> (Asked, Option<Reading<u64>>) {
    let question = KillQuestion { account: &asked.account, cursor: asked.cursor };
    let reading = asked.is_due.then(|| upstreams.kills.lifetime_kills(question, PATIENCE));
    (asked.clone(), reading)
}

/// A player as the rules see one.
pub(crate) fn player<'a>(
    user: &'a User,
    has_verified_wallet: bool,
    baseline: Baseline,
    last_minute: Option<i64>,
) -> Player<'a> {
    Player {
        epic_account_id: user.epic_account_id.as_deref(),
        has_verified_wallet,
        is_guild_member: user.is_guild_member,
        eligibility: user.eligibility,
        baseline,
        last_minute,
    }
}
