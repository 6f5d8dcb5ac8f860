//! The desk's rows as the witness reads them, in one snapshot.

use std::collections::BTreeMap;

use bursar_faucet::adoption::MARK;
use rusqlite::{Connection, Row};

use crate::watching::Snapshot;

/// Kills and e8.
pub type Share = (i64, i64);

/// A row of `faucet_reward_accrual`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accrual {
    pub id: i64,
    pub user: i64,
    pub dry_run: bool,
    pub kills: i64,
    pub amount: i64,
    pub rate: i64,
    pub part: i64,
    pub account: Option<String>,
    pub baseline: i64,
    pub from: i64,
    pub to: i64,
    pub state: State,
    pub payout: Option<i64>,
    /// When it was earned, in minutes since the Unix epoch.
    pub minute: i64,
    /// Unix ms.
    pub settled_ms: Option<i64>,
}

/// How far an accrual is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Reserved,
    Settled,
    WrittenOff,
}

/// A row of `faucet_tally`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub user: i64,
    pub dry_run: bool,
    pub number: i64,
    /// Baseline and cursor.
    pub kills: Option<(i64, i64)>,
    pub total: Share,
    pub open: Share,
    pub reserved: Share,
    pub settled: Share,
    pub written_off: Share,
    pub folded: Share,
    pub ranges: String,
}

/// A row of `faucet_payout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    pub id: i64,
    pub user: i64,
    pub dry_run: bool,
    pub address: String,
    pub kills: i64,
    pub amount: i64,
    pub status: String,
    pub intent: Option<i64>,
    pub created_ms: i64,
    /// When it was last tried, Unix ms.
    pub attempted_ms: Option<i64>,
    /// What pays it.
    pub transaction: Option<String>,
    /// Whether it was adopted after a restore.
    pub is_adopted: bool,
}

impl Payout {
    /// Whether something of it may still be sent.
    pub fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "created" | "signed" | "held" | "published")
    }

    /// Whether nothing more becomes of it.
    pub fn is_over(&self) -> bool {
        self.status == "confirmed" || self.status == "failed"
    }

    /// Whether both are to pay the same.
    pub fn is_same_order(&self, other: &Payout) -> bool {
        let order = |of: &Payout| (of.user, of.dry_run, of.kills, of.amount, of.intent, of.created_ms);
        order(self) == order(other) && self.address == other.address
    }
}

/// A row of `faucet_user`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id that Discord has; none once erased.
    pub player: Option<String>,
    pub account: Option<String>,
    pub is_member: bool,
    pub eligibility: String,
}

/// A row of `faucet_totals`, in e8 but for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub kills: i64,
    pub accrued: i64,
    pub open: i64,
    pub reserved: i64,
    pub paid: i64,
}

/// Everything of the desk at one moment.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    pub accruals: BTreeMap<i64, Accrual>,
    pub tallies: Vec<Tally>,
    pub payouts: BTreeMap<i64, Payout>,
    pub totals: BTreeMap<bool, Totals>,
    pub users: BTreeMap<i64, User>,
    /// Live settings of caps: a day's and a week's.
    pub live_caps: (i64, i64),
    /// The desk's clock, Unix ms.
    pub clock_ms: i64,
    /// Credits less debits of what players are owed, in raw.
    pub owed: u128,
    /// Whether a finding says that payments are missing here.
    pub lacks_payments: bool,
}

const ACCRUALS: &str = "SELECT id, user_id, dry_run, kills, amount_e8, rate_e8, seq, epic_account_id, baseline_number, \
    cursor_from, cursor_to, state, payout_id, epoch_minute, settled_at FROM faucet_reward_accrual";
const TALLIES: &str = "SELECT user_id, dry_run, baseline_number, baseline_kills, last_settled_kill_count, total_kills, \
    total_e8, open_kills, open_e8, reserved_kills, reserved_e8, settled_kills, settled_e8, written_off_kills, \
    written_off_e8, folded_kills, folded_e8, folded_ranges FROM faucet_tally";
const PAYOUTS: &str = "SELECT id, user_id, dry_run, address, kills, amount_e8, status, intent, created_at, \
    last_attempt_at, tx_hash, error_detail FROM faucet_payout";
const USERS: &str =
    "SELECT id, discord_user_id, epic_account_id, discord_guild_member, eligibility FROM faucet_user";
const SWITCHES: &str = "SELECT key, value <> 'off' FROM faucet_config WHERE key IN \
    ('payouts_halted', 'accrual_halted', 'force_dry_run')";
const TOTALS: &str =
    "SELECT dry_run, accrued_kills, accrued_e8, open_e8, reserved_e8, paid_e8 FROM faucet_totals";
const CONFIG: &str = "SELECT key, value FROM faucet_config";
const OWED: &str = "SELECT debits, credits FROM ledger_account WHERE path = 'faucet/owed'";
const CLOCK: &str = "SELECT COALESCE(MAX(mark), 0) FROM store_clocks WHERE scope = 'faucet'";
const LACKS: &str =
    "SELECT COUNT(*) FROM faucet_finding WHERE kind IN ('payout.blind', 'payout.unknown') AND count > 0";

