//! What only a person can decide: that a payment is final or dead on evidence, and that its slot is freed.

use bursar_access::By;
use bursar_audit::{Level, Recorder};
use bursar_chain::TransactionId;
use bursar_money::Amount;
use bursar_store::{Timestamp, Tx};
use serde_json::{Value, json};

use super::ending::unknown_end;
use super::{TransactionSight, approved, audited};
use crate::case::{Case, Hand, Particulars};
use crate::life::{AttemptKind, Event, Wish};
use crate::send::conclude::kept;
use crate::sql::attempts::{self, AttemptRow};
use crate::{IntentId, IntentState, Outcome, Payouts, Rejection, events};

/// Longest evidence that an operator gives, in characters.
const EVIDENCE_CHARACTERS_MAX: usize = 2_000;

/// What becomes of an intent once all its transactions are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It is tried again; refused for one that was given up, and for one that came back from the journal alone, as nothing is
    /// held for it.
    Retry,
    /// It has failed, and its money is free; held instead where it may have been paid by a transaction that the records lack.
    Fail,
}

/// What an operator decides about an intent that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This payment is final, which the nodes that are asked here do not say.
    Paid {
        /// Which.
        transaction: TransactionId,
        /// What the chain took beyond the payment, in base units: at most what the transaction allows. `None` = nothing, for
        /// one that allows nothing.
        fee: Option<Amount>,
        /// How that is known, for whoever asks later: 1 to 2,000 characters.
        evidence: String,
    },
    /// This transaction can never become final, for which the nodes that are asked here vouch in part at least. Wrong, and
    /// the intent is paid twice.
    Dead {
        /// Which, and what the chain shows of it ([`Payouts::look_at`]).
        sight: Box<TransactionSight>,
        /// How that is known.
        evidence: String,
        /// What becomes of the intent.
        then: Afterwards,
    },
    /// Something that moves no money is to take the payment's slot; whichever wins is found out.
    FreeSlot {
        /// What becomes of the intent when the payment loses.
        then: Afterwards,
    },
}

impl Resolution {
    fn evidence(&self) -> &str {
        match self {
            Resolution::Paid { evidence, .. } | Resolution::Dead { evidence, .. } => evidence,
            Resolution::FreeSlot { .. } => "the slot is freed",
        }
    }

    fn fee(&self) -> Option<Amount> {
        match self {
            Resolution::Paid { fee, .. } => *fee,
            Resolution::Dead { .. } | Resolution::FreeSlot { .. } => None,
        }
    }

    fn then(&self) -> Option<Afterwards> {
        match self {
            Resolution::Paid { .. } => None,
            Resolution::Dead { then, .. } | Resolution::FreeSlot { then } => Some(*then),
        }
    }

    /// The decision in full, as people approve it.
    fn words(&self) -> String {
        match self {
            Resolution::Paid { transaction, fee: None, evidence } => {
                format!("paid transaction={transaction} evidence={evidence}")
            }
            Resolution::Paid { transaction, fee: Some(fee), evidence } => {
                format!("paid transaction={transaction} fee={fee} evidence={evidence}")
            }
            Resolution::Dead { sight, evidence, then } => {
                let transaction = sight.transaction();
                format!("dead transaction={transaction} then={then:?} evidence={evidence}")
            }
            Resolution::FreeSlot { then } => format!("free slot then={then:?}"),
        }
    }
}

impl Payouts {
    /// Decides an intent that is under way. Takes [`bursar_access::Permission::ResolvePayout`] on its desk, under the
    /// policy `payouts.resolve`: let it need a second person. Returns where the intent stands.
    pub fn resolve(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        resolution: &Resolution,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        if let Err(rejection) = check_evidence(resolution.evidence()) {
            return Ok(Err(rejection));
        }
        let words = resolution.words();
        self.admitted(tx, by, intent, "payouts.resolve", |_| words.clone(), |payouts, tx, case, cleared| {
            let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
            let steps = match steps(case, resolution) {
                Ok(steps) => steps,
                Err(rejection) => return Ok(Err(rejection)),
            };
            if let Resolution::Paid { .. } = resolution
                && payouts.takes_what_is_not_final(tx, &case.wallet, case.intent.amount, resolution.fee())?
            {
                let why =
                    "what came in is not final yet, and this payment took more than the records say is there";
                return Ok(Err(Rejection::WalletChanged(why)));
            }
            let unknown_end = match unknown_end(payouts, tx, case, resolution)? {
                Ok(unknown_end) => unknown_end,
                Err(rejection) => return Ok(Err(rejection)),
            };
            if let Err(rejection) = note_decision(tx, case, resolution, &hand)? {
                return Ok(Err(rejection));
            }
            let mut payload = approved(cleared);
            payload.insert("payout".to_owned(), case.intent.public_id.to_string().into());
            payload.insert("decision".to_owned(), words.as_str().into());
            let event = events::resolved(payouts, case, &hand.actor, &Value::Object(payload));
            recorder.record(tx, &[event], by.now)?;
            if let Resolution::Dead { sight, .. } = resolution
                && let Some(proof) = sight.proof()
            {
                payouts.look_at_taker(tx, case, proof, &hand)?;
            }
            if let Some(newest) = &unknown_end {
                payouts.doubt_end(tx, case, newest, &hand)?;
            }
            for step in steps {
                let particulars = Particulars { fee: resolution.fee(), ..Particulars::default() };
                let done = payouts.change(tx, case, step, None, particulars, &hand)?;
                bursar_store::invariant!(done.is_ok(), "payout {intent}: what was admitted cannot be");
            }
            Ok(Ok(case.intent.state))
        })
    }
}

