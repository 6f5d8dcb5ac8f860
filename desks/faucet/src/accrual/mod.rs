//! Accrual: growth of players' kills becomes what they are owed (docs/spec/faucet.md 3.2).
//!
//! [`AccrualRun::run`] reads statistics outside any transaction, whoever was read longest ago first, and saves what they
//! say in transactions of some players each.

mod apply;
mod run;
mod spike;

pub(crate) use run::player;
pub use run::{AccrualParts, AccrualRun, Run};
