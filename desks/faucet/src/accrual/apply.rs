//! One transaction of an accrual run: readings decided and saved, with the ledger and all sums.

use std::collections::HashMap;

use bursar_ledger::Book;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

use super::run::{AccrualParts, REFUSED, Run, player};
use super::spike;
use crate::CLOCK;
use crate::mode::Mode;
use crate::money::{Accounts, EARNED};
use crate::policy::damaged;
use crate::record::{ACCRUALS, Accrual, CountedAccount, Finding, Tally, Totals, User, WalletLink};
use crate::rules::accrual::{Decision, NewAccrual, PlayerReading, Reason, decide};
use crate::rules::ban::{BanE8, BanError};
use crate::rules::baseline::{Baseline, KillCursor, KillReading};
use crate::rules::hodl;
use crate::rules::holdings::{AccrualState, Share};
use crate::rules::rate::Multiplier;
use crate::settings::Values;

/// A player's reading.
pub struct Read {
    pub user_id: i64,
    pub epic_account_id: String,
    pub reading: KillReading,
}

/// What is saved together.
pub struct Page<'a> {
    pub reads: Vec<Read>,
    pub dry_run: bool,
    pub lease: &'a Lease,
}

/// Decides and saves a page. Does nothing when accrual was halted, or the mode changed, since it was read.
pub fn apply(tx: &mut Tx<'_>, parts: &AccrualParts, page: &Page<'_>) -> Result<Run, StoreError> {
    page.lease.check(tx)?;
    let now = tx.open_clock(CLOCK)?;
    let mode = Mode::locked(tx, &parts.switchboard, &parts.policy, now)?;
    if mode.accrual_halted || mode.dry_run != page.dry_run {
        return Ok(Run { is_halted: true, ..Run::default() });
    }
    spike::prepare(tx, parts, page.dry_run)?;
    // Accounts are locked before tallies, as the payouts room does when it tells of an end.
    let mut book = Book::default();
    let accounts = if page.dry_run { None } else { Some(Accounts::load(tx, &mut book)?) };
    let mut decided = decide_page(tx, parts, page, now)?;
    number(tx, &mut decided.accruals)?;
    if let Some(accounts) = accounts {
        post(tx, book, accounts, &decided.accruals, now)?;
    }
    Accrual::insert(tx, &decided.accruals, now)?;
    Tally::save(tx, &decided.tallies)?;
    let users: Vec<i64> = page.reads.iter().map(|read| read.user_id).collect();
    User::note_read(tx, &users, now)?;
    let mut totals = Totals::locked(tx, page.dry_run)?;
    for accrual in &decided.accruals {
        totals.accrued_kills += u64::from(accrual.kills);
        totals.accrued = totals.accrued.plus(accrual.amount).map_err(damaged)?;
        totals.open = totals.open.plus(accrual.amount).map_err(damaged)?;
    }
    if decided.run.refused > 0 {
        let detail = "growth of so many players is worth more than can be counted; it was not taken, and their kills wait";
        Finding::note(tx, REFUSED, stored(decided.run.refused), detail, now)?;
    }
    let flagged = spike::watch(tx, parts, &decided.accruals, page.dry_run, now)?;
    totals.flags += flagged;
    totals.save(tx, page.dry_run)?;
    if decided.run.regressed > 0 {
        let detail = "statistics were read below the cursor; nothing was earned or taken for it";
        Finding::note(tx, "kill_regress", stored(decided.run.regressed), detail, now)?;
    }
    tx.close_clock(CLOCK, now)?;
    Ok(Run { flagged, ..decided.run })
}

#[derive(Default)]
struct Decided {
    /// Everything ever accrued in this mode, with this page.
    accrued: BanE8,
    accruals: Vec<Accrual>,
    tallies: Vec<Tally>,
    run: Run,
}

