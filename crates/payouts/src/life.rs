//! The life of an intent, pure: which events are possible when, and where they lead.
//!
//! The rule that everything hangs on: while any attempt of an intent may become final, no other is made but one that
//! takes the same slot, of which the chain finalizes one at most.

use bursar_chain::{Slot, TransactionId};
use bursar_store::StoreError;

use crate::IntentState;

/// What an operator asked for while an intent is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing: when every attempt is dead, another is made.
    Nothing,
    /// No further attempt: when every attempt is dead, it has failed.
    GiveUp,
    /// Free the slot, then try again.
    FreeAndRetry,
    /// Free the slot, then fail.
    FreeAndGiveUp,
}

impl Wish {
    pub(crate) const fn code(self) -> i64 {
        match self {
            Wish::Nothing => 0,
            Wish::GiveUp => 1,
            Wish::FreeAndRetry => 2,
            Wish::FreeAndGiveUp => 3,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<Wish, StoreError> {
        let all = [Wish::Nothing, Wish::GiveUp, Wish::FreeAndRetry, Wish::FreeAndGiveUp];
        let found = all.into_iter().find(|wish| wish.code() == code);
        found.ok_or_else(|| StoreError::Decode(format!("payout wish {code}")))
    }

    /// Whether the slot is to be freed.
    pub(crate) const fn frees(self) -> bool {
        match self {
            Wish::FreeAndRetry | Wish::FreeAndGiveUp => true,
            Wish::Nothing | Wish::GiveUp => false,
        }
    }

    /// Whether it is not to be tried again.
    pub(crate) const fn gives_up(self) -> bool {
        match self {
            Wish::GiveUp | Wish::FreeAndGiveUp => true,
            Wish::Nothing | Wish::FreeAndRetry => false,
        }
    }
}

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptKind {
    /// Pays.
    Payment,
    /// Moves nothing and takes a payment's slot.
    Freeing,
    /// Accepts what came in.
    Receipt,
}

impl AttemptKind {
    /// Its name for people and machines.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            AttemptKind::Payment => "payment",
            AttemptKind::Freeing => "freeing",
            AttemptKind::Receipt => "receipt",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<AttemptKind> {
        let all = [AttemptKind::Payment, AttemptKind::Freeing, AttemptKind::Receipt];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptState {
    /// Stored.
    Signed,
    /// Handed to nodes.
    Broadcast,
    /// Final.
    Final,
    /// Proven never to become final.
    Dead,
}

impl AttemptState {
    /// Whether it may yet become final.
    pub(crate) const fn is_alive(self) -> bool {
        match self {
            AttemptState::Signed | AttemptState::Broadcast => true,
            AttemptState::Final | AttemptState::Dead => false,
        }
    }
}

/// One attempt of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptFacts {
    pub id: TransactionId,
    pub slot: Slot,
    pub kind: AttemptKind,
    pub state: AttemptState,
}

/// An intent with all its attempts, in the order of their making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub state: IntentState,
    pub wish: Wish,
    pub attempts: Vec<AttemptFacts>,
    /// It may have been paid by a transaction that the records lack: once nothing of it lives, a person decides.
    pub is_unclear: bool,
}

/// What happens to an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody or something holds it.
    Hold,
    /// It may go on.
    Release,
    /// It is taken back.
    Cancel,
    /// It can never be paid, and nothing was signed for it.
    Refuse,
    /// An operator asks for something.
    Wish(Wish),
    /// A payment is signed.
    Sign {
        /// Its id.
        id: TransactionId,
        /// The slot it takes.
        slot: Slot,
    },
    /// What frees the living payment's slot is signed.
    Free {
        /// Its id.
        id: TransactionId,
        /// The slot it takes.
        slot: Slot,
    },
    /// An attempt that was missing here was found in the journal.
    Import {
        /// Its id.
        id: TransactionId,
        /// The slot it takes.
        slot: Slot,
        /// What it does.
        kind: AttemptKind,
    },
    /// An attempt is handed to nodes.
    Broadcast(TransactionId),
    /// An attempt is final.
    Confirm(TransactionId),
    /// An attempt is proven dead.
    Die(TransactionId),
}

/// An event that cannot be now. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Impossible;

impl Life {
    /// Lets `event` happen, or refuses it. PAID-ONCE: no payment is signed while another may become final, and none after
    /// one has.
    pub(crate) fn apply(&mut self, event: Event) -> Result<(), Impossible> {
        match event {
            Event::Hold => self.move_from(&[IntentState::Accepted], IntentState::Held),
            Event::Release => self.release(),
            Event::Cancel => self.cancel(),
            Event::Refuse => self.refuse(),
            Event::Wish(wish) => self.wish(wish),
            Event::Sign { id, slot } => self.sign(id, slot),
            Event::Free { id, slot } => self.free(id, slot),
            Event::Import { id, slot, kind } => self.import(id, slot, kind),
            Event::Broadcast(id) => self.broadcast(&id),
            Event::Confirm(id) => self.confirm(&id),
            Event::Die(id) => self.die(&id),
        }
    }

    /// The payments that may yet become final.
    pub(crate) fn living_payments(&self) -> impl Iterator<Item = &AttemptFacts> {
        let of_kind = |attempt: &&AttemptFacts| attempt.kind == AttemptKind::Payment;
        self.attempts.iter().filter(of_kind).filter(|attempt| attempt.state.is_alive())
    }

