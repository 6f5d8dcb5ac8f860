//! One accrual run: page after page of players, read side by side, saved together.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bursar_audit::Recorder;
use bursar_control::Switchboard;
use bursar_keys::KeyId;
use bursar_payouts::Payouts;
use bursar_store::lease::Lease;
use bursar_store::{Store, StoreError, Timestamp};

use super::apply::{Page, Read, apply};
use crate::CLOCK;
use crate::mode::Mode;
use crate::policy::Policy;
use crate::record::{Finding, Tally, User, WalletLink};
use crate::rules::accrual::Player;
use crate::rules::baseline::{Baseline, KillReading};
use crate::upstream::{KillQuestion, Problem, Reading, Upstreams};

/// Players read and saved together.
const PAGE: i64 = 200;
/// Questions to the statistics at a time (docs/spec/faucet.md 5.5).
const AT_ONCE: usize = 4;
/// How long one player's reading may wait for its turn; whoever is not reached stands in front in the next run.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a page is read at most before what was read is saved.
const PAGE_TIME: Duration = Duration::from_secs(15);
/// How often it is looked whether the process stops.
const LOOK: Duration = Duration::from_millis(100);
/// The finding of kills whose amount nothing can hold.
pub(super) const REFUSED: &str = "accrual.refused";

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
    /// The payouts room; what it has accepted for a player who is held now waits.
    pub payouts: Payouts,
    /// Name of the operator's wallet.
    pub operator: KeyId,
    /// The audit chain of this writer.
    pub recorder: Arc<Recorder>,
}

/// Counts kills.
pub struct AccrualRun {
    parts: AccrualParts,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `accrual_halted` is on or cannot be read, `scheduler_halted` was when the run began, or the mode changed meanwhile:
    /// nothing more was done.
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
    /// Readings whose growth is worth more than can be counted: the cursor stays, and the others go on.
    pub refused: u64,
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
        self.refused += page.refused;
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
    /// questions is used up, or when `is_stopping`; what was read by then is saved.
    pub fn run(&self, lease: &Lease, is_stopping: &dyn Fn() -> bool) -> Result<Run, StoreError> {
        let (mode, began) = self.begin()?;
        let is_halted = mode.accrual_halted || mode.scheduler_halted;
        let mut run = Run { is_halted, ..Run::default() };
        while !run.is_halted && !is_stopping() {
            let page = self.page(mode.dry_run, began)?;
            if page.is_empty() {
                self.clear_refusals(&run)?;
                break;
            }
            let (reads, is_exhausted) = self.ask(mode.dry_run, &page, is_stopping);
            if !reads.is_empty() {
                let page = Page { reads, dry_run: mode.dry_run, lease };
                let done = self.parts.store.transact("faucet.accrue", |tx| apply(tx, &self.parts, &page))?;
                run.is_halted = done.is_halted;
                run.add(done);
            }
            if is_exhausted {
                break;
            }
        }
        Ok(run)
    }

    /// The mode, and when the run begins by the desk's clock, which never goes back: whoever was read before is told by it
    /// from whoever still is to be.
    fn begin(&self) -> Result<(Mode, Timestamp), StoreError> {
        self.parts.store.transact("faucet.accrual_begin", |tx| {
            let now = tx.open_clock(CLOCK)?;
            let mode = Mode::peek(tx, &self.parts.switchboard, &self.parts.policy, now)?;
            tx.close_clock(CLOCK, now)?;
            Ok((mode, now))
        })
    }

    /// Once everybody was read and nobody refused, an earlier finding is put right.
    fn clear_refusals(&self, run: &Run) -> Result<(), StoreError> {
        let store = &self.parts.store;
        if run.refused > 0 || !store.read("faucet.refusals", |tx| Finding::is_open(tx, REFUSED))? {
            return Ok(());
        }
        store.transact("faucet.refusals", |tx| {
            let now = tx.reading()?;
            Finding::note(tx, REFUSED, 0, "", now).map(|_| ())
        })
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

    /// Asks about a page, a few at a time, for as long as there is time. Says also whether our own limit left somebody out.
    /// Whoever was not asked stands in front next time.
    fn ask(&self, dry_run: bool, page: &[Asked], is_stopping: &dyn Fn() -> bool) -> (Vec<Read>, bool) {
        let upstreams = if dry_run { &self.parts.dry_run } else { &self.parts.live };
        let share = page.len().div_ceil(AT_ONCE).max(1);
        let is_over = AtomicBool::new(false);
        let answers = thread::scope(|scope| {
            let (tell, told) = channel();
            let askers: Vec<_> = page
                .chunks(share)
                .map(|part| {
                    let (tell, is_over) = (tell.clone(), || is_over.load(Ordering::Relaxed));
                    scope.spawn(move || {
                        for asked in part.iter().take_while(|_| !is_over()) {
                            // The receiver waits for every asker.
                            let _ = tell.send((asked, answer(upstreams, asked, &is_over)));
                        }
                    })
                })
                .collect();
            drop(tell);
            let mut answers = gather(&told, &is_over, is_stopping);
            // Whoever answers first is chance; the order of rows is not.
            answers.sort_unstable_by_key(|(asked, _)| asked.user_id);
            for asker in askers {
                // Whoever was not answered for because of a panic is left out; the panic stands in the log.
                let _ = asker.join();
            }
            answers
        });
        let mut is_exhausted = false;
        let reads = answers.into_iter().filter_map(|(asked, reading)| {
            let reading = match reading {
                None => KillReading::Unavailable,
                Some(Reading::Unavailable(problem)) if problem.problem == Problem::LocallyLimited => {
                    is_exhausted |= !is_over.load(Ordering::Relaxed);
                    return None;
                }
                Some(reading) => KillReading::of_answer(reading.found()),
            };
            Some(Read { user_id: asked.user_id, epic_account_id: asked.account.clone(), reading })
        });
        let reads = reads.collect();
        (reads, is_exhausted)
    }
}

type Answer<'a> = (&'a Asked, Option<Reading<u64>>);

/// Takes answers until every asker has ended, and lets them end once the page has had its time or the process stops.
fn gather<'a>(
    told: &Receiver<Answer<'a>>,
    is_over: &AtomicBool,
    is_stopping: &dyn Fn() -> bool,
) -> Vec<Answer<'a>> {
    let (began, mut answers) = (Instant::now(), Vec::new());
    loop {
        match told.recv_timeout(LOOK) {
            Ok(answer) => answers.push(answer),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return answers,
        }
        if began.elapsed() >= PAGE_TIME || is_stopping() {
            is_over.store(true, Ordering::Relaxed);
        }
    }
}

/// A player whose turn it is.
struct Asked {
    user_id: i64,
    account: String,
    cursor: Option<u64>,
    /// Whether kills could accrue at all; nobody else is asked about.
    is_due: bool,
}

fn answer(upstreams: &Upstreams, asked: &Asked, is_over: &dyn Fn() -> bool) -> Option<Reading<u64>> {
    let question = KillQuestion { account: &asked.account, cursor: asked.cursor };
    asked.is_due.then(|| upstreams.kills.lifetime_kills_unless(question, PATIENCE, is_over))
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
