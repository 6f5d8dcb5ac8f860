//! A price feed that answers like Pyth Hermes (docs/spec/rounds.md 3.2).

mod faults;
mod feed;
mod routes;
pub mod source;
mod state;

pub use faults::{BodyFault, Failing, Faults};
pub use feed::PriceFeed;
pub use source::{Quote, Recorded, Scripted, SeededWalk, Source};
