//! Folding changes of switches and settings into the audit log, and recorded stops into their rows.

use std::sync::Arc;

use bursar_control::{ConfigTable, Switch};
use bursar_desk::Platform;
use bursar_desk::control_fold::{adopt_recorded_stops, fold, has_recorded_stops, is_pending};
use bursar_desk::job::{Cadence, Job, Progress};
use bursar_store::{Timestamp, Tx};

/// How often hand-typed changes and recorded stops are looked for. Real time.
const CADENCE_MS: i64 = 1_000;
/// Long past: what waits is overdue.
const OVERDUE: Timestamp = Timestamp::from_ms(0);

pub(super) fn job(platform: &Platform, switches: Vec<(ConfigTable, Switch)>) -> Job {
    let (store, switchboard) = (Arc::clone(&platform.store), platform.switchboard.clone());
    let recorder = platform.recorder("control");
    let (watched, known) = (switchboard.clone(), switches.clone());
    let run = move || {
        adopt_recorded_stops(&store, &switchboard, &recorder, &switches)?;
        store.transact("control.fold", |tx| {
            let now = tx.reading()?;
            fold(tx, &recorder, now)
        })?;
        Ok(Progress::Done)
    };
    let work_at = move |tx: &mut Tx<'_>| {
        Ok((has_recorded_stops(&watched, &known) || is_pending(tx)?).then_some(OVERDUE))
    };
    Job::new("platform.control_fold", Cadence::every_ms(CADENCE_MS), move |_| run())
        .when(work_at)
        .in_real_time()
}
