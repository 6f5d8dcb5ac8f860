//! Alerts that nobody has to ask for: rules as data, a pure decision, and rows that make all processes raise each once.
//!
//! A raised alert is an audit event, so it is chained, and leaves by the signed webhook through the outbox. Rules are
//! the desks' own ([`bursar_desk::Desk::alerts`]) and the platform's ([`rules`]).

mod decide;
mod evaluator;
mod memory;
pub mod rules;

pub use decide::{Memory, Reading, Verdict, decide};
pub use evaluator::{Evaluator, Seen};
