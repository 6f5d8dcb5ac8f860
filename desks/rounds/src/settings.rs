//! The desk's switches and live settings (docs/spec/rounds.md 4, 4.13, 7).

use std::collections::BTreeMap;

use bursar_control::settings::Setting;
use bursar_control::{FixedWindow, Switch};

/// Stops joins.
pub const PAUSE_JOINS: Switch = Switch { desk: "rounds", key: "pause_joins", variable: "PANCHO_PAUSE_JOINS" };
/// Stops settlement of play-money rounds.
pub const PAUSE_SIM_SETTLEMENTS: Switch =
    Switch { desk: "rounds", key: "pause_sim_settlements", variable: "PANCHO_PAUSE_SIM_SETTLEMENTS" };
/// Stops the real-money settlement route.
pub const PAUSE_SETTLE_API: Switch =
    Switch { desk: "rounds", key: "pause_settle_api", variable: "PANCHO_PAUSE_SETTLE_API" };
/// All of them: what `ops pause all` stops in one change.
pub const SWITCHES: [Switch; 3] = [PAUSE_JOINS, PAUSE_SIM_SETTLEMENTS, PAUSE_SETTLE_API];

/// One rate limit: where it counts and its two settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What the bucket key starts with, such as `sim-entries:ip:`.
    pub prefix: &'static str,
    /// Calls in a window.
    pub limit: Setting,
    /// Length of the window.
    pub window_ms: Setting,
}

macro_rules! limit {
    ($prefix:literal, $key:literal, $variable:literal, $default:literal) => {
        Limit {
            prefix: $prefix,
            limit: Setting {
                key: concat!($key, "_limit"),
                variable: concat!("PANCHO_RL_", $variable, "_LIMIT"),
                min: 0,
                max: 10_000_000,
                default: $default,
                description: concat!("calls per window counted under ", $prefix),
            },
            window_ms: Setting {
                key: concat!($key, "_window_ms"),
                variable: concat!("PANCHO_RL_", $variable, "_WINDOW_MS"),
                min: 1,
                max: 86_400_000,
                default: 10_000,
                description: concat!("window in milliseconds counted under ", $prefix),
            },
        }
    };
}

/// Joins by client address.
pub const JOINS_BY_ADDRESS: Limit = limit!("sim-entries:ip:", "rl_sim_entries_ip", "SIM_ENTRIES_IP", 150);
/// Joins by wallet.
pub const JOINS_BY_WALLET: Limit =
    limit!("sim-entries:wallet:", "rl_sim_entries_wallet", "SIM_ENTRIES_WALLET", 20);
/// Results by client address.
pub const RESULTS_BY_ADDRESS: Limit = limit!("sim-results:ip:", "rl_sim_results_ip", "SIM_RESULTS_IP", 80);
/// Results by wallet.
pub const RESULTS_BY_WALLET: Limit =
    limit!("sim-results:wallet:", "rl_sim_results_wallet", "SIM_RESULTS_WALLET", 30);
/// Prices by client address.
pub const ORACLE: Limit = limit!("oracle:ip:", "rl_oracle_ip", "ORACLE_IP", 100);
/// Status by client address.
pub const STATUS: Limit = limit!("status:ip:", "rl_status_ip", "STATUS_IP", 80);
/// Operators' health by client address.
pub const OPS_HEALTH: Limit = limit!("ops-health:ip:", "rl_ops_health_ip", "OPS_HEALTH_IP", 50);
/// Operators' summary by client address.
pub const OPS_SUMMARY: Limit = limit!("ops-summary:ip:", "rl_ops_summary_ip", "OPS_SUMMARY_IP", 30);
/// Switches and incidents by client address: apart from health, so that polling it never keeps anybody from a stop.
pub const OPS_SWITCHES: Limit = limit!("ops-switches:ip:", "rl_ops_switches_ip", "OPS_SWITCHES_IP", 50);
/// Pools by client address; the original had no limit here.
pub const POOL: Limit = limit!("sim-pool:ip:", "rl_sim_pool_ip", "SIM_POOL_IP", 150);
/// Settle calls by client address; the original had no limit here.
pub const SETTLE: Limit = limit!("sim-settle:ip:", "rl_sim_settle_ip", "SIM_SETTLE_IP", 60);

/// Every rate limit.
pub const LIMITS: [Limit; 11] = [
    JOINS_BY_ADDRESS,
    JOINS_BY_WALLET,
    RESULTS_BY_ADDRESS,
    RESULTS_BY_WALLET,
    ORACLE,
    STATUS,
    OPS_HEALTH,
    OPS_SUMMARY,
    OPS_SWITCHES,
    POOL,
    SETTLE,
];

