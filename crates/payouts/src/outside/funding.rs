//! Filling a wallet's funds, which alone pay for callers from outside, and taking them back.

use bursar_access::{Act, By, Permission, admit};
use bursar_audit::{Level, Recorder};
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book, LedgerRefusal, TransferKind};
use bursar_money::{Amount, Asset, Balance};
use bursar_store::{StoreError, Tx};
use serde_json::json;

use super::rules::OutsideRules;
use crate::operate::{audited, check_reason};
use crate::wallet::Wallet;
use crate::{Outcome, Payouts, Rejection, events, sql};

/// Money between a desk's treasury and the funds of its wallet.
const FUNDED: TransferKind = TransferKind(25);

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// From the desk's treasury into the wallet's funds.
    Fill,
    /// Back again, as far as no payout holds it.
    TakeBack,
}

impl Payouts {
    /// Moves `amount` base units between the treasury of a wallet's desk and the funds of the wallet. What is filled in
    /// must be there beyond what the desk owes to others and what its wallets' funds and suspense hold. Takes
    /// [`Permission::CorrectLedger`] on the desk, under the policy `payouts.fund`. Returns what the funds are then.
    ///
    /// # Errors
    /// [`Rejection::OwedToOthers`], [`Rejection::InsufficientFunds`], [`Rejection::NotOpen`] of a desk that pays for nobody
    /// from outside.
    #[allow(clippy::too_many_arguments, reason = "an operator's act in full")]
    pub fn fund(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        amount: Amount,
        way: Funding,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<Balance> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        let Some(peeked) = self.wallet(tx, name)? else { return Ok(Err(Rejection::WalletUnknown)) };
        let Some(rules) = self.outside(&peeked.desk) else {
            return Ok(Err(Rejection::NotOpen("the desk has not opened its wallets to them")));
        };
        let act = Act {
            action: "payouts.fund".to_owned(),
            desk: peeked.desk,
            subject: name.to_string(),
            payload: format!("way={way:?} amount={amount} reason={why}"),
            permission: Permission::CorrectLedger,
        };
        let admission = match admit(tx, by, &act)? {
            Ok(admission) => admission,
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        let wallets = of_desk(tx, rules.desk, peeked.asset)?;
        let Some(wallet) = wallets.iter().find(|wallet| wallet.name == *name) else {
            return Ok(Err(Rejection::WalletUnknown));
        };
        let mut book = Book::default();
        let moved = match move_funds(tx, &mut book, &rules, (wallet, &wallets), amount, way)? {
            Ok(moved) => moved,
            Err(rejection) => return Ok(Err(rejection)),
        };
        book.number(tx)?;
        book.write(tx, by.now)?;
        let way = match way {
            Funding::Fill => "fill",
            Funding::TakeBack => "take_back",
        };
        let payload = json!({
            "way": way, "amount": amount.to_string(), "treasury": rules.treasury, "funds": moved.to_string(), "reason": why,
            "approval": admission.cleared().approval, "approvers": admission.cleared().approvers,
        });
        let actor = audited(admission.actor());
        let event = events::of_wallet(Level::Warn, self, "payout.funded", actor, wallet, &payload);
        recorder.record(tx, &[event], by.now)?;
        admission.spend(tx)?;
        Ok(Ok(moved))
    }
}

/// The desk's wallets that pay in this asset, locked: what they must hold and what their accounts say is of one moment.
/// They are locked in the order of their names, and before any account, as senders do.
fn of_desk(tx: &mut Tx<'_>, desk: &str, asset: Asset) -> Result<Vec<Wallet>, StoreError> {
    let all = sql::wallets::all(tx)?;
    let own = all.into_iter().filter(|wallet| wallet.desk == desk && wallet.asset == asset);
    let locked = own.map(|wallet| sql::wallets::load_locked(tx, &wallet.name));
    Ok(locked.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Checks and moves the money in the book; what the funds are then. `wallets` are all of the desk's in this asset.
fn move_funds(
    tx: &mut Tx<'_>,
    book: &mut Book,
    rules: &OutsideRules,
    (wallet, wallets): (&Wallet, &[Wallet]),
    amount: Amount,
    way: Funding,
) -> Outcome<Balance> {
    let paths: Vec<&str> = rules.owed.iter().copied().chain([rules.treasury]).collect();
    book.load_paths(tx, &paths)?;
    let accounts: Vec<AccountId> =
        wallets.iter().flat_map(|wallet| [wallet.suspense, wallet.funds]).collect();
    book.load(tx, &accounts)?;
    let treasury = book.slot_of_path(rules.treasury, wallet.asset);
    let (Some(treasury), Some(funds)) = (treasury, book.slot(wallet.funds)) else {
        return Ok(Err(Rejection::AccountUnknown));
    };
    let (debit, credit) = match way {
        Funding::Fill => (treasury, funds),
        Funding::TakeBack => (funds, treasury),
    };
    if way == Funding::Fill {
        let free = free(book, rules, wallets, wallet)?;
        if amount > free {
            return Ok(Err(Rejection::OwedToOthers { free }));
        }
    }
    if let Err(refusal) = book.transfer(debit, credit, amount, FUNDED, 0) {
        return Ok(Err(refused(refusal)));
    }
    Ok(Ok(book.account(funds).balance()))
}

/// What the chain must hold for the desk's wallets beyond what belongs to somebody: those whom the desk owes, callers from
/// outside, and whoever it is that suspense waits for.
fn free(book: &Book, rules: &OutsideRules, wallets: &[Wallet], of: &Wallet) -> Result<Amount, StoreError> {
    let overflow = |error: bursar_money::AmountError| StoreError::Decode(error.to_string());
    let held = Amount::sum(wallets.iter().map(|wallet| wallet.expected)).map_err(overflow)?;
    let owed = rules.owed.iter().filter_map(|path| book.slot_of_path(path, of.asset));
    let kept = wallets.iter().flat_map(|wallet| [wallet.suspense, wallet.funds]);
    let claims = owed.chain(kept.filter_map(|account| book.slot(account)));
    let claims = claims.map(|slot| match book.account(slot).balance() {
        Balance::Credit(amount) => amount,
        // What is missing there is missing from the wallets as well.
        Balance::Debit(_) => Amount::ZERO,
    });
    let claimed = Amount::sum(claims).map_err(overflow)?;
    Ok(held.minus(claimed).unwrap_or(Amount::ZERO))
}

fn refused(refusal: LedgerRefusal) -> Rejection {
    match refusal {
        LedgerRefusal::InsufficientFunds => Rejection::InsufficientFunds,
        LedgerRefusal::ZeroAmount
        | LedgerRefusal::SameAccount
        | LedgerRefusal::AssetMismatch
        | LedgerRefusal::HoldEnded
        | LedgerRefusal::Amount(_) => {
            Rejection::Invalid { field: "amount", rule: "it is above zero, and totals stay below 2^128" }
        }
    }
}
