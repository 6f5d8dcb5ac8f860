//! Entries: accepted joins, found by the client's id or walked by wallet.

use std::sync::LazyLock;

use bursar_ledger::AccountId;
use bursar_store::Column::{Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use crate::stake::{Side, Stake};
use crate::timing::Round;
use crate::wallet::first_64_bits;

/// An accepted join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of its transfer in the ledger; ascending in order of acceptance.
    pub sequence: i64,
    /// The client's id.
    pub id: String,
    /// The round.
    pub round: Round,
    /// The wallet's ledger account.
    pub wallet: AccountId,
    /// Higher or lower.
    pub side: Side,
    /// How much.
    pub stake: Stake,
    /// When it was accepted.
    pub joined_at: Timestamp,
    /// The entry of the same wallet before it.
    pub wallet_previous: Option<i64>,
}

const COLUMNS: &str = "sequence, id, round_key, wallet, side, stake_bucks, joined_at, wallet_previous";

static BY_ID: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "rounds_entry", &[("id_hash", Int)], Lock::None));
static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("sequence", Int),
        ("id_hash", Int),
        ("id", Text),
        ("round_key", Int),
        ("wallet", Int),
        ("side", Int),
        ("stake_bucks", Int),
        ("joined_at", Time),
        ("wallet_previous", Int),
    ];
    Bulk::insert("rounds_entry", &columns)
});

impl Entry {
    /// Entries whose id is among `ids`, and rarely one whose hash is the same: compare the id.
    pub fn load(tx: &mut Tx<'_>, ids: &[&str]) -> Result<Vec<Entry>, StoreError> {
        let keys: Vec<Param<'_>> = ids.iter().map(|id| Param::Int(first_64_bits(id.as_bytes()))).collect();
        tx.lookup(&BY_ID, &keys, read_entry)
    }

    /// Writes new entries.
    pub fn insert(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(entries.len() * 9);
        for entry in entries {
            rows.extend([Param::Int(entry.sequence), Param::Int(first_64_bits(entry.id.as_bytes()))]);
            rows.extend([Param::Text(&entry.id), Param::Int(entry.round.key()), Param::Int(entry.wallet.0)]);
            rows.extend([Param::Int(entry.side.code()), Param::Int(entry.stake.bucks())]);
            rows.extend([Param::Time(entry.joined_at), entry.wallet_previous.into()]);
        }
        tx.execute_many(&INSERT, &rows).map(|_| ())
    }

    /// Up to `limit` entries of a wallet, newest first, walking back from the entry `from`.
    pub fn walk(tx: &mut Tx<'_>, from: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let sql = "WITH RECURSIVE chain AS ( \
                     SELECT e.*, 1 AS step FROM rounds_entry e WHERE e.sequence = $1 \
                     UNION ALL \
                     SELECT e.*, chain.step + 1 FROM chain JOIN rounds_entry e ON e.sequence = chain.wallet_previous \
                     WHERE chain.step < $2 ) \
                   SELECT sequence, id, round_key, wallet, side, stake_bucks, joined_at, wallet_previous \
                   FROM chain ORDER BY sequence DESC";
        tx.query(sql, &[from.into(), limit.into()], read_entry)
    }
}

fn read_entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let (key, bucks): (i64, i64) = (row.get(2)?, row.get(5)?);
    Ok(Entry {
        sequence: row.get(0)?,
        id: row.get(1)?,
        round: Round::from_key(key).ok_or_else(|| StoreError::Decode(format!("round key {key}")))?,
        wallet: AccountId(row.get(3)?),
        side: Side::from_code(row.get(4)?)?,
        stake: Stake::from_bucks(bucks).ok_or_else(|| StoreError::Decode(format!("stake {bucks}")))?,
        joined_at: row.get(6)?,
        wallet_previous: row.get(7)?,
    })
}
