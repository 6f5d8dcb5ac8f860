//! After a restore operators record what was paid and is missing, as the runbook says: now and then they look first, they say
//! that the whole history is the faucet's once they are asked, and they repeat it until nothing is left.

use std::sync::Arc;

use bursar_access::Actor;
use bursar_audit::{Recorder, SaltKey};
use bursar_chain::{Address, ChainError, History, Past, TransactionId};
use bursar_faucet::adoption::{Adoption, Outcome, Refusal, Report, Verdict};

use super::FaucetRoom;
use super::wiring::{Process, operator};
use crate::broken::Bug;
use crate::chain::SimChain;
use crate::world::World;

/// How an adoption is run.
#[derive(Clone, Copy, Debug)]
struct How {
    is_dry_run: bool,
    is_whole_history: bool,
}

const LOOKS: How = How { is_dry_run: true, is_whole_history: false };
const RECORDS: How = How { is_dry_run: false, is_whole_history: false };

impl FaucetRoom {
    /// Operators record what is missing, one at a time.
    pub fn adopt(self: &Arc<FaucetRoom>, world: &Arc<World>) {
        let (was_busy, looks_first) = self.operators.with(|operators| operators.begin_adoption());
        if was_busy {
            return;
        }
        if looks_first {
            self.run_adoption(world, LOOKS);
        }
        let mut done = self.run_adoption(world, RECORDS);
        if matches!(done, Some(Ok(Err(Refusal::NoKnownBlock)))) {
            done = self.run_adoption(world, How { is_whole_history: true, ..RECORDS });
        }
        if let Some(Ok(Ok(report))) = done {
            self.witness.with(|witness| witness.hear(report));
        }
        self.operators.with(|operators| operators.adopts = false);
    }

    fn run_adoption(self: &Arc<FaucetRoom>, world: &Arc<World>, how: How) -> Option<Outcome<Report>> {
        let done = world.command(None, |process| {
            let faucet: &Process = process.room();
            faucet.desk(&process.store)?;
            let (root, operator) = (Actor::cli("root"), operator());
            let recorder = Recorder::new("adopting", SaltKey::new([6; 32]));
            let adoption = Adoption {
                store: &process.store,
                payouts: &faucet.payouts,
                operator: &operator,
                recorder: &recorder,
                actor: &root,
                approval: None,
                draft: None,
                reason: "drill",
                is_dry_run: how.is_dry_run,
                is_whole_history: how.is_whole_history,
            };
            match self.scenario.bug {
                Some(Bug::OverlooksPayment) => adoption.run(&Careless(&faucet.history)),
                _ => adoption.run(&faucet.history),
            }
        });
        world.figures.with(|figures| figures.batch(1));
        self.tell(world, how, done.as_ref());
        done
    }

    /// Notes what came of it.
    fn tell(&self, world: &World, how: How, done: Option<&Outcome<Report>>) {
        let words = match done {
            None => "came to nothing",
            Some(Err(error)) => world.error_kind(error),
            Some(Ok(Err(refusal))) => refusal.code(),
            Some(Ok(Ok(report))) if report.payments.is_empty() => "nothing found",
            Some(Ok(Ok(report))) if report.is_complete() => "nothing left",
            Some(Ok(Ok(_))) => "payments left",
        };
        world.note(&format!("operators adopt {how:?}: {words}"));
        world.reach("adoption", if how.is_dry_run { "looked first" } else { words });
        let Some(Ok(Ok(report))) = done.filter(|_| !how.is_dry_run) else { return };
        for (payment, verdict) in &report.payments {
            world.note(&format!("{} of {} to {}: {verdict:?}", payment.transaction, payment.raw, payment.to));
            world.reach(
                "adoption",
                match verdict {
                    Verdict::Adopted { .. } => "a payment adopted",
                    Verdict::Known => "a payment known by then",
                    Verdict::WaitsForKills { .. } => "a payment waits for kills",
                    Verdict::NoPlayer => "a payment to nobody's address",
                    Verdict::SeveralPlayers(_) => "a payment to an address of several",
                    Verdict::NotWhole => "a payment of no whole number",
                },
            );
        }
    }
}

/// A history whose newest payment is overlooked.
struct Careless<'a>(&'a SimChain<FaucetRoom>);

impl History for Careless<'_> {
    fn past(
        &self,
        account: &Address,
        from: Option<&TransactionId>,
        most: usize,
    ) -> Result<Vec<Past>, ChainError> {
        let mut told = self.0.past(account, from, most)?;
        if let Some(newest) = told.iter_mut().find(|past| past.sent.is_some()).filter(|_| from.is_none()) {
            newest.sent = None;
        }
        Ok(told)
    }
}
