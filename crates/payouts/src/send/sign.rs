//! Signing the next payment: the chain is asked, then one transaction decides, signs and stores the bytes.

use bursar_chain::{Attempt, BuildError, ChainError, Payment, SenderState, SignError, Unsigned};
use bursar_keys::{Authorization, Decision, Holder, KeyError, Order, Work};
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

use super::outrun::UNTOLD_END;
use super::ready::{Ready, judge};
use super::view::View;
use super::{Sender, Turn};
use crate::case::{Case, Particulars, payment_order};
use crate::desk_rules::{MarginVerdict, MarginView};
use crate::life::{AttemptKind, AttemptState, Event};
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents::IntentRow;
use crate::{IntentId, IntentState, sql};

/// How long an intent that its key's cap, or its signer, refuses waits, in milliseconds.
const CAP_WAIT_MS: i64 = 60_000;

/// How the signing transaction ended.
pub(super) enum Signed {
    /// The attempt is stored: it is the only thing that may be sent.
    Stored(Box<AttemptRow>),
    /// Something else is so by now, or the intent was put off: look again.
    Changed,
    /// Nothing can be signed now.
    Wait(String),
}

/// Why nothing was signed for one intent.
pub(super) enum Refused {
    /// For now.
    Wait(String),
    /// Until then; others may go first.
    Later { until: Timestamp, why: String },
    /// Until somebody decides.
    Hold(String),
    /// For good.
    Never(String),
}

impl Sender {
    pub(super) fn sign(&self, lease: &Lease, view: &View, intent: &IntentRow) -> Result<Turn, StoreError> {
        self.payouts.fault("payouts.state", Step::Begin)?;
        let state = match self.chain.sender_state(&view.wallet.address) {
            Ok(state) => state,
            // It holds nothing: what came in has to be accepted first.
            Err(ChainError::Unopened) => return self.top_up(lease, view, &ChainError::Unopened.to_string()),
            Err(error) => return Ok(self.wait(view.now, error.to_string())),
        };
        self.payouts.fault("payouts.state", Step::Committed)?;
        match self.judge_state(view, &state)? {
            Ready::Yes => {}
            Ready::NotYet(why) => return Ok(self.wait(view.now, why)),
            Ready::More(_) => return self.recognise(lease, &state),
            Ready::Less(less) => return self.stop_wallet(lease, &state, less),
            Ready::Outrun(newest) => return self.outrun(lease, view, &newest),
        }
        let Some(rules) = self.payouts.desk(&intent.desk) else {
            return Ok(self.wait(view.now, format!("the desk {} is not on", intent.desk)));
        };
        let margin =
            MarginView { amount: intent.amount, spendable: state.spendable, reference: intent.reference };
        match rules.margin.as_ref().map_or(MarginVerdict::Pay, |margin_of| margin_of(&margin)) {
            MarginVerdict::Pay => {}
            MarginVerdict::Wait { why } => return self.top_up(lease, view, &why),
            MarginVerdict::Hold { why } => return self.put_aside(lease, intent, &Refused::Hold(why)),
        }
        if let Err(error) = self.chain.parse_address(intent.destination.as_str()) {
            // Nobody can be paid there, now or ever, and nothing of this intent lives.
            return self.put_aside(lease, intent, &Refused::Never(error.to_string()));
        }
        let payment = Payment {
            from: view.wallet.address.clone(),
            to: intent.destination.clone(),
            amount: intent.amount,
        };
        let unsigned = match self.chain.build(&payment, &state) {
            Ok(unsigned) => unsigned,
            Err(error @ BuildError::Insufficient { .. }) => {
                return self.top_up(lease, view, &error.to_string());
            }
            Err(BuildError::Unreadable(why)) => return self.put_aside(lease, intent, &Refused::Hold(why)),
            Err(error) => return Ok(self.wait(view.now, error.to_string())),
        };
        if unsigned.slot != state.slot {
            return Ok(self.wait(view.now, "what was built takes another slot than the open one"));
        }
        match self.sign_and_store(lease, intent, &unsigned)? {
            Signed::Stored(attempt) => {
                self.send_first(lease, &attempt, &view.wallet.desk, Some(intent.created_at))
            }
            Signed::Changed => Ok(self.worked()),
            Signed::Wait(why) => Ok(self.wait(view.now, why)),
        }
    }

