//! Keeping the mark of a fast clock ahead of it, so that time goes on after a kill and is never seen twice.

use std::sync::Arc;

use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, Progress};
use bursar_store::Clock;

use crate::host::reserve_fast_clock;

/// How often the mark is written. Real time.
const CADENCE_MS: i64 = 2_000;

/// The job; `None` = the clock is not a fast one.
pub(super) fn job(platform: &Platform) -> Option<Job> {
    let store = Arc::clone(&platform.store);
    let Clock::Fast { .. } = store.clock() else { return None };
    let run = move || -> Result<Progress, bursar_desk::job::JobFault> {
        reserve_fast_clock(&store)?;
        Ok(Progress::Done)
    };
    Some(Job::new("platform.fast_clock", Cadence::every_ms(CADENCE_MS), move |_| run()).in_real_time())
}
