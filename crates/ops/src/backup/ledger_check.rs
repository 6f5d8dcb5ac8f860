//! The book computed again from its transfers: every account's totals, count of postings, posting chain and holds.

use bursar_money::Amount;
use bursar_store::{Param, StoreError, Tx};

use super::finding::Finding;

/// Accounts in memory at a time; with more, the transfers are walked several times.
const SLICE: i64 = 500_000;
const PAGE: i64 = 8_192;
/// Accounts of which is told what is wrong; a book that was torn apart has many.
const TOLD_MAX: usize = 20;

/// What an account still lacks of what its row says, as its transfers go by.
struct Account {
    id: i64,
    debits: Amount,
    credits: Amount,
    held: Amount,
    postings: i64,
    last: Option<i64>,
    stored_last: Option<i64>,
    is_told: bool,
}

/// One side of a transfer.
struct Side {
    account: i64,
    previous: Option<i64>,
    is_debit: bool,
}

struct Transfer {
    id: i64,
    amount: Amount,
    sides: [Side; 2],
}

/// Recomputes the book and says where its accounts disagree with their transfers. Memory is bounded by [`SLICE`].
pub fn check_accounts(tx: &mut Tx<'_>) -> Result<Vec<Finding>, StoreError> {
    let (mut findings, mut after) = (Findings::default(), 0);
    loop {
        let mut slice = Slice::load(tx, after)?;
        slice.walk(tx, &mut findings)?;
        slice.holds(tx, &mut findings)?;
        slice.finish(&mut findings);
        match slice.end {
            Some(end) => after = end,
            None => return Ok(findings.finish()),
        }
    }
}

#[derive(Default)]
struct Findings {
    told: Vec<Finding>,
    left_off: u64,
}

impl Findings {
    fn find(&mut self, account: i64, why: String) {
        match self.told.len() < TOLD_MAX {
            true => self.told.push(Finding::AccountDiffers { account, why }),
            false => self.left_off = self.left_off.saturating_add(1),
        }
    }

    fn finish(mut self) -> Vec<Finding> {
        if let (Some(Finding::AccountDiffers { why, .. }), true) = (self.told.last_mut(), self.left_off > 0) {
            why.push_str(&format!(" (and {} more accounts)", self.left_off));
        }
        self.told
    }
}

/// Accounts of consecutive numbers.
struct Slice {
    /// The last number before it.
    after: i64,
    /// Its last number, when others follow.
    end: Option<i64>,
    accounts: Vec<Account>,
}

impl Slice {
    fn load(tx: &mut Tx<'_>, after: i64) -> Result<Slice, StoreError> {
        let mut accounts: Vec<Account> = Vec::new();
        let mut last = after;
        loop {
            let sql = "SELECT id, debits, credits, held, postings, last_transfer FROM ledger_account \
                       WHERE id > $1 ORDER BY id LIMIT $2";
            let page = tx.query(sql, &[last.into(), PAGE.into()], |row| {
                Ok(Account {
                    id: row.get(0)?,
                    debits: row.get(1)?,
                    credits: row.get(2)?,
                    held: row.get(3)?,
                    postings: row.get(4)?,
                    last: None,
                    stored_last: row.get(5)?,
                    is_told: false,
                })
            })?;
            let Some(newest) = page.last() else { return Ok(Slice { after, end: None, accounts }) };
            last = newest.id;
            accounts.extend(page);
            if i64::try_from(accounts.len()).is_ok_and(|count| count >= SLICE) {
                return Ok(Slice { after, end: Some(last), accounts });
            }
        }
    }

