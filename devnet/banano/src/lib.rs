//! A Banano node stand-in: it keeps account chains, verifies what a node verifies, answers the node's RPC, and
//! misbehaves on command.
//!
//! [`Node`] is the whole of it, without threads, clock or chance of its own: requests, commands and the time go in,
//! replies come out, and the same seed and inputs give the same outputs. [`NodeServer`] puts it behind HTTP on loopback;
//! [`LocalNode`] hands it to a client in the same process, for simulations.

mod command;
mod election;
mod fault;
mod genesis;
mod kept;
mod ledger;
mod local;
mod node;
mod refusal;
mod rpc;
mod server;

pub use command::Command;
pub use election::Election;
pub use fault::{Fault, Misbehaviour, Outcome, Reply};
pub use ledger::{Entry, Ledger};
pub use local::LocalNode;
pub use node::{Node, NodeSettings};
pub use refusal::Refusal;
pub use server::NodeServer;