    /// Whether something was signed for it whose end is not known.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.state, IntentState::Signed | IntentState::Broadcast)
    }

    /// Whether a payment of it was ever signed.
    pub(crate) fn was_signed(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.kind == AttemptKind::Payment)
    }

    fn move_from(&mut self, from: &[IntentState], to: IntentState) -> Result<(), Impossible> {
        if !from.contains(&self.state) || self.attempts.iter().any(|attempt| attempt.state.is_alive()) {
            return Err(Impossible);
        }
        self.state = to;
        Ok(())
    }

    /// What was given up gets no further attempt, whoever asks for one: it waits for its end.
    fn release(&mut self) -> Result<(), Impossible> {
        if self.wish.gives_up() {
            return Err(Impossible);
        }
        self.move_from(&[IntentState::Held], IntentState::Accepted)
    }

    /// Cancelled when nothing was ever signed; with dead attempts behind it, it has failed.
    fn cancel(&mut self) -> Result<(), Impossible> {
        let to = if self.was_signed() { IntentState::Failed } else { IntentState::Cancelled };
        self.move_from(&[IntentState::Accepted, IntentState::Held], to)
    }

    fn refuse(&mut self) -> Result<(), Impossible> {
        self.move_from(&[IntentState::Accepted, IntentState::Held], IntentState::Failed)
    }

    fn wish(&mut self, wish: Wish) -> Result<(), Impossible> {
        if !self.is_under_way() {
            return Err(Impossible);
        }
        self.wish = wish;
        Ok(())
    }

    fn sign(&mut self, id: TransactionId, slot: Slot) -> Result<(), Impossible> {
        let is_over = |attempt: &AttemptFacts| match attempt.kind {
            AttemptKind::Payment => attempt.state == AttemptState::Dead,
            AttemptKind::Freeing | AttemptKind::Receipt => !attempt.state.is_alive(),
        };
        let is_used = self.attempts.iter().any(|attempt| attempt.id == id || attempt.slot == slot);
        if self.state != IntentState::Accepted || is_used || !self.attempts.iter().all(is_over) {
            return Err(Impossible);
        }
        self.push(id, slot, AttemptKind::Payment);
        self.state = IntentState::Signed;
        Ok(())
    }

    fn free(&mut self, id: TransactionId, slot: Slot) -> Result<(), Impossible> {
        let is_under_way = self.is_under_way();
        let frees_a_payment = self.living_payments().any(|payment| payment.slot == slot);
        let is_known = self.attempts.iter().any(|attempt| attempt.id == id);
        let is_freed_already = self.attempts.iter().any(|attempt| {
            attempt.kind == AttemptKind::Freeing && attempt.slot == slot && attempt.state.is_alive()
        });
        if !is_under_way || !frees_a_payment || is_known || is_freed_already {
            return Err(Impossible);
        }
        self.push(id, slot, AttemptKind::Freeing);
        Ok(())
    }

    /// What the journal holds was signed, whatever the records say: it lives until it is proven dead.
    fn import(&mut self, id: TransactionId, slot: Slot, kind: AttemptKind) -> Result<(), Impossible> {
        if self.state.is_ended() || self.attempts.iter().any(|attempt| attempt.id == id) {
            return Err(Impossible);
        }
        self.push(id, slot, kind);
        if matches!(self.state, IntentState::Accepted | IntentState::Held) {
            self.state = IntentState::Signed;
        }
        Ok(())
    }

    fn broadcast(&mut self, id: &TransactionId) -> Result<(), Impossible> {
        let attempt = self.living(id)?;
        attempt.state = AttemptState::Broadcast;
        if attempt.kind == AttemptKind::Payment && self.state == IntentState::Signed {
            self.state = IntentState::Broadcast;
        }
        Ok(())
    }

    fn confirm(&mut self, id: &TransactionId) -> Result<(), Impossible> {
        let attempt = self.living(id)?;
        attempt.state = AttemptState::Final;
        if attempt.kind == AttemptKind::Payment {
            self.state = IntentState::Final;
        } else {
            self.go_on();
        }
        Ok(())
    }

    fn die(&mut self, id: &TransactionId) -> Result<(), Impossible> {
        self.living(id)?.state = AttemptState::Dead;
        self.go_on();
        Ok(())
    }

    /// Once nothing of it lives and nothing of it is known to be paid: the next attempt, the end, or a person's decision.
    fn go_on(&mut self) {
        if self.is_under_way() && self.attempts.iter().all(|attempt| !attempt.state.is_alive()) {
            (self.state, self.wish) = match (self.is_unclear, self.wish.gives_up()) {
                (true, true) => (IntentState::Held, Wish::GiveUp),
                (true, false) => (IntentState::Held, Wish::Nothing),
                (false, true) => (IntentState::Failed, Wish::Nothing),
                (false, false) => (IntentState::Accepted, Wish::Nothing),
            };
        }
    }

    fn push(&mut self, id: TransactionId, slot: Slot, kind: AttemptKind) {
        self.attempts.push(AttemptFacts { id, slot, kind, state: AttemptState::Signed });
    }

    fn living(&mut self, id: &TransactionId) -> Result<&mut AttemptFacts, Impossible> {
        let living = self.attempts.iter_mut().find(|attempt| attempt.id == *id && attempt.state.is_alive());
        living.ok_or(Impossible)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
