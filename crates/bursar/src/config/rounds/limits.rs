//! The rate-limit buckets of the rounds desk: keys, variables and values (docs/spec/rounds.md section 4).

use super::super::values::Values;

/// A fixed-window bucket. Its key in the store is [`RateBucket::key`], a colon, and the client or wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RateBucket {
    /// Joins by client address.
    SimEntriesIp,
    /// Joins by wallet.
    SimEntriesWallet,
    /// Results by client address.
    SimResultsIp,
    /// Results by wallet.
    SimResultsWallet,
    /// Prices by client address.
    OracleIp,
    /// Public status by client address.
    StatusIp,
    /// Operations health by client address.
    OpsHealthIp,
    /// Operations summary by client address.
    OpsSummaryIp,
    /// Switches and incidents by client address.
    OpsSwitchesIp,
    /// Pool totals by client address.
    SimPoolIp,
    /// Real-money results by client address.
    ResultsIp,
    /// Real settlement by client address.
    SettleIp,
    /// Play-money settlement by client address.
    SimSettleIp,
}

/// How much one bucket lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests that pass in one window, at least 1.
    pub limit: u32,
    /// Length of the window in milliseconds, at least 1.
    pub window_ms: i64,
}

/// The limits of all buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits([RateLimit; 13]);

impl RateBucket {
    /// Every bucket: those of the specification's table first, then those of routes that had no limit.
    pub const ALL: [RateBucket; 13] = [
        RateBucket::SimEntriesIp,
        RateBucket::SimEntriesWallet,
        RateBucket::SimResultsIp,
        RateBucket::SimResultsWallet,
        RateBucket::OracleIp,
        RateBucket::StatusIp,
        RateBucket::OpsHealthIp,
        RateBucket::OpsSummaryIp,
        RateBucket::OpsSwitchesIp,
        RateBucket::SimPoolIp,
        RateBucket::ResultsIp,
        RateBucket::SettleIp,
        RateBucket::SimSettleIp,
    ];

    /// The beginning of the bucket's key, such as `sim-entries:ip`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            RateBucket::SimEntriesIp => "sim-entries:ip",
            RateBucket::SimEntriesWallet => "sim-entries:wallet",
            RateBucket::SimResultsIp => "sim-results:ip",
            RateBucket::SimResultsWallet => "sim-results:wallet",
            RateBucket::OracleIp => "oracle:ip",
            RateBucket::StatusIp => "status:ip",
            RateBucket::OpsHealthIp => "ops-health:ip",
            RateBucket::OpsSummaryIp => "ops-summary:ip",
            RateBucket::OpsSwitchesIp => "ops-switches:ip",
            RateBucket::SimPoolIp => "sim-pool:ip",
            RateBucket::ResultsIp => "results:ip",
            RateBucket::SettleIp => "settle:ip",
            RateBucket::SimSettleIp => "sim-settle:ip",
        }
    }

    /// The variable that sets the limit, such as `PANCHO_RL_SIM_ENTRIES_IP_LIMIT`.
    #[must_use]
    pub fn limit_variable(self) -> String {
        self.variable("LIMIT")
    }

    /// The variable that sets the window, such as `PANCHO_RL_SIM_ENTRIES_IP_WINDOW_MS`.
    #[must_use]
    pub fn window_variable(self) -> String {
        self.variable("WINDOW_MS")
    }

    fn variable(self, ending: &str) -> String {
        let middle = self.key().replace(['-', ':'], "_").to_ascii_uppercase();
        format!("PANCHO_RL_{middle}_{ending}")
    }
}

impl RateLimits {
    /// The limit of one bucket.
    #[must_use]
    pub fn of(&self, bucket: RateBucket) -> RateLimit {
        self.0[bucket as usize]
    }

    pub(in super::super) fn from_values(values: &Values) -> RateLimits {
        RateLimits(RateBucket::ALL.map(|bucket| RateLimit {
            limit: values.integer(&bucket.limit_variable()),
            window_ms: values.integer(&bucket.window_variable()),
        }))
    }
}
