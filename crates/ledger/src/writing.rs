//! Loading what a batch touches and writing what it changed: a handful of statements whatever the batch's size.

use std::sync::LazyLock;

use bursar_money::{Amount, AmountError, Asset, Turnover};
use bursar_store::Column::{Amount as AmountColumn, Int, Text, Time};
use bursar_store::{Bulk, Lock, Lookup, Param, Row, Sequence, StoreError, Timestamp, Tx, invariant};

use crate::account::{Account, AccountId, AccountSlot, Overdraft};
use crate::book::Book;
use crate::hold::{Hold, HoldId, HoldSlot, HoldState};
use crate::transfer::{Link, TransferId, TransferKind, TransferSlot};

const COLUMNS: &str = "id, asset, overdraft, debits, credits, held, postings, last_transfer";
const ACCOUNTS: Sequence = Sequence("ledger_account");
const TRANSFERS: Sequence = Sequence("ledger_transfer");
const HOLDS: Sequence = Sequence("ledger_hold");

static BY_ID: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(COLUMNS, "ledger_account", &[("id", Int)], Lock::Update));
static IDS_BY_PATH: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new("id, path, asset", "ledger_account", &[("path", Text)], Lock::None));
static HOLD_BY_ID: LazyLock<Lookup> = LazyLock::new(|| {
    Lookup::new(
        "id, debit_account, credit_account, amount, state, kind, cause",
        "ledger_hold",
        &[("id", Int)],
        Lock::Update,
    )
});
static INSERT_ACCOUNTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("path", Text),
        ("asset", Int),
        ("overdraft", Int),
        ("debits", AmountColumn),
        ("credits", AmountColumn),
        ("held", AmountColumn),
        ("last_transfer", Int),
        ("postings", Int),
        ("opened_at", Time),
    ];
    Bulk::insert("ledger_account", &columns)
});
static UPDATE_ACCOUNTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("debits", AmountColumn),
        ("credits", AmountColumn),
        ("held", AmountColumn),
        ("last_transfer", Int),
        ("postings", Int),
    ];
    Bulk::update("ledger_account", 1, &columns)
});
static INSERT_TRANSFERS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("debit_account", Int),
        ("credit_account", Int),
        ("amount", AmountColumn),
        ("debit_previous", Int),
        ("credit_previous", Int),
        ("kind", Int),
        ("cause", Int),
        ("at", Time),
    ];
    Bulk::insert("ledger_transfer", &columns)
});
static INSERT_WAYPOINTS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("account", Int),
        ("posting", Int),
        ("transfer", Int),
        ("debits", AmountColumn),
        ("credits", AmountColumn),
        ("at", Time),
    ];
    Bulk::insert("ledger_waypoint", &columns)
});
static INSERT_HOLDS: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [
        ("id", Int),
        ("debit_account", Int),
        ("credit_account", Int),
        ("amount", AmountColumn),
        ("state", Int),
        ("kind", Int),
        ("cause", Int),
        ("transfer", Int),
        ("at", Time),
        ("ended_at", Time),
    ];
    Bulk::insert("ledger_hold", &columns)
});
static END_HOLDS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::update("ledger_hold", 1, &[("id", Int), ("state", Int), ("transfer", Int), ("ended_at", Time)])
});

impl Book {
    /// Loads and locks accounts by number, those already here excepted.
    pub fn load(&mut self, tx: &mut Tx<'_>, ids: &[AccountId]) -> Result<(), StoreError> {
        let mut missing: Vec<i64> =
            ids.iter().filter(|id| !self.by_id.contains_key(id)).map(|id| id.0).collect();
        missing.sort_unstable();
        missing.dedup();
        let keys: Vec<Param<'_>> = missing.iter().map(|id| Param::Int(*id)).collect();
        let rows = tx.lookup(&BY_ID, &keys, read_account)?;
        rows.into_iter().for_each(|account| self.adopt(account));
        Ok(())
    }

