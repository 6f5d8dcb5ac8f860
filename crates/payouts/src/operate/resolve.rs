//! What only a person can decide: that a payment is final or dead on evidence, that its slot is freed, that it is tried
//! again.

use bursar_access::By;
use bursar_audit::{Level, Recorder};
use bursar_chain::TransactionId;
use bursar_keys::{Decision, KeyError};
use bursar_store::{Timestamp, Tx};
use serde_json::{Value, json};

use super::audited;
use super::pause::check_reason;
use crate::case::{Case, Hand, Particulars, payment_order};
use crate::life::{AttemptKind, Event, Wish};
use crate::sql::attempts;
use crate::{IntentId, IntentState, Outcome, Payouts, Rejection, events, sql};

/// Longest evidence that an operator gives, in characters.
const EVIDENCE_CHARACTERS_MAX: usize = 2_000;

/// What becomes of an intent once all its transactions are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It is tried again.
    Retry,
    /// It has failed, and its money is free.
    Fail,
}

/// What an operator decides about an intent that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This payment is final, which the nodes that are asked here do not say.
    Paid {
        /// Which.
        transaction: TransactionId,
        /// How that is known, for whoever asks later: 1 to 2,000 characters.
        evidence: String,
    },
    /// This transaction can never become final, which nothing here proves. Wrong, and the intent is paid twice.
    Dead {
        /// Which.
        transaction: TransactionId,
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

    /// The decision in full, as people approve it.
    fn words(&self) -> String {
        match self {
            Resolution::Paid { transaction, evidence } => {
                format!("paid transaction={transaction} evidence={evidence}")
            }
            Resolution::Dead { transaction, evidence, then } => {
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
        self.admitted(tx, by, intent, "payouts.resolve", &words, |payouts, tx, case| {
            let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
            let known = |id: &TransactionId| {
                case.attempts.iter().any(|row| row.transaction.id == *id && row.state.is_alive())
            };
            if !matches!(case.intent.state, IntentState::Signed | IntentState::Broadcast) {
                return Ok(Err(Rejection::TooLate(case.intent.state)));
            }
            let steps = match resolution {
                Resolution::Paid { transaction, .. } if known(transaction) => {
                    vec![Event::Confirm(transaction.clone())]
                }
                Resolution::Dead { transaction, then, .. } if known(transaction) => {
                    vec![Event::Wish(wish_of(*then)), Event::Die(transaction.clone())]
                }
                Resolution::Paid { .. } | Resolution::Dead { .. } => {
                    return Ok(Err(Rejection::AttemptUnknown));
                }
                Resolution::FreeSlot { then: Afterwards::Retry } => vec![Event::Wish(Wish::FreeAndRetry)],
                Resolution::FreeSlot { then: Afterwards::Fail } => vec![Event::Wish(Wish::FreeAndGiveUp)],
            };
            note_decision(tx, case, resolution, &hand)?;
            let payload = json!({ "payout": case.intent.public_id.to_string(), "decision": words });
            let event = events::resolved(payouts, case, &hand.actor, &payload);
            recorder.record(tx, &[event], by.now)?;
            for step in steps {
                let done = payouts.change(tx, case, step, None, Particulars::default(), &hand)?;
                bursar_store::invariant!(done.is_ok(), "payout {intent}: what was admitted cannot be");
            }
            Ok(Ok(case.intent.state))
        })
    }

    /// Lets an intent be tried now: one that is held is released, with the approval of other people that `by` brings
    /// where its key asks for it; one that waits does not wait longer; one that is under way is looked up at once. Takes
    /// [`bursar_access::Permission::ResolvePayout`], under the policy `payouts.retry`.
    pub fn retry(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        if by.approval.is_some() {
            // The approval is for the payment itself, so the key store is who uses it up.
            let Some(row) = sql::intents::by_id(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
            let order = payment_order(&row);
            return match self.parts.keystore.authorize_approved(tx, by, &order)? {
                Ok(approved) => match approved.decision {
                    Decision::Authorized(_) | Decision::Held { .. } => self.retried(
                        tx,
                        intent,
                        why,
                        &Hand { recorder, actor: audited(by.actor), now: by.now },
                    ),
                    Decision::Refused(rejection) => Ok(Err(rejection.into())),
                },
                Err(KeyError::Rejected(rejection)) => Ok(Err(rejection.into())),
                Err(KeyError::Sealed(error)) => Err(bursar_store::StoreError::Decode(error.to_string())),
            };
        }
        self.admitted(tx, by, intent, "payouts.retry", why, |payouts, tx, case| {
            let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
            payouts.retry_case(tx, case, why, &hand)
        })
    }

    fn retried(&self, tx: &mut Tx<'_>, intent: IntentId, why: &str, hand: &Hand<'_>) -> Outcome<IntentState> {
        let Some(mut case) = Case::lock(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        self.retry_case(tx, &mut case, why, hand)
    }

    fn retry_case(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        why: &str,
        hand: &Hand<'_>,
    ) -> Outcome<IntentState> {
        match case.intent.state {
            IntentState::Held => {
                let done = self.change(tx, case, Event::Release, None, Particulars::why(why), hand)?;
                return Ok(done
                    .map(|()| case.intent.state)
                    .map_err(|_| Rejection::TooLate(case.intent.state)));
            }
            IntentState::Accepted => {
                case.intent.next_at = Some(hand.now);
                sql::intents::update(tx, &case.intent)?;
            }
            IntentState::Signed | IntentState::Broadcast => {
                for row in case.attempts.iter_mut().filter(|row| row.state.is_alive()) {
                    row.next_at = Some(hand.now);
                    attempts::update(tx, row)?;
                }
            }
            IntentState::Final | IntentState::Failed | IntentState::Cancelled => {
                return Ok(Err(Rejection::TooLate(case.intent.state)));
            }
        }
        Ok(Ok(case.intent.state))
    }
}

const fn wish_of(then: Afterwards) -> Wish {
    match then {
        Afterwards::Retry => Wish::Nothing,
        Afterwards::Fail => Wish::GiveUp,
    }
}

/// Keeps the operator's word beside the attempt, where a proof of the chain would stand.
fn note_decision(
    tx: &mut Tx<'_>,
    case: &mut Case,
    resolution: &Resolution,
    hand: &Hand<'_>,
) -> Result<(), bursar_store::StoreError> {
    let (id, is_dead) = match resolution {
        Resolution::Paid { transaction, .. } => (transaction, false),
        Resolution::Dead { transaction, .. } => (transaction, true),
        Resolution::FreeSlot { .. } => {
            // What is under way is looked at now, so that the slot is freed at once.
            for row in case
                .attempts
                .iter_mut()
                .filter(|row| row.kind == AttemptKind::Payment && row.state.is_alive())
            {
                row.next_at = Some(hand.now);
                attempts::update(tx, row)?;
            }
            return Ok(());
        }
    };
    let word = word_of(&hand.actor.id, resolution.evidence(), hand.now);
    for row in case.attempts.iter_mut().filter(|row| row.transaction.id == *id) {
        row.standing =
            if is_dead { "dead by an operator's word" } else { "paid by an operator's word" }.to_owned();
        row.death_proof = is_dead.then(|| word.to_string().into_bytes());
        row.evidence = Some(word.to_string().into_bytes());
        attempts::update(tx, row)?;
    }
    Ok(())
}

fn word_of(by: &str, evidence: &str, at: Timestamp) -> Value {
    json!({ "operator": by, "evidence": evidence, "atMs": at.ms() })
}

fn check_evidence(text: &str) -> Result<(), Rejection> {
    let length = text.trim().chars().count();
    let fits = (1..=EVIDENCE_CHARACTERS_MAX).contains(&length) && !text.contains('\0');
    fits.then_some(()).ok_or(Rejection::Invalid { field: "evidence", rule: "it is 1 to 2,000 characters" })
}

/// An event's level when a person overrules the chain.
pub(crate) const RESOLVED: Level = Level::Warn;
