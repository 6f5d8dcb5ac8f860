//! Erasing a player: whatever names a person goes, what was paid stays under the player's number, what was not paid is
//! given up (docs/spec/faucet.md section 6).

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_ledger::Book;
use bursar_payouts::{IntentId, IntentState, Payouts, Rejection};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Map, Value, json};

use crate::money::{Accounts, WRITTEN_OFF};
use crate::policy::damaged;
use crate::record::{Accrual, CountedAccount, KeptAnswer, Payout, Tally, Totals, User, WalletLink};
use crate::rules::baseline::Baseline;
use crate::rules::eligibility::Eligibility;
use crate::rules::holdings::{AccrualState, Share};
use crate::{CLOCK, DESK};

/// Why a payout is taken back.
const WHY: &str = "the player was erased";
/// Payouts that are taken back at a time once their wallet is matched.
const AT_ONCE_MAX: i64 = 100;
/// Name of the audit row.
pub const ERASED: &str = "faucet.user_erased";

/// What an erasure did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Live accruals given up.
    pub written_off: Share,
    /// Payouts taken back before anything was signed.
    pub cancelled: u64,
    /// Payouts that were signed already: they are sent, and nothing of them can be taken back.
    pub under_way: u64,
    /// Payouts that may have been paid before a restore: [`take_back_erased`] ends them once their wallet is matched.
    pub waiting: u64,
}

/// With what an erasure works.
pub struct Eraser<'a> {
    /// The payouts room.
    pub payouts: &'a Payouts,
    /// The audit chain of this writer.
    pub recorder: &'a Recorder,
    /// The audit row, with who asked for it and why; see [`erasure`]. What was done is added to it.
    pub event: &'a Event,
}

/// The audit row of an erasure that no request asked for.
#[must_use]
pub fn erasure(by: Actor, reason: &str) -> Event {
    Event {
        level: Level::Warn,
        desk: DESK,
        name: ERASED,
        actor: by,
        target: Target { kind: "player", id: String::new() },
        request_id: None,
        correlation_id: None,
        payload: json!({"reason": reason}).to_string(),
    }
}

/// Erases a player in the caller's transaction, which has opened the desk's clock; `None` = nobody to erase.
pub fn erase(
    tx: &mut Tx<'_>,
    eraser: &Eraser<'_>,
    user: i64,
    now: Timestamp,
) -> Result<Option<Erased>, StoreError> {
    let Some(mut person) = User::load(tx, &[user])?.pop().filter(|user| user.erased_at.is_none()) else {
        return Ok(None);
    };
    let mut erased = Erased::default();
    for payout in Payout::under_way(tx, user)? {
        let Some(intent) = payout.intent else { continue };
        let by = &eraser.event.actor;
        let count = match eraser.payouts.cancel(tx, IntentId(intent), by, WHY, eraser.recorder, now)? {
            Ok(state) if state.is_ended() => &mut erased.cancelled,
            Err(Rejection::WalletUnmatched) => &mut erased.waiting,
            Ok(_) | Err(_) => &mut erased.under_way,
        };
        *count += 1;
    }
    erased.written_off = write_off(tx, user, person.epic_account_id.as_deref(), now)?;
    for sql in [
        "DELETE FROM faucet_verification_record WHERE user_id = $1",
        "DELETE FROM faucet_abuse_flag WHERE user_id = $1",
        "DELETE FROM faucet_nonce WHERE user_id = $1",
        "UPDATE faucet_reward_accrual SET epic_account_id = NULL WHERE user_id = $1",
    ] {
        tx.execute(sql, &[user.into()])?;
    }
    WalletLink::erase(tx, user)?;
    let names = [&person.discord_user_id, &person.epic_account_id, &person.solana_address];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    KeptAnswer::erase(tx, &names)?;
    forget(&mut person, now);
    User::save(tx, &[person], now)?;
    eraser.recorder.record(tx, &[finished(eraser.event, user, &erased)?], now)?;
    Ok(Some(erased))
}

fn forget(person: &mut User, now: Timestamp) {
    *person = User {
        id: person.id,
        discord_user_id: None,
        discord_username: None,
        is_guild_member: false,
        epic_account_id: None,
        eligibility: Eligibility::Revoked,
        region_code: None,
        solana_address: None,
        token_balance: 0,
        token_verified_at: None,
        verified_at: None,
        last_read_at: None,
        last_settlement_at: person.last_settlement_at,
        erased_at: Some(now),
        created_at: person.created_at,
    };
}

