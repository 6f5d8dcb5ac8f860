//! Sums over all players of one mode, kept with the writes.

use bursar_store::{EngineKind, Row, StoreError, Tx};

use super::number::{ban, large, stored};
use crate::rules::ban::BanE8;

/// The sums of one mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Players.
    pub users: u64,
    /// Verifications that succeeded.
    pub verifications_ok: u64,
    /// Kills accrued.
    pub accrued_kills: u64,
    /// BAN accrued.
    pub accrued: BanE8,
    /// In open accruals.
    pub open: BanE8,
    /// In payouts under way.
    pub reserved: BanE8,
    /// In payouts that were sent.
    pub paid: BanE8,
    /// Donated.
    pub donated: BanE8,
    /// Flags raised.
    pub flags: u64,
}

impl Totals {
    /// The sums of a mode, locked until the transaction ends: take them last, everybody who earns waits here.
    pub fn locked(tx: &mut Tx<'_>, dry_run: bool) -> Result<Totals, StoreError> {
        let sql = match tx.engine() {
            EngineKind::Sqlite => {
                "SELECT users, verifications_ok, accrued_kills, accrued_e8, open_e8, reserved_e8, paid_e8, donated_e8, \
                 flags FROM faucet_totals WHERE dry_run = $1"
            }
            EngineKind::Postgres => {
                "SELECT users, verifications_ok, accrued_kills, accrued_e8, open_e8, reserved_e8, paid_e8, donated_e8, \
                 flags FROM faucet_totals WHERE dry_run = $1 FOR UPDATE"
            }
        };
        Ok(tx.query_first(sql, &[dry_run.into()], read)?.unwrap_or_default())
    }

    /// The sums of a mode.
    pub fn peek(tx: &mut Tx<'_>, dry_run: bool) -> Result<Totals, StoreError> {
        let sql = "SELECT users, verifications_ok, accrued_kills, accrued_e8, open_e8, reserved_e8, paid_e8, donated_e8, \
                   flags FROM faucet_totals WHERE dry_run = $1";
        Ok(tx.query_first(sql, &[dry_run.into()], read)?.unwrap_or_default())
    }

    /// Writes the sums of a mode.
    pub fn save(&self, tx: &mut Tx<'_>, dry_run: bool) -> Result<(), StoreError> {
        let sql = "INSERT INTO faucet_totals (dry_run, users, verifications_ok, accrued_kills, accrued_e8, open_e8, \
                     reserved_e8, paid_e8, donated_e8, flags) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                   ON CONFLICT (dry_run) DO UPDATE SET users = excluded.users, \
                     verifications_ok = excluded.verifications_ok, accrued_kills = excluded.accrued_kills, \
                     accrued_e8 = excluded.accrued_e8, open_e8 = excluded.open_e8, \
                     reserved_e8 = excluded.reserved_e8, paid_e8 = excluded.paid_e8, \
                     donated_e8 = excluded.donated_e8, flags = excluded.flags";
        let params = [
            dry_run.into(),
            stored(self.users)?.into(),
            stored(self.verifications_ok)?.into(),
            stored(self.accrued_kills)?.into(),
            self.accrued.e8().into(),
            self.open.e8().into(),
            self.reserved.e8().into(),
            self.paid.e8().into(),
            self.donated.e8().into(),
            stored(self.flags)?.into(),
        ];
        tx.execute(sql, &params).map(|_| ())
    }
}

fn read(row: &Row<'_>) -> Result<Totals, StoreError> {
    Ok(Totals {
        users: large(row.get(0)?)?,
        verifications_ok: large(row.get(1)?)?,
        accrued_kills: large(row.get(2)?)?,
        accrued: ban(row.get(3)?)?,
        open: ban(row.get(4)?)?,
        reserved: ban(row.get(5)?)?,
        paid: ban(row.get(6)?)?,
        donated: ban(row.get(7)?)?,
        flags: large(row.get(8)?)?,
    })
}
