//! What operators decide about wallets: stopping one, and letting one run after looking at its chain.

use bursar_access::{Act, By, Cleared, Permission, admit};
use bursar_audit::{Level, Recorder};
use bursar_chain::TransactionId;
use bursar_keys::KeyId;
use bursar_ledger::{Book, TransferKind};
use bursar_money::{Amount, AmountError, Balance};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Map, Value};

use super::pause::check_reason;
use super::{approved, audited};
use crate::case::{Hand, load_pair};
use crate::comparison::Compared;
use crate::known::Reach;
use crate::sql::journals::{self, JournalRow};
use crate::sql::{attempts, doubts, heads};
use crate::wallet::{Doubt, OUTRUN_MARK, Standing, Wallet};
use crate::{Outcome, Payouts, Rejection, events, sql};

/// An operator accepted what the chain holds.
const MATCHED: TransferKind = TransferKind(24);

/// What somebody saw of a wallet when its chain was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletSight {
    /// What the chain said that it holds, in base units.
    pub holds: Amount,
    /// What its records said that it must hold, read before the chain was asked.
    pub expected: Amount,
    /// What the chain said that its account ends in; `None` = it did not say.
    pub newest: Option<TransactionId>,
    /// After a restore, or where the records fell back: the person has compared the wallet's history on the chain by hand, as
    /// a journal that it was written down in is lost, or another server's.
    pub journals_are_lost: bool,
}

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
        self.wallet_act(tx, by, name, why, act, |payouts, tx, wallet, cleared| {
            if wallet.standing == Standing::Stopped {
                return Ok(Err(Rejection::WalletChanged("it is stopped already")));
            }
            (wallet.standing, wallet.why, wallet.since) = (Standing::Stopped, why.to_owned(), by.now);
            sql::wallets::update(tx, wallet)?;
            let mut payload = approved(cleared);
            payload.insert("why".to_owned(), why.into());
            payouts.record_wallet(tx, "payout.wallet_stopped", wallet, payload, by, recorder)
        })
    }

    /// Lets a wallet run by what its chain was seen to hold: what that differs from the records is booked against
    /// suspense. Refused while the journal holds a transaction of it that is missing here; while its records are not those
    /// of the moment when the chain was asked; and, if the chain holds less, while a transaction of it is open. What it holds
    /// more meanwhile is booked by the sender, once nothing is open.
    ///
    /// RESTORE-NEVER-REPAYS: refused also while the journal here may lack something that was signed before a restore, as it
    /// is new, damaged or not the only one, unless the person says that it is lost. The desk is told of that, and of money
    /// that left unknown to the records.
    ///
    /// Takes [`Permission::ResolvePayout`] on its desk, under the policy `payouts.match`: let it need a second person.
    pub fn match_wallet(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        sight: &WalletSight,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<()> {
        let WalletSight { holds, expected, journals_are_lost, .. } = sight;
        let words = format!("holds={holds} expected={expected} lost={journals_are_lost} why={why}");
        let act = ("payouts.match", Permission::ResolvePayout, words);
        self.wallet_act(tx, by, name, why, act, |payouts, tx, wallet, cleared| {
            let generation = (payouts.parts.generation)(tx)?;
            if let Some(why) = moved(tx, wallet, sight, generation)? {
                return Ok(Err(Rejection::WalletChanged(why)));
            }
            let is_outrun = wallet.restored_mark == OUTRUN_MARK;
            let is_restored = wallet.restored_mark != generation && !is_outrun;
            let known = journals::of_wallet(tx, name)?;
            let journal = match payouts.compared(tx, wallet, &known)? {
                Ok(journal) => journal,
                Err(rejection) => return Ok(Err(rejection)),
            };
            // Of one that was never written down in a journal none can be lost.
            let must_be_whole = is_restored || (is_outrun && !known.is_empty());
            let lacks = payouts.past_lacks(must_be_whole, &known, journal.as_ref());
            if let Some(why) = lacks.filter(|_| !journals_are_lost) {
                return Ok(Err(Rejection::JournalNotCompared(why)));
            }
            // A person's word that something is lost is taken even where nothing here shows it: a backup does not know the
            // journal of a server that was added after it. Money that left unknown to the records shows a disk that was put
            // back with its journal, and so does an account that went on without them, where its chain tells.
            let left_unknown = *holds < wallet.expected;
            let past_is_unknown = lacks.is_some() || *journals_are_lost || is_outrun;
            let is_blind = past_is_unknown || left_unknown;
            let mut payload = approved(cleared);
            payload.extend(told(sight, why));
            payload.insert("withoutJournals".to_owned(), absent(&known, journal.as_ref()));
            if is_restored || past_is_unknown {
                journals::forget(tx, name)?;
                journal.iter().try_for_each(|own| journals::put(tx, name, &own.row))?;
            }
            let is_booked = book_sight(tx, wallet, *holds, by.now)?;
            payload.insert("isBooked".to_owned(), is_booked.into());
            let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
            let may_wait_unasked = is_restored || is_blind || wallet.doubt == Doubt::Unpaid;
            while may_wait_unasked && payouts.hold_back(tx, wallet, &hand)? {}
            // A word on the balance does not say what the account ends in: the sender compares that first, once nothing is open.
            let doubt = match (is_blind, is_booked) {
                (true, _) => Doubt::Nothing,
                (false, true) => Doubt::All,
                (false, false) if is_restored || wallet.doubt != Doubt::Nothing => Doubt::Unpaid,
                (false, false) => Doubt::Nothing,
            };
            if is_blind {
                payouts.hold_signed(tx, wallet, &hand)?;
            }
            wallet.run_by_word(generation, doubt, by.now);
            if is_blind {
                payouts.begin_past(tx, wallet, sight, by.now)?;
            }
            sql::wallets::update(tx, wallet)?;
            doubts::put(tx, wallet)?;
            payouts.record_wallet(tx, "payout.wallet_matched", wallet, payload, by, recorder)
        })
    }

    /// The account's history that is known begins where it ended when a person looked, or else where it ends at the next match.
    /// Nothing from before that counts as unpaid, and the desk takes it that payments are missing.
    fn begin_past(
        &self,
        tx: &mut Tx<'_>,
        wallet: &mut Wallet,
        sight: &WalletSight,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        wallet.unclear_through = Reach::now(tx)?.intent;
        match &sight.newest {
            Some(newest) => heads::set(tx, &wallet.name, newest.as_str())?,
            None => heads::forget(tx, &wallet.name)?,
        }
        let ear = self.desk(&wallet.desk).and_then(|rules| rules.ear.clone());
        ear.map_or(Ok(()), |ear| ear.blind(tx, &wallet.name, now))
    }

    /// What the journals may lack of what was signed; all of them are asked for if they must be whole.
    fn past_lacks(
        &self,
        must_be_whole: bool,
        known: &[JournalRow],
        here: Option<&Compared>,
    ) -> Option<&'static str> {
        let all = if must_be_whole { self.journal_lacks(known) } else { None };
        all.or_else(|| here.and_then(Compared::lacks))
    }

    fn record_wallet(
        &self,
        tx: &mut Tx<'_>,
        event: &'static str,
        wallet: &Wallet,
        payload: Map<String, Value>,
        by: &By<'_>,
        recorder: &Recorder,
    ) -> Outcome<()> {
        let (actor, payload) = (audited(by.actor), Value::Object(payload));
        let event = events::of_wallet(Level::Warn, self, event, actor, wallet, &payload);
        recorder.record(tx, &[event], by.now)?;
        Ok(Ok(()))
    }

    fn wallet_act(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        name: &KeyId,
        why: &str,
        (action, permission, payload): (&str, Permission, String),
        act: impl FnOnce(&Payouts, &mut Tx<'_>, &mut Wallet, &Cleared) -> Outcome<()>,
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
        let done = act(self, tx, &mut wallet, admission.cleared())?;
        if done.is_ok() {
            admission.spend(tx)?;
        }
        Ok(done)
    }
}

