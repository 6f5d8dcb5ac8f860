//! Players: who they are and whether they may earn.

use std::sync::LazyLock;

use bursar_store::Column::{Bool, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

use super::number::{large, word};
use crate::rules::eligibility::Eligibility;

/// A stored player. What names a person is gone once `erased_at` is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: i64,
    /// The Discord account that signs in as this player.
    pub discord_user_id: Option<String>,
    /// Its name there.
    pub discord_username: Option<String>,
    /// Member of the guild when last asked.
    pub is_guild_member: bool,
    /// The Epic account whose kills count.
    pub epic_account_id: Option<String>,
    /// The standing.
    pub eligibility: Eligibility,
    /// Where the last sign-in came from, coarsely.
    pub region_code: Option<String>,
    /// The wallet that holds the boost token.
    pub solana_address: Option<String>,
    /// Whole tokens in it when last asked.
    pub token_balance: u64,
    /// When that was.
    pub token_verified_at: Option<Timestamp>,
    /// The newest verification.
    pub verified_at: Option<Timestamp>,
    /// When statistics were last asked for, whatever came of it.
    pub last_read_at: Option<Timestamp>,
    /// When the newest payout was made.
    pub last_settlement_at: Option<Timestamp>,
    /// When the player was erased.
    pub erased_at: Option<Timestamp>,
    /// When the player first signed in.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, discord_user_id, discord_username, discord_guild_member, epic_account_id, eligibility, \
                       region_code, solana_wallet_address, jpmt_balance, jpmt_verified_at, verified_at, \
                       last_read_at, last_settlement_at, erased_at, created_at";

static BY_ID: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_user", &[("id", Int)], Lock::Update));
static BY_ID_UNLOCKED: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_user", &[("id", Int)], Lock::None));
static BY_DISCORD: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_user", &[("discord_user_id", Text)], Lock::Update));
static BY_EPIC: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_user", &[("epic_account_id", Text)], Lock::None));
static BY_SOLANA: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_user", &[("solana_wallet_address", Text)], Lock::None));
static UPSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("discord_user_id", Text),
        ("discord_username", Text),
        ("discord_guild_member", Bool),
        ("epic_account_id", Text),
        ("eligibility", Text),
        ("region_code", Text),
        ("solana_wallet_address", Text),
        ("jpmt_balance", Int),
        ("jpmt_verified_at", Time),
        ("verified_at", Time),
        ("last_read_at", Time),
        ("last_settlement_at", Time),
        ("erased_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
    ];
    Bulk::upsert("faucet_user", &columns, "id")
});
static READ_AT: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::update("faucet_user", 1, &[("id", Int), ("last_read_at", Time)]));
static SETTLED_AT: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::update("faucet_user", 1, &[("id", Int), ("last_settlement_at", Time)]));

