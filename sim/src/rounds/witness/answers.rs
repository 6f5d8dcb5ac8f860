//! Checks on what was answered: to joins, and to those who read.

use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::pool::PoolStats;
use bursar_rounds::results::{WalletResults, WalletRound};
use bursar_rounds::timing::Round;
use bursar_rounds::wallet::Address;
use bursar_store::lane::LaneFault;

use super::{Since, Witness};
use crate::gate::Gate;
use crate::invariant::{Breach, require};
use crate::rounds::lanes::JoinReply;
use crate::rounds::wish::{Attempt, Content};

impl Witness {
    /// Whether each answer to a batch of `node` is true.
    pub fn check_answers(
        &mut self,
        node: usize,
        since: Since,
        batch: &[Attempt],
        replies: &[JoinReply],
    ) -> Result<(), Breach> {
        for (attempt, reply) in batch.iter().zip(replies) {
            let entry = self.seen.by_id.get(&attempt.id).map(|sequence| &self.seen.entries[sequence]);
            let is_made_here =
                entry.is_some_and(|entry| entry.node == Some(node) && entry.commit > since.commit);
            let was_there = entry.is_some_and(|entry| entry.commit <= since.commit);
            let stored = entry.and_then(|entry| self.content_of(&entry.row));
            let is_alone = batch.iter().filter(|other| other.id == attempt.id).count() == 1;
            match reply {
                Ok(Ok(Joined { created })) => {
                    let id = &attempt.id;
                    require!(
                        Once,
                        !created || is_made_here,
                        "{id} is called created, but was not in its batch"
                    );
                    require!(
                        Once,
                        *created || !is_made_here || !is_alone,
                        "{id} is called known, although its own batch made it"
                    );
                    self.acknowledge(attempt, stored, *created)?;
                }
                Ok(Err(rejection)) => {
                    let is_made_here = is_made_here && is_alone;
                    let is_known = was_there && stored.is_some() && stored == attempt.content;
                    self.check_rejection(attempt, rejection, is_made_here, is_known, since)?;
                }
                Err(LaneFault::UnknownOutcome(_)) => {
                    self.promises.take_in_hand(std::slice::from_ref(attempt))
                }
                Err(LaneFault::Unavailable(_) | LaneFault::Poison(_) | LaneFault::Closed) => {
                    let is_there = is_made_here && is_alone;
                    require!(RefusedNoTrace, !is_there, "{} is there after the answer {reply:?}", attempt.id);
                }
            }
        }
        Ok(())
    }

    /// A join is acknowledged: from now on it is there, with this content.
    pub fn acknowledge(
        &mut self,
        attempt: &Attempt,
        stored: Option<Content>,
        created: bool,
    ) -> Result<(), Breach> {
        let (id, content) = (&attempt.id, attempt.content);
        require!(RefusedNoTrace, content.is_some(), "{id} is flawed, and acknowledged");
        require!(Durable, stored == content, "{id} is acknowledged as {content:?}, and stored is {stored:?}");
        let asked = self.promises.asked.entry(id.clone()).or_default();
        asked.created += u32::from(created);
        asked.acknowledged = content;
        require!(Once, asked.created <= 1, "{id} is called created {} times", asked.created);
        Ok(())
    }

    /// What is stored under an id, as a client would have sent it.
    pub fn stored(&self, id: &str) -> Option<Content> {
        let sequence = self.seen.by_id.get(id)?;
        self.content_of(&self.seen.entries[sequence].row)
    }

    fn check_rejection(
        &self,
        attempt: &Attempt,
        rejection: &JoinRejection,
        is_made_here: bool,
        is_known: bool,
        since: Since,
    ) -> Result<(), Breach> {
        let (id, code) = (&attempt.id, rejection.code());
        require!(RefusedNoTrace, !is_made_here, "{id} is there after the refusal {code}");
        let forgets = matches!(
            rejection,
            JoinRejection::OutsideOpenWindow | JoinRejection::IdConflict | JoinRejection::InvalidWallet
        );
        require!(Once, !(forgets && is_known), "{id} was entered before, and its retry is refused: {code}");
        // Whoever overtook this batch may have stopped joins in the middle of it.
        let is_undisturbed = self.promises.acts == since.acts && self.promises.joins == Gate::Open;
        let is_paused = *rejection == JoinRejection::Paused;
        require!(StopBinds, !(is_paused && is_undisturbed), "{id} is refused as paused after a resume");
        Ok(())
    }

    /// Whether what a player and a visitor read is what the entries and settlements say.
    pub fn check_reads(
        &self,
        wallet: Address,
        results: &WalletResults,
        round: Round,
        stats: &PoolStats,
    ) -> Result<(), Breach> {
        let own = self
            .seen
            .entries
            .values()
            .rev()
            .filter(|entry| self.content_of(&entry.row).is_some_and(|content| content.wallet == wallet));
        let own: Vec<_> = own.collect();
        let shown = own.iter().take(50);
        require!(
            Durable,
            shown.len() == results.rounds.len(),
            "{} shows {} entries of {}",
            results.wallet,
            results.rounds.len(),
            own.len()
        );
        for (entry, read) in shown.zip(&results.rounds) {
            self.check_result(&entry.row, read)?;
        }
        let staked: u128 = own.iter().map(|entry| super::round::cents(&entry.row)).sum();
        let paid: u128 = own.iter().filter_map(|entry| self.due(entry.row.round, entry.row.sequence)).sum();
        let totals = (results.totals.staked_lamports, results.totals.paid_lamports);
        require!(
            RoundExact,
            totals == (staked, paid),
            "{} reads {totals:?}, not {:?}",
            results.wallet,
            (staked, paid)
        );
        let entries = self.seen.by_round.get(&round.key()).map_or(0, Vec::len);
        let read = usize::try_from(stats.entries).unwrap_or(usize::MAX);
        require!(Durable, read == entries, "{} reads {read} entries of {entries}", round.id());
        Ok(())
    }

    fn check_result(&self, row: &super::rows::EntryRow, read: &WalletRound) -> Result<(), Breach> {
        let settlement = self.seen.settlements.get(&row.round);
        let status = match settlement.map(|settlement| settlement.dues.winner) {
            None => "PENDING",
            Some(None) => "REFUND",
            Some(Some(winner)) if winner == row.side => "WIN",
            Some(Some(_)) => "LOSS",
        };
        let payout = self.due(row.round, row.sequence).unwrap_or(0);
        let found = (read.entry_signature.as_str(), read.status, read.payout_lamports);
        let due = (row.id.as_str(), status, payout);
        require!(RoundExact, found == due, "entry {} reads {found:?}, not {due:?}", row.sequence);
        Ok(())
    }

    /// What a settled round owes an entry; `None` while it is not settled.
    fn due(&self, round: i64, sequence: i64) -> Option<u128> {
        let settlement = self.seen.settlements.get(&round)?;
        Some(settlement.dues.payouts.get(&sequence).copied().unwrap_or(0))
    }
}
