//! Rows as lists show them: the leaderboard, the feed, a player's own lists, what administrators did. Each reads one page
//! along an index; nothing adds up history.

use bursar_store::{Row, StoreError, Timestamp, Tx};

use super::number::{ban, large, word};
use crate::rules::ban::BanE8;
use crate::rules::holdings::AccrualState;
use crate::rules::payout_state::{PayoutState, PublicStatus};

/// A player on the leaderboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRow {
    /// The player.
    pub user_id: i64,
    /// The name; none once erased.
    pub username: Option<String>,
    /// Boost tokens.
    pub token_balance: u64,
    /// Kills ever accrued.
    pub kills: u64,
    /// BAN ever accrued.
    pub accrued: BanE8,
    /// BAN paid.
    pub paid: BanE8,
}

/// Players of a mode, most kills first and then by id.
pub fn board(tx: &mut Tx<'_>, dry_run: bool, limit: i64, offset: i64) -> Result<Vec<BoardRow>, StoreError> {
    let sql = "SELECT t.user_id, u.discord_username, u.jpmt_balance, t.total_kills, t.total_e8, t.settled_e8 \
               FROM faucet_tally t JOIN faucet_user u ON u.id = t.user_id WHERE t.dry_run = $1 \
               ORDER BY t.total_kills DESC, t.user_id LIMIT $2 OFFSET $3";
    tx.query(sql, &[dry_run.into(), limit.into(), offset.into()], |row| {
        Ok(BoardRow {
            user_id: row.get(0)?,
            username: row.get(1)?,
            token_balance: large(row.get(2)?)?,
            kills: large(row.get(3)?)?,
            accrued: ban(row.get(4)?)?,
            paid: ban(row.get(5)?)?,
        })
    })
}

/// An accrual in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccrualRow {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// Its kills.
    pub kills: i64,
    /// What they earned.
    pub amount: BanE8,
    /// How far it is.
    pub state: AccrualState,
    /// Its minute.
    pub epoch_minute: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The newest accruals of everybody in a mode.
pub fn newest_accruals(tx: &mut Tx<'_>, dry_run: bool, limit: i64) -> Result<Vec<AccrualRow>, StoreError> {
    let sql = "SELECT id, user_id, kills, amount_e8, state, epoch_minute, created_at FROM faucet_reward_accrual \
               WHERE dry_run = $1 ORDER BY id DESC LIMIT $2";
    tx.query(sql, &[dry_run.into(), limit.into()], accrual)
}

/// A player's accruals in a mode, newest first; `settled` picks those that are paid, or those that are not.
pub fn accruals_of(
    tx: &mut Tx<'_>,
    (user, dry_run): (i64, bool),
    settled: Option<bool>,
    (limit, offset): (i64, i64),
) -> Result<Vec<AccrualRow>, StoreError> {
    let sql = "SELECT id, user_id, kills, amount_e8, state, epoch_minute, created_at FROM faucet_reward_accrual \
               WHERE user_id = $1 AND dry_run = $2 AND ((state = 'settled' AND $3) OR (state <> 'settled' AND $4)) \
               ORDER BY epoch_minute DESC, seq DESC LIMIT $5 OFFSET $6";
    let (paid, unpaid) = (settled.unwrap_or(true), !settled.unwrap_or(false));
    tx.query(
        sql,
        &[user.into(), dry_run.into(), paid.into(), unpaid.into(), limit.into(), offset.into()],
        accrual,
    )
}

fn accrual(row: &Row<'_>) -> Result<AccrualRow, StoreError> {
    Ok(AccrualRow {
        id: row.get(0)?,
        user_id: row.get(1)?,
        kills: row.get(2)?,
        amount: ban(row.get(3)?)?,
        state: word(&row.get::<String>(4)?, AccrualState::from_word)?,
        epoch_minute: row.get(5)?,
        created_at: row.get(6)?,
    })
}

/// A payout in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutRow {
    /// Its id.
    pub id: i64,
    /// Whom it pays.
    pub user_id: i64,
    /// How much.
    pub amount: BanE8,
    /// How far it is.
    pub state: PayoutState,
    /// Its transaction.
    pub tx_hash: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The newest payouts of everybody in a mode.
pub fn newest_payouts(tx: &mut Tx<'_>, dry_run: bool, limit: i64) -> Result<Vec<PayoutRow>, StoreError> {
    let sql = "SELECT id, user_id, amount_e8, status, tx_hash, created_at FROM faucet_payout \
               WHERE dry_run = $1 ORDER BY id DESC LIMIT $2";
    tx.query(sql, &[dry_run.into(), limit.into()], payout)
}

/// What a player's payouts are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutSort {
    /// When they were made.
    CreatedAt,
    /// How much.
    Amount,
    /// The status as people see it.
    Status,
}

/// A player's payouts in a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutList {
    /// The player.
    pub user: i64,
    /// The mode.
    pub dry_run: bool,
    /// Only those with this status.
    pub status: Option<PublicStatus>,
    /// What they are sorted by; equal ones by id, the same way.
    pub sort: PayoutSort,
    /// Largest first.
    pub descending: bool,
    /// How many at most.
    pub limit: i64,
    /// How many are skipped.
    pub offset: i64,
}

