//! The demonstration: players who do not exist, with kills that nobody made. In dry-run only, so no money is real.

use bursar_access::Entropy;
use bursar_audit::{Actor, Recorder};
use bursar_banano::Seed;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::CLOCK;
use crate::cycles::CycleFault;
use crate::faucet::Faucet;
use crate::identity::verify::{conclude, known, peek};
use crate::identity::wallet::link;
use crate::identity::{Found, Outcome, Source};
use crate::policy::damaged;
use crate::record::{ACCRUALS, Accrual, Tally, Totals, User};
use crate::rules::ban::BanE8;
use crate::rules::baseline::{Baseline, KillCursor};
use crate::rules::holdings::{AccrualState, Share};
use crate::settlement::Cycle;
use crate::upkeep::{Eraser, erase, erasure};

/// Players of the demonstration: Discord id, name, Epic account.
const PLAYERS: [(&str, &str, &str); 3] = [
    ("demo_user_001", "DemoPlayer", "epic_demo_001"),
    ("demo_user_002", "DemoRival", "epic_demo_002"),
    ("demo_user_003", "DemoRookie", "epic_demo_003"),
];
/// What a kill earns here: 2.1 BAN.
const RATE_E8: i64 = 210_000_000;

/// The first player, signed in.
pub fn sign_in(faucet: &Faucet) -> Outcome<User> {
    let [first, ..] = PLAYERS;
    verified(faucet, first)
}

/// Makes the players, with wallets, open accruals, and two payouts of the first.
pub fn seed(faucet: &Faucet) -> Outcome<Result<Cycle, CycleFault>> {
    let mut last = Cycle::default();
    for (index, player) in (0..).zip(PLAYERS) {
        if let Err(rejection) = verified(faucet, player)? {
            return Ok(Err(rejection));
        }
        let address =
            Seed::from_bytes(*b"bursar demonstration players....").secret_key(index).public_key().address();
        if let Err(rejection) = link(faucet, player.0, &address)? {
            return Ok(Err(rejection));
        }
        for _ in 0..if index == 0 { 2 } else { 0 } {
            earn(faucet, player.0, draw(faucet, 5, 15))?;
            match faucet.settle(&|| false) {
                Ok(cycle) => last = cycle,
                Err(fault) => return Ok(Ok(Err(fault))),
            }
        }
    }
    for (id, ..) in PLAYERS {
        for _ in 0..draw(faucet, 3, 8) {
            earn(faucet, id, draw(faucet, 1, 7))?;
        }
    }
    Ok(Ok(Ok(last)))
}

/// Lets every player earn something, and settles.
pub fn run(faucet: &Faucet) -> Result<Cycle, CycleFault> {
    for (id, ..) in PLAYERS {
        earn(faucet, id, draw(faucet, 1, 5))?;
    }
    faucet.settle(&|| false)
}

/// Erases the players; how many there were.
pub fn clear(faucet: &Faucet, recorder: &Recorder) -> Result<u64, StoreError> {
    let event = erasure(Actor::system("faucet.demo"), "the demonstration ended");
    faucet.platform.store.transact("faucet.demo_clear", |tx| {
        let now = tx.open_clock(CLOCK)?;
        let mut gone = 0;
        for (id, ..) in PLAYERS {
            let Some(user) = peek(tx, id)? else { continue };
            let eraser = Eraser { payouts: &faucet.payouts, recorder, event: &event };
            gone += u64::from(erase(tx, &eraser, user.id, now)?.is_some());
        }
        tx.close_clock(CLOCK, now)?;
        Ok(gone)
    })
}

fn verified(faucet: &Faucet, (id, name, epic): (&str, &str, &str)) -> Outcome<User> {
    let found = Found {
        discord_user_id: id.to_owned(),
        username: Some(name.to_owned()),
        is_member: Some(true),
        epic_account_id: Some(epic.to_owned()),
        region: None,
        source: Source::DemoLogin,
        is_invented: true,
    };
    conclude(faucet, &known(faucet, id)?, &found)
}

/// Adds an open accrual of so many kills in a minute of its own, with everything that sums it up.
fn earn(faucet: &Faucet, discord_user_id: &str, kills: u32) -> Result<(), StoreError> {
    faucet.platform.store.transact("faucet.demo_earn", |tx| {
        let now = tx.open_clock(CLOCK)?;
        let Some(user) = peek(tx, discord_user_id)? else { return Ok(()) };
        let Some(tally) = Tally::load(tx, &[user.id], true)?.pop() else { return Ok(()) };
        if let Some((tally, accrual)) = earned(tx, &user, tally, kills, now)? {
            Accrual::insert(tx, std::slice::from_ref(&accrual), now)?;
            Tally::save(tx, [&tally])?;
            let mut totals = Totals::locked(tx, true)?;
            totals.accrued_kills += u64::from(kills);
            totals.accrued = totals.accrued.plus(accrual.amount).map_err(damaged)?;
            totals.open = totals.open.plus(accrual.amount).map_err(damaged)?;
            totals.save(tx, true)?;
        }
        tx.close_clock(CLOCK, now)
    })
}

fn earned(
    tx: &mut Tx<'_>,
    user: &User,
    mut tally: Tally,
    kills: u32,
    now: Timestamp,
) -> Result<Option<(Tally, Accrual)>, StoreError> {
    let Baseline::Set { number, kills: KillCursor { baseline, cursor } } = tally.baseline else {
        return Ok(None);
    };
    let cursor_to = cursor.saturating_add(kills);
    let rate = BanE8::new(RATE_E8).map_err(damaged)?;
    let amount = rate.times(u64::from(kills)).map_err(damaged)?;
    let minute = now.ms().div_euclid(60_000).max(tally.last_minute.map_or(0, |last| last + 1));
    tally.baseline = Baseline::Set { number, kills: KillCursor { baseline, cursor: cursor_to } };
    tally.last_minute = Some(minute);
    tally.last_reading = Some((now, cursor_to));
    tally.open_since = tally.open_since.or(Some(now));
    let share = Share { kills: u64::from(kills), amount };
    tally.holdings.open = tally.holdings.open.plus(share).map_err(damaged)?;
    let accrual = Accrual {
        id: tx.allocate(ACCRUALS, 1)?,
        user_id: user.id,
        dry_run: true,
        kills,
        amount,
        rate,
        epoch_minute: minute,
        seq: 0,
        epic_account_id: user.epic_account_id.clone(),
        baseline_number: number,
        cursor_from: cursor,
        cursor_to,
        state: AccrualState::Open,
        payout_id: None,
        settled_at: None,
        created_at: now,
    };
    Ok(Some((tally, accrual)))
}

/// A number from `low` to `high`.
fn draw(faucet: &Faucet, low: u32, high: u32) -> u32 {
    let entropy: &dyn Entropy = &*faucet.platform.entropy;
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    low + u32::from_be_bytes(bytes) % (high - low + 1)
}
