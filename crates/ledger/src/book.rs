//! One batch's working copy of the book: pure decisions on accounts that were loaded before.

use std::collections::HashMap;

use bursar_money::{Amount, AmountError, Asset};
use bursar_store::invariant;

use crate::account::{Account, AccountId, AccountSlot, Overdraft};
use crate::hold::{Hold, HoldId, HoldSlot, HoldState};
use crate::transfer::{Link, Transfer, TransferId, TransferKind, TransferSlot, WAYPOINT_EVERY, Waypoint};

/// Why a transfer or hold cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerRefusal {
    /// The account may not fall below zero and holds too little.
    #[error("the account does not hold enough")]
    InsufficientFunds,
    /// Both sides are the same account.
    #[error("a transfer needs two accounts")]
    SameAccount,
    /// The two sides hold different assets.
    #[error("both accounts of a transfer hold the same asset")]
    AssetMismatch,
    /// Nothing to move.
    #[error("the amount is zero")]
    ZeroAmount,
    /// The hold was posted or voided before.
    #[error("the hold has ended already")]
    HoldEnded,
    /// A total would not fit 128 bits.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// The accounts, transfers and holds of one batch.
#[derive(Debug, Default)]
pub struct Book {
    pub(crate) accounts: Vec<Account>,
    pub(crate) by_id: HashMap<AccountId, AccountSlot>,
    pub(crate) by_path: HashMap<(String, Asset), AccountSlot>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) waypoints: Vec<Waypoint>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) hold_by_id: HashMap<HoldId, HoldSlot>,
    pub(crate) first_transfer: Option<TransferId>,
    /// How many of the transfers have their number.
    pub(crate) numbered: usize,
}

impl Book {
    /// The account loaded under `id`.
    #[must_use]
    pub fn slot(&self, id: AccountId) -> Option<AccountSlot> {
        self.by_id.get(&id).copied()
    }

    /// The account loaded or opened under `path`.
    #[must_use]
    pub fn slot_of_path(&self, path: &str, asset: Asset) -> Option<AccountSlot> {
        self.by_path.get(&(path.to_owned(), asset)).copied()
    }

    /// The account at `slot`.
    #[must_use]
    pub fn account(&self, slot: AccountSlot) -> &Account {
        &self.accounts[slot.0]
    }

    /// Opens an account that is not there yet. An empty path is named by [`Book::name`] once it has a number.
    pub fn open(&mut self, path: &str, asset: Asset, overdraft: Overdraft) -> AccountSlot {
        let slot = AccountSlot(self.accounts.len());
        if !path.is_empty() {
            let before = self.by_path.insert((path.to_owned(), asset), slot);
            invariant!(before.is_none(), "account {path} opened twice in one batch");
        }
        self.accounts.push(Account {
            id: None,
            path: path.to_owned(),
            asset,
            overdraft,
            debits: Amount::ZERO,
            credits: Amount::ZERO,
            held: Amount::ZERO,
            postings: 0,
            before: (Amount::ZERO, Amount::ZERO),
            last: Link::None,
            is_new: true,
            is_changed: true,
        });
        slot
    }

    /// Moves `amount` from `debit` to `credit`. `cause` is what `kind` says it is.
    pub fn transfer(
        &mut self,
        debit: AccountSlot,
        credit: AccountSlot,
        amount: Amount,
        kind: TransferKind,
        cause: i64,
    ) -> Result<TransferSlot, LedgerRefusal> {
        self.check(debit, credit, amount)?;
        if !self.accounts[debit.0].can_spend(amount) {
            return Err(LedgerRefusal::InsufficientFunds);
        }
        self.post(debit, credit, amount, kind, cause)
    }

    /// Sets `amount` aside in `debit` until it is posted to `credit` or voided.
    pub fn hold(
        &mut self,
        debit: AccountSlot,
        credit: AccountSlot,
        amount: Amount,
        kind: TransferKind,
        cause: i64,
    ) -> Result<HoldSlot, LedgerRefusal> {
        self.check(debit, credit, amount)?;
        let account = &self.accounts[debit.0];
        if !account.can_spend(amount) {
            return Err(LedgerRefusal::InsufficientFunds);
        }
        let held = account.held.plus(amount)?;
        // What could not be posted later must not be held: by then it has been paid.
        account.debits.plus(held)?;
        self.accounts[credit.0].credits.plus(amount)?;
        let account = &mut self.accounts[debit.0];
        account.held = held;
        account.is_changed = true;
        let slot = HoldSlot(self.holds.len());
        let state = HoldState::Held;
        self.holds.push(Hold {
            id: None,
            debit,
            credit,
            amount,
            state,
            kind,
            cause,
            transfer: None,
            is_new: true,
            is_changed: true,
        });
        Ok(slot)
    }

