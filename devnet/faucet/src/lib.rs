//! Stand-ins for what the faucet asks: Discord, Yunite, the Fortnite statistics and a Solana node, on loopback.
//!
//! Each is a [`Service`] without threads, clock or chance of its own, put behind HTTP by a [`StandIn`], which counts what
//! is asked and misbehaves on command.

mod discord;
mod fault;
mod server;
mod service;
mod solana;
mod stats;
mod yunite;

pub use discord::{Discord, DiscordApp};
pub use fault::Misbehaviour;
pub use server::StandIn;
pub use service::{Request, Response, Service};
pub use solana::{Holding, Solana};
pub use stats::{Stats, StatsAccount};
pub use yunite::{EpicSpelling, Yunite};
