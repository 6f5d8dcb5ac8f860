//! One intent with its wallet and attempts under lock, and what a change of it writes: rows, book, ear and audit log.

use bursar_audit::{Actor, Recorder};
use bursar_chain::TransactionId;
use bursar_keys::{Order, Work};
use bursar_ledger::{Book, HoldState, TransferKind};
use bursar_money::{Amount, Balance};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Map, Value};

use crate::desk_rules::Change;
use crate::life::{AttemptFacts, AttemptKind, Event, Impossible, Life};
use crate::outside::is_outside;
use crate::pages::as_stored;
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents::{self, IntentRow};
use crate::unclear::{UNCLEAR, UNCLEAR_GIVEN_UP};
use crate::wallet::Wallet;
use crate::{IntentId, IntentState, PAYOUT, Payouts, events, sql, webhook};

/// What the chain took for a payment.
const FEE: TransferKind = TransferKind(22);

/// An intent under lock. Everything that changes one locks its wallet first.
pub(crate) struct Case {
    pub wallet: Wallet,
    pub intent: IntentRow,
    pub attempts: Vec<AttemptRow>,
}

/// Who changes a case, when, and in which chain of the audit log.
pub(crate) struct Hand<'a> {
    pub recorder: &'a Recorder,
    pub actor: Actor,
    pub now: Timestamp,
}

/// What a change says besides.
#[derive(Default)]
pub(crate) struct Particulars {
    /// Why it is held, failed or cancelled.
    pub why: String,
    /// When an accepted intent is tried next; `None` = now.
    pub next_at: Option<Timestamp>,
    /// What the chain took beyond the payment, in base units.
    pub fee: Option<Amount>,
    /// Further members of the audit event's payload.
    pub detail: Map<String, Value>,
}

impl Particulars {
    pub(crate) fn why(why: impl Into<String>) -> Particulars {
        Particulars { why: why.into(), ..Particulars::default() }
    }
}

impl Case {
    /// Locks an intent with its wallet; `None` = there is none of this id.
    pub(crate) fn lock(tx: &mut Tx<'_>, id: IntentId) -> Result<Option<Case>, StoreError> {
        let Some(peeked) = intents::by_id(tx, id)? else { return Ok(None) };
        let wallet = sql::wallets::load_locked(tx, &peeked.wallet)?;
        let wallet = wallet.ok_or_else(|| StoreError::Decode(format!("payout {id} has no wallet")))?;
        Case::under(tx, wallet, id)
    }

    /// Locks an intent of a wallet that is locked already.
    pub(crate) fn under(tx: &mut Tx<'_>, wallet: Wallet, id: IntentId) -> Result<Option<Case>, StoreError> {
        let Some(intent) = intents::locked(tx, id)? else { return Ok(None) };
        let attempts = attempts::of_intent(tx, id)?;
        Ok(Some(Case { wallet, intent, attempts }))
    }

    /// What the rules decide on.
    pub(crate) fn life(&self) -> Life {
        let facts = |row: &AttemptRow| AttemptFacts {
            id: row.transaction.id.clone(),
            slot: row.transaction.slot.clone(),
            kind: row.kind,
            state: row.state,
        };
        Life {
            state: self.intent.state,
            wish: self.intent.wish,
            attempts: self.attempts.iter().map(facts).collect(),
            is_unclear: self.intent.hold.is_some() && self.intent.id <= self.wallet.unclear_through,
        }
    }

    fn newest_payment(&self) -> Option<TransactionId> {
        let mut payments = self.attempts.iter().filter(|attempt| attempt.kind == AttemptKind::Payment);
        payments.next_back().map(|attempt| attempt.transaction.id.clone())
    }
}