/// Gives up what is open, in both modes. What was earned for real is owed no longer.
fn write_off(tx: &mut Tx<'_>, user: i64, account: Option<&str>, now: Timestamp) -> Result<Share, StoreError> {
    let mut book = Book::default();
    let accounts = Accounts::load(tx, &mut book)?;
    let mut given_up = Share::NONE;
    for dry_run in [false, true] {
        let Some(mut tally) = Tally::load(tx, &[user], dry_run)?.pop() else { continue };
        let mut open = Accrual::open(tx, &[user], dry_run)?;
        let share = tally.holdings.open;
        for accrual in &mut open {
            (accrual.state, accrual.settled_at) = (AccrualState::WrittenOff, Some(now));
        }
        Accrual::update(tx, &open, now)?;
        tally.holdings =
            tally.holdings.shift(share, AccrualState::Open, AccrualState::WrittenOff).map_err(damaged)?;
        tally.open_since = None;
        if let Some(account) = account {
            CountedAccount::note(tx, account, dry_run, tally.baseline)?;
        }
        tally.baseline = Baseline::Pending { number: tally.baseline.number().saturating_add(1) };
        (tally.last_reading, tally.folded.ranges) =
            (None, crate::rules::cursor_ranges::CursorRanges::default());
        Tally::save(tx, [&tally])?;
        if !dry_run && !share.amount.is_zero() {
            let raw = share.amount.to_raw().map_err(damaged)?;
            book.transfer(accounts.owed, accounts.expense, raw, WRITTEN_OFF, user)
                .map_err(|refusal| StoreError::Decode(format!("player {user}: {refusal}")))?;
        }
        let mut totals = Totals::locked(tx, dry_run)?;
        totals.open = totals.open.minus(share.amount).map_err(damaged)?;
        totals.save(tx, dry_run)?;
        if !dry_run {
            given_up = share;
        }
    }
    book.number(tx)?;
    book.write(tx, now)?;
    Ok(given_up)
}

/// Takes back payouts of erased players that could not be taken back when their players were erased, because their wallet
/// was not matched with its chain. Says how many: none, as long as it is not.
pub fn take_back_erased(
    tx: &mut Tx<'_>,
    payouts: &Payouts,
    by: &Actor,
    recorder: &Recorder,
) -> Result<u64, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let mut taken_back = 0;
    for payout in Payout::of_erased(tx, AT_ONCE_MAX)? {
        let Some(intent) = payout.intent else { continue };
        let done = payouts.cancel(tx, IntentId(intent), by, WHY, recorder, now)?;
        taken_back += u64::from(done.is_ok_and(IntentState::is_ended));
    }
    tx.close_clock(CLOCK, now)?;
    Ok(taken_back)
}

/// Gives up what a payout under way gave back after its player was erased: it failed, and nobody is there to be paid.
/// Says whether there was anybody.
pub fn write_off_erased(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let sql = "SELECT u.id FROM faucet_user u JOIN faucet_tally t ON t.user_id = u.id \
               WHERE u.erased_at IS NOT NULL AND t.open_kills > 0 ORDER BY u.id LIMIT 1";
    let Some(user) = tx.query_first(sql, &[], |row| row.get::<i64>(0))? else { return Ok(0) };
    write_off(tx, user, None, now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(1)
}

/// The audit row with what was done.
fn finished(event: &Event, user: i64, erased: &Erased) -> Result<Event, StoreError> {
    let unusable = |error: serde_json::Error| StoreError::Decode(error.to_string());
    let mut payload: Map<String, Value> = serde_json::from_str(&event.payload).map_err(unusable)?;
    let done = [
        ("kills", json!(erased.written_off.kills)),
        ("ban", json!(erased.written_off.amount)),
        ("cancelled", json!(erased.cancelled)),
        ("underWay", json!(erased.under_way)),
        ("waiting", json!(erased.waiting)),
    ];
    payload.extend(done.map(|(name, value)| (name.to_owned(), value)));
    Ok(Event {
        target: Target { kind: "player", id: user.to_string() },
        payload: Value::Object(payload).to_string(),
        ..event.clone()
    })
}