impl User {
    /// The players of these ids, locked until the transaction ends, in the order of ids.
    pub fn load(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<User>, StoreError> {
        tx.lookup(&BY_ID, &keys(ids), read)
    }

    /// The players of these ids, without a lock.
    pub fn peek(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<User>, StoreError> {
        tx.lookup(&BY_ID_UNLOCKED, &keys(ids), read)
    }

    /// Who signs in with this Discord account, locked until the transaction ends.
    pub fn of_discord(tx: &mut Tx<'_>, discord_user_id: &str) -> Result<Option<User>, StoreError> {
        Ok(tx.lookup(&BY_DISCORD, &[discord_user_id.into()], read)?.pop())
    }

    /// Who has this Epic account.
    pub fn of_epic(tx: &mut Tx<'_>, epic_account_id: &str) -> Result<Option<User>, StoreError> {
        Ok(tx.lookup(&BY_EPIC, &[epic_account_id.into()], read)?.pop())
    }

    /// Who has proven this Solana wallet.
    pub fn of_solana(tx: &mut Tx<'_>, address: &str) -> Result<Option<User>, StoreError> {
        Ok(tx.lookup(&BY_SOLANA, &[address.into()], read)?.pop())
    }

    /// Up to `limit` players with an Epic account, whoever was asked about longest ago first: never asked, then by time,
    /// then by id; `asked_before` leaves out whom this run has asked about already.
    pub fn to_read(tx: &mut Tx<'_>, asked_before: Timestamp, limit: i64) -> Result<Vec<User>, StoreError> {
        let never = "SELECT id, discord_user_id, discord_username, discord_guild_member, epic_account_id, eligibility, \
                       region_code, solana_wallet_address, jpmt_balance, jpmt_verified_at, verified_at, last_read_at, \
                       last_settlement_at, erased_at, created_at FROM faucet_user \
                     WHERE epic_account_id IS NOT NULL AND last_read_at IS NULL ORDER BY id LIMIT $1";
        let mut users = tx.query(never, &[limit.into()], read)?;
        let asked = "SELECT id, discord_user_id, discord_username, discord_guild_member, epic_account_id, eligibility, \
                       region_code, solana_wallet_address, jpmt_balance, jpmt_verified_at, verified_at, last_read_at, \
                       last_settlement_at, erased_at, created_at FROM faucet_user \
                     WHERE epic_account_id IS NOT NULL AND last_read_at < $1 ORDER BY last_read_at, id LIMIT $2";
        let left = limit - i64::try_from(users.len()).unwrap_or(limit);
        if left > 0 {
            users.extend(tx.query(asked, &[asked_before.into(), left.into()], read)?);
        }
        Ok(users)
    }

    /// Up to `limit` players with a proven Solana wallet whose id is above `after`, in the order of ids.
    pub fn holders(tx: &mut Tx<'_>, after: i64, limit: i64) -> Result<Vec<User>, StoreError> {
        let sql = "SELECT id, discord_user_id, discord_username, discord_guild_member, epic_account_id, eligibility, \
                     region_code, solana_wallet_address, jpmt_balance, jpmt_verified_at, verified_at, last_read_at, \
                     last_settlement_at, erased_at, created_at FROM faucet_user \
                   WHERE solana_wallet_address IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";
        tx.query(sql, &[after.into(), limit.into()], read)
    }

    /// Writes players, whether there or not.
    pub fn save(tx: &mut Tx<'_>, users: &[User], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(users.len() * 16);
        for user in users {
            rows.push(user.id.into());
            rows.extend([user.discord_user_id.as_deref(), user.discord_username.as_deref()].map(Param::from));
            rows.extend_from_slice(&[user.is_guild_member.into(), user.epic_account_id.as_deref().into()]);
            rows.push(user.eligibility.word().into());
            rows.extend([user.region_code.as_deref(), user.solana_address.as_deref()].map(Param::from));
            // More than can be stored is stored as the most: no boost asks for nearly as much.
            rows.push(i64::try_from(user.token_balance).unwrap_or(i64::MAX).into());
            let times = [user.token_verified_at, user.verified_at, user.last_read_at];
            rows.extend(times.map(Param::from));
            rows.extend([user.last_settlement_at, user.erased_at].map(Param::from));
            rows.extend_from_slice(&[user.created_at.into(), now.into()]);
        }
        tx.execute_many(&UPSERT, &rows).map(|_| ())
    }

    /// Notes that statistics of these players were asked for.
    pub fn note_read(tx: &mut Tx<'_>, users: &[i64], at: Timestamp) -> Result<(), StoreError> {
        let rows: Vec<Param<'_>> = users.iter().flat_map(|id| [Param::Int(*id), Param::Time(at)]).collect();
        tx.execute_many(&READ_AT, &rows).map(|_| ())
    }

    /// Notes that payouts were made for these players.
    pub fn note_settled(tx: &mut Tx<'_>, users: &[i64], at: Timestamp) -> Result<(), StoreError> {
        let rows: Vec<Param<'_>> = users.iter().flat_map(|id| [Param::Int(*id), Param::Time(at)]).collect();
        tx.execute_many(&SETTLED_AT, &rows).map(|_| ())
    }
}

fn keys<'a>(ids: &[i64]) -> Vec<Param<'a>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(Param::Int).collect()
}

fn read(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.get(0)?,
        discord_user_id: row.get(1)?,
        discord_username: row.get(2)?,
        is_guild_member: row.get(3)?,
        epic_account_id: row.get(4)?,
        eligibility: word(&row.get::<String>(5)?, Eligibility::from_word)?,
        region_code: row.get(6)?,
        solana_address: row.get(7)?,
        token_balance: large(row.get(8)?)?,
        token_verified_at: row.get(9)?,
        verified_at: row.get(10)?,
        last_read_at: row.get(11)?,
        last_settlement_at: row.get(12)?,
        erased_at: row.get(13)?,
        created_at: row.get(14)?,
    })
}