impl Payouts {
    /// PAID-ONCE: lets `event` happen to the case, if `life` admits it, and writes all that follows from it. `added` is the
    /// attempt that the event makes.
    /// An impossible event writes nothing.
    pub(crate) fn change(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        event: Event,
        added: Option<AttemptRow>,
        particulars: Particulars,
        hand: &Hand<'_>,
    ) -> Result<Result<(), Impossible>, StoreError> {
        let mut life = case.life();
        // What is to be tried again waits until its wallet is matched, as it is; to give it up would free its money at once.
        let would_free = case.intent.hold.is_some() && life.wish.gives_up();
        life.is_unclear |= would_free && !self.knows_past(tx, &case.wallet)?;
        let unclear = if life.wish.gives_up() { UNCLEAR_GIVEN_UP } else { UNCLEAR };
        let was_under_way = life.is_under_way();
        if let Err(impossible) = life.apply(event) {
            return Ok(Err(impossible));
        }
        let particulars = match was_under_way && life.state == IntentState::Held {
            true => Particulars { why: unclear.to_owned(), ..particulars },
            false => particulars,
        };
        if let Some(mut attempt) = added {
            attempt.number = i64::try_from(case.attempts.len()).unwrap_or(i64::MAX).saturating_add(1);
            attempts::insert(tx, &mut attempt)?;
            case.intent.attempts += i64::from(attempt.kind == AttemptKind::Payment);
            case.attempts.push(attempt);
        }
        bursar_store::invariant!(
            life.attempts.len() == case.attempts.len(),
            "an attempt that was not stored"
        );
        for (row, facts) in case.attempts.iter_mut().zip(&life.attempts) {
            if row.state != facts.state {
                row.state = facts.state;
                row.changed_at = hand.now;
                if !row.state.is_alive() {
                    row.next_at = None;
                }
                attempts::update(tx, row)?;
            }
        }
        let from = case.intent.state;
        case.intent.wish = life.wish;
        if life.state == from {
            return intents::update(tx, &case.intent).map(Ok);
        }
        self.move_on(tx, case, life.state, particulars, hand).map(Ok)
    }

    /// Stores the intent's new state, ends its hold with it, and tells everybody.
    fn move_on(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        to: IntentState,
        particulars: Particulars,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        let from = std::mem::replace(&mut case.intent.state, to);
        let intent = &mut case.intent;
        intent.why.clone_from(&particulars.why);
        intent.changed_at = hand.now;
        intent.next_at = (to == IntentState::Accepted).then(|| particulars.next_at.unwrap_or(hand.now));
        intent.ended_at = to.is_ended().then_some(hand.now);
        if to == IntentState::Broadcast {
            intent.broadcast_at = Some(hand.now);
        }
        if to != IntentState::Broadcast && to != IntentState::Signed {
            intent.stuck_at = None;
        }
        let mut book = Book::default();
        let unheld = match to.is_ended() {
            true => self.end_hold(tx, &mut book, case, to, particulars.fee)?,
            false => None,
        };
        let change = Change {
            intent: case.intent.id,
            reference: case.intent.reference,
            from,
            to,
            transaction: case.newest_payment(),
            attempts: u32::try_from(case.intent.attempts).unwrap_or(u32::MAX),
            why: (!particulars.why.is_empty()).then(|| particulars.why.clone()),
            is_unheld: case.intent.hold.is_none(),
            suspense: case.wallet.suspense,
        };
        // What was asked for from outside is no row of the desk's: it hears of its own alone.
        let is_outside = is_outside(&case.intent.key);
        let ear = self.desk(&case.intent.desk).and_then(|rules| rules.ear.clone());
        if let Some(ear) = ear.filter(|_| !is_outside) {
            ear.changed(tx, &mut book, &change, hand.now)?;
        }
        book.number(tx)?;
        book.write(tx, hand.now)?;
        intents::update(tx, &case.intent)?;
        if is_outside {
            let shown = as_stored(case.intent.clone(), case.attempts.clone());
            webhook::tell(self, tx, &[(events::named(&change).1, shown)], hand.now)?;
        }
        let mut events = events::changed(self, case, &change, particulars.detail, &hand.actor);
        events.extend(unheld.map(|unheld| events::paid_unheld(self, case, &unheld, &hand.actor)));
        hand.recorder.record(tx, &events, hand.now)?;
        Ok(())
    }

