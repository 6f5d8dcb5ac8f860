//! Background jobs: one a wallet, which takes its sender's turns under the job's lease, and one that looks at figures.

use std::sync::{Arc, OnceLock};

use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_keys::KeyId;
use bursar_store::{StoreError, Tx};

use crate::Payouts;
use crate::send::{Sender, Turn};
use crate::wallet::Wallet;

/// How often a wallet is tried again while what is due cannot be done, in milliseconds.
const RETRY_MS: i64 = 500;
/// How often the figures of the gauges are refreshed, in milliseconds.
const FIGURES_MS: i64 = 15_000;
/// Turns of one run before others get theirs.
const TURNS_MAX: u32 = 64;

/// The jobs of these wallets, which exist already, and of the figures. A wallet whose chain is not set up here has none.
#[must_use]
pub fn jobs(payouts: &Payouts, wallets: &[Wallet]) -> Vec<Job> {
    let senders = wallets.iter().filter_map(|wallet| payouts.sender(wallet));
    let mut jobs: Vec<Job> = senders.map(job).collect();
    if let Some(metrics) = payouts.parts.metrics.clone() {
        let store = Arc::clone(&payouts.parts.store);
        let look = move |_: &JobTurn| {
            metrics.refresh(&store)?;
            Ok(Progress::Done)
        };
        jobs.push(Job::new("payouts.figures", Cadence::every_ms(FIGURES_MS), look).in_real_time());
    }
    jobs
}

fn job(sender: Sender) -> Job {
    let name = job_name(sender.wallet());
    let sender = Arc::new(sender);
    let watched = Arc::clone(&sender);
    Job::new(name, Cadence::every_ms(RETRY_MS), move |turn| run(&sender, turn))
        .when(move |tx| watched.due_at(tx))
}

/// The job of a wallet that may be opened while the process runs: it has nothing to do until then.
#[must_use]
pub fn awaited_job(payouts: &Payouts, wallet: &KeyId) -> Job {
    let name = job_name(wallet);
    let awaited =
        Arc::new(Awaited { payouts: payouts.clone(), wallet: wallet.clone(), sender: OnceLock::new() });
    let watched = Arc::clone(&awaited);
    let work = move |turn: &JobTurn| match awaited.sender.get() {
        Some(sender) => run(sender, turn),
        None => Ok(Progress::Done),
    };
    Job::new(name, Cadence::every_ms(RETRY_MS), work).when(move |tx| match watched.sender(tx)? {
        Some(sender) => sender.due_at(tx),
        None => Ok(None),
    })
}

/// A wallet's sender, made as soon as there is the wallet.
struct Awaited {
    payouts: Payouts,
    wallet: KeyId,
    sender: OnceLock<Sender>,
}

impl Awaited {
    fn sender(&self, tx: &mut Tx<'_>) -> Result<Option<&Sender>, StoreError> {
        if self.sender.get().is_none()
            && let Some(wallet) = self.payouts.wallet(tx, &self.wallet)?
            && let Some(sender) = self.payouts.sender(&wallet)
        {
            // Another look may have been faster; senders are alike.
            let _ = self.sender.set(sender);
        }
        Ok(self.sender.get())
    }
}

/// A job's name lives as long as the process; there is a handful of wallets.
fn job_name(wallet: &KeyId) -> &'static str {
    Box::leak(format!("payouts.send.{wallet}").into_boxed_str())
}

fn run(sender: &Sender, turn: &JobTurn) -> Result<Progress, JobFault> {
    for _ in 0..TURNS_MAX {
        if turn.is_stopping() {
            return Ok(Progress::Done);
        }
        match sender.turn(&turn.lease)? {
            Turn::Worked => {}
            Turn::Idle { .. } | Turn::Waiting { .. } => return Ok(Progress::Done),
        }
    }
    Ok(Progress::More)
}