/// What the decision comes to, if it can be.
fn steps(case: &Case, resolution: &Resolution) -> Result<Vec<Event>, Rejection> {
    if !matches!(case.intent.state, IntentState::Signed | IntentState::Broadcast) {
        return Err(Rejection::TooLate(case.intent.state));
    }
    // What would be signed next would be paid out of nothing.
    if case.intent.hold.is_none() && resolution.then() == Some(Afterwards::Retry) {
        return Err(Rejection::NothingHeld);
    }
    if case.intent.wish.gives_up() && resolution.then() == Some(Afterwards::Retry) {
        return Err(Rejection::GivenUp);
    }
    let living = |id: &TransactionId| {
        let row = case.attempts.iter().find(|row| row.transaction.id == *id && row.state.is_alive());
        row.ok_or(Rejection::AttemptUnknown)
    };
    match resolution {
        Resolution::Paid { transaction, fee, .. } => {
            let attempt = living(transaction)?;
            // What frees a slot pays nobody.
            if attempt.kind != AttemptKind::Payment {
                return Err(Rejection::AttemptUnknown);
            }
            check_fee(*fee, attempt.transaction.fee_max)?;
            Ok(vec![Event::Confirm(transaction.clone())])
        }
        Resolution::Dead { sight, then, .. } => {
            let id = living(sight.transaction())?.transaction.id.clone();
            Ok(vec![Event::Wish(wish_of(*then)), Event::Die(id)])
        }
        Resolution::FreeSlot { then: Afterwards::Retry } => Ok(vec![Event::Wish(Wish::FreeAndRetry)]),
        Resolution::FreeSlot { then: Afterwards::Fail } => Ok(vec![Event::Wish(Wish::FreeAndGiveUp)]),
    }
}

const fn wish_of(then: Afterwards) -> Wish {
    match then {
        Afterwards::Retry => Wish::Nothing,
        Afterwards::Fail => Wish::GiveUp,
    }
}

/// Keeps the operator's word beside the attempt, where a proof of the chain would stand, with what the chain said.
fn note_decision(tx: &mut Tx<'_>, case: &mut Case, resolution: &Resolution, hand: &Hand<'_>) -> Outcome<()> {
    let mut word = word_of(&hand.actor.id, resolution.evidence(), hand.now);
    let concerns = |row: &AttemptRow| match resolution {
        Resolution::Paid { transaction, .. } => row.transaction.id == *transaction,
        Resolution::Dead { sight, .. } => row.transaction.id == *sight.transaction(),
        Resolution::FreeSlot { .. } => row.kind == AttemptKind::Payment && row.state.is_alive(),
    };
    let death = match resolution {
        Resolution::Dead { sight, .. } => match sight.death() {
            Ok(death) => death,
            Err(rejection) => return Ok(Err(rejection)),
        },
        Resolution::Paid { .. } | Resolution::FreeSlot { .. } => Value::Null,
    };
    for row in case.attempts.iter_mut().filter(|row| concerns(row)) {
        match resolution {
            Resolution::Paid { .. } => {
                "paid by an operator's word".clone_into(&mut row.standing);
                row.evidence = Some(word.to_string().into_bytes());
            }
            Resolution::Dead { sight, .. } => {
                "dead by an operator's word".clone_into(&mut row.standing);
                word["chain"] = death.clone();
                row.death_proof = Some(word.to_string().into_bytes());
                row.evidence = kept(sight.evidence());
            }
            // What is under way is looked at now, so that the slot is freed at once.
            Resolution::FreeSlot { .. } => row.next_at = Some(hand.now),
        }
        attempts::update(tx, row)?;
    }
    Ok(Ok(()))
}

fn word_of(by: &str, evidence: &str, at: Timestamp) -> Value {
    json!({ "operator": by, "evidence": evidence, "atMs": at.ms() })
}

/// CHAIN-IS-BOOK: what the chain took is booked as well, so it is named where it can be anything.
fn check_fee(fee: Option<Amount>, most: Amount) -> Result<(), Rejection> {
    let fits = fee.map_or(most.is_zero(), |fee| fee <= most);
    let rule = "it is what the chain took for the transaction, at most what the transaction allows";
    fits.then_some(()).ok_or(Rejection::Invalid { field: "fee", rule })
}

fn check_evidence(text: &str) -> Result<(), Rejection> {
    let length = text.trim().chars().count();
    let fits = (1..=EVIDENCE_CHARACTERS_MAX).contains(&length) && !text.contains('\0');
    fits.then_some(()).ok_or(Rejection::Invalid { field: "evidence", rule: "it is 1 to 2,000 characters" })
}

/// An event's level when a person overrules the chain.
pub(crate) const RESOLVED: Level = Level::Warn;
