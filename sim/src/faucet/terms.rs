//! What one seed's faucet is told: caps and their windows, floors, what a flag does, and whether there is a journal.

use bursar_faucet::desk::FaucetConfig;
use bursar_faucet::policy::Policy;
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, Caps, NamedCaps};
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::upstream::{
    DiscordApp, DiscordConfig, LiveUpstreams, SolanaTokensConfig, StatsConfig, ThrottleSettings, YuniteConfig,
};
use bursar_web::{CorsPolicy, HeaderPolicy};
use jiff::tz::{Offset, TimeZone};
use secrecy::SecretString;
use std::time::Duration;

use super::players::own_address;
use crate::broken::Bug;
use crate::random::Random;
use crate::scenario::Scenario;

/// 1 BAN in e8.
pub const BAN_E8: i64 = 100_000_000;
/// 1 e8 in raw.
pub const RAW_OF_E8: u128 = 1_000_000_000_000_000_000_000;
/// 1 BAN in raw.
pub const BAN_RAW: u128 = BAN_E8.cast_unsigned() as u128 * RAW_OF_E8;
/// A day, ms.
pub const DAY_MS: i64 = 86_400_000;
/// Days that rows are kept: the fewest.
pub const RETENTION_DAYS: u32 = 8;
/// How much too late a misplaced window begins, hours.
const MISPLACED_HOURS: i8 = 11;

/// Over which time caps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last day and the last week.
    Rolling,
    /// Since midnight, and Monday's midnight, so many hours east of UTC.
    Calendar(i8),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What caps count.
    pub mode: CapMode,
    /// Those of the payout file.
    pub caps: Caps,
    /// Over which time.
    pub window: Window,
    /// What a payout is at least, in e8.
    pub minimum_e8: i64,
    /// What the wallet holds at first, in BAN.
    pub funds: u64,
    /// When that comes, ms after the beginning: a backup of before knows nothing of the wallet's past.
    pub funds_after_ms: i64,
    /// Whether what is signed is written down beside the database.
    pub has_journal: bool,
    /// Whether players change wallets, and join late: where they do, adoption often cannot tell whom a lost payment paid.
    pub changes_wallets: bool,
    policy: Policy,
}

impl Terms {
    /// The terms of a scenario.
    pub fn of(scenario: &Scenario) -> Terms {
        let mut random = Random::of(scenario.seed, "faucet terms");
        let bug = scenario.bug;
        let mode = if random.chance(3, 4) || bug.is_some() { CapMode::Kills } else { CapMode::Payouts };
        let caps = match mode {
            CapMode::Kills => *random.pick(&[
                Caps { daily: 40, weekly: 90 },
                Caps { daily: 150, weekly: 750 },
                Caps { daily: 400, weekly: 400 },
            ]),
            CapMode::Payouts => Caps { daily: 3, weekly: 7 },
        };
        let is_rolling = random.chance(1, 2) || bug == Some(Bug::MisplacesCapWindow);
        let hours = i8::try_from(random.between(-12, 12)).expect("hours");
        let window = if is_rolling { Window::Rolling } else { Window::Calendar(hours) };
        // Both are of a chain that alone can tell.
        let needs_chain = matches!(bug, Some(Bug::DeafToBlindness | Bug::OverlooksPayment));
        let minimum = BanE8::of_ban(*random.pick(&[0, 0, 1]));
        Terms {
            minimum_e8: minimum.e8(),
            policy: Policy {
                dry_run: false,
                base_rate: BanE8::new(6_147_500).expect("a rate"),
                file_caps: caps,
                environment_caps: NamedCaps::default(),
                cap_mode: mode,
                cap_window: cap_window(window, bug),
                minimum,
                seed_fund: BanE8::of_ban(1_336),
                floor: BanE8::of_ban(*random.pick(&[0, 2, 5])),
                batch_size: *random.pick(&[0, 0, 2]),
                promo_flags: Vec::new(),
                is_boost_on: true,
                kill_rate_per_minute: *random.pick(&[0, 4, 10]),
                abuse_action: *random.pick(&[AbuseAction::None, AbuseAction::Hold]),
            },
            mode,
            caps,
            window,
            funds: *random.pick(&[6, 30, 500]),
            has_journal: random.chance(1, 2) && !needs_chain,
            changes_wallets: random.chance(1, 2) || bug == Some(Bug::PaysOldWallet),
            funds_after_ms: if bug.is_none() { *random.pick(&[0, 0, 240_000]) } else { 0 },
        }
    }

    /// The desk's configuration. Its services are never asked: what the simulator knows stands in for them.
    pub fn config(&self) -> FaucetConfig {
        FaucetConfig {
            is_production: false,
            policy: self.policy.clone(),
            sim_kills: 7,
            upstreams: Some(services()),
            donation_exclude_addresses: vec![own_address().to_string()],
            retention: Retention::new(RETENTION_DAYS).expect("enough days"),
            start_jitter_s: 0,
            headers: HeaderPolicy::new(),
            cors: CorsPolicy::Closed,
        }
    }
}

fn cap_window(window: Window, bug: Option<Bug>) -> CapWindow {
    let zone = |hours: i8| TimeZone::fixed(Offset::constant(hours));
    match window {
        _ if bug == Some(Bug::MisplacesCapWindow) => CapWindow::Calendar(zone(MISPLACED_HOURS)),
        Window::Rolling => CapWindow::Rolling,
        Window::Calendar(hours) => CapWindow::Calendar(zone(hours)),
    }
}

fn services() -> LiveUpstreams {
    let secret = || SecretString::from("unused");
    let (timeout, nowhere) = (Duration::from_millis(1), || "http://127.0.0.1:1".to_owned());
    LiveUpstreams {
        discord: DiscordConfig::new(DiscordApp::new("1", "http://127.0.0.1/back"), secret(), "1"),
        yunite: YuniteConfig { base_url: nowhere(), guild_id: "1".to_owned(), api_key: secret(), timeout },
        stats: StatsConfig { base_url: nowhere(), api_key: secret(), timeout },
        throttle: ThrottleSettings { per_minute: 1, floor: 1, ceiling: 1, concurrent: 1 },
        tokens: SolanaTokensConfig::new(
            SecretString::from(nowhere()),
            "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd",
        ),
    }
}
