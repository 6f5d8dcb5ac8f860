//! Settings that an administrator changes while the faucet runs (docs/spec/faucet.md 4.3 and 8).

use std::collections::BTreeMap;

use bursar_control::ConfigTable;
use bursar_control::settings::{Setting, values};
use bursar_store::{StoreError, Tx};

use crate::rules::ban::BanE8;
use crate::rules::caps::NamedCaps;
use crate::rules::schedule::Intervals;

/// What stands for "no override".
const NONE: i64 = -1;

/// Base rate set while running, in e8 per kill.
pub const BAN_PER_KILL_E8: Setting = Setting {
    key: "ban_per_kill_e8",
    variable: "FAUCET_BAN_PER_KILL_E8",
    min: 0,
    max: 1_000_000_000_000,
    default: 0,
    description: "base rate in 10^-8 BAN per kill; 0 leaves it to the configuration",
};
/// Daily cap set while running.
pub const DAILY_KILL_CAP: Setting = Setting {
    key: "daily_kill_cap",
    variable: "FAUCET_DAILY_KILL_CAP",
    min: NONE,
    max: 1_000_000_000,
    default: NONE,
    description: "daily cap, in kills or payouts as the cap mode says; -1 leaves it to the configuration",
};
/// Weekly cap set while running.
pub const WEEKLY_KILL_CAP: Setting = Setting {
    key: "weekly_kill_cap",
    variable: "FAUCET_WEEKLY_KILL_CAP",
    min: NONE,
    max: 1_000_000_000,
    default: NONE,
    description: "weekly cap, in kills or payouts as the cap mode says; -1 leaves it to the configuration",
};
/// Time between accrual runs.
pub const ACCRUAL_INTERVAL_S: Setting = Setting {
    key: "accrual_interval_seconds",
    variable: "P2S_INTERVAL_SECONDS",
    min: 1,
    max: 604_800,
    default: 1_200,
    description: "seconds between accrual runs; less than 30 counts as 30",
};
/// Time between settlements.
pub const SETTLEMENT_INTERVAL_S: Setting = Setting {
    key: "settlement_interval_seconds",
    variable: "P2S_INTERVAL_SECONDS",
    min: 1,
    max: 604_800,
    default: 1_200,
    description: "seconds between settlements; less than 30 counts as 30",
};
/// Requests a minute of everybody together.
pub const GLOBAL_PER_MINUTE: Setting = Setting {
    key: "rate_limit_global_per_minute",
    variable: "RATE_LIMIT_GLOBAL_PER_MINUTE",
    min: 0,
    max: 10_000_000,
    default: 300,
    description: "requests a minute on the faucet's routes, all clients together; 0 switches the limit off",
};
/// Requests a minute of one address.
pub const PER_IP_PER_MINUTE: Setting = Setting {
    key: "rate_limit_per_ip_per_minute",
    variable: "RATE_LIMIT_PER_IP_PER_MINUTE",
    min: 0,
    max: 10_000_000,
    default: 120,
    description: "requests a minute on the faucet's routes from one client address; 0 switches the limit off",
};

/// Every live setting.
pub const SETTINGS: [Setting; 7] = [
    BAN_PER_KILL_E8,
    DAILY_KILL_CAP,
    WEEKLY_KILL_CAP,
    ACCRUAL_INTERVAL_S,
    SETTLEMENT_INTERVAL_S,
    GLOBAL_PER_MINUTE,
    PER_IP_PER_MINUTE,
];

/// The values that hold for one batch.
#[derive(Clone, Debug)]
pub struct Values(BTreeMap<&'static str, i64>);

impl Values {
    /// As they stand in the transaction.
    pub fn read(tx: &mut Tx<'_>) -> Result<Values, StoreError> {
        values(tx, ConfigTable::FAUCET, &SETTINGS).map(Values)
    }

    /// The value of one setting.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> i64 {
        self.0.get(setting.key).copied().unwrap_or(setting.default)
    }

    /// The base rate that an administrator set.
    #[must_use]
    pub fn base_rate(&self) -> Option<BanE8> {
        BanE8::new(self.get(&BAN_PER_KILL_E8)).ok().filter(|rate| !rate.is_zero())
    }

    /// The caps that an administrator set.
    #[must_use]
    pub fn caps(&self) -> NamedCaps {
        let cap = |setting: &Setting| u32::try_from(self.get(setting)).ok();
        NamedCaps { daily: cap(&DAILY_KILL_CAP), weekly: cap(&WEEKLY_KILL_CAP) }
    }

    /// Time between runs.
    #[must_use]
    pub fn intervals(&self) -> Intervals {
        let seconds = |setting: &Setting| u32::try_from(self.get(setting)).unwrap_or(u32::MAX);
        Intervals::new(seconds(&ACCRUAL_INTERVAL_S), seconds(&SETTLEMENT_INTERVAL_S))
    }
}
