//! Money that came to a wallet unasked: booked into suspense once, and assigned by the desk's ear or an operator.

use bursar_access::{Act, By, Permission, admit};
use bursar_audit::Recorder;
use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book, TransferKind};
use bursar_money::Amount;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use crate::case::load_pair;
use crate::desk_rules::Received;
use crate::operate::{approved, audited, check_reason};
use crate::wallet::Wallet;
use crate::{Outcome, Payouts, Rejection, events, sql};

/// Money that came in; caused by the receipt.
const RECEIVED: TransferKind = TransferKind(21);
/// Money out of suspense; caused by the receipt.
const ASSIGNED: TransferKind = TransferKind(23);
/// Most receipts that one page shows.
const PAGE_MAX: i64 = 200;

/// Where a receipt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// The transaction that accepts it is not final.
    Accepting,
    /// In the wallet's suspense account.
    Suspense,
    /// Assigned.
    Assigned,
}

impl ReceiptState {
    pub(crate) const fn code(self) -> i64 {
        match self {
            ReceiptState::Accepting => 0,
            ReceiptState::Suspense => 1,
            ReceiptState::Assigned => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<ReceiptState, StoreError> {
        match code {
            0 => Ok(ReceiptState::Accepting),
            1 => Ok(ReceiptState::Suspense),
            2 => Ok(ReceiptState::Assigned),
            other => Err(StoreError::Decode(format!("receipt state {other}"))),
        }
    }
}

/// Money that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub id: i64,
    /// Where it came in.
    pub wallet: KeyId,
    /// The sender's transaction; of money that simply appeared, the slot at which it was seen.
    pub source: String,
    /// Who sent it; empty = unknown.
    pub sender: String,
    /// How much, in base units.
    pub amount: Amount,
    /// The attempt that accepts it.
    pub attempt: Option<i64>,
    /// Where it stands.
    pub state: ReceiptState,
    /// The account it was assigned to; of what an ear took, none.
    pub assigned_to: Option<AccountId>,
    /// When it was first seen.
    pub seen_at: Timestamp,
    /// When it was assigned.
    pub ended_at: Option<Timestamp>,
}

impl Payouts {
    /// Books a receipt that is final: the chain holds more, and suspense owes it to whoever it turns out to be for
    /// (CHAIN-IS-BOOK). The wallet is locked.
    pub(crate) fn book_receipt(
        &self,
        tx: &mut Tx<'_>,
        wallet: &mut Wallet,
        receipt: &mut Receipt,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let broken =
            |what: &dyn std::fmt::Display| StoreError::Decode(format!("receipt {}: {what}", receipt.id));
        let mut book = Book::default();
        let (debit, credit) = load_pair(tx, &mut book, wallet.account, wallet.suspense)?;
        let booked = book.transfer(debit, credit, receipt.amount, RECEIVED, receipt.id);
        booked.map_err(|refusal| broken(&refusal))?;
        wallet.expected = wallet.expected.plus(receipt.amount).map_err(|error| broken(&error))?;
        let received = Received {
            receipt: receipt.id,
            wallet: wallet.name.clone(),
            sender: (!receipt.sender.is_empty()).then(|| Address::from_canonical(receipt.sender.clone())),
            source: receipt.source.clone(),
            amount: receipt.amount,
            suspense: wallet.suspense,
        };
        let ear = self.desk(&wallet.desk).and_then(|rules| rules.ear.clone());
        let is_taken = match ear {
            Some(ear) => ear.received(tx, &mut book, &received, now)?,
            None => false,
        };
        receipt.state = if is_taken { ReceiptState::Assigned } else { ReceiptState::Suspense };
        receipt.ended_at = is_taken.then_some(now);
        book.number(tx)?;
        book.write(tx, now)?;
        sql::receipts::update(tx, receipt)?;
        sql::wallets::update(tx, wallet)?;
        let payload = json!({
            "receipt": receipt.id, "source": receipt.source, "sender": receipt.sender,
            "amount": receipt.amount.to_string(), "assigned": is_taken,
        });
        recorder.record(tx, &[events::received(self, wallet, &payload)], now).map(|_| ())
    }

