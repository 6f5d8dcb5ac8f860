//! Operating incidents: what is overdue and who is told, what happened meanwhile, and the routes that desks share.
//!
//! The incidents themselves lie in the desk room ([`bursar_desk::incident`]), because desks open them. Entry points:
//! [`report`](fn@report) is one incident with all that belongs to it, [`Figures`] makes alerts and metrics of overdue
//! timers, [`surface`] is `/admin/incidents`.

mod http;
mod report;
mod settings;
mod timers;
mod watch;

pub use http::{CODES, IncidentRoutes, surface};
pub use report::{Linked, Report, report};
pub use settings::{limits, settings};
pub use timers::{Limits, Timer, due, overdue_ms};
pub use watch::Figures;