    /// Whether the chain's state permits building on it; looks up whether we ever signed for its slot, and whether what the
    /// account ends in is ours.
    pub(super) fn judge_state(&self, view: &View, state: &SenderState) -> Result<Ready, StoreError> {
        let (used, is_known) = self.payouts.parts.store.read("payouts.slot", |tx| {
            Ok((
                attempts::of_slot(tx, &self.wallet, &state.slot)?,
                self.knows_end(tx, state.newest.as_ref())?,
            ))
        })?;
        Ok(match (judge(&view.wallet, state, used.as_deref()), &state.newest) {
            (Ready::Yes | Ready::More(_) | Ready::Less(_), None) if !is_known => {
                Ready::NotYet(UNTOLD_END.to_owned())
            }
            (Ready::Yes | Ready::More(_), Some(newest)) if !is_known => Ready::Outrun(newest.clone()),
            (ready, _) => ready,
        })
    }

    /// BYTES-FIRST and NO-SIGN-AFTER-STOP: one transaction finds the intent due and no switch stopped, signs, and stores the
    /// bytes; only then they may leave.
    fn sign_and_store(
        &self,
        lease: &Lease,
        intent: &IntentRow,
        unsigned: &Unsigned,
    ) -> Result<Signed, StoreError> {
        let order = payment_order(intent);
        let may = |tx: &mut Tx<'_>, now| match self.due_case(tx, intent.id, unsigned, now)? {
            Some(case) => self.gate(tx, &case.wallet, now),
            None => Ok(Some("the payout changed".to_owned())),
        };
        let remote = match self.sign_remotely(lease, &order, unsigned, may)? {
            Remote::Local => None,
            Remote::Signed(attempt) => Some(*attempt),
            Remote::Wait(why) => return Ok(Signed::Wait(why)),
            // Others may go first: what this one is refused for may be its own.
            Remote::Refused { why, at } => {
                let until = at.after_ms(CAP_WAIT_MS);
                self.put_aside(lease, intent, &Refused::Later { until, why })?;
                return Ok(Signed::Changed);
            }
        };
        self.payouts.parts.store.transact("payouts.sign", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let Some(mut case) = self.due_case(tx, intent.id, unsigned, now)? else {
                return Ok(Signed::Changed);
            };
            if let Some(why) = self.gate(tx, &case.wallet, now)? {
                return Ok(Signed::Wait(why));
            }
            let attempt = match self.signature(tx, &order, unsigned, remote.as_ref(), now)? {
                Ok(attempt) => attempt,
                Err(refused) => return self.put_off(tx, &mut case, &refused, now),
            };
            let event = Event::Sign { id: attempt.id.clone(), slot: attempt.slot.clone() };
            let row = self.new_attempt(Some(intent.id), AttemptKind::Payment, attempt, now);
            let added = Some(row);
            let done =
                self.payouts.change(tx, &mut case, event, added, Particulars::default(), &self.hand(now))?;
            match (done, case.attempts.pop()) {
                (Ok(()), Some(row)) => Ok(Signed::Stored(Box::new(row))),
                _ => {
                    Err(StoreError::Decode(format!("payout {} is accepted and cannot be signed", intent.id)))
                }
            }
        })
    }

    /// The intent under lock, while it is still to be paid and the slot is nobody's.
    fn due_case(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        unsigned: &Unsigned,
        now: Timestamp,
    ) -> Result<Option<Case>, StoreError> {
        let Some(case) = Case::lock(tx, intent)? else { return Ok(None) };
        let is_due =
            case.intent.state == IntentState::Accepted && case.intent.next_at.is_some_and(|at| at <= now);
        Ok(if is_due && !self.is_taken(tx, unsigned)? { Some(case) } else { None })
    }

    /// Whether something of the wallet is open, or the slot was ever signed for: then another was faster.
    pub(super) fn is_taken(&self, tx: &mut Tx<'_>, unsigned: &Unsigned) -> Result<bool, StoreError> {
        let is_open = !attempts::open(tx, &self.wallet)?.is_empty();
        Ok(is_open || attempts::of_slot(tx, &self.wallet, &unsigned.slot)?.is_some())
    }

    /// Authorises, and signs with a local key; what a remote signer signed before is authorised once more.
    pub(super) fn signature(
        &self,
        tx: &mut Tx<'_>,
        order: &Order,
        unsigned: &Unsigned,
        remote: Option<&Attempt>,
        now: Timestamp,
    ) -> Result<Result<Attempt, Refused>, StoreError> {
        let authorization = match self.authorize(tx, order, now)? {
            Ok(authorization) => authorization,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(attempt) = remote {
            return Ok(Ok(attempt.clone()));
        }
        Ok(self.sign_here(tx, authorization, unsigned, now)?.map_err(Refused::Wait))
    }

    /// Signs within the transaction that recorded the authorisation.
    fn sign_here(
        &self,
        tx: &mut Tx<'_>,
        authorization: Authorization,
        unsigned: &Unsigned,
        now: Timestamp,
    ) -> Result<Result<Attempt, String>, StoreError> {
        let signer = match self.payouts.parts.keystore.signer(tx, authorization, now)? {
            Ok(signer) => signer,
            Err(error) => return Ok(Err(said(&error))),
        };
        let attempt = self.chain.sign(unsigned, &signer).map_err(|error| error.to_string());
        Ok(attempt.and_then(|attempt| same_slot(attempt, unsigned)))
    }

    /// With a remote signer: authorise, commit, sign. The signature is worth nothing until it is stored, and yet nothing is
    /// asked for that may not be signed: `may` locks what it is for, and says why not.
    pub(super) fn sign_remotely(
        &self,
        lease: &Lease,
        order: &Order,
        unsigned: &Unsigned,
        may: impl Fn(&mut Tx<'_>, Timestamp) -> Result<Option<String>, StoreError>,
    ) -> Result<Remote, StoreError> {
        let keystore = &self.payouts.parts.keystore;
        let key = self.payouts.parts.store.read("payouts.key", |tx| keystore.key(tx, &self.wallet))?;
        match key.map(|record| record.key.holder) {
            Some(Holder::Remote { .. }) => {}
            Some(Holder::Local) | None => return Ok(Remote::Local),
        }
        let authorized = self.payouts.parts.store.transact("payouts.authorize", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            match may(tx, now)? {
                Some(why) => Ok(Err(why)),
                None => self.authorize(tx, order, now).map(|authorized| Ok((authorized, now))),
            }
        })?;
        let (authorization, at) = match authorized {
            Err(why) => return Ok(Remote::Wait(why)),
            Ok((Ok(authorization), at)) => (authorization, at),
            // The transaction that stores finds the same, and puts the intent off.
            Ok((Err(_), _)) => return Ok(Remote::Local),
        };
        let signer = match keystore.signer_after_commit(&self.payouts.parts.store, authorization)? {
            Ok(signer) => signer,
            Err(error) => return Ok(Remote::Wait(said(&error))),
        };
        self.payouts.fault("payouts.remote", Step::Begin)?;
        let attempt = self.chain.sign(unsigned, &signer);
        self.payouts.fault("payouts.remote", Step::Committed)?;
        let attempt = match attempt {
            Ok(attempt) => same_slot(attempt, unsigned),
            Err(error @ SignError::Refused(_)) => {
                return Ok(Remote::Refused { why: error.to_string(), at });
            }
            Err(error) => Err(error.to_string()),
        };
        Ok(attempt.map_or_else(Remote::Wait, |attempt| Remote::Signed(Box::new(attempt))))
    }

    fn authorize(
        &self,
        tx: &mut Tx<'_>,
        order: &Order,
        now: Timestamp,
    ) -> Result<Result<Authorization, Refused>, StoreError> {
        let decided = self.payouts.parts.keystore.authorize(tx, std::slice::from_ref(order), now)?;
        Ok(match decided.into_iter().next() {
            Some(Decision::Authorized(authorization)) if authorization.work() == &order.work => {
                Ok(authorization)
            }
            Some(Decision::Authorized(_)) | None => {
                Err(Refused::Wait("the key store gave no answer".to_owned()))
            }
            Some(Decision::Held { until }) => Err(Refused::Later { until, why: "first_use_hold".to_owned() }),
            Some(Decision::Refused(rejection)) => Err(refused(&rejection, &order.work, now)),
        })
    }

    fn put_off(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        refused: &Refused,
        now: Timestamp,
    ) -> Result<Signed, StoreError> {
        match refused {
            Refused::Wait(why) => return Ok(Signed::Wait(why.clone())),
            Refused::Later { until, why } => {
                case.intent.next_at = Some(*until);
                case.intent.why.clone_from(why);
                sql::intents::update(tx, &case.intent)?;
            }
            Refused::Hold(why) | Refused::Never(why) => {
                let event = if matches!(refused, Refused::Hold(_)) { Event::Hold } else { Event::Refuse };
                let particulars = Particulars::why(why.clone());
                let done = self.payouts.change(tx, case, event, None, particulars, &self.hand(now))?;
                bursar_store::invariant!(
                    done.is_ok(),
                    "payout {}: accepted and cannot be put off",
                    case.intent.id
                );
            }
        }
        Ok(Signed::Changed)
    }

    fn put_aside(&self, lease: &Lease, intent: &IntentRow, refused: &Refused) -> Result<Turn, StoreError> {
        self.payouts.parts.store.transact("payouts.hold", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let Some(mut case) = Case::lock(tx, intent.id)? else { return Ok(()) };
            if case.intent.state == IntentState::Accepted {
                self.put_off(tx, &mut case, refused, now)?;
            }
            Ok(())
        })?;
        Ok(self.worked())
    }

    /// An attempt as it is stored first: its first broadcast is counted with it.
    pub(super) fn new_attempt(
        &self,
        intent: Option<crate::IntentId>,
        kind: AttemptKind,
        transaction: Attempt,
        now: Timestamp,
    ) -> AttemptRow {
        let mut row = AttemptRow {
            id: 0,
            intent,
            wallet: self.wallet.clone(),
            number: 0,
            kind,
            transaction,
            state: AttemptState::Signed,
            is_imported: false,
            signed_at: now,
            first_broadcast_at: Some(now),
            broadcasts: 1,
            next_at: None,
            standing: String::new(),
            evidence: None,
            death_proof: None,
            changed_at: now,
        };
        self.plan_next(&mut row, now);
        row
    }
}

