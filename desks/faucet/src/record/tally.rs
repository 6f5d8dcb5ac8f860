//! A player's kill cursor and running totals in one mode.

use std::sync::LazyLock;

use bursar_store::Column::{Bool, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use super::number::{ban, large, share, small, stored};
use crate::rules::baseline::{Baseline, KillCursor};
use crate::rules::holdings::{Holdings, Share};
use crate::rules::pruning::Folded;

/// What a player has earned in one mode, and how far kills have been counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The player.
    pub user_id: i64,
    /// Which mode.
    pub dry_run: bool,
    /// From where on kills count, and up to where they have.
    pub baseline: Baseline,
    /// The minute of the newest accrual.
    pub last_minute: Option<i64>,
    /// The newest successful reading and what it was.
    pub last_reading: Option<(Timestamp, u32)>,
    /// The totals.
    pub holdings: Holdings,
    /// Since when something has been open without a payout.
    pub open_since: Option<Timestamp>,
    /// What was pruned.
    pub folded: Folded,
}

const COLUMNS: &str = "user_id, dry_run, baseline_number, baseline_kills, last_settled_kill_count, last_minute, \
                       last_reading_at, last_reading_kills, open_kills, open_e8, reserved_kills, reserved_e8, \
                       settled_kills, settled_e8, written_off_kills, written_off_e8, open_since, folded_kills, \
                       folded_e8, folded_ranges";

static BY_USER: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new(COLUMNS, "faucet_tally", &[("user_id", Int), ("dry_run", Bool)], Lock::Update)
});
static BY_USER_UNLOCKED: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new(COLUMNS, "faucet_tally", &[("user_id", Int), ("dry_run", Bool)], Lock::None)
});
static UPSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("user_id", Int),
        ("dry_run", Bool),
        ("baseline_number", Int),
        ("baseline_kills", Int),
        ("last_settled_kill_count", Int),
        ("last_minute", Int),
        ("last_reading_at", Time),
        ("last_reading_kills", Int),
        ("total_kills", Int),
        ("total_e8", Int),
        ("open_kills", Int),
        ("open_e8", Int),
        ("reserved_kills", Int),
        ("reserved_e8", Int),
        ("settled_kills", Int),
        ("settled_e8", Int),
        ("written_off_kills", Int),
        ("written_off_e8", Int),
        ("open_since", Time),
        ("folded_kills", Int),
        ("folded_e8", Int),
        ("folded_ranges", Text),
    ];
    Bulk::upsert("faucet_tally", &columns, "user_id, dry_run")
});

impl Tally {
    /// That of a player of whom nothing is known in this mode.
    #[must_use]
    pub fn new(user_id: i64, dry_run: bool) -> Tally {
        Tally {
            user_id,
            dry_run,
            baseline: Baseline::NONE,
            last_minute: None,
            last_reading: None,
            holdings: Holdings::default(),
            open_since: None,
            folded: Folded::default(),
        }
    }

    /// The tallies of these players, locked until the transaction ends, in the order of ids; players without one are
    /// left out.
    pub fn load(tx: &mut Tx<'_>, users: &[i64], dry_run: bool) -> Result<Vec<Tally>, StoreError> {
        tx.lookup(&BY_USER, &keys(users, dry_run), read)
    }

    /// The tallies of these players as they were a moment ago, for reads.
    pub fn peek(tx: &mut Tx<'_>, users: &[i64], dry_run: bool) -> Result<Vec<Tally>, StoreError> {
        tx.lookup(&BY_USER_UNLOCKED, &keys(users, dry_run), read)
    }

    /// Up to `limit` players with a tally in this mode whose id is above `after`, in the order of ids.
    pub fn users_after(
        tx: &mut Tx<'_>,
        dry_run: bool,
        after: i64,
        limit: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let sql =
            "SELECT user_id FROM faucet_tally WHERE dry_run = $1 AND user_id > $2 ORDER BY user_id LIMIT $3";
        tx.query(sql, &[dry_run.into(), after.into(), limit.into()], |row| row.get(0))
    }

    /// Writes tallies, whether there or not.
    pub fn save<'a>(tx: &mut Tx<'_>, tallies: impl IntoIterator<Item = &'a Tally>) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        let tallies: Vec<(&Tally, String)> =
            tallies.into_iter().map(|tally| (tally, tally.folded.ranges.to_string())).collect();
        for (tally, ranges) in &tallies {
            tally.push(&mut rows, ranges)?;
        }
        tx.execute_many(&UPSERT, &rows).map(|_| ())
    }

    fn push<'a>(&self, rows: &mut Vec<Param<'a>>, ranges: &'a str) -> Result<(), StoreError> {
        let (number, kills) = match self.baseline {
            Baseline::Pending { number } => (number, None),
            Baseline::Set { number, kills } => (number, Some(kills)),
        };
        let total = self.holdings.accrued().map_err(|error| StoreError::Decode(error.to_string()))?;
        rows.extend([self.user_id.into(), self.dry_run.into(), Param::Int(i64::from(number))]);
        rows.push(kills.map(|kills| i64::from(kills.baseline)).into());
        rows.push(kills.map(|kills| i64::from(kills.cursor)).into());
        rows.push(self.last_minute.into());
        rows.push(self.last_reading.map(|(at, _)| at).into());
        rows.push(self.last_reading.map(|(_, kills)| i64::from(kills)).into());
        let Holdings { open, reserved, settled, written_off } = self.holdings;
        for part in [total, open, reserved, settled, written_off] {
            rows.extend(columns(part)?);
        }
        rows.push(self.open_since.into());
        rows.extend(columns(self.folded.settled)?);
        rows.push(Param::Text(ranges));
        Ok(())
    }
}

fn keys<'a>(users: &[i64], dry_run: bool) -> Vec<Param<'a>> {
    let mut users = users.to_vec();
    users.sort_unstable();
    users.dedup();
    users.into_iter().flat_map(|user| [Param::Int(user), Param::Bool(dry_run)]).collect()
}

fn columns<'a>(share: Share) -> Result<[Param<'a>; 2], StoreError> {
    Ok([Param::Int(stored(share.kills)?), Param::Int(share.amount.e8())])
}

fn read(row: &Row<'_>) -> Result<Tally, StoreError> {
    let number = small(row.get(2)?)?;
    let (baseline, cursor): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
    let baseline = match baseline.zip(cursor) {
        None => Baseline::Pending { number },
        Some((baseline, cursor)) => {
            Baseline::Set { number, kills: KillCursor { baseline: small(baseline)?, cursor: small(cursor)? } }
        }
    };
    let reading: Option<(Timestamp, i64)> = row.get::<Option<Timestamp>>(6)?.zip(row.get::<Option<i64>>(7)?);
    let part = |index: usize| share(row.get(index)?, row.get(index + 1)?);
    let ranges: String = row.get(19)?;
    let ranges = ranges.parse().map_err(|_| StoreError::Decode(format!("cursor ranges {ranges:?}")))?;
    Ok(Tally {
        user_id: row.get(0)?,
        dry_run: row.get(1)?,
        baseline,
        last_minute: row.get(5)?,
        last_reading: reading.map(|(at, kills)| Ok::<_, StoreError>((at, small(kills)?))).transpose()?,
        holdings: Holdings {
            open: part(8)?,
            reserved: part(10)?,
            settled: part(12)?,
            written_off: part(14)?,
        },
        open_since: row.get(16)?,
        folded: Folded { settled: Share { kills: large(row.get(17)?)?, amount: ban(row.get(18)?)? }, ranges },
    })
}
