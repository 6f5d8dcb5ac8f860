//! Faults of ours as audit events, so that they reach the alert channel (docs/spec/rounds.md R26a).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bursar_audit::Level;
use bursar_web::{ApiError, Call};
use parking_lot::Mutex;
use serde_json::json;

use super::Routes;
use super::guards::event;

/// Faults of one kind that are recorded in a minute; a broken store would otherwise fill the log with one of them.
const RECORDED: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// How many faults of each kind this process has recorded since when. Real time.
#[derive(Default)]
pub(crate) struct FaultBudget(Mutex<HashMap<&'static str, (Instant, u32)>>);

impl FaultBudget {
    fn spend(&self, name: &'static str) -> bool {
        let mut spent = self.0.lock();
        let (since, count) = spent.entry(name).or_insert_with(|| (Instant::now(), 0));
        if since.elapsed() >= MINUTE {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        *count <= RECORDED
    }
}

impl Routes {
    /// Passes an answer on, and records it under `name` when it is a fault of ours. The caller does not wait for that.
    pub(super) fn note_fault<T>(
        &self,
        call: &Call,
        name: &'static str,
        answer: Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let fault = answer.as_ref().err().and_then(ApiError::fault_text);
        if let Some(why) = fault.filter(|_| self.faults.spend(name)) {
            let event = event(call, Level::Error, name, json!({"why": why}).to_string());
            let journal = self.platform.journal.clone();
            tokio::spawn(async move {
                if let Err(error) = journal.record(event).await {
                    tracing::error!(%error, event = name, "an audit event could not be recorded");
                }
            });
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_kind_ten_are_recorded_in_a_minute() {
        let budget = FaultBudget::default();
        let recorded = (0..12).filter(|_| budget.spend("a")).count();
        assert_eq!((recorded, budget.spend("b")), (10, true));
    }
}