fn decide_page(
    tx: &mut Tx<'_>,
    parts: &AccrualParts,
    page: &Page<'_>,
    now: Timestamp,
) -> Result<Decided, StoreError> {
    let ids: Vec<i64> = page.reads.iter().map(|read| read.user_id).collect();
    let tallies = Tally::load(tx, &ids, page.dry_run)?;
    let mut tallies: HashMap<i64, Tally> = tallies.into_iter().map(|tally| (tally.user_id, tally)).collect();
    let users: HashMap<i64, User> = User::peek(tx, &ids)?.into_iter().map(|user| (user.id, user)).collect();
    let links = WalletLink::of_users(tx, &ids)?;
    let live = Values::read(tx)?;
    let rates = parts.policy.rate_totals(tx, &live, now)?;
    // Only whoever holds the desk's clock adds to what was accrued.
    let mut decided = Decided { accrued: Totals::peek(tx, page.dry_run)?.accrued, ..Decided::default() };
    for read in &page.reads {
        let Some(user) = users.get(&read.user_id) else { continue };
        decided.run.considered += 1;
        let mut tally = tallies.remove(&user.id).unwrap_or_else(|| Tally::new(user.id, page.dry_run));
        let boost = match parts.policy.is_boost_on {
            true => hodl::tier(user.token_balance).multiplier,
            false => Multiplier::ONE,
        };
        let has_wallet = links.iter().any(|link| link.user_id == user.id && link.is_verified);
        let reading = PlayerReading { epic_account_id: &read.epic_account_id, reading: read.reading };
        let person = player(user, has_wallet, tally.baseline, tally.last_minute);
        let decision = rates.factors(boost).rate().and_then(|rate| decide(&person, reading, rate, now));
        match decision {
            Ok(Decision::Nothing(reason)) => {
                decided.run.unchanged += u64::from(reason == Reason::NoGrowth);
                if !matches!(reason, Reason::NoGrowth | Reason::SameMinute) {
                    continue;
                }
            }
            Ok(Decision::SetBaseline(baseline)) => {
                let counted = CountedAccount::counted(tx, &read.epic_account_id, page.dry_run)?;
                tally.baseline = baseline.not_below(counted);
            }
            Ok(Decision::Regress { .. }) => decided.run.regressed += 1,
            Ok(Decision::Accrue(new)) => {
                if let Err(error) = decided.accrue(user, &mut tally, new, now) {
                    decided.refuse(user, error);
                }
            }
            Err(error) => decided.refuse(user, error),
        }
        if let KillReading::Lifetime(lifetime) = read.reading {
            tally.last_reading = Some((now, lifetime));
        }
        decided.tallies.push(tally);
    }
    Ok(decided)
}

impl Decided {
    /// One player's growth that cannot be counted is nobody else's concern.
    fn refuse(&mut self, user: &User, error: BanError) {
        tracing::error!(player = user.id, %error, "growth is worth more than can be counted; the cursor stays");
        self.run.refused += 1;
    }

    /// Adds the row, or changes nothing where a sum would not fit: the player's, everybody's, or the ledger's.
    fn accrue(
        &mut self,
        user: &User,
        tally: &mut Tally,
        new: NewAccrual,
        now: Timestamp,
    ) -> Result<(), BanError> {
        let Baseline::Set { number, kills: KillCursor { baseline, .. } } = tally.baseline else {
            return Ok(());
        };
        let share = Share { kills: u64::from(new.kills), amount: new.amount };
        let accrued = self.accrued.plus(share.amount)?;
        accrued.to_raw()?;
        tally.holdings = tally.holdings.accrue(share)?;
        self.accrued = accrued;
        tally.baseline = Baseline::Set { number, kills: KillCursor { baseline, cursor: new.cursor_to } };
        tally.last_minute = Some(new.epoch_minute);
        tally.open_since = tally.open_since.or(Some(now));
        self.run.rows += 1;
        self.run.kills += share.kills;
        self.run.made.push((new.kills, user.region_code.clone()));
        self.accruals.push(Accrual {
            id: 0,
            user_id: user.id,
            dry_run: tally.dry_run,
            kills: new.kills,
            amount: new.amount,
            rate: new.rate,
            epoch_minute: new.epoch_minute,
            seq: 0,
            epic_account_id: user.epic_account_id.clone(),
            baseline_number: new.baseline_number,
            cursor_from: new.cursor_from,
            cursor_to: new.cursor_to,
            state: AccrualState::Open,
            payout_id: None,
            settled_at: None,
            created_at: now,
        });
        Ok(())
    }
}

fn number(tx: &mut Tx<'_>, accruals: &mut [Accrual]) -> Result<(), StoreError> {
    if accruals.is_empty() {
        return Ok(());
    }
    let first = tx.allocate(ACCRUALS, i64::try_from(accruals.len()).unwrap_or(i64::MAX))?;
    for (id, accrual) in (first..).zip(accruals) {
        accrual.id = id;
    }
    Ok(())
}

/// What was earned is owed from now on. A rate of nothing owes nothing.
fn post(
    tx: &mut Tx<'_>,
    mut book: Book,
    accounts: Accounts,
    accruals: &[Accrual],
    now: Timestamp,
) -> Result<(), StoreError> {
    for accrual in accruals.iter().filter(|accrual| !accrual.amount.is_zero()) {
        let raw = accrual.amount.to_raw().map_err(damaged)?;
        book.transfer(accounts.expense, accounts.owed, raw, EARNED, accrual.id)
            .map_err(|refusal| StoreError::Decode(format!("accrual {}: {refusal}", accrual.id)))?;
    }
    book.number(tx)?;
    book.write(tx, now)
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
