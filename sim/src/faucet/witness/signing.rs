//! Orders and what was signed for them, as committed.

use std::collections::BTreeMap;

use super::{Stop, Witness};
use crate::invariant::{Breach, require};
use crate::payouts::rows::{Intent, Signed, fresh};
use crate::payouts::{BROADCAST, HELD, MOVES, SIGNED, holdings};

impl Witness {
    /// What is final in the book is on the chain.
    pub(super) fn check_final(&self, intent: i64) -> Result<(), Breach> {
        let mut own = self.seen.attempts.values().filter(|attempt| attempt.intent == Some(intent));
        let is_paid = own.any(|attempt| attempt.kind == 0 && self.landed.contains_key(&attempt.transaction));
        require!(
            ChainIsBook,
            is_paid,
            "{:?} is final, and the chain paid nothing for it",
            self.seen.intents[&intent]
        );
        Ok(())
    }

    pub(super) fn admit_intent(&mut self, intent: Intent) -> Result<(), Breach> {
        let id = intent.id;
        if let Some(before) = self.seen.intents.get(&id) {
            let (from, to) = (before.state, intent.state);
            let is_after_restore =
                self.restores > 0 && matches!((from, to), (HELD, SIGNED) | (SIGNED | BROADCAST, HELD));
            let is_step =
                from == to || is_after_restore || MOVES.iter().any(|(a, b, _)| (*a, *b) == (from, to));
            require!(Once, is_step, "{} went from {} to {}", intent.key, before.state, intent.state);
            let is_kept =
                (&before.key, &before.to, before.amount) == (&intent.key, &intent.to, intent.amount);
            require!(Durable, is_kept, "{before:?} became {intent:?}");
        } else {
            let known = self.seen.by_key.insert(intent.key.clone(), id);
            require!(Once, known.is_none(), "{} is accepted a second time, as {id}", intent.key);
        }
        self.seen.intents.insert(id, intent);
        Ok(())
    }

    pub(super) fn admit_attempt(&mut self, attempt: Signed, bytes: Vec<u8>) -> Result<(), Breach> {
        let id = attempt.id;
        match self.seen.attempts.get(&id) {
            None => self.admit_signed(&attempt, bytes)?,
            Some(before) => {
                let is_kept = (before.intent, before.kind, &before.transaction)
                    == (attempt.intent, attempt.kind, &attempt.transaction)
                    && self.seen.bytes.get(&attempt.transaction) == Some(&bytes);
                require!(Durable, is_kept, "{before:?} became {attempt:?}, or its bytes others");
            }
        }
        if attempt.state == 3 {
            self.dead.insert(attempt.transaction.clone());
        }
        self.seen.attempts.insert(id, attempt);
        Ok(())
    }

    fn admit_signed(&mut self, attempt: &Signed, bytes: Vec<u8>) -> Result<(), Breach> {
        // Only what was signed before, whatever was restored since, can come back from the journal.
        let is_back = attempt.is_imported && self.signed.get(&attempt.transaction) == Some(&bytes);
        let is_stopped = !is_back && (self.binds(Stop::Payouts) || self.binds(Stop::Reality));
        require!(NoSignAfterStop, !is_stopped, "{attempt:?} was signed under {}", self.stops());
        let is_new = Signed { is_imported: is_back, ..attempt.clone() };
        if !self.is_first_look {
            holdings::check_matched(&self.connected(), &is_new, self.restores)?;
        }
        let others = self.seen.attempts.values().filter(|other| {
            other.intent.is_some() && other.intent == attempt.intent && other.kind == 0 && other.state != 3
        });
        let lives = others.count();
        let is_alone = attempt.kind != 0 || is_back || lives == 0;
        require!(PaidOnce, is_alone, "{attempt:?} was signed beside {lives} that live");
        if attempt.kind == 0 && !is_back {
            self.note_promise(attempt)?;
        }
        self.signed.insert(attempt.transaction.clone(), bytes.clone());
        self.seen.bytes.insert(attempt.transaction.clone(), bytes);
        Ok(())
    }

    /// Every order and everything signed is there as it was last seen, to the byte.
    pub(super) fn check_kept(&self) -> Result<(), Breach> {
        let all = fresh(&self.connected(), &BTreeMap::new(), &BTreeMap::new());
        let (intents, attempts) = all.expect("the witness can read");
        require!(
            Durable,
            intents.iter().eq(self.seen.intents.values()),
            "intents changed behind their commits: {intents:?} were {:?}",
            self.seen.intents.values()
        );
        let are_kept = attempts.iter().map(|(attempt, _)| attempt).eq(self.seen.attempts.values());
        require!(
            Durable,
            are_kept,
            "attempts changed behind their commits: {:?}",
            self.seen.attempts.values()
        );
        let changed =
            attempts.iter().find(|(attempt, bytes)| self.seen.bytes.get(&attempt.transaction) != Some(bytes));
        require!(Durable, changed.is_none(), "the bytes of {changed:?} are others");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::faucet::terms::Terms;
    use crate::invariant::Invariant;
    use crate::scenario::Scenario;
    use crate::watching::Eye;

    #[test]
    fn what_says_that_it_came_from_the_journal_did_so_only_if_it_was_signed_before() {
        let mut witness = Witness::new(&Terms::of(&Scenario::new(1)));
        witness.eye = Some(Eye::new(Connection::open_in_memory().expect("memory")));
        let mut broken = |id: i64, bytes: &[u8]| {
            let transaction = "t".to_owned();
            let receipt = Signed { id, intent: None, kind: 2, transaction, state: 0, is_imported: true };
            witness.stopped = [id > 1, false, false];
            witness.admit_attempt(receipt, bytes.to_vec()).err().map(|breach| breach.invariant)
        };
        assert_eq!(broken(1, b"signed"), None);
        assert_eq!(broken(2, b"signed"), None);
        assert_eq!(broken(3, b"other"), Some(Invariant::NoSignAfterStop));
    }
}