/// A page of payouts, sorted so; `by status` means the status that people see.
macro_rules! payouts_sorted {
    ($($order:literal),+) => {
        concat!(
            "SELECT id, user_id, amount_e8, status, tx_hash, created_at FROM faucet_payout ",
            "WHERE user_id = $1 AND dry_run = $2 AND status IN ($3, $4, $5, $6, $7, $8) ORDER BY ",
            $($order,)+
            " LIMIT $9 OFFSET $10"
        )
    };
    (by status $direction:literal) => {
        payouts_sorted!(
            "CASE WHEN status IN ('created', 'held', 'signed') THEN 'pending' ",
            "WHEN status IN ('published', 'confirmed') THEN 'sent' ELSE 'failed' END ",
            $direction, ", id ", $direction
        )
    };
}

impl PayoutList {
    /// The rows of this page.
    pub fn rows(&self, tx: &mut Tx<'_>) -> Result<Vec<PayoutRow>, StoreError> {
        let sql = match (self.sort, self.descending) {
            (PayoutSort::CreatedAt, false) => payouts_sorted!("created_at, id"),
            (PayoutSort::CreatedAt, true) => payouts_sorted!("created_at DESC, id DESC"),
            (PayoutSort::Amount, false) => payouts_sorted!("amount_e8, id"),
            (PayoutSort::Amount, true) => payouts_sorted!("amount_e8 DESC, id DESC"),
            (PayoutSort::Status, false) => payouts_sorted!(by status "ASC"),
            (PayoutSort::Status, true) => payouts_sorted!(by status "DESC"),
        };
        // Six places for six states; a filter leaves some empty.
        let wanted = PayoutState::ALL.map(|state| match self.status {
            Some(status) if state.public() != status => "",
            Some(_) | None => state.word(),
        });
        let [a, b, c, d, e, f] = wanted.map(bursar_store::Param::Text);
        let (user, mode) = (self.user.into(), self.dry_run.into());
        tx.query(sql, &[user, mode, a, b, c, d, e, f, self.limit.into(), self.offset.into()], payout)
    }
}

fn payout(row: &Row<'_>) -> Result<PayoutRow, StoreError> {
    Ok(PayoutRow {
        id: row.get(0)?,
        user_id: row.get(1)?,
        amount: ban(row.get(2)?)?,
        state: word(&row.get::<String>(3)?, PayoutState::from_word)?,
        tx_hash: row.get(4)?,
        created_at: row.get(5)?,
    })
}

/// A player who holds boost tokens: name, tokens, and when they were counted.
pub type Holder = (Option<String>, u64, Option<Timestamp>);

/// Players with boost tokens, most first and at most `limit`, and how many there are in all.
pub fn holders(tx: &mut Tx<'_>, limit: i64) -> Result<(Vec<Holder>, i64), StoreError> {
    let sql = "SELECT discord_username, jpmt_balance, jpmt_verified_at FROM faucet_user WHERE jpmt_balance > 0 \
               ORDER BY jpmt_balance DESC, id LIMIT $1";
    let shown = tx.query(sql, &[limit.into()], |row| Ok((row.get(0)?, large(row.get(1)?)?, row.get(2)?)))?;
    let sql = "SELECT COUNT(*) FROM faucet_user WHERE jpmt_balance > 0";
    Ok((shown, tx.query_first(sql, &[], |row| row.get(0))?.unwrap_or(0)))
}

/// What an administrator did, or what was done to one on the command line, as the audit log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminEvent {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub action: String,
    /// Type and id of what it was done to.
    pub target: (String, String),
    /// The rest, as JSON; `None` once it was redacted.
    pub payload: Option<String>,
}

/// Which of them; an empty text stands for any.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdminEvents<'a> {
    /// Only this action.
    pub action: &'a str,
    /// Only this administrator's, by the id that stands for them.
    pub principal: &'a str,
    /// Only those on this type of target.
    pub target_type: &'a str,
}

impl AdminEvents<'_> {
    /// The newest first.
    pub fn rows(&self, tx: &mut Tx<'_>, limit: i64, offset: i64) -> Result<Vec<AdminEvent>, StoreError> {
        let sql = "SELECT id, at, event, target_type, target_id, payload FROM audit_events \
                   WHERE (actor_kind = 'faucet_admin' OR target_type = 'admin_user') AND payload IS NOT NULL \
                     AND ($1 = '' OR event = $1) AND ($2 = '' OR actor = $2) \
                     AND ($3 = '' OR target_type = $3) ORDER BY id DESC LIMIT $4 OFFSET $5";
        let texts = [self.action, self.principal, self.target_type].map(bursar_store::Param::Text);
        let [action, principal, target] = texts;
        tx.query(sql, &[action, principal, target, limit.into(), offset.into()], |row| {
            Ok(AdminEvent {
                id: row.get(0)?,
                at: row.get(1)?,
                action: row.get(2)?,
                target: (row.get(3)?, row.get(4)?),
                payload: row.get(5)?,
            })
        })
    }
}
