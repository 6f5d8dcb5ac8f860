//! Players' wallets: a claimed Solana address, its ledger account and its newest entry.

use std::collections::HashMap;
use std::sync::LazyLock;

use bursar_ledger::AccountId;
use bursar_store::Column::{Bytes, Int};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, StoreError, Tx};

/// A 32-byte address; whether it lies on the curve does not matter (docs/spec/rounds.md 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u8; 32]);

impl Address {
    /// Reads base58 text that decodes to exactly 32 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Address> {
        // 32 bytes take at most 44 characters; longer text is refused before it is decoded.
        if text.len() > 44 {
            return None;
        }
        let mut bytes = [0; 32];
        let written = bs58::decode(text).onto(&mut bytes[..]).ok()?;
        (written == bytes.len()).then_some(Address(bytes))
    }

    /// The address of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Address {
        Address(bytes)
    }

    /// Base58 text.
    #[must_use]
    pub fn to_text(self) -> String {
        bs58::encode(self.0).into_string()
    }

    fn hash(self) -> i64 {
        first_64_bits(&self.0)
    }
}

/// The first 64 bits of a hash, as the number that an index keeps.
#[must_use]
pub fn first_64_bits(bytes: &[u8]) -> i64 {
    let hash = blake3::hash(bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_be_bytes(first)
}

/// A stored wallet.
#[derive(Clone, Debug)]
pub struct Wallet {
    /// Its ledger account, which is also its number.
    pub account: AccountId,
    /// Its address.
    pub address: Address,
    /// How many entries it has made.
    pub entries: i64,
    /// The newest of them.
    pub last_entry: i64,
    /// Start of the slot it joined last.
    pub slot_start_ms: i64,
    /// A bit for each market joined in that slot.
    pub slot_markets: i64,
}

const COLUMNS: &str = "account, address, entries, last_entry, slot_start_ms, slot_markets";

static BY_ADDRESS: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "rounds_wallet", &[("address_hash", Int)], Lock::None));
static BY_ACCOUNT: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "rounds_wallet", &[("account", Int)], Lock::None));
static INSERT: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("account", Int),
        ("address_hash", Int),
        ("address", Bytes),
        ("entries", Int),
        ("last_entry", Int),
        ("slot_start_ms", Int),
        ("slot_markets", Int),
    ];
    Bulk::insert("rounds_wallet", &columns)
});
static UPDATE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("account", Int),
        ("entries", Int),
        ("last_entry", Int),
        ("slot_start_ms", Int),
        ("slot_markets", Int),
    ];
    Bulk::update("rounds_wallet", 1, &columns)
});

impl Wallet {
    /// The stored wallets among `addresses`, and rarely one whose hash is the same: compare the address.
    pub fn load(tx: &mut Tx<'_>, addresses: &[Address]) -> Result<Vec<Wallet>, StoreError> {
        let keys: Vec<Param<'_>> = addresses.iter().map(|address| Param::Int(address.hash())).collect();
        tx.lookup(&BY_ADDRESS, &keys, read_wallet)
    }

    /// The stored wallet of one address.
    pub fn find(tx: &mut Tx<'_>, address: Address) -> Result<Option<Wallet>, StoreError> {
        let found = Wallet::load(tx, &[address])?;
        Ok(found.into_iter().find(|wallet| wallet.address == address))
    }

    /// The addresses behind ledger accounts.
    pub fn addresses(
        tx: &mut Tx<'_>,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, Address>, StoreError> {
        let keys: Vec<Param<'_>> = accounts.iter().map(|account| Param::Int(account.0)).collect();
        let wallets = tx.lookup(&BY_ACCOUNT, &keys, read_wallet)?;
        Ok(wallets.into_iter().map(|wallet| (wallet.account, wallet.address)).collect())
    }

    /// Writes wallets that are not there yet.
    pub fn insert(tx: &mut Tx<'_>, wallets: &[&Wallet]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(wallets.len() * 7);
        for wallet in wallets {
            rows.extend([Param::Int(wallet.account.0), Param::Int(wallet.address.hash())]);
            rows.push(Param::Bytes(&wallet.address.0));
            rows.extend(
                [wallet.entries, wallet.last_entry, wallet.slot_start_ms, wallet.slot_markets]
                    .map(Param::Int),
            );
        }
        tx.execute_many(&INSERT, &rows).map(|_| ())
    }

    /// Writes what changed of wallets that are there.
    pub fn update(tx: &mut Tx<'_>, wallets: &[&Wallet]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(wallets.len() * 5);
        for wallet in wallets {
            rows.push(Param::Int(wallet.account.0));
            rows.extend(
                [wallet.entries, wallet.last_entry, wallet.slot_start_ms, wallet.slot_markets]
                    .map(Param::Int),
            );
        }
        tx.execute_many(&UPDATE, &rows).map(|_| ())
    }
}

fn read_wallet(row: &Row<'_>) -> Result<Wallet, StoreError> {
    let bytes: Vec<u8> = row.get(1)?;
    let address = bytes.try_into().map_err(|_| StoreError::Decode("wallet address".into()))?;
    Ok(Wallet {
        account: AccountId(row.get(0)?),
        address: Address(address),
        entries: row.get(2)?,
        last_entry: row.get(3)?,
        slot_start_ms: row.get(4)?,
        slot_markets: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_base58_of_exactly_32_bytes() {
        let text = "So11111111111111111111111111111111111111112";
        assert_eq!(Address::parse(text).map(Address::to_text).as_deref(), Some(text));
        let system = "11111111111111111111111111111111";
        assert!(Address::parse(system).is_some());
        let long = "1".repeat(45);
        for bad in ["", "abc", "0OIl", &system[1..], &format!("{system}1"), &long] {
            assert_eq!(Address::parse(bad), None, "{bad:?}");
        }
    }
}