/// The highest stake tier that is accepted, in bucks: a canary stage starts low.
pub const STAKE_MAX: Setting = Setting {
    key: "stake_max_bucks",
    variable: "PANCHO_MAX_STAKE_TIER",
    min: 5,
    max: 250,
    default: 250,
    description: "highest stake tier accepted, in whole bucks",
};
/// Rounds that one settle call or sweep takes.
pub const SETTLE_LIMIT: Setting = Setting {
    key: "sim_settle_limit",
    variable: "PANCHO_SIM_SETTLE_LIMIT",
    min: 1,
    max: 100_000,
    default: 300,
    description: "rounds settled in one call, oldest first",
};
/// How wide the confidence interval of a price may be.
pub const CONFIDENCE_MAX_BPS: Setting = Setting {
    key: "oracle_confidence_max_bps",
    variable: "PANCHO_PRICE_CONFIDENCE_BPS",
    min: 0,
    max: 10_000,
    default: 100,
    description: "greatest confidence over price accepted, in basis points; 0 switches the check off",
};
/// How long a due round may wait for its prices before its stakes go back.
pub const VOID_AFTER_MS: Setting = Setting {
    key: "void_after_ms",
    variable: "PANCHO_VOID_DEADLINE_MS",
    min: 60_000,
    max: 604_800_000,
    default: 900_000,
    description: "time after the end at which a round without usable prices is refunded, in milliseconds",
};

/// From how many due rounds on an alert is raised.
pub const ALERT_PENDING_ROUNDS: Setting = Setting {
    key: "alert_pending_due_rounds",
    variable: "PANCHO_ALERT_PENDING_DUE_ROUNDS",
    min: 0,
    max: 1_000_000,
    default: 25,
    description: "due rounds from which on an alert is raised; 0 means any",
};
/// From which settlement lag on an alert is raised.
pub const ALERT_LAG_MS: Setting = Setting {
    key: "alert_settlement_lag_ms",
    variable: "PANCHO_ALERT_SETTLEMENT_LAG_MS",
    min: 0,
    max: 86_400_000,
    default: 120_000,
    description: "age of the oldest due round from which on an alert is raised, in milliseconds",
};

/// From which wait for prices on an alert is raised.
pub const ALERT_PRICE_FEED_MS: Setting = Setting {
    key: "alert_price_feed_ms",
    variable: "PANCHO_ALERT_PRICE_FEED_MS",
    min: 0,
    max: 86_400_000,
    default: 30_000,
    description: "time for which a due round may ask for prices in vain before an alert is raised, in milliseconds",
};

/// Every setting that is not part of a limit.
pub const SETTINGS: [Setting; 7] = [
    STAKE_MAX,
    SETTLE_LIMIT,
    CONFIDENCE_MAX_BPS,
    VOID_AFTER_MS,
    ALERT_PENDING_ROUNDS,
    ALERT_LAG_MS,
    ALERT_PRICE_FEED_MS,
];

/// All live settings, limits included.
#[must_use]
pub fn all() -> Vec<Setting> {
    let limits = LIMITS.iter().flat_map(|limit| [limit.limit, limit.window_ms]);
    limits.chain(SETTINGS).collect()
}

/// The values that hold for one batch.
#[derive(Clone, Debug)]
pub struct Values(pub BTreeMap<&'static str, i64>);

impl Values {
    /// Every setting at its default.
    #[must_use]
    pub fn defaults() -> Values {
        Values(all().iter().map(|setting| (setting.key, setting.default)).collect())
    }

    /// One setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> i64 {
        self.0.get(setting.key).copied().unwrap_or(setting.default)
    }

    /// One rate limit.
    #[must_use]
    pub fn window(&self, limit: Limit) -> FixedWindow {
        FixedWindow { limit: self.get(limit.limit), window_ms: self.get(limit.window_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_without_any_environment_are_the_safe_defaults() {
        let values = Values::defaults();
        let check = |limit, calls| {
            assert_eq!(values.window(limit), FixedWindow { limit: calls, window_ms: 10_000 });
        };
        check(JOINS_BY_ADDRESS, 150);
        check(JOINS_BY_WALLET, 20);
        check(RESULTS_BY_ADDRESS, 80);
        check(RESULTS_BY_WALLET, 30);
        check(ORACLE, 100);
        check(STATUS, 80);
        check(OPS_HEALTH, 50);
        check(OPS_SUMMARY, 30);
        check(OPS_SWITCHES, 50);
        check(POOL, 150);
        check(SETTLE, 60);
    }

    #[test]
    fn keys_and_variables_are_unique() {
        let all = all();
        let mut keys: Vec<_> = all.iter().flat_map(|setting| [setting.key, setting.variable]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all.len() * 2);
    }
}
