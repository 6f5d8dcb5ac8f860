//! What operators decide about wallets: stopping one, and letting one run after looking at its chain.

use bursar_access::{Act, By, Permission, admit};
use bursar_audit::{Level, Recorder};
use bursar_keys::KeyId;
use bursar_ledger::{Book, TransferKind};
use bursar_money::Amount;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::json;

use super::audited;
use super::pause::check_reason;
use crate::case::load_pair;
use crate::sql::attempts;
use crate::wallet::{Standing, Wallet};
use crate::{Outcome, Payouts, Rejection, events, sql};

/// An operator accepted what the chain holds.
const MATCHED: TransferKind = TransferKind(24);

impl Payouts {
    /// Stops a wallet: nothing is signed or sent from it once this has committed; what is on its way is still looked up.
    /// Takes [`Permission::OperateSwitch`] on its desk, under the policy `payouts.wallet.stop`.
    pub fn stop_wallet(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<()> {
        let act = ("payouts.wallet.stop", Permission::OperateSwitch, format!("why={why}"));
        self.wallet_act(tx, by, name, why, act, |payouts, tx, wallet| {
            if wallet.standing == Standing::Stopped {
                return Ok(Err(Rejection::WalletChanged("it is stopped already")));
            }
            (wallet.standing, wallet.why, wallet.since) = (Standing::Stopped, why.to_owned(), by.now);
            sql::wallets::update(tx, wallet)?;
            let payload = json!({ "why": why });
            let actor = audited(by.actor);
            let event =
                events::of_wallet(Level::Warn, payouts, "payout.wallet_stopped", actor, wallet, &payload);
            recorder.record(tx, &[event], by.now)?;
            Ok(Ok(()))
        })
    }

    /// Lets a wallet run whose chain was seen to hold `observed` base units: what that differs from the records is
    /// booked against suspense, and the journal counts as compared. While a transaction of it is open, it must hold just
    /// what the records say. Takes
    /// [`Permission::ResolvePayout`] on its desk, under the policy `payouts.match`: let it need a second person.
    pub fn match_wallet(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        observed: Amount,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<()> {
        let act = ("payouts.match", Permission::ResolvePayout, format!("holds={observed} why={why}"));
        self.wallet_act(tx, by, name, why, act, |payouts, tx, wallet| {
            // What is open would move the balance while it is booked. If nothing has to be booked, it may go on.
            if observed != wallet.expected && !attempts::open(tx, name)?.is_empty() {
                return Ok(Err(Rejection::WalletChanged("a transaction of it is not over")));
            }
            let before = wallet.expected;
            book_difference(tx, wallet, observed, by.now)?;
            wallet.expected = observed;
            (wallet.standing, wallet.why, wallet.since) = (Standing::Running, String::new(), by.now);
            wallet.restored_mark = (payouts.parts.generation)(tx)?;
            wallet.matched_at = Some(by.now);
            if let Some(journal) = &payouts.parts.journal {
                let length = journal.length().map_err(|error| StoreError::Unavailable(error.to_string()))?;
                wallet.journal_position = i64::try_from(length).unwrap_or(i64::MAX);
            }
            sql::wallets::update(tx, wallet)?;
            let payload =
                json!({ "expected": before.to_string(), "holds": observed.to_string(), "why": why });
            let actor = audited(by.actor);
            let event =
                events::of_wallet(Level::Warn, payouts, "payout.wallet_matched", actor, wallet, &payload);
            recorder.record(tx, &[event], by.now)?;
            Ok(Ok(()))
        })
    }

    fn wallet_act(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        why: &str,
        (action, permission, payload): (&str, Permission, String),
        act: impl FnOnce(&Payouts, &mut Tx<'_>, &mut Wallet) -> Outcome<()>,
    ) -> Outcome<()> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        let Some(peeked) = self.wallet(tx, name)? else { return Ok(Err(Rejection::WalletUnknown)) };
        let (action, subject) = (action.to_owned(), name.to_string());
        let wanted = Act { action, desk: peeked.desk, subject, payload, permission };
        let admission = match admit(tx, by, &wanted)? {
            Ok(admission) => admission,
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        let Some(mut wallet) = sql::wallets::load_locked(tx, name)? else {
            return Ok(Err(Rejection::WalletUnknown));
        };
        let done = act(self, tx, &mut wallet)?;
        if done.is_ok() {
            admission.spend(tx)?;
        }
        Ok(done)
    }
}

/// Books what the chain holds more or less than the records say.
fn book_difference(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    observed: Amount,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (debit, credit, amount) = match (observed.minus(wallet.expected), wallet.expected.minus(observed)) {
        (Ok(more), _) if more.is_zero() => return Ok(()),
        (Ok(more), _) => (wallet.account, wallet.suspense, more),
        (Err(_), Ok(less)) => (wallet.suspense, wallet.account, less),
        (Err(error), Err(_)) => return Err(StoreError::Decode(error.to_string())),
    };
    let mut book = Book::default();
    let (debit, credit) = load_pair(tx, &mut book, debit, credit)?;
    let booked = book.transfer(debit, credit, amount, MATCHED, 0);
    booked.map_err(|refusal| StoreError::Decode(refusal.to_string()))?;
    book.number(tx)?;
    book.write(tx, now)
}
