//! All four services in one hand, live or not.

use std::sync::Arc;

use super::discord::{Discord, DiscordConfig};
use super::dry_run::{DryRunIdentity, DryRunKills, DryRunLinks, DryRunTokens};
use super::kill_reader::KillReader;
use super::observer::Observer;
use super::pace::Pace;
use super::questions::{Identity, KillStats, Links, TokenBalances};
use super::reading::UpstreamConfigError;
use super::stats::{Stats, StatsConfig};
use super::throttle::ThrottleSettings;
use super::token_balance::{SolanaTokens, SolanaTokensConfig};
use super::yunite::{Yunite, YuniteConfig};

/// What the live services need.
#[derive(Clone, Debug)]
pub struct LiveUpstreams {
    /// Discord's sign-in.
    pub discord: DiscordConfig,
    /// Yunite's links.
    pub yunite: YuniteConfig,
    /// The Fortnite statistics.
    pub stats: StatsConfig,
    /// Our own limit on questions to them.
    pub throttle: ThrottleSettings,
    /// The Solana node.
    pub tokens: SolanaTokensConfig,
}

/// The four services. Clones share the limit on questions.
#[derive(Clone)]
pub struct Upstreams {
    /// Who a visitor is.
    pub identity: Arc<dyn Identity>,
    /// Which Epic account a user has.
    pub links: Arc<dyn Links>,
    /// Lifetime kills.
    pub kills: Arc<dyn KillStats>,
    /// Token balances.
    pub tokens: Arc<dyn TokenBalances>,
}

impl Upstreams {
    /// Nobody is asked; each reading of kills adds `sim_kills` (`FAUCET_SIM_KILLS`).
    #[must_use]
    pub fn dry_run(sim_kills: u64) -> Upstreams {
        Upstreams {
            identity: Arc::new(DryRunIdentity),
            links: Arc::new(DryRunLinks),
            kills: Arc::new(DryRunKills { kills_per_read: sim_kills }),
            tokens: Arc::new(DryRunTokens::default()),
        }
    }

    /// The real ones; nothing is sent yet.
    pub fn live(
        config: LiveUpstreams,
        pace: Arc<dyn Pace>,
        observer: &Arc<dyn Observer>,
    ) -> Result<Upstreams, UpstreamConfigError> {
        let LiveUpstreams { discord, yunite, stats, throttle, tokens } = config;
        let stats = Stats::new(stats, Arc::clone(observer))?;
        let kills = KillReader::new(Box::new(stats), throttle, pace, Arc::clone(observer));
        Ok(Upstreams {
            identity: Arc::new(Discord::new(discord, Arc::clone(observer))?),
            links: Arc::new(Yunite::new(yunite, Arc::clone(observer))?),
            kills: Arc::new(kills),
            tokens: Arc::new(SolanaTokens::new(tokens, Arc::clone(observer))?),
        })
    }
}
