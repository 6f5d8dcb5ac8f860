//! Accruals: what growth of a player's kills earned.

use std::sync::LazyLock;

use bursar_store::Column::{Bool, Int, Text, Time};
use bursar_store::{Bulk, EngineKind, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use super::number::{ban, large, small, word};
use crate::rules::ban::BanE8;
use crate::rules::holdings::AccrualState;
use crate::rules::reconciliation::AccrualRange;

/// A stored accrual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// In which mode it was made.
    pub dry_run: bool,
    /// Its kills.
    pub kills: u32,
    /// `kills * rate`.
    pub amount: BanE8,
    /// BAN per kill.
    pub rate: BanE8,
    /// When, in whole minutes since the Unix epoch.
    pub epoch_minute: i64,
    /// Which part of its minute it is: 0, or what a cap split off.
    pub seq: u32,
    /// The Epic account it was read of; gone when its player was erased.
    pub epic_account_id: Option<String>,
    /// The baseline it counts from.
    pub baseline_number: u32,
    /// The cursor before it.
    pub cursor_from: u32,
    /// The cursor after it.
    pub cursor_to: u32,
    /// How far it is.
    pub state: AccrualState,
    /// The payout that reserves it or has paid it.
    pub payout_id: Option<i64>,
    /// When it was paid.
    pub settled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, user_id, dry_run, kills, amount_e8, rate_e8, epoch_minute, seq, epic_account_id, \
                       baseline_number, cursor_from, cursor_to, state, payout_id, settled_at, created_at";

const SHAPE: [(&str, bursar_store::Column); 17] = [
    ("id", Int),
    ("user_id", Int),
    ("dry_run", Bool),
    ("kills", Int),
    ("amount_e8", Int),
    ("rate_e8", Int),
    ("epoch_minute", Int),
    ("seq", Int),
    ("epic_account_id", Text),
    ("baseline_number", Int),
    ("cursor_from", Int),
    ("cursor_to", Int),
    ("state", Text),
    ("payout_id", Int),
    ("settled_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

static INSERT: LazyLock<Bulk> = LazyLock::new(|| Bulk::insert("faucet_reward_accrual", &SHAPE));
static UPDATE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("kills", Int),
        ("amount_e8", Int),
        ("rate_e8", Int),
        ("cursor_to", Int),
        ("state", Text),
        ("payout_id", Int),
        ("settled_at", Time),
        ("updated_at", Time),
    ];
    Bulk::update("faucet_reward_accrual", 1, &columns)
});
static OPEN: LazyLock<Lookup> = LazyLock::new(|| {
    // The condition stands in the text, so that the planner sees the partial index that fits it.
    let open = "(SELECT * FROM faucet_reward_accrual WHERE state = 'open') AS open_accrual";
    Lookup::new(COLUMNS, open, &[("user_id", Int), ("dry_run", Bool)], Lock::None)
});
static BY_MINUTE: LazyLock<Lookup> = LazyLock::new(|| {
    let keys = [("user_id", Int), ("dry_run", Bool), ("epoch_minute", Int)];
    Lookup::new("user_id, epoch_minute, seq", "faucet_reward_accrual", &keys, Lock::None)
});
static RANGES: LazyLock<Lookup> = LazyLock::new(|| {
    let keys = [("user_id", Int), ("dry_run", Bool)];
    Lookup::new(
        "user_id, baseline_number, kills, cursor_from, cursor_to",
        "faucet_reward_accrual",
        &keys,
        Lock::None,
    )
});
static BY_PAYOUT: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_reward_accrual", &[("payout_id", Int)], Lock::None));

impl Accrual {
    /// The open accruals of these players, whose tallies the caller has locked.
    pub fn open(tx: &mut Tx<'_>, users: &[i64], dry_run: bool) -> Result<Vec<Accrual>, StoreError> {
        let keys: Vec<Param<'_>> =
            users.iter().flat_map(|user| [Param::Int(*user), Param::Bool(dry_run)]).collect();
        tx.lookup(&OPEN, &keys, read)
    }

    /// Player, minute and `seq` of every row in one of these minutes of these players.
    pub fn parts(
        tx: &mut Tx<'_>,
        minutes: &[(i64, i64)],
        dry_run: bool,
    ) -> Result<Vec<(i64, i64, u32)>, StoreError> {
        let keys: Vec<Param<'_>> = minutes
            .iter()
            .flat_map(|(user, minute)| [Param::Int(*user), Param::Bool(dry_run), Param::Int(*minute)])
            .collect();
        tx.lookup(&BY_MINUTE, &keys, |row| Ok((row.get(0)?, row.get(1)?, small(row.get(2)?)?)))
    }

    /// The rows of these payouts.
    pub fn of_payouts(tx: &mut Tx<'_>, payouts: &[i64]) -> Result<Vec<Accrual>, StoreError> {
        let keys: Vec<Param<'_>> = payouts.iter().map(|payout| Param::Int(*payout)).collect();
        tx.lookup(&BY_PAYOUT, &keys, read)
    }

    /// Up to `limit` accruals that were paid before this time, oldest first.
    pub fn settled_before(
        tx: &mut Tx<'_>,
        before: Timestamp,
        limit: i64,
    ) -> Result<Vec<Accrual>, StoreError> {
        let sql = "SELECT id, user_id, dry_run, kills, amount_e8, rate_e8, epoch_minute, seq, epic_account_id, \
                     baseline_number, cursor_from, cursor_to, state, payout_id, settled_at, created_at \
                   FROM faucet_reward_accrual WHERE state = 'settled' AND settled_at < $1 \
                   ORDER BY settled_at, id LIMIT $2";
        tx.query(sql, &[before.into(), limit.into()], read)
    }