    /// The place of an account; `None` = it is none of this slice's.
    fn place(&self, id: i64) -> Option<Result<usize, i64>> {
        if id <= self.after || self.end.is_some_and(|end| id > end) {
            return None;
        }
        // Numbers are given out without gaps, so an account is nearly always where its number says.
        let first = self.accounts.first().map_or(1, |account| account.id);
        let guess = usize::try_from(id.saturating_sub(first)).ok();
        let guess = guess.filter(|place| self.accounts.get(*place).is_some_and(|account| account.id == id));
        Some(
            guess
                .ok_or(id)
                .or_else(|id| self.accounts.binary_search_by_key(&id, |account| account.id).map_err(|_| id)),
        )
    }

    fn walk(&mut self, tx: &mut Tx<'_>, findings: &mut Findings) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let page = transfers(tx, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.id;
            for transfer in &page {
                for side in &transfer.sides {
                    match self.place(side.account) {
                        None => {}
                        Some(Err(missing)) => {
                            findings.find(
                                missing,
                                format!("transfer {} names it, and it is not there", transfer.id),
                            );
                        }
                        Some(Ok(place)) => {
                            if let Some(account) = self.accounts.get_mut(place) {
                                account.post(transfer, side, findings);
                            }
                        }
                    }
                }
            }
        }
    }

    fn holds(&mut self, tx: &mut Tx<'_>, findings: &mut Findings) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let sql = "SELECT id, debit_account, amount FROM ledger_hold WHERE id > $1 AND state = 0 \
                       ORDER BY id LIMIT $2";
            let page: Vec<(i64, i64, Amount)> = tx.query(sql, &[Param::Int(after), PAGE.into()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            for (hold, account, amount) in page {
                let Some(place) = self.place(account) else { continue };
                match place.ok().and_then(|place| self.accounts.get_mut(place)) {
                    Some(account) => match account.held.minus(amount) {
                        Ok(left) => account.held = left,
                        Err(_) => account.tell(findings, "more is held of it than its row says".to_owned()),
                    },
                    None => findings.find(account, format!("hold {hold} names it, and it is not there")),
                }
            }
        }
    }

    fn finish(&mut self, findings: &mut Findings) {
        for account in &mut self.accounts {
            let lacks = [account.debits, account.credits].iter().any(|left| !left.is_zero());
            if lacks || account.postings != 0 {
                account.tell(findings, "its totals are greater than those of its transfers".to_owned());
            } else if account.last != account.stored_last {
                account.tell(findings, "its last transfer is not the one that its row says".to_owned());
            } else if !account.held.is_zero() {
                account.tell(findings, "less is held of it than its row says".to_owned());
            }
        }
    }
}

impl Account {
    fn post(&mut self, transfer: &Transfer, side: &Side, findings: &mut Findings) {
        if side.previous != self.last {
            self.tell(findings, format!("its posting chain is broken at transfer {}", transfer.id));
        }
        let total = if side.is_debit { &mut self.debits } else { &mut self.credits };
        match total.minus(transfer.amount) {
            Ok(left) => *total = left,
            Err(_) => self.tell(findings, "its totals are smaller than those of its transfers".to_owned()),
        }
        self.postings = self.postings.saturating_sub(1);
        self.last = Some(transfer.id);
    }

    /// Tells the first thing that is wrong with it; the rest follows from that.
    fn tell(&mut self, findings: &mut Findings, why: String) {
        if !self.is_told {
            self.is_told = true;
            findings.find(self.id, why);
        }
    }
}

fn transfers(tx: &mut Tx<'_>, after: i64) -> Result<Vec<Transfer>, StoreError> {
    let sql = "SELECT id, amount, debit_account, debit_previous, credit_account, credit_previous \
               FROM ledger_transfer WHERE id > $1 ORDER BY id LIMIT $2";
    tx.query(sql, &[after.into(), PAGE.into()], |row| {
        let debit = Side { account: row.get(2)?, previous: row.get(3)?, is_debit: true };
        let credit = Side { account: row.get(4)?, previous: row.get(5)?, is_debit: false };
        Ok(Transfer { id: row.get(0)?, amount: row.get(1)?, sides: [debit, credit] })
    })
}
