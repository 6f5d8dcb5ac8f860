//! Wallets that players linked; exactly one of a player's is primary.

use std::sync::LazyLock;

use bursar_store::Column::{Bool, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Timestamp, Tx};

/// A linked wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletLink {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// The address, in canonical text.
    pub address: String,
    /// Payouts go here.
    pub is_primary: bool,
    /// The address was checked.
    pub is_verified: bool,
    /// When.
    pub verified_at: Option<Timestamp>,
    /// When it was linked.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, user_id, address, is_primary, verified, verified_at, created_at";

static BY_USER: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_wallet_link", &[("user_id", Int)], Lock::None));
static BY_ADDRESS: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "faucet_wallet_link", &[("address", Text)], Lock::None));
static UPSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("user_id", Int),
        ("address", Text),
        ("is_primary", Bool),
        ("verified", Bool),
        ("verified_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
    ];
    Bulk::upsert("faucet_wallet_link", &columns, "id")
});

impl WalletLink {
    /// The links of these players.
    pub fn of_users(tx: &mut Tx<'_>, users: &[i64]) -> Result<Vec<WalletLink>, StoreError> {
        let keys: Vec<Param<'_>> = users.iter().map(|user| Param::Int(*user)).collect();
        tx.lookup(&BY_USER, &keys, read)
    }

    /// The links to one address, whosever they are.
    pub fn of_address(tx: &mut Tx<'_>, address: &str) -> Result<Vec<WalletLink>, StoreError> {
        tx.lookup(&BY_ADDRESS, &[address.into()], read)
    }

    /// Writes links, whether there or not. A primary that changes hands is given in two calls, the old one first: at no
    /// moment has a player two.
    pub fn save(tx: &mut Tx<'_>, links: &[WalletLink], now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(links.len() * 8);
        for link in links {
            rows.extend_from_slice(&[link.id.into(), link.user_id.into(), Param::Text(&link.address)]);
            rows.extend_from_slice(&[
                link.is_primary.into(),
                link.is_verified.into(),
                link.verified_at.into(),
            ]);
            rows.extend_from_slice(&[link.created_at.into(), now.into()]);
        }
        tx.execute_many(&UPSERT, &rows).map(|_| ())
    }

    /// Forgets a player's links.
    pub fn erase(tx: &mut Tx<'_>, user: i64) -> Result<(), StoreError> {
        tx.execute("DELETE FROM faucet_wallet_link WHERE user_id = $1", &[user.into()]).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<WalletLink, StoreError> {
    Ok(WalletLink {
        id: row.get(0)?,
        user_id: row.get(1)?,
        address: row.get(2)?,
        is_primary: row.get(3)?,
        is_verified: row.get(4)?,
        verified_at: row.get(5)?,
        created_at: row.get(6)?,
    })
}
