//! Whom the faucet asks: Discord who a visitor is, Yunite for the Epic account, the Fortnite statistics for lifetime
//! kills, a Solana node for token balances (docs/spec/faucet.md).
//!
//! Four traits, each with a live client and a dry-run stand-in ([`Upstreams`] bundles them). Every answer is a
//! [`Reading`]: an error is never a number, so an outage earns nobody anything and takes nothing from anybody.
//! [`Throttle`], [`wait_before_retry`] and [`reading_order`] are pure; [`KillReader`] drives them. All calls block: make
//! them from a worker thread.

mod discord;
mod discord_answers;
mod dry_run;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod http;
mod kill_reader;
mod observer;
mod pace;
mod questions;
mod queue;
mod reading;
mod retry;
mod retry_after;
mod stats;
#[cfg(test)]
mod tests;
mod throttle;
mod token_balance;
mod upstreams;
mod yunite;

pub use discord::{Discord, DiscordApp, DiscordConfig};
pub use dry_run::{DryRunIdentity, DryRunKills, DryRunLinks, DryRunTokens};
pub use kill_reader::{KillReader, PendingRead, StatsSource, Step, Waiting};
pub use observer::{Observer, Unobserved};
pub use pace::{Pace, SystemPace};
pub use questions::{EpicAccount, Identity, KillQuestion, KillStats, Link, Links, TokenBalances, Visitor};
pub use queue::reading_order;
pub use reading::{NoData, Problem, Reading, Unavailable, Upstream, UpstreamConfigError};
pub use retry::{TRIES, wait_before_retry};
pub use stats::{Stats, StatsConfig};
pub use throttle::{Admission, Effect, Throttle, ThrottleSettings};
pub use token_balance::{SolanaTokens, SolanaTokensConfig};
pub use upstreams::{LiveUpstreams, Upstreams};
pub use yunite::{LINKS_PER_CALL, Yunite, YuniteConfig};
