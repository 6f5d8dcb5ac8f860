//! The whole book held against itself, whatever rooms stand in the house: transfers, accounts, holds.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Row};

use crate::invariant::{Breach, require};
use crate::watching::{Eye, Snapshot};

/// What the transfers and holds of an account come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    debits: u128,
    credits: u128,
    held: u128,
    last_transfer: Option<i64>,
    postings: i64,
}

/// A row of `ledger_account`.
struct Account {
    id: i64,
    path: String,
    asset: i64,
    totals: Totals,
}

/// What a transfer moves, and what a hold sets aside: from, to, how much, of which kind, for what cause.
type Moved = (i64, i64, u128, i64, i64);

/// A row of `ledger_hold`.
struct Hold {
    id: i64,
    moved: Moved,
    state: i64,
    transfer: Option<i64>,
}

/// How much of the file SQLite is asked to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing: nothing has happened to it since.
    Assumed,
    /// Each page and row.
    Quick,
    /// Also that each index has its rows.
    Full,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Book {
    eye: Option<Eye>,
}

impl Book {
    /// Looks through `eye` from now on.
    pub fn connect(&mut self, eye: &Eye) {
        self.eye = Some(eye.clone());
    }

    /// Closes its eye.
    pub fn disconnect(&mut self) {
        self.eye = None;
    }

    /// Goes through all of it. The database has been recovered by others.
    pub fn examine(&self, health: Health) -> Result<(), Breach> {
        let connection = self.eye.as_ref().expect("the checker of the book can look").look();
        let answer = state_of(&connection, health).expect("SQLite can check its file");
        require!(Durable, answer == "ok", "the database is damaged: {answer}");
        check(&connection).expect("the book can be read")
    }
}

fn state_of(connection: &Connection, health: Health) -> rusqlite::Result<String> {
    let sql = match health {
        Health::Assumed => return Ok("ok".to_owned()),
        Health::Quick => "PRAGMA quick_check(1)",
        Health::Full => "PRAGMA integrity_check(1)",
    };
    connection.query_row(sql, [], |row| row.get(0))
}

const TRANSFERS: &str = "SELECT id, debit_account, credit_account, amount, kind, cause, debit_previous, credit_previous \
    FROM ledger_transfer ORDER BY id";
const HOLDS: &str =
    "SELECT id, debit_account, credit_account, amount, kind, cause, state, transfer FROM ledger_hold";
const ACCOUNTS: &str =
    "SELECT id, path, asset, debits, credits, held, last_transfer, postings FROM ledger_account";

/// Each account has what its transfers and holds come to, and each asset's accounts sum to zero.
fn check(connection: &Connection) -> rusqlite::Result<Result<(), Breach>> {
    let snapshot = Snapshot::of(connection)?;
    let holds = snapshot.prepare_cached(HOLDS)?.query_map([], hold)?.collect::<Result<Vec<_>, _>>()?;
    let mut posted: HashMap<i64, &Hold> =
        holds.iter().filter_map(|hold| Some((hold.transfer?, hold))).collect();
    let mut due: HashMap<i64, Totals> = HashMap::new();
    let mut statement = snapshot.prepare_cached(TRANSFERS)?;
    let mut transfers = statement.query([])?;
    while let Some(row) = transfers.next()? {
        let added = add(&mut due, row.get(0)?, moved(row)?, [row.get(6)?, row.get(7)?]);
        let held = posted.remove(&row.get(0)?);
        if let Err(breach) = added.and_then(|()| check_posted(held, moved(row).ok())) {
            return Ok(Err(breach));
        }
    }
    let accounts =
        snapshot.prepare_cached(ACCOUNTS)?.query_map([], account)?.collect::<Result<Vec<_>, _>>()?;
    Ok(check_holds(&holds, &posted, &mut due).and_then(|()| check_accounts(&accounts, due)))
}

/// One more transfer, which hangs on the chains of both its accounts.
fn add(
    due: &mut HashMap<i64, Totals>,
    id: i64,
    (debit, credit, amount, ..): Moved,
    previous: [Option<i64>; 2],
) -> Result<(), Breach> {
    for (account, previous, is_debit) in [(debit, previous[0], true), (credit, previous[1], false)] {
        let totals = due.entry(account).or_default();
        let last = totals.last_transfer.replace(id);
        require!(LedgerZero, last == previous, "the chain of account {account} breaks at transfer {id}");
        *(if is_debit { &mut totals.debits } else { &mut totals.credits }) += amount;
        totals.postings += 1;
    }
    Ok(())
}

/// What a hold became is what it set aside.
fn check_posted(hold: Option<&Hold>, transfer: Option<Moved>) -> Result<(), Breach> {
    let Some(hold) = hold else { return Ok(()) };
    let is_it = hold.state == 1 && transfer == Some(hold.moved);
    require!(LedgerZero, is_it, "hold {} of {:?} became {transfer:?}", hold.id, hold.moved);
    Ok(())
}

/// A hold is held, or became a transfer, or was given back.
fn check_holds(
    holds: &[Hold],
    without_transfer: &HashMap<i64, &Hold>,
    due: &mut HashMap<i64, Totals>,
) -> Result<(), Breach> {
    for hold in holds {
        let is_right = match hold.state {
            0 | 2 => hold.transfer.is_none(),
            1 => hold.transfer.is_some_and(|transfer| !without_transfer.contains_key(&transfer)),
            _ => false,
        };
        require!(LedgerZero, is_right, "hold {} in state {} became {:?}", hold.id, hold.state, hold.transfer);
        if hold.state == 0 {
            due.entry(hold.moved.0).or_default().held += hold.moved.2;
        }
    }
    Ok(())
}