/// Who signs.
pub(super) enum Remote {
    /// The key store, within the transaction that stores.
    Local,
    /// A remote signer, which has.
    Signed(Box<Attempt>),
    /// A remote signer, which has not.
    Wait(String),
    /// A remote signer, which said at that time that it will not.
    Refused { why: String, at: Timestamp },
}

fn same_slot(attempt: Attempt, unsigned: &Unsigned) -> Result<Attempt, String> {
    let is_same = attempt.slot == unsigned.slot;
    is_same
        .then_some(attempt)
        .ok_or_else(|| "what was signed takes another slot than what was built".to_owned())
}

/// A key store's refusal in words without anything secret: the errors hold none.
fn said(error: &KeyError) -> String {
    error.to_string()
}

/// What a refusal of the key's policy means for an intent that was accepted.
fn refused(rejection: &bursar_keys::Rejection, work: &Work, now: Timestamp) -> Refused {
    use bursar_keys::Rejection as Key;
    let why = rejection.code().to_owned();
    match rejection {
        // No window ever has room for it.
        Key::AboveCap { max, .. } if matches!(work, Work::Payment { amount, .. } if amount > max) => {
            Refused::Hold(why)
        }
        Key::AboveCap { .. } => Refused::Later { until: now.after_ms(CAP_WAIT_MS), why },
        Key::SwitchStopped { .. }
        | Key::KeyStopped { .. }
        | Key::NoPolicy
        | Key::AuthorizationExpired
        | Key::NotAuthorized => Refused::Wait(rejection.to_string()),
        Key::Access(_)
        | Key::Invalid { .. }
        | Key::KeyExists
        | Key::KeyUnknown
        | Key::WalletInUse(_)
        | Key::SchemeUnknown(_)
        | Key::BadSecret
        | Key::KeyRetired
        | Key::OtherAsset(_)
        | Key::IntentReused
        | Key::DestinationNotListed
        | Key::AbovePaymentMax { .. }
        | Key::ApprovalNeeded { .. }
        | Key::NothingToChange
        | Key::CommitFirst => Refused::Hold(why),
    }
}
