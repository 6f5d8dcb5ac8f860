//! What a desk plugs into: the trait it implements, and the platform it is handed (store, limits, audit, jobs).
//!
//! Entry points: [`Desk`] is all that the wiring knows of a product; [`Platform`] is all that a desk gets;
//! [`job::Scheduler`] runs every desk's jobs, one process at a time; [`limits::Limits`] counts calls on a lane; [`incident::Incidents`] keeps
//! incidents and what users are told of them.

pub mod alert;
pub mod control_fold;
mod desk;
pub mod incident;
pub mod job;
mod journal;
mod lane_call;
pub mod limits;
mod off_thread;
mod platform;
mod refusals;
mod secrets;
mod stopping;

pub use desk::{Desk, DeskFault, OpenDesk, Readiness};
pub use journal::Journal;
pub use lane_call::{LaneRefusal, call};
pub use off_thread::OffThread;
pub use platform::{Platform, PlatformFault, PlatformParts};
pub use refusals::{Refusals, Refused};
pub use secrets::Secrets;
pub use stopping::Stopping;

use bursar_store::Migration;

/// The tables of this room.
pub const MIGRATIONS: [Migration; 2] = [
    Migration { name: "job/0001_jobs", epoch: 1, sql: include_str!("../migrations/0001_jobs.sql") },
    Migration {
        name: "incident/0001_incidents",
        epoch: 1,
        sql: include_str!("../migrations/0002_incidents.sql"),
    },
];
