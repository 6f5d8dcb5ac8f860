//! What a second crew of operators decides of payouts that are under way, and what they were told.

use bursar_payouts::Afterwards;

use super::super::resolvers::{Decision, UnderWay};
use super::super::rows::Signed;
use super::{FINAL, Witness};
use crate::invariant::{Breach, require};

impl Witness {
    /// Payments that are not over.
    pub fn under_way(&self) -> Vec<UnderWay> {
        let living = self.seen.attempts.values().filter(|attempt| attempt.kind == 0 && attempt.state < 2);
        let payment = |attempt: &Signed| {
            let (intent, transaction) = (attempt.intent?, attempt.transaction.clone());
            let wallet = self.seen.intents.get(&intent)?.wallet.clone();
            let bytes = self.seen.bytes.get(&transaction)?.clone();
            let has_left = self.left.contains(&transaction);
            Some(UnderWay { intent, wallet, transaction, bytes, has_left })
        };
        living.filter_map(payment).collect()
    }

    /// A second operator tries to decide something.
    pub fn begin_decision(&mut self, decision: &Decision) {
        match decision {
            Decision::Free(intent, Afterwards::Fail) | Decision::Dead(intent, _, Afterwards::Fail) => {
                self.seen.cancels.begin(*intent);
            }
            Decision::Match(_) | Decision::Insist(_) => self.is_matched_by_hand = true,
            Decision::Free(..) | Decision::Dead(..) | Decision::Paid(..) | Decision::Stop(_) => {}
        }
    }

    /// The operator was told that it is decided, or refused.
    pub fn decided(&mut self, decision: &Decision, is_done: bool) -> Result<(), Breach> {
        let id = match decision {
            Decision::Free(intent, Afterwards::Fail) | Decision::Dead(intent, _, Afterwards::Fail) => *intent,
            Decision::Paid(intent, ..) if is_done => {
                let state = self.seen.intents.get(intent).map(|intent| intent.state);
                require!(Durable, state == Some(FINAL), "{intent} was decided to be paid, and is {state:?}");
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.seen.cancels.end(id, is_done);
        self.seen.cancels.check_given_up(id, self.seen.intents.get(&id), is_done)
    }
}