fn check_accounts(accounts: &[Account], mut due: HashMap<i64, Totals>) -> Result<(), Breach> {
    let mut sums: BTreeMap<i64, (u128, u128)> = BTreeMap::new();
    for Account { id, path, asset, totals } in accounts {
        let due = due.remove(id).unwrap_or_default();
        require!(LedgerZero, *totals == due, "{path} has {totals:?}, its transfers and holds give {due:?}");
        let sum = sums.entry(*asset).or_default();
        *sum = (sum.0 + totals.debits, sum.1 + totals.credits);
    }
    require!(LedgerZero, due.is_empty(), "transfers or holds of accounts that are not there: {due:?}");
    for (asset, (debits, credits)) in sums {
        require!(LedgerZero, debits == credits, "asset {asset} has debits {debits} and credits {credits}");
    }
    Ok(())
}

fn moved(row: &Row<'_>) -> rusqlite::Result<Moved> {
    Ok((row.get(1)?, row.get(2)?, amount(row, 3)?, row.get(4)?, row.get(5)?))
}

fn hold(row: &Row<'_>) -> rusqlite::Result<Hold> {
    Ok(Hold { id: row.get(0)?, moved: moved(row)?, state: row.get(6)?, transfer: row.get(7)? })
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let totals = Totals {
        debits: amount(row, 3)?,
        credits: amount(row, 4)?,
        held: amount(row, 5)?,
        last_transfer: row.get(6)?,
        postings: row.get(7)?,
    };
    Ok(Account { id: row.get(0)?, path: row.get(1)?, asset: row.get(2)?, totals })
}

fn amount(row: &Row<'_>, at: usize) -> rusqlite::Result<u128> {
    row.get(at).map(u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two accounts of one asset and one of another; 30 moved, then 12 posted from a hold, and 5 are held.
    const BOOK: &str = "\
        CREATE TABLE ledger_account (id INTEGER PRIMARY KEY, path, asset, debits, credits, held, last_transfer, postings);\
        CREATE TABLE ledger_transfer (id INTEGER PRIMARY KEY, debit_account, credit_account, amount, debit_previous,\
            credit_previous, kind, cause);\
        CREATE TABLE ledger_hold (id INTEGER PRIMARY KEY, debit_account, credit_account, amount, state, kind, cause, transfer);\
        INSERT INTO ledger_account VALUES (1, 'a', 1, 42, 0, 5, 2, 2), (2, 'b', 1, 0, 42, 0, 2, 2), (3, 'c', 2, 0, 0, 0, NULL, 0);\
        INSERT INTO ledger_transfer VALUES (1, 1, 2, 30, NULL, NULL, 7, 0), (2, 1, 2, 12, 1, 1, 8, 9);\
        INSERT INTO ledger_hold VALUES (1, 1, 2, 12, 1, 8, 9, 2), (2, 1, 2, 5, 0, 8, 9, NULL), (3, 2, 1, 6, 2, 8, 9, NULL);";

    /// What is found once `spoil` was typed.
    fn found(spoil: &str) -> Option<String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(BOOK).unwrap();
        connection.execute_batch(spoil).unwrap();
        // Amounts are typed as numbers, and stored as 16 bytes.
        for (table, column) in [
            ("ledger_account", "debits"),
            ("ledger_account", "credits"),
            ("ledger_account", "held"),
            ("ledger_transfer", "amount"),
            ("ledger_hold", "amount"),
        ] {
            let sql = format!("UPDATE {table} SET {column} = unhex(printf('%032x', {column}))");
            connection.execute_batch(&sql).unwrap();
        }
        check(&connection).unwrap().err().map(|breach| breach.detail)
    }

    #[test]
    fn a_book_whose_accounts_are_what_their_transfers_and_holds_come_to_is_whole() {
        assert_eq!(found(""), None);
    }

    #[test]
    fn totals_chains_and_assets_are_held_against_the_transfers() {
        for spoil in [
            "UPDATE ledger_account SET debits = 43 WHERE id = 1; UPDATE ledger_account SET credits = 43 WHERE id = 2",
            "UPDATE ledger_account SET postings = 3 WHERE id = 1",
            "UPDATE ledger_account SET last_transfer = 1 WHERE id = 2",
            "UPDATE ledger_transfer SET credit_previous = NULL WHERE id = 2",
            "UPDATE ledger_transfer SET amount = 31 WHERE id = 1",
            "UPDATE ledger_transfer SET credit_account = 3 WHERE id = 1",
            "UPDATE ledger_account SET asset = 2 WHERE id = 2",
            "DELETE FROM ledger_transfer WHERE id = 2",
            "DELETE FROM ledger_account WHERE id = 2",
        ] {
            assert!(found(spoil).is_some(), "{spoil}");
        }
    }

    #[test]
    fn holds_are_held_against_accounts_and_against_what_they_became() {
        for spoil in [
            "UPDATE ledger_account SET held = 6 WHERE id = 1",
            "UPDATE ledger_account SET held = 0 WHERE id = 1; UPDATE ledger_account SET held = 5 WHERE id = 2",
            "UPDATE ledger_hold SET state = 2 WHERE id = 2",
            "UPDATE ledger_hold SET amount = 11 WHERE id = 1",
            "UPDATE ledger_hold SET transfer = 1 WHERE id = 1",
            "UPDATE ledger_hold SET transfer = 5 WHERE id = 1",
            "UPDATE ledger_hold SET transfer = NULL WHERE id = 1",
            "UPDATE ledger_hold SET transfer = 1 WHERE id = 3",
            "UPDATE ledger_hold SET state = 3 WHERE id = 3",
        ] {
            assert!(found(spoil).is_some(), "{spoil}");
        }
    }
}