    /// Moves a receipt out of suspense to the account at `path`, which is none that says what a wallet's chain holds or took.
    /// Takes [`Permission::CorrectLedger`] on the wallet's desk, under the policy `payouts.assign`.
    pub fn assign(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        receipt: i64,
        path: &str,
        reason: &str,
        recorder: &Recorder,
    ) -> Outcome<()> {
        if let Err(rejection) = check_reason(reason) {
            return Ok(Err(rejection));
        }
        let Some(peeked) = sql::receipts::by_id(tx, receipt)? else {
            return Ok(Err(Rejection::ReceiptUnknown));
        };
        let Some(wallet) = self.wallet(tx, &peeked.wallet)? else { return Ok(Err(Rejection::WalletUnknown)) };
        let act = Act {
            action: "payouts.assign".to_owned(),
            desk: wallet.desk.clone(),
            subject: receipt.to_string(),
            payload: format!("account={path} amount={} reason={reason}", peeked.amount),
            permission: Permission::CorrectLedger,
        };
        let admission = match admit(tx, by, &act)? {
            Ok(admission) => admission,
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        let Some(wallet) = sql::wallets::load_locked(tx, &peeked.wallet)? else {
            return Ok(Err(Rejection::WalletUnknown));
        };
        let waiting = sql::receipts::by_id(tx, receipt)?.filter(|row| row.state == ReceiptState::Suspense);
        let Some(mut row) = waiting else { return Ok(Err(Rejection::ReceiptUnknown)) };
        let Some(view) = bursar_ledger::account_by_path(tx, path, wallet.asset)? else {
            return Ok(Err(Rejection::AccountUnknown));
        };
        if tells_of_a_chain(path) {
            return Ok(Err(OWN_ACCOUNT));
        }
        let mut book = Book::default();
        let (debit, credit) = load_pair(tx, &mut book, wallet.suspense, view.id)?;
        if let Err(refusal) = book.transfer(debit, credit, row.amount, ASSIGNED, row.id) {
            tracing::info!(receipt, %refusal, "a receipt cannot be assigned");
            return Ok(Err(OWN_ACCOUNT));
        }
        book.number(tx)?;
        book.write(tx, by.now)?;
        (row.state, row.assigned_to, row.ended_at) = (ReceiptState::Assigned, Some(view.id), Some(by.now));
        sql::receipts::update(tx, &row)?;
        let mut payload = approved(admission.cleared());
        payload.insert("receipt".to_owned(), receipt.into());
        payload.insert("account".to_owned(), path.into());
        payload.insert("amount".to_owned(), row.amount.to_string().into());
        payload.insert("reason".to_owned(), reason.into());
        let payload = Value::Object(payload);
        let actor = audited(admission.actor());
        let event =
            events::of_wallet(bursar_audit::Level::Warn, self, "payout.assigned", actor, &wallet, &payload);
        recorder.record(tx, &[event], by.now)?;
        admission.spend(tx)?;
        Ok(Ok(()))
    }

    /// Receipts of a wallet that wait to be assigned, or to become final, oldest first, after the one numbered `after`.
    pub fn receipts(
        &self,
        tx: &mut Tx<'_>,
        wallet: &KeyId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Receipt>, StoreError> {
        sql::receipts::open(tx, wallet, after, limit.clamp(1, PAGE_MAX))
    }
}

const OWN_ACCOUNT: Rejection =
    Rejection::Invalid { field: "account", rule: "it is none of a wallet's own, but for its funds" };

/// Whether an account is one of a wallet's, and not its funds: it says what the chain holds, took, or brought unasked.
fn tells_of_a_chain(path: &str) -> bool {
    path.starts_with("payouts/") && !path.ends_with("/funds")
}
