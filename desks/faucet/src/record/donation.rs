//! Money that came in, and who gave it.

use bursar_money::Amount;
use bursar_store::{Param, Row, StoreError, Timestamp, Tx};

use super::number::{ban, large};
use crate::rules::ban::BanE8;
use crate::rules::donation::{DONORS_SHOWN, Donor};

/// A stored row of the donation ledger: one block that was pocketed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Donation {
    /// Its id.
    pub id: i64,
    /// Whole e8 of it, rounded down.
    pub amount: BanE8,
    /// All of it.
    pub raw: Amount,
    /// Which way it became known: `receive`, `rebuild` or `manual`.
    pub source: &'static str,
    /// Words for people.
    pub note: Option<String>,
    /// Who sent it, when the chain says.
    pub sender: Option<String>,
    /// The sender's block.
    pub block_hash: Option<String>,
    /// Whether it counts as given; what the operator put in does not.
    pub is_donation: bool,
    /// When it was booked.
    pub created_at: Timestamp,
}

/// The row that a block has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDonation {
    /// Which way it became known: `receive`, `rebuild` or `manual`.
    pub source: String,
    /// Whether it counts as given.
    pub is_donation: bool,
}

impl Donation {
    /// The row of a block; `None` = it has none.
    pub fn of_block(tx: &mut Tx<'_>, block_hash: &str) -> Result<Option<KnownDonation>, StoreError> {
        let sql = "SELECT source, is_donation FROM faucet_donation_ledger WHERE block_hash = $1";
        tx.query_first(sql, &[block_hash.into()], |row| {
            Ok(KnownDonation { source: row.get(0)?, is_donation: row.get(1)? })
        })
    }

    /// Writes a new row, and adds it to what its sender gave.
    pub fn insert(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "INSERT INTO faucet_donation_ledger (id, amount_e8, amount_raw, blocks_received, source, note, \
                     sender_address, block_hash, is_donation, created_at) \
                   VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9)";
        let params = [
            self.id.into(),
            self.amount.e8().into(),
            Param::Amount(self.raw),
            self.source.into(),
            self.note.as_deref().into(),
            self.sender.as_deref().into(),
            self.block_hash.as_deref().into(),
            self.is_donation.into(),
            self.created_at.into(),
        ];
        tx.execute(sql, &params)?;
        let Some(sender) = self.sender.as_deref().filter(|_| self.is_donation) else { return Ok(()) };
        let sql = "INSERT INTO faucet_donor (address, total_e8, donations) VALUES ($1, $2, 1) \
                   ON CONFLICT (address) DO UPDATE SET total_e8 = faucet_donor.total_e8 + excluded.total_e8, \
                     donations = faucet_donor.donations + 1";
        tx.execute(sql, &[sender.into(), self.amount.e8().into()]).map(|_| ())
    }

    /// Who gave most, largest total first and then by address.
    pub fn donors(tx: &mut Tx<'_>) -> Result<Vec<Donor>, StoreError> {
        let sql =
            "SELECT address, total_e8, donations FROM faucet_donor ORDER BY total_e8 DESC, address LIMIT $1";
        let shown = i64::try_from(DONORS_SHOWN).unwrap_or(i64::MAX);
        tx.query(sql, &[shown.into()], donor)
    }

    /// How many have given.
    pub fn senders(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        Ok(tx.query_first("SELECT COUNT(*) FROM faucet_donor", &[], |row| row.get(0))?.unwrap_or(0))
    }
}

fn donor(row: &Row<'_>) -> Result<Donor, StoreError> {
    Ok(Donor { address: row.get(0)?, total_donated: ban(row.get(1)?)?, donation_count: large(row.get(2)?)? })
}