/// Journals that hold transactions of it and are not the one here.
fn absent(known: &[JournalRow], here: Option<&Compared>) -> Value {
    let absent = known.iter().filter(|row| here.is_none_or(|own| own.row.journal != row.journal));
    absent.map(|row| row.journal.as_str()).collect()
}

/// What a person said of a wallet, for the audit log.
fn told(sight: &WalletSight, why: &str) -> impl Iterator<Item = (String, Value)> {
    let newest = sight.newest.as_ref().map(TransactionId::to_string);
    let told = [
        ("expected", sight.expected.to_string().into()),
        ("holds", sight.holds.to_string().into()),
        ("newest", newest.into()),
        ("why", why.into()),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// Books what a wallet was seen to hold, unless something is open, which may be why it is not what must be there; whether it
/// did.
fn book_sight(
    tx: &mut Tx<'_>,
    wallet: &mut Wallet,
    holds: Amount,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_booked = attempts::open(tx, &wallet.name)?.is_empty();
    if is_booked {
        book_difference(tx, wallet, holds, now)?;
        wallet.expected = holds;
    }
    Ok(is_booked)
}

/// Why a wallet cannot be matched by what was seen, as it has changed since, or needs no match.
fn moved(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    sight: &WalletSight,
    generation: i64,
) -> Result<Option<&'static str>, StoreError> {
    if wallet.expected != sight.expected {
        return Ok(Some("its records have moved since the chain was asked"));
    }
    let is_open = !attempts::open(tx, &wallet.name)?.is_empty();
    // What is open may go on when nothing is to be booked.
    if wallet.is_matched(generation) && (is_open || sight.holds == wallet.expected) {
        return Ok(Some(if is_open {
            "it runs, and a transaction of it is not over"
        } else {
            "it runs, and holds what it must"
        }));
    }
    // What is open may be why less is there.
    let is_unclear = is_open && sight.holds < wallet.expected;
    Ok(is_unclear.then_some("a transaction of it is not over"))
}

/// Books what the chain holds more or less than the book says. The wallet's row is no measure: it knows nothing below zero.
fn book_difference(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    observed: Amount,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut book = Book::default();
    let (account, suspense) = load_pair(tx, &mut book, wallet.account, wallet.suspense)?;
    // The account is below zero by what the chain holds.
    let difference = match book.account(account).balance() {
        Balance::Debit(booked) => Balance::between(observed, booked),
        Balance::Credit(missing) => Balance::Credit(observed.plus(missing).map_err(too_much)?),
    };
    let (debit, credit, amount) = match difference {
        Balance::Credit(more) => (account, suspense, more),
        Balance::Debit(less) => (suspense, account, less),
    };
    if amount.is_zero() {
        return Ok(());
    }
    let booked = book.transfer(debit, credit, amount, MATCHED, 0);
    booked.map_err(|refusal| StoreError::Decode(refusal.to_string()))?;
    book.number(tx)?;
    book.write(tx, now)
}

fn too_much(error: AmountError) -> StoreError {
    StoreError::Decode(format!("what a wallet holds: {error}"))
}
