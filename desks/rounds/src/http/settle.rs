//! `POST /api/sim/settle`: settling due rounds on request (docs/spec/rounds.md 4.4).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use bursar_audit::Level;
use bursar_desk::OffThread;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::guards::{self, Demand};
use super::{Routes, codes};
use crate::settings::SETTLE;
use crate::settle::SettleError;

pub(super) const PATH: &str = "/api/sim/settle";
const KEY: &str = "x-sim-settle-key";

pub(super) fn operation() -> Operation {
    let answer = schema::object([
        ("ok", schema::boolean()),
        ("checked", schema::integer()),
        ("settled", schema::integer()),
        ("rounds", schema::array(schema::string())),
    ]);
    Operation::new("rounds_settle", "Settle due rounds now, oldest first.", Auth::ServiceKey(KEY))
        .describe(
            "The server does this by itself at the end of every round; calling it again changes nothing.",
        )
        .answer(StatusCode::OK, "What was settled.", answer)
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
        .refusal(StatusCode::SERVICE_UNAVAILABLE, "Settlement is paused.")
        .refusal(StatusCode::INTERNAL_SERVER_ERROR, "The treasury guard refused.")
}

pub(super) async fn settle(routes: Arc<Routes>, call: Call) -> Result<Json<Value>, ApiError> {
    routes.charge_address(PATH, SETTLE, &call).await?;
    let key = &routes.config.sim_settle_key;
    let event = "sim_settle.unauthorized";
    routes.demand(&call, Demand { key, header: KEY, open_when_unset: false, event }).await?;
    let settler = Arc::clone(&routes.settler);
    match routes.settling.run(&routes.platform.off_thread, move || settler.run_due(None)).await? {
        Ok(report) => {
            routes.status.forget();
            let (checked, settled, rounds) = (report.checked, report.settled.len(), report.settled);
            Ok(Json(json!({"ok": true, "checked": checked, "settled": settled, "rounds": rounds})))
        }
        Err(error) => {
            routes.metrics.count_settle_failure(&error);
            let (level, answer) = refusal(&error);
            let event =
                guards::event(&call, level, error.event(), json!({"why": error.to_string()}).to_string());
            routes.record(event).await;
            Err(answer)
        }
    }
}

/// Callers take turns: a run may ask a price service that hangs, and takes one thread of those that reads share.
#[derive(Default)]
pub(crate) struct OneAtATime(Arc<Mutex<()>>);

impl OneAtATime {
    /// Runs `work` once nobody else's runs; waits without a thread. The turn lasts as long as the work, also when the
    /// caller is gone.
    async fn run<T: Send + 'static>(
        &self,
        off_thread: &OffThread,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let turn = Arc::clone(&self.0).lock_owned().await;
        let done = off_thread.run(move || {
            let _turn = turn;
            work()
        });
        done.await
    }
}

fn refusal(error: &SettleError) -> (Level, ApiError) {
    match error {
        SettleError::Paused => (Level::Warn, ApiError::of(&codes::SETTLEMENT_PAUSED)),
        SettleError::TreasuryMismatch => (Level::Error, ApiError::of(&codes::TREASURY_MISMATCH)),
        SettleError::Store(store) => (Level::Error, ApiError::fault(store)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bursar_store::EngineKind;
    use bursar_test_stores::TestStore;
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_second_caller_waits_without_a_thread_also_for_the_work_of_one_who_has_left() {
        let test = TestStore::with(EngineKind::Sqlite, &[], |_| ());
        let off_thread = OffThread::new(test.store());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (settling, patience) = (OneAtATime::default(), Duration::from_millis(50));
            let (end, ended) = std::sync::mpsc::channel::<()>();
            assert!(timeout(patience, settling.run(&off_thread, move || ended.recv())).await.is_err());
            assert!(timeout(patience, settling.run(&off_thread, || ())).await.is_err());
            off_thread.run(|| ()).await.unwrap();
            end.send(()).unwrap();
            settling.run(&off_thread, || ()).await.unwrap();
        });
    }
}
