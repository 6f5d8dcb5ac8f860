//! The platform's own background jobs.

mod audit_outbox;
mod control;
mod ledger_check;
mod purge;

use bursar_desk::Platform;
use bursar_desk::job::Job;

use crate::config::Configuration;
use crate::host::Desks;

/// Every job that belongs to no desk.
pub(crate) fn platform_jobs(configuration: &Configuration, platform: &Platform, desks: &Desks) -> Vec<Job> {
    vec![
        control::job(platform, desks.switches()),
        audit_outbox::job(platform, configuration),
        ledger_check::job(platform),
        purge::job(platform),
    ]
}
