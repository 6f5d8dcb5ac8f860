//! Holding, releasing and cancelling intents.

use bursar_access::{Act, By, Cleared, Permission, admit};
use bursar_audit::{Actor, Recorder};
use bursar_store::{StoreError, Timestamp, Tx};

use super::{approved_why, audited};
use crate::case::{Case, Hand, Particulars};
use crate::ids::REASON_CHARACTERS_MAX;
use crate::life::{Event, Wish};
use crate::sql::intents::IntentRow;
use crate::{IntentId, IntentState, Outcome, Payouts, Rejection};

impl Payouts {
    /// Takes an intent back before anything is signed; its money is free again in this transaction. One that is under
    /// way gets no further attempt: it fails once every attempt is proven dead, and is final if one wins. For desks;
    /// `by` is who, as the audit log calls them. Returns where the intent stands.
    ///
    /// # Errors
    /// [`Rejection::WalletUnmatched`] while nothing of it is under way here and yet it may have been paid before a restore
    /// (RESTORE-NEVER-REPAYS), which for what was signed and is held an operator decides; [`Rejection::TooLate`],
    /// [`Rejection::Unknown`].
    pub fn cancel(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        by: &Actor,
        why: &str,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Outcome<IntentState> {
        let Some(case) = Case::lock(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        let life = case.life();
        if life.is_unclear && life.state == IntentState::Held && life.was_signed() {
            return Ok(Err(Rejection::WalletUnmatched));
        }
        self.cancel_as_paid(tx, intent, by, why, recorder, now)
    }

    /// The same for an intent that was found to be paid by a transaction that the records lacked, whatever it is held for.
    ///
    /// # Errors
    /// As [`Payouts::cancel`], but for what an operator decides.
    pub fn cancel_as_paid(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        by: &Actor,
        why: &str,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Outcome<IntentState> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        let hand = Hand { recorder, actor: by.clone(), now };
        let Some(mut case) = Case::lock(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        self.cancel_case(tx, &mut case, Particulars::why(why), &hand)
    }

    /// Holds an intent that waits to be signed, for `why`, until [`Payouts::resume`] lets it go on. For desks whose payee
    /// may not be paid now; what may have been signed stays as it is. Returns whether it is held by this.
    pub fn set_aside(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        why: &str,
        by: &Actor,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(mut case) = Case::lock(tx, intent)? else { return Ok(false) };
        let hand = Hand { recorder, actor: by.clone(), now };
        Ok(self.change(tx, &mut case, Event::Hold, None, Particulars::why(why), &hand)?.is_ok())
    }

    /// Lets an intent go on that its desk's margin held, for `held_for` and nothing else: what an operator or a key's policy
    /// holds stays held. For desks, once the margin is there. Returns whether it goes on.
    pub fn resume(
        &self,
        tx: &mut Tx<'_>,
        intent: IntentId,
        held_for: &str,
        by: &Actor,
        recorder: &Recorder,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(mut case) = Case::lock(tx, intent)? else { return Ok(false) };
        if case.intent.state != IntentState::Held || case.intent.why != held_for {
            return Ok(false);
        }
        let hand = Hand { recorder, actor: by.clone(), now };
        let done = self.change(tx, &mut case, Event::Release, None, Particulars::default(), &hand)?;
        Ok(done.is_ok())
    }

    /// The same by an operator, who needs [`Permission::ResolvePayout`] on its desk under the policy `payouts.cancel`.
    pub fn cancel_by(
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
        self.admitted(
            tx,
            by,
            intent,
            "payouts.cancel",
            |_| why.to_owned(),
            |payouts, tx, case, cleared| {
                let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
                let before = case.intent.state;
                let done = payouts.cancel_case(tx, case, approved_why(why, cleared), &hand)?;
                if done == Ok(before) {
                    payouts.record_asked(tx, case, "cancel", why, cleared, &hand)?;
                }
                Ok(done)
            },
        )
    }

    /// Holds an intent that waits, until it is released. Takes [`Permission::ResolvePayout`] on its desk, under the
    /// policy `payouts.hold`.
    pub fn hold(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        self.stepped(tx, by, intent, "payouts.hold", Event::Hold, why, recorder)
    }

    /// Lets an intent that is held go on. Takes [`Permission::ResolvePayout`] on its desk, under the policy
    /// `payouts.release`.
    pub fn release(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        self.stepped(tx, by, intent, "payouts.release", Event::Release, why, recorder)
    }

    #[allow(clippy::too_many_arguments, reason = "an operator's act in full")]
    fn stepped(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        action: &str,
        event: Event,
        why: &str,
        recorder: &Recorder,
    ) -> Outcome<IntentState> {
        if let Err(rejection) = check_reason(why) {
            return Ok(Err(rejection));
        }
        self.admitted(
            tx,
            by,
            intent,
            action,
            |row| letting_go(why, row),
            |payouts, tx, case, cleared| {
                let hand = Hand { recorder, actor: audited(by.actor), now: by.now };
                if event == Event::Release
                    && case.intent.state == IntentState::Held
                    && case.intent.wish.gives_up()
                {
                    return Ok(Err(Rejection::GivenUp));
                }
                let done = payouts.change(tx, case, event, None, approved_why(why, cleared), &hand)?;
                Ok(done.map(|()| case.intent.state).map_err(|_| Rejection::TooLate(case.intent.state)))
            },
        )
    }

    fn cancel_case(
        &self,
        tx: &mut Tx<'_>,
        case: &mut Case,
        particulars: Particulars,
        hand: &Hand<'_>,
    ) -> Outcome<IntentState> {
        let is_under_way = matches!(case.intent.state, IntentState::Signed | IntentState::Broadcast);
        // What is under way is given up only once it is proven dead; what waits may have been paid before a restore.
        if !is_under_way && !case.intent.state.is_ended() && !self.knows_past(tx, &case.wallet)? {
            return Ok(Err(Rejection::WalletUnmatched));
        }
        let gives_up = if case.intent.wish.frees() { Wish::FreeAndGiveUp } else { Wish::GiveUp };
        let event = if is_under_way { Event::Wish(gives_up) } else { Event::Cancel };
        let done = self.change(tx, case, event, None, particulars, hand)?;
        Ok(done.map(|()| case.intent.state).map_err(|_| Rejection::TooLate(case.intent.state)))
    }

    /// Locks an intent, and acts on it when `by` may. The approval is used up only by what was done.
    pub(super) fn admitted<T>(
        &self,
        tx: &mut Tx<'_>,
        by: &By<'_>,
        intent: IntentId,
        action: &str,
        words: impl Fn(&IntentRow) -> String,
        act: impl FnOnce(&Payouts, &mut Tx<'_>, &mut Case, &Cleared) -> Outcome<T>,
    ) -> Outcome<T> {
        let Some(peeked) = crate::sql::intents::by_id(tx, intent)? else {
            return Ok(Err(Rejection::Unknown));
        };
        let wanted = Act {
            action: action.to_owned(),
            desk: peeked.desk.clone(),
            subject: peeked.public_id.to_string(),
            payload: words(&peeked),
            permission: Permission::ResolvePayout,
        };
        let admission = match admit(tx, by, &wanted)? {
            Ok(admission) => admission,
            Err(rejection) => return Ok(Err(rejection.into())),
        };
        let Some(mut case) = Case::lock(tx, intent)? else { return Ok(Err(Rejection::Unknown)) };
        // What was approved is not what it would do by now.
        if words(&case.intent) != wanted.payload {
            return Ok(Err(Rejection::TooLate(case.intent.state)));
        }
        let done = act(self, tx, &mut case, admission.cleared())?;
        if done.is_ok() {
            admission.spend(tx)?;
        }
        Ok(done)
    }
}

/// An act on a payout as people approve it: letting go what is held is approved for what it is held for.
pub(super) fn letting_go(why: &str, row: &IntentRow) -> String {
    match row.state {
        IntentState::Held => format!("{why}; it is held: {}", row.why),
        _ => why.to_owned(),
    }
}

/// Refuses a reason that is missing or too long.
pub(crate) fn check_reason(why: &str) -> Result<(), Rejection> {
    let length = why.trim().chars().count();
    let fits = (1..=REASON_CHARACTERS_MAX).contains(&length) && !why.contains('\0');
    fits.then_some(()).ok_or(Rejection::Invalid { field: "reason", rule: "it is 1 to 200 characters" })
}