    /// Loads and locks accounts by path; what is not there stays absent. They are locked by number as everywhere, so
    /// that two batches do not wait for each other crosswise.
    pub fn load_paths(&mut self, tx: &mut Tx<'_>, paths: &[&str]) -> Result<(), StoreError> {
        self.load_together(tx, paths, &[])
    }

    /// Loads and locks accounts by path and others by number, all in the order of their numbers.
    pub fn load_together(
        &mut self,
        tx: &mut Tx<'_>,
        paths: &[&str],
        others: &[AccountId],
    ) -> Result<(), StoreError> {
        let mut missing = paths.to_vec();
        missing.sort_unstable();
        missing.dedup();
        let keys: Vec<Param<'_>> = missing.iter().map(|path| Param::Text(path)).collect();
        let found = tx.lookup(&IDS_BY_PATH, &keys, |row| {
            Ok((AccountId(row.get(0)?), row.get::<String>(1)?, asset_of(row.get(2)?)?))
        })?;
        let ids: Vec<AccountId> = found.iter().map(|(id, ..)| *id).chain(others.iter().copied()).collect();
        self.load(tx, &ids)?;
        for (id, path, asset) in found {
            let slot =
                self.slot(id).ok_or_else(|| StoreError::Decode(format!("account {path} disappeared")))?;
            self.accounts[slot.0].path.clone_from(&path);
            self.by_path.insert((path, asset), slot);
        }
        Ok(())
    }

    /// Loads and locks holds with their accounts.
    pub fn load_holds(&mut self, tx: &mut Tx<'_>, ids: &[HoldId]) -> Result<(), StoreError> {
        let mut missing: Vec<i64> =
            ids.iter().filter(|id| !self.hold_by_id.contains_key(id)).map(|id| id.0).collect();
        missing.sort_unstable();
        missing.dedup();
        let keys: Vec<Param<'_>> = missing.iter().map(|id| Param::Int(*id)).collect();
        let rows = tx.lookup(&HOLD_BY_ID, &keys, |row| {
            let (id, debit, credit) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let kind = TransferKind(row.get(5)?);
            Ok((
                HoldId(id),
                AccountId(debit),
                AccountId(credit),
                row.get(3)?,
                row.get::<i64>(4)?,
                kind,
                row.get(6)?,
            ))
        })?;
        let accounts: Vec<AccountId> = rows.iter().flat_map(|row| [row.1, row.2]).collect();
        self.load(tx, &accounts)?;
        for (id, debit, credit, amount, state, kind, cause) in rows {
            let (Some(debit), Some(credit)) = (self.slot(debit), self.slot(credit)) else {
                return Err(StoreError::Decode(format!("hold {} names an account that is not there", id.0)));
            };
            let slot = HoldSlot(self.holds.len());
            self.hold_by_id.insert(id, slot);
            self.holds.push(Hold {
                id: Some(id),
                debit,
                credit,
                amount,
                state: HoldState::from_code(state)?,
                kind,
                cause,
                transfer: None,
                is_new: false,
                is_changed: false,
            });
        }
        Ok(())
    }

    /// Gives every new account, transfer and hold its number. The counters stay locked until the commit.
    pub fn number(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let fresh = self.accounts.iter().filter(|account| account.id.is_none()).count();
        if fresh > 0 {
            let first = tx.allocate(ACCOUNTS, count(fresh)?)?;
            let unnumbered = self.accounts.iter_mut().enumerate().filter(|(_, account)| account.id.is_none());
            for (id, (index, account)) in (first..).map(AccountId).zip(unnumbered) {
                account.id = Some(id);
                self.by_id.insert(id, AccountSlot(index));
            }
        }
        if !self.transfers.is_empty() && self.first_transfer.is_none() {
            let first = tx.allocate(TRANSFERS, count(self.transfers.len())?)?;
            self.first_transfer = Some(TransferId(first));
            self.numbered = self.transfers.len();
        }
        let fresh = self.holds.iter().filter(|hold| hold.id.is_none()).count();
        if fresh > 0 {
            let first = tx.allocate(HOLDS, count(fresh)?)?;
            let unnumbered = self.holds.iter_mut().filter(|hold| hold.id.is_none());
            for (id, hold) in (first..).map(HoldId).zip(unnumbered) {
                hold.id = Some(id);
            }
        }
        Ok(())
    }

