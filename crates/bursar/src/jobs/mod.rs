//! The platform's own background jobs.

pub(crate) mod alerts;
mod audit_outbox;
mod backup;
mod control;
mod fast_clock;
mod ledger_check;
mod payout_notices;
mod purge;
mod watch;
mod webhook;

use bursar_desk::Platform;
use bursar_desk::job::Job;

use crate::config::Configuration;
use crate::host::Desks;

pub(crate) use watch::Watch;

/// Every job that belongs to no desk.
pub(crate) fn platform_jobs(configuration: &Configuration, platform: &Platform, desks: &Desks) -> Vec<Job> {
    let mut jobs = vec![
        control::job(platform, desks.switches()),
        audit_outbox::job(platform, configuration),
        ledger_check::job(platform),
        purge::job(platform, desks.tables()),
    ];
    jobs.extend(backup::jobs(platform, configuration));
    if desks.payouts().is_some() {
        jobs.push(payout_notices::job(platform, configuration));
    }
    jobs.extend(fast_clock::job(platform));
    jobs
}