    /// Player, baseline and cursor range of every row of these players.
    pub fn ranges(
        tx: &mut Tx<'_>,
        users: &[i64],
        dry_run: bool,
    ) -> Result<Vec<(i64, u32, AccrualRange)>, StoreError> {
        let keys: Vec<Param<'_>> =
            users.iter().flat_map(|user| [Param::Int(*user), Param::Bool(dry_run)]).collect();
        tx.lookup(&RANGES, &keys, |row| {
            let range = AccrualRange {
                kills: small(row.get(2)?)?,
                cursor_from: small(row.get(3)?)?,
                cursor_to: small(row.get(4)?)?,
            };
            Ok((row.get(0)?, small(row.get(1)?)?, range))
        })
    }

    /// Kills of these players' accruals made at `since` or later; who has none is left out.
    pub fn kills_since(
        tx: &mut Tx<'_>,
        users: &[i64],
        dry_run: bool,
        since: Timestamp,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        // The minute bounds the walk over the index; the exact instant decides.
        let sql = match tx.engine() {
            EngineKind::Sqlite => {
                "SELECT a.user_id, SUM(a.kills) FROM json_each($1) AS wanted CROSS JOIN faucet_reward_accrual a \
                 WHERE a.user_id = wanted.value AND a.dry_run = $2 AND a.epoch_minute >= $3 AND a.created_at >= $4 \
                 GROUP BY a.user_id"
            }
            EngineKind::Postgres => {
                "SELECT a.user_id, CAST(SUM(a.kills) AS BIGINT) FROM jsonb_array_elements_text($1) AS wanted(id) \
                 JOIN faucet_reward_accrual a ON a.user_id = CAST(wanted.id AS BIGINT) \
                 WHERE a.dry_run = $2 AND a.epoch_minute >= $3 AND a.created_at >= $4 GROUP BY a.user_id"
            }
        };
        let ids = serde_json::to_string(users).map_err(|error| StoreError::Decode(error.to_string()))?;
        let minute = since.ms().div_euclid(60_000);
        let params = [Param::Json(&ids), dry_run.into(), minute.into(), since.into()];
        tx.query(sql, &params, |row| Ok((row.get(0)?, large(row.get(1)?)?)))
    }

    /// BAN per kill of a player's newest row that is worth anything.
    pub fn newest_rate(tx: &mut Tx<'_>, user: i64, dry_run: bool) -> Result<Option<BanE8>, StoreError> {
        let sql = "SELECT rate_e8 FROM faucet_reward_accrual WHERE user_id = $1 AND dry_run = $2 AND rate_e8 > 0 \
                   ORDER BY epoch_minute DESC, seq DESC LIMIT 1";
        let found = tx.query_first(sql, &[user.into(), dry_run.into()], |row| row.get::<i64>(0))?;
        found.map(ban).transpose()
    }

    /// Writes new rows.
    pub fn insert(tx: &mut Tx<'_>, accruals: &[Accrual], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(accruals.len() * SHAPE.len());
        for accrual in accruals {
            rows.extend([accrual.id, accrual.user_id].map(Param::Int));
            rows.push(accrual.dry_run.into());
            rows.push(i64::from(accrual.kills).into());
            rows.extend([accrual.amount.e8(), accrual.rate.e8(), accrual.epoch_minute].map(Param::Int));
            rows.push(i64::from(accrual.seq).into());
            rows.push(accrual.epic_account_id.as_deref().into());
            let numbers = [accrual.baseline_number, accrual.cursor_from, accrual.cursor_to];
            rows.extend(numbers.map(|number| Param::Int(i64::from(number))));
            rows.push(accrual.state.word().into());
            rows.extend_from_slice(&[accrual.payout_id.into(), accrual.settled_at.into()]);
            rows.extend_from_slice(&[accrual.created_at.into(), now.into()]);
        }
        tx.execute_many(&INSERT, &rows).map(|_| ())
    }

    /// Writes what a payout changes: kills, amount and rate of a split row, state, payout and time.
    pub fn update(tx: &mut Tx<'_>, accruals: &[Accrual], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(accruals.len() * 9);
        for accrual in accruals {
            let figures = [accrual.id, i64::from(accrual.kills), accrual.amount.e8(), accrual.rate.e8()];
            rows.extend(figures.map(Param::Int));
            rows.push(i64::from(accrual.cursor_to).into());
            rows.push(accrual.state.word().into());
            rows.extend_from_slice(&[accrual.payout_id.into(), accrual.settled_at.into(), now.into()]);
        }
        tx.execute_many(&UPDATE, &rows).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<Accrual, StoreError> {
    Ok(Accrual {
        id: row.get(0)?,
        user_id: row.get(1)?,
        dry_run: row.get(2)?,
        kills: small(row.get(3)?)?,
        amount: ban(row.get(4)?)?,
        rate: ban(row.get(5)?)?,
        epoch_minute: row.get(6)?,
        seq: small(row.get(7)?)?,
        epic_account_id: row.get(8)?,
        baseline_number: small(row.get(9)?)?,
        cursor_from: small(row.get(10)?)?,
        cursor_to: small(row.get(11)?)?,
        state: word(&row.get::<String>(12)?, AccrualState::from_word)?,
        payout_id: row.get(13)?,
        settled_at: row.get(14)?,
        created_at: row.get(15)?,
    })
}