    /// The number of an account; after [`Book::number`] every account has one.
    #[must_use]
    pub fn account_id(&self, slot: AccountSlot) -> AccountId {
        self.accounts[slot.0].id.unwrap_or_else(|| bursar_store::fail_stop("account not numbered"))
    }

    /// The number of a transfer, after [`Book::number`].
    #[must_use]
    pub fn transfer_id(&self, slot: TransferSlot) -> TransferId {
        invariant!(slot.0 < self.numbered, "a transfer that was decided after the book was numbered");
        let first = self.first_transfer.unwrap_or_else(|| bursar_store::fail_stop("transfers not numbered"));
        let offset = i64::try_from(slot.0).unwrap_or_else(|_| bursar_store::fail_stop("transfer slot"));
        TransferId(first.0 + offset)
    }

    /// The number of a hold, after [`Book::number`].
    #[must_use]
    pub fn hold_id(&self, slot: HoldSlot) -> HoldId {
        self.holds[slot.0].id.unwrap_or_else(|| bursar_store::fail_stop("hold not numbered"))
    }

    /// Names an account that was opened with an empty path, usually after its own number.
    pub fn name(&mut self, slot: AccountSlot, path: String) {
        self.accounts[slot.0].path = path;
    }

    /// Writes everything that changed. The caller has numbered the book before.
    pub fn write(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.check_balanced();
        self.write_accounts(tx, now)?;
        self.write_transfers(tx, now)?;
        self.write_holds(tx, now)
    }

    fn write_accounts(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let (mut inserts, mut updates) = (Vec::new(), Vec::new());
        for (index, account) in self.accounts.iter().enumerate().filter(|(_, account)| account.is_changed) {
            let id = Param::Int(self.account_id(AccountSlot(index)).0);
            let last = self.link(account.last);
            let totals = [account.debits, account.credits, account.held].map(Param::Amount);
            if account.is_new {
                invariant!(!account.path.is_empty(), "an account without a path");
                inserts.extend([id, Param::Text(&account.path), Param::Int(account.asset.code())]);
                inserts.push(Param::Int(account.overdraft.code()));
                inserts.extend(totals);
                inserts.extend([last, Param::Int(account.postings), Param::Time(now)]);
            } else {
                updates.push(id);
                updates.extend(totals);
                updates.extend([last, Param::Int(account.postings)]);
            }
        }
        tx.execute_many(&INSERT_ACCOUNTS, &inserts)?;
        tx.execute_many(&UPDATE_ACCOUNTS, &updates)?;
        Ok(())
    }

    fn write_transfers(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(self.transfers.len() * 9);
        for (index, transfer) in self.transfers.iter().enumerate() {
            rows.extend([
                Param::Int(self.transfer_id(TransferSlot(index)).0),
                Param::Int(self.account_id(transfer.debit).0),
                Param::Int(self.account_id(transfer.credit).0),
                Param::Amount(transfer.amount),
                self.link(transfer.debit_previous),
                self.link(transfer.credit_previous),
                Param::Int(transfer.kind.0),
                Param::Int(transfer.cause),
                Param::Time(now),
            ]);
        }
        tx.execute_many(&INSERT_TRANSFERS, &rows)?;
        let mut rows = Vec::with_capacity(self.waypoints.len() * 6);
        for point in &self.waypoints {
            rows.extend([
                Param::Int(self.account_id(point.account).0),
                Param::Int(point.posting),
                Param::Int(self.transfer_id(point.transfer).0),
                Param::Amount(point.debits),
                Param::Amount(point.credits),
                Param::Time(now),
            ]);
        }
        tx.execute_many(&INSERT_WAYPOINTS, &rows)?;
        Ok(())
    }

