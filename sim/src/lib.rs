//! Deterministic simulation of the money path: one seed drives nodes, users, operators, the outside and every fault.
//!
//! [`run`] plays one [`Scenario`] for a simulated hour and more. The nodes run the real rooms on the real store, over
//! SQLite on a simulated disk; only the disk, the clocks, what is asked outside, the network and the people are made up.
//! Each room's witness, with a connection of its own, reads what each commit left and holds it against plain-Rust
//! expectations ([`Invariant`] names them). The same seed gives the same trace to the byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a simulator stops at its own first surprise; no server links it"
)]

mod book;
mod boundary;
mod broken;
mod chain;
mod coverage;
mod event;
mod faucet;
mod figures;
mod gate;
mod inspection;
mod invariant;
#[cfg(test)]
mod losses;
mod machine;
mod node;
mod part;
mod payouts;
mod plan;
mod random;
mod restores;
mod rounds;
mod scenario;
mod seat;
mod shrink;
mod strikes;
mod template;
mod trace;
mod watching;
mod workload;
mod world;

use std::sync::Arc;

pub use broken::Bug;
pub use coverage::unreached;
pub use figures::Figures;
pub use invariant::{Invariant, Violation};
pub use scenario::{Item, Omitted, Outcome, Room, Scenario, Simpler};
pub use shrink::{Shrunk, shrink};

use faucet::FaucetRoom;
use payouts::PayoutsRoom;
use plan::Plan;
use rounds::{Rounds, RoundsPlan};
use workload::Workload;
use world::World;

/// Runs one scenario to its end, or to the first broken rule.
#[must_use]
pub fn run(scenario: &Scenario) -> Outcome {
    let plan = Plan::of(scenario);
    let mut rooms: Vec<Arc<dyn Workload>> = Vec::new();
    if plan.rooms.rounds {
        rooms.push(Rounds::new(scenario, RoundsPlan::of(scenario), plan.nodes));
    }
    if plan.rooms.payouts {
        rooms.push(PayoutsRoom::new(scenario, plan.start_ms, plan.nodes));
    }
    if plan.rooms.faucet {
        rooms.push(FaucetRoom::new(scenario, plan.start_ms));
    }
    World::new(scenario.clone(), plan, rooms).run()
}
