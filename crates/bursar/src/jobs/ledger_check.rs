//! The book's invariant, checked while the server runs: for every asset the sum over all accounts is zero.

use std::sync::Arc;

use bursar_audit::{Actor, Event, Level, Target};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, Progress};
use bursar_ledger::{TrialBalance, trial_balance};
use bursar_money::Balance;
use serde_json::json;

const CADENCE_MS: i64 = 300_000;

pub(super) fn job(platform: &Platform) -> Job {
    let platform = platform.clone();
    Job::new("ledger.zero_sum", Cadence::every_ms(CADENCE_MS), move |_| check(&platform))
}

fn check(platform: &Platform) -> Result<Progress, JobFault> {
    let balances = Arc::clone(&platform.store).read("ledger.zero_sum", trial_balance)?;
    let broken: Vec<&TrialBalance> = balances.iter().filter(|asset| asset.sum != Balance::ZERO).collect();
    if broken.is_empty() {
        return Ok(Progress::Done);
    }
    let sums: Vec<_> = broken
        .iter()
        .map(|asset| json!({"asset": asset.asset.code(), "sum": asset.sum.to_string()}))
        .collect();
    let event = Event {
        level: Level::Error,
        desk: "platform",
        name: "ledger.not_zero",
        actor: Actor::system("ledger.zero_sum"),
        target: Target { kind: "ledger", id: String::new() },
        request_id: None,
        correlation_id: None,
        payload: json!({"assets": sums}).to_string(),
    };
    platform.journal.record_now(event)?;
    Err("the ledger's accounts do not sum to zero; stop the desks and run `bursar ledger trial`".into())
}
