//! Asking a lane from an async handler.

use bursar_store::lane::{Full, Lane, LaneFault, Work};
use bursar_web::ApiError;
use bursar_web::platform_codes::OVERLOADED;

/// Seconds after which a caller may come back to a full or closing lane.
const COME_BACK_S: u64 = 1;

/// Why a lane gave no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneRefusal {
    /// Its queue is full; nothing was done.
    #[error(transparent)]
    Full(#[from] Full),
    /// Its batch failed.
    #[error(transparent)]
    Fault(#[from] LaneFault),
}

/// Queues `command` and waits for its reply without holding a thread. Once queued it is carried out even when the
/// caller goes away.
pub async fn call<W: Work>(lane: &Lane<W>, command: W::Command) -> Result<W::Reply, LaneRefusal> {
    let (give, take) = tokio::sync::oneshot::channel();
    lane.submit(command, move |reply| {
        // The receiver is gone when the caller is: nobody is left to be told.
        let _ = give.send(reply);
    })?;
    Ok(take.await.unwrap_or(Err(LaneFault::Closed))?)
}

impl From<LaneRefusal> for ApiError {
    /// A full or closing lane is 503 with `Retry-After` (H11); a failed store is a 500 that tells nothing.
    fn from(refusal: LaneRefusal) -> ApiError {
        match refusal {
            LaneRefusal::Full(_) | LaneRefusal::Fault(LaneFault::Closed) => {
                ApiError::of(&OVERLOADED).with_retry_after(COME_BACK_S)
            }
            LaneRefusal::Fault(fault) => ApiError::fault(&fault),
        }
    }
}
