//! What is noted of the rows on their way into a backup: the book's totals and the heads of the audit chains.

use bursar_audit::{Anchor, ChainHead};
use bursar_money::{Amount, AmountError, Asset, Turnover};
use bursar_store::{StoreError, Timestamp};

use super::cell::Cell;
use super::error::BackupError;
use super::manifest::AssetTotals;
use super::schema::Table;

const ACCOUNTS: &str = "ledger_account";
const LINKS: &str = "audit_links";

/// Totals of one asset.
struct Total {
    asset: Asset,
    accounts: u64,
    debits: Turnover,
    credits: Turnover,
}

/// Collects while rows go by.
#[derive(Default)]
pub struct Observed {
    totals: Vec<Total>,
    heads: Vec<ChainHead>,
}

/// What to look for in the rows of one table.
pub enum Lens {
    /// Nothing.
    Blind,
    /// Places of asset, debits and credits.
    Accounts([usize; 3]),
    /// Places of chain, number, last event and hash.
    Links([usize; 4]),
}

impl Lens {
    /// For the rows of `table`.
    pub fn of(table: &Table) -> Result<Lens, BackupError> {
        let place = |column: &str| table.columns.iter().position(|name| name == column);
        let missing =
            || BackupError::Schema(format!("{} has not the columns that it should have", table.name));
        match table.name.as_str() {
            ACCOUNTS => {
                let places = place("asset").zip(place("debits")).zip(place("credits"));
                let ((asset, debits), credits) = places.ok_or_else(missing)?;
                Ok(Lens::Accounts([asset, debits, credits]))
            }
            LINKS => {
                let places = place("chain").zip(place("number")).zip(place("last_event")).zip(place("hash"));
                let (((chain, number), last), hash) = places.ok_or_else(missing)?;
                Ok(Lens::Links([chain, number, last, hash]))
            }
            _ => Ok(Lens::Blind),
        }
    }
}

impl Observed {
    /// Takes a row in. Links come by chain and number, so the last of each chain is its head.
    pub fn row(&mut self, lens: &Lens, row: &[Cell<'_>]) -> Result<(), BackupError> {
        match lens {
            Lens::Blind => Ok(()),
            Lens::Accounts(places) => self.account(places.map(|place| at(row, place))),
            Lens::Links(places) => self.link(places.map(|place| at(row, place))),
        }
    }

    fn account(&mut self, row: [Cell<'_>; 3]) -> Result<(), BackupError> {
        let [Cell::Int(asset), debits, credits] = row else { return Err(strange(ACCOUNTS)) };
        let asset = Asset::from_code(asset).map_err(|_| strange(ACCOUNTS))?;
        let (debits, credits) = (amount(debits)?, amount(credits)?);
        if !self.totals.iter().any(|total| total.asset == asset) {
            self.totals.push(Total { asset, accounts: 0, debits: Turnover::ZERO, credits: Turnover::ZERO });
        }
        let Some(total) = self.totals.iter_mut().find(|total| total.asset == asset) else { return Ok(()) };
        let overflow = |_: AmountError| strange(ACCOUNTS);
        total.accounts = total.accounts.saturating_add(1);
        total.debits = total.debits.plus(debits).map_err(overflow)?;
        total.credits = total.credits.plus(credits).map_err(overflow)?;
        Ok(())
    }

    fn link(&mut self, row: [Cell<'_>; 4]) -> Result<(), BackupError> {
        let [Cell::Text(chain), Cell::Int(number), Cell::Int(last_event), Cell::Bytes(hash)] = row else {
            return Err(strange(LINKS));
        };
        let hash = hash.to_vec();
        match self.heads.last_mut().filter(|head| head.chain == chain) {
            Some(head) => (head.number, head.last_event, head.hash) = (number, last_event, hash),
            None => self.heads.push(ChainHead { chain: chain.to_owned(), number, last_event, hash }),
        }
        Ok(())
    }

    /// The totals, by the order of the assets.
    pub fn totals(&self) -> Vec<AssetTotals> {
        let of = |asset: Asset| self.totals.iter().find(|total| total.asset == asset);
        let text = |total: &Total| AssetTotals {
            asset: total.asset.symbol().to_owned(),
            accounts: total.accounts,
            debits: total.debits.to_string(),
            credits: total.credits.to_string(),
        };
        Asset::all().filter_map(of).map(text).collect()
    }

    /// The anchor of the audit log.
    pub fn anchor(self, at: Timestamp) -> Anchor {
        Anchor::new(at, self.heads)
    }
}

fn at<'a>(row: &[Cell<'a>], place: usize) -> Cell<'a> {
    row.get(place).copied().unwrap_or(Cell::Null)
}

fn amount(cell: Cell<'_>) -> Result<Amount, BackupError> {
    let Cell::Bytes(bytes) = cell else { return Err(strange(ACCOUNTS)) };
    let bytes = bytes.try_into().map_err(|_| strange(ACCOUNTS))?;
    Ok(Amount::from_be_bytes(bytes))
}

fn strange(table: &str) -> BackupError {
    StoreError::Decode(format!("a row of {table} does not read")).into()
}