impl Desk {
    /// Reads it.
    pub fn read(connection: &Connection) -> rusqlite::Result<Desk> {
        let snapshot = Snapshot::of(connection)?;
        let mut desk = Desk::default();
        for row in snapshot.prepare_cached(ACCRUALS)?.query_map([], accrual)? {
            let row = row?;
            desk.accruals.insert(row.id, row);
        }
        desk.tallies = snapshot.prepare_cached(TALLIES)?.query_map([], tally)?.collect::<Result<_, _>>()?;
        for row in snapshot.prepare_cached(PAYOUTS)?.query_map([], payout)? {
            let row = row?;
            desk.payouts.insert(row.id, row);
        }
        desk.totals = snapshot.prepare_cached(TOTALS)?.query_map([], totals)?.collect::<Result<_, _>>()?;
        let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let config: BTreeMap<String, String> =
            snapshot.prepare_cached(CONFIG)?.query_map([], pair)?.collect::<Result<_, _>>()?;
        let number = |key: &str| config.get(key).and_then(|value| value.parse().ok()).unwrap_or(-1);
        desk.live_caps = (number("daily_kill_cap"), number("weekly_kill_cap"));
        let amount = |row: &Row<'_>, at: usize| row.get(at).map(u128::from_be_bytes);
        let owed =
            snapshot.prepare_cached(OWED)?.query_row([], |row| Ok((amount(row, 0)?, amount(row, 1)?)))?;
        desk.owed = owed.1.saturating_sub(owed.0);
        desk.clock_ms = snapshot.prepare_cached(CLOCK)?.query_row([], |row| row.get(0))?;
        desk.lacks_payments = lacks_payments(&snapshot)?;
        desk.users = snapshot.prepare_cached(USERS)?.query_map([], user)?.collect::<Result<_, _>>()?;
        Ok(desk)
    }

    /// Whether a player may not be paid: held for review, or revoked.
    pub fn keeps_back(&self, user: i64) -> bool {
        self.users.get(&user).is_some_and(|user| user.eligibility != "eligible")
    }
}

/// Whether a finding says that payments are missing here.
pub fn lacks_payments(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached(LACKS)?.query_row([], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

/// Whether payouts, accrual, and everything real are stopped. A switch without a row counts as on.
pub fn switches(connection: &Connection) -> rusqlite::Result<[bool; 3]> {
    let mut rows = connection.prepare_cached(SWITCHES)?;
    let pairs = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let stopped = pairs.collect::<Result<BTreeMap<String, bool>, _>>()?;
    let is_on = |key: &str| stopped.get(key).copied().unwrap_or(true);
    Ok(["payouts_halted", "accrual_halted", "force_dry_run"].map(is_on))
}

fn user(row: &Row<'_>) -> rusqlite::Result<(i64, User)> {
    let user =
        User { player: row.get(1)?, account: row.get(2)?, is_member: row.get(3)?, eligibility: row.get(4)? };
    Ok((row.get(0)?, user))
}

fn accrual(row: &Row<'_>) -> rusqlite::Result<Accrual> {
    Ok(Accrual {
        id: row.get(0)?,
        user: row.get(1)?,
        dry_run: row.get(2)?,
        kills: row.get(3)?,
        amount: row.get(4)?,
        rate: row.get(5)?,
        part: row.get(6)?,
        account: row.get(7)?,
        baseline: row.get(8)?,
        from: row.get(9)?,
        to: row.get(10)?,
        state: match row.get_ref(11)?.as_str()? {
            "open" => State::Open,
            "reserved" => State::Reserved,
            "settled" => State::Settled,
            _ => State::WrittenOff,
        },
        payout: row.get(12)?,
        minute: row.get(13)?,
        settled_ms: row.get(14)?,
    })
}

fn tally(row: &Row<'_>) -> rusqlite::Result<Tally> {
    let share = |at: usize| Ok::<Share, rusqlite::Error>((row.get(at)?, row.get(at + 1)?));
    let baseline: Option<i64> = row.get(3)?;
    Ok(Tally {
        user: row.get(0)?,
        dry_run: row.get(1)?,
        number: row.get(2)?,
        kills: baseline.zip(row.get::<_, Option<i64>>(4)?),
        total: share(5)?,
        open: share(7)?,
        reserved: share(9)?,
        settled: share(11)?,
        written_off: share(13)?,
        folded: share(15)?,
        ranges: row.get(17)?,
    })
}

fn payout(row: &Row<'_>) -> rusqlite::Result<Payout> {
    Ok(Payout {
        id: row.get(0)?,
        user: row.get(1)?,
        dry_run: row.get(2)?,
        address: row.get(3)?,
        kills: row.get(4)?,
        amount: row.get(5)?,
        status: row.get(6)?,
        intent: row.get(7)?,
        created_ms: row.get(8)?,
        attempted_ms: row.get(9)?,
        transaction: row.get(10)?,
        is_adopted: row.get::<_, Option<String>>(11)?.as_deref() == Some(MARK),
    })
}

fn totals(row: &Row<'_>) -> rusqlite::Result<(bool, Totals)> {
    let totals = Totals {
        kills: row.get(1)?,
        accrued: row.get(2)?,
        open: row.get(3)?,
        reserved: row.get(4)?,
        paid: row.get(5)?,
    };
    Ok((row.get(0)?, totals))
}