    /// Posts or voids what was held. A final payment leaves the wallet's expected balance (CHAIN-IS-BOOK); what one without
    /// a hold, which the journal brought back, was paid out of is returned.
    fn end_hold(
        &self,
        tx: &mut Tx<'_>,
        book: &mut Book,
        case: &mut Case,
        to: IntentState,
        fee: Option<Amount>,
    ) -> Result<Option<Unheld>, StoreError> {
        let is_paid = to == IntentState::Final;
        let mut unheld = None;
        let broken = |what: &str| StoreError::Decode(format!("payout {}: {what}", case.intent.id));
        if let Some(id) = case.intent.hold {
            book.load_holds(tx, &[id])?;
            let slot = book.hold_slot(id).ok_or_else(|| broken("its hold is not there"))?;
            let hold = book.hold_at(slot);
            bursar_store::invariant!(
                hold.state == HoldState::Held && hold.amount == case.intent.amount,
                "payout {}: its hold is {:?} over {}, and not what was accepted",
                case.intent.id,
                hold.state,
                hold.amount
            );
            let ended = if is_paid { book.post_hold(slot).map(|_| ()) } else { book.void_hold(slot) };
            ended.map_err(|refusal| broken(&refusal.to_string()))?;
        } else if is_paid {
            unheld = Some(pay_unheld(tx, book, case)?);
        }
        if is_paid {
            let fee = fee.unwrap_or(Amount::ZERO);
            if !fee.is_zero() {
                let slots = load_pair(tx, book, case.wallet.fees, case.wallet.account)?;
                let posted = book.transfer(slots.0, slots.1, fee, FEE, case.intent.id.0);
                posted.map_err(|refusal| broken(&refusal.to_string()))?;
            }
            let gone = case.intent.amount.plus(fee).map_err(|error| broken(&error.to_string()))?;
            case.wallet.pay(gone);
            sql::wallets::update(tx, &case.wallet)?;
        }
        Ok(unheld)
    }
}

/// What a payment was paid out of that nothing was held for, in base units.
pub(crate) struct Unheld {
    pub from_funds: Amount,
    pub from_suspense: Amount,
}

/// Books a payment that the journal alone brought back. One that a caller from outside asked for was paid from the wallet's
/// funds, of which the restored book shows too much; what they do not cover any more, and a desk's own, is missing in
/// suspense until somebody books where it belongs.
fn pay_unheld(tx: &mut Tx<'_>, book: &mut Book, case: &Case) -> Result<Unheld, StoreError> {
    let Case { wallet, intent, .. } = case;
    let broken = |what: &str| StoreError::Decode(format!("payout {}: {what}", intent.id));
    book.load(tx, &[wallet.account, wallet.suspense, wallet.funds])?;
    let slot = |account| book.slot(account).ok_or_else(|| broken("an account of its wallet is not there"));
    let (account, suspense, funds) = (slot(wallet.account)?, slot(wallet.suspense)?, slot(wallet.funds)?);
    let free = match book.account(funds).balance() {
        Balance::Credit(balance) => balance.minus(book.account(funds).held).unwrap_or(Amount::ZERO),
        Balance::Debit(_) => Amount::ZERO,
    };
    let from_funds = if is_outside(&intent.key) { free.min(intent.amount) } else { Amount::ZERO };
    let from_suspense = intent.amount.minus(from_funds).map_err(|error| broken(&error.to_string()))?;
    for (debit, amount) in [(funds, from_funds), (suspense, from_suspense)] {
        if !amount.is_zero() {
            let posted = book.transfer(debit, account, amount, PAYOUT, intent.id.0);
            posted.map_err(|refusal| broken(&refusal.to_string()))?;
        }
    }
    Ok(Unheld { from_funds, from_suspense })
}

/// Two accounts of the book, debit and credit, loaded in the order of their numbers.
pub(crate) fn load_pair(
    tx: &mut Tx<'_>,
    book: &mut Book,
    debit: bursar_ledger::AccountId,
    credit: bursar_ledger::AccountId,
) -> Result<(bursar_ledger::AccountSlot, bursar_ledger::AccountSlot), StoreError> {
    book.load(tx, &[debit, credit])?;
    match (book.slot(debit), book.slot(credit)) {
        (Some(debit), Some(credit)) => Ok((debit, credit)),
        _ => Err(StoreError::Decode(format!("account {} or {} is not there", debit.0, credit.0))),
    }
}

/// Books what the chain took for a transaction that paid nobody; caused by the attempt.
pub(crate) fn book_fee(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    fee: Amount,
    attempt: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut book = Book::default();
    let slots = load_pair(tx, &mut book, wallet.fees, wallet.account)?;
    let posted = book.transfer(slots.0, slots.1, fee, FEE, attempt);
    posted.map_err(|refusal| StoreError::Decode(refusal.to_string()))?;
    book.number(tx)?;
    book.write(tx, now)
}

/// What the key store is asked to let be signed for an intent, in each of its attempts.
pub(crate) fn payment_order(intent: &IntentRow) -> Order {
    let (asset, destination, amount) = (intent.asset, intent.destination.clone(), intent.amount);
    Order {
        intent: format!("payout/{}", intent.id),
        key: intent.wallet.clone(),
        work: Work::Payment { asset, destination, amount },
    }
}
