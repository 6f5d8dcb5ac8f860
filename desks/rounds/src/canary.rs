//! Canaries: joins that operators make to see that joining works, marked so that players' figures can leave them out
//! (docs/spec/rounds.md 4.1, 4.2, 4.11). Rules and money treat them like all others.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bursar_ledger::TransferSlot;
use bursar_store::Column::{Int, Text};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Tx};
use serde::Serialize;

use crate::join::NewEntry;
use crate::stake::{Side, StakeCounts};
use crate::timing::Round;

/// The header with which an operator's key marks a join.
pub const HEADER: &str = "x-canary-key";

/// Whether a join says that it is a canary's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// It does not: a player's.
    #[default]
    None,
    /// It does, with the operators' key.
    Canary,
    /// It does, with a wrong key or on a server that has none. Taken for a player's it would spoil their figures.
    Refused,
}

/// The canaries' part of a pool. A wallet counts as one of its `players` when its first entry in the round was a
/// canary's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryPool {
    /// Both sides, whole bucks.
    pub total_bucks: i64,
    /// UP, whole bucks.
    pub up_bucks: i64,
    /// DOWN, whole bucks.
    pub down_bucks: i64,
    /// Distinct wallets.
    pub players: i64,
    /// Entries.
    pub entries: i64,
}

impl CanaryPool {
    /// Of one round; zeros when no canary joined it.
    pub fn of(tx: &mut Tx<'_>, round: Round) -> Result<CanaryPool, StoreError> {
        let kept = tx.lookup(&BY_ROUND, &[Param::Int(round.key())], read_kept)?.into_iter().next();
        Ok(kept.map_or_else(CanaryPool::default, |(_, kept)| kept.shown()))
    }
}

/// What is stored of a round's canaries.
#[derive(Clone, Debug, Default)]
struct Kept {
    stakes: StakeCounts,
    players: i64,
    entries: i64,
}

static BY_ROUND: LazyLock<Lookup> = LazyLock::new(|| {
    let columns = "round_key, stakes, players, entries";
    Lookup::new(columns, "rounds_canary_pool", &[("round_key", Int)], Lock::None)
});
static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("round_key", Int), ("stakes", Text), ("players", Int), ("entries", Int)];
    Bulk::upsert("rounds_canary_pool", &columns, "round_key")
});
static MARK: LazyLock<Bulk> = LazyLock::new(|| Bulk::insert("rounds_canary_entry", &[("sequence", Int)]));

/// Marks the canaries among the entries of a batch and counts them; `sequence` numbers an entry's transfer. Batches
/// take turns on the desk's clock, so nobody else counts meanwhile.
pub(crate) fn save(
    tx: &mut Tx<'_>,
    accepted: &[NewEntry],
    sequence: impl Fn(TransferSlot) -> i64,
) -> Result<(), StoreError> {
    let canaries: Vec<&NewEntry> = accepted.iter().filter(|entry| entry.is_canary).collect();
    if canaries.is_empty() {
        return Ok(());
    }
    let marks: Vec<Param<'_>> = canaries.iter().map(|entry| Param::Int(sequence(entry.transfer))).collect();
    tx.execute_many(&MARK, &marks)?;
    let keys: Vec<Param<'_>> = canaries.iter().map(|entry| Param::Int(entry.round.key())).collect();
    let mut kept: BTreeMap<i64, Kept> = tx.lookup(&BY_ROUND, &keys, read_kept)?.into_iter().collect();
    for entry in canaries {
        let round = kept.entry(entry.round.key()).or_default();
        round.stakes.add(entry.side, entry.stake);
        round.players += i64::from(entry.is_first_of_wallet);
        round.entries += 1;
    }
    let texts = kept.values().map(|round| round.stakes.to_text()).collect::<Result<Vec<_>, _>>()?;
    let rows = kept.iter().zip(&texts).flat_map(|((key, round), stakes)| {
        [Param::Int(*key), Param::Text(stakes), Param::Int(round.players), Param::Int(round.entries)]
    });
    tx.execute_many(&SAVE, &rows.collect::<Vec<_>>()).map(|_| ())
}

impl Kept {
    fn shown(&self) -> CanaryPool {
        let (up_bucks, down_bucks) = (self.stakes.bucks(Side::Up), self.stakes.bucks(Side::Down));
        let (players, entries) = (self.players, self.entries);
        CanaryPool { total_bucks: up_bucks + down_bucks, up_bucks, down_bucks, players, entries }
    }
}

fn read_kept(row: &Row<'_>) -> Result<(i64, Kept), StoreError> {
    let stakes = StakeCounts::from_text(&row.get::<String>(1)?)?;
    Ok((row.get(0)?, Kept { stakes, players: row.get(2)?, entries: row.get(3)? }))
}