    fn write_holds(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let (mut inserts, mut ends) = (Vec::new(), Vec::new());
        for (index, hold) in self.holds.iter().enumerate().filter(|(_, hold)| hold.is_changed) {
            let id = Param::Int(self.hold_id(HoldSlot(index)).0);
            let state = Param::Int(hold.state.code());
            let transfer = hold.transfer.map_or(Param::Null, |slot| Param::Int(self.transfer_id(slot).0));
            let ended = if hold.state == HoldState::Held { Param::Null } else { Param::Time(now) };
            if hold.is_new {
                inserts.extend([id, Param::Int(self.account_id(hold.debit).0)]);
                inserts.extend([
                    Param::Int(self.account_id(hold.credit).0),
                    Param::Amount(hold.amount),
                    state,
                ]);
                inserts.extend([
                    Param::Int(hold.kind.0),
                    Param::Int(hold.cause),
                    transfer,
                    Param::Time(now),
                    ended,
                ]);
            } else {
                ends.extend([id, state, transfer, ended]);
            }
        }
        tx.execute_many(&INSERT_HOLDS, &inserts)?;
        tx.execute_many(&END_HOLDS, &ends)?;
        Ok(())
    }

    /// What the batch added to debits and to credits are both the sum of its transfers (invariant LEDGER-ZERO).
    fn check_balanced(&self) {
        let add = |total: Turnover, amount: Result<Amount, AmountError>| total.plus(amount?);
        let moved = self.transfers.iter().map(|transfer| Ok(transfer.amount)).try_fold(Turnover::ZERO, add);
        let grown = |now: fn(&Account) -> Amount, before: fn(&Account) -> Amount| {
            self.accounts
                .iter()
                .map(|account| now(account).minus(before(account)))
                .try_fold(Turnover::ZERO, add)
        };
        let debits = grown(|account| account.debits, |account| account.before.0);
        let credits = grown(|account| account.credits, |account| account.before.1);
        let balanced = moved.is_ok() && debits == moved && credits == moved;
        invariant!(
            balanced,
            "a batch out of balance: debits {debits:?}, credits {credits:?}, moved {moved:?}"
        );
    }

    fn link(&self, link: Link) -> Param<'static> {
        match link {
            Link::None => Param::Null,
            Link::Stored(id) => Param::Int(id.0),
            Link::InBatch(slot) => Param::Int(self.transfer_id(slot).0),
        }
    }

    /// Takes in an account that was not here.
    fn adopt(&mut self, account: Account) {
        account.id.map(|id| self.by_id.insert(id, AccountSlot(self.accounts.len())));
        self.accounts.push(account);
    }
}

fn count(items: usize) -> Result<i64, StoreError> {
    i64::try_from(items).map_err(|_| StoreError::Decode("a count beyond 63 bits".into()))
}

fn asset_of(code: i64) -> Result<Asset, StoreError> {
    Asset::from_code(code).map_err(|error| StoreError::Decode(error.to_string()))
}

fn read_account(row: &Row<'_>) -> Result<Account, StoreError> {
    let asset = asset_of(row.get(1)?)?;
    let (debits, credits) = (row.get(3)?, row.get(4)?);
    Ok(Account {
        id: Some(AccountId(row.get(0)?)),
        asset,
        overdraft: Overdraft::from_code(row.get(2)?)?,
        debits,
        credits,
        before: (debits, credits),
        held: row.get(5)?,
        postings: row.get(6)?,
        last: row.get::<Option<i64>>(7)?.map_or(Link::None, |id| Link::Stored(TransferId(id))),
        path: String::new(),
        is_new: false,
        is_changed: false,
    })
}
