//! Deterministic simulation of the money path: one seed drives nodes, clients, operators, prices and every fault.
//!
//! [`run`] plays one [`Scenario`] for a simulated hour and more. The nodes are the real join lane, settler and
//! switchboard on the real store, over SQLite on a simulated disk; only the disk, the clocks, the price service, the
//! network and the people are made up. A witness with a connection of its own reads what each commit left and holds it
//! against plain-Rust expectations ([`Invariant`] names them). The same seed gives the same trace to the byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a simulator stops at its own first surprise; no server links it"
)]

mod boundary;
mod broken;
mod clients;
mod event;
mod figures;
mod inspection;
mod invariant;
mod machine;
mod node;
mod operators;
mod part;
mod plan;
mod random;
mod strikes;
mod template;
mod trace;
mod upstream;
mod wish;
mod witness;
mod world;

pub use broken::Bug;
pub use figures::Figures;
pub use invariant::{Invariant, Violation};
pub use world::{Outcome, Scenario, run};