    /// Turns a hold into its transfer.
    pub fn post_hold(&mut self, slot: HoldSlot) -> Result<TransferSlot, LedgerRefusal> {
        let hold = self.open_hold(slot)?;
        let transfer = self.post(hold.debit, hold.credit, hold.amount, hold.kind, hold.cause)?;
        self.end_hold(slot, HoldState::Posted, Some(transfer));
        Ok(transfer)
    }

    /// Gives what a hold set aside back to its account.
    pub fn void_hold(&mut self, slot: HoldSlot) -> Result<(), LedgerRefusal> {
        self.open_hold(slot)?;
        self.end_hold(slot, HoldState::Voided, None);
        Ok(())
    }

    /// The hold loaded under `id`.
    #[must_use]
    pub fn hold_slot(&self, id: HoldId) -> Option<HoldSlot> {
        self.hold_by_id.get(&id).copied()
    }

    /// The hold at `slot`.
    #[must_use]
    pub fn hold_at(&self, slot: HoldSlot) -> &Hold {
        &self.holds[slot.0]
    }

    fn check(&self, debit: AccountSlot, credit: AccountSlot, amount: Amount) -> Result<(), LedgerRefusal> {
        if debit == credit {
            return Err(LedgerRefusal::SameAccount);
        }
        if self.accounts[debit.0].asset != self.accounts[credit.0].asset {
            return Err(LedgerRefusal::AssetMismatch);
        }
        if amount.is_zero() {
            return Err(LedgerRefusal::ZeroAmount);
        }
        Ok(())
    }

    fn post(
        &mut self,
        debit: AccountSlot,
        credit: AccountSlot,
        amount: Amount,
        kind: TransferKind,
        cause: i64,
    ) -> Result<TransferSlot, LedgerRefusal> {
        let debits = self.accounts[debit.0].debits.plus(amount)?;
        let credits = self.accounts[credit.0].credits.plus(amount)?;
        let slot = TransferSlot(self.transfers.len());
        self.accounts[debit.0].debits = debits;
        self.accounts[credit.0].credits = credits;
        let debit_previous = self.chain(debit, slot);
        let credit_previous = self.chain(credit, slot);
        self.transfers.push(Transfer { debit, credit, amount, debit_previous, credit_previous, kind, cause });
        Ok(slot)
    }

    /// Hangs `transfer` on the account's chain and returns what was last before it.
    fn chain(&mut self, slot: AccountSlot, transfer: TransferSlot) -> Link {
        let account = &mut self.accounts[slot.0];
        account.postings += 1;
        account.is_changed = true;
        let (posting, debits, credits) = (account.postings, account.debits, account.credits);
        if posting % WAYPOINT_EVERY == 0 {
            self.waypoints.push(Waypoint { account: slot, posting, transfer, debits, credits });
        }
        std::mem::replace(&mut account.last, Link::InBatch(transfer))
    }

    fn open_hold(&self, slot: HoldSlot) -> Result<Hold, LedgerRefusal> {
        let hold = &self.holds[slot.0];
        match hold.state {
            HoldState::Held => Ok(hold.clone()),
            HoldState::Posted | HoldState::Voided => Err(LedgerRefusal::HoldEnded),
        }
    }

    /// Ends an open hold; the last step, when nothing can be refused any more.
    fn end_hold(&mut self, slot: HoldSlot, state: HoldState, transfer: Option<TransferSlot>) {
        let hold = &mut self.holds[slot.0];
        hold.state = state;
        hold.transfer = transfer;
        hold.is_changed = true;
        let account = &mut self.accounts[hold.debit.0];
        let left = account.held.minus(hold.amount);
        account.held =
            left.unwrap_or_else(|_| bursar_store::fail_stop("an account holds less than its holds"));
        account.is_changed = true;
    }
}
