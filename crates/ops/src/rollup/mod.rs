//! Counts kept for days: what the counters of all processes grew by in each minute, and whom refusals struck.
//!
//! [`Growth`] reads what a process has counted, [`add`] stores it, [`daily`] reads a span of time.

mod daily;
mod growth;
mod refused;
mod rows;
mod series;

pub use daily::{Bucket, Daily, Limited, daily};
pub use growth::Growth;
pub use refused::RefusedCaller;
pub use rows::{Addition, KEPT_DAYS, add, minute, prune, total};
pub use series::Series;
