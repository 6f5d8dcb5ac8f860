//! The settings of the rounds desk, typed (docs/spec/rounds.md sections 3 to 7).

mod limits;
mod stress;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

pub use limits::{RateBucket, RateLimit, RateLimits};
pub use stress::StressSettings;

use super::secrets::CallerSecret;
use super::values::Values;

/// What the rounds desk was told. Switches and limits are what a start seeds or demands; live rows may say
/// otherwise (V7).
#[derive(Clone, Debug)]
pub struct RoundsConfiguration {
    /// `x-settle-key` (R1); unset: the route answers 503.
    pub settle_key: Option<CallerSecret>,
    /// `x-sim-settle-key` (R2); unset: 401.
    pub sim_settle_key: Option<CallerSecret>,
    /// `x-ops-key` (R3); unset: open outside production, 401 in it.
    pub ops_key: Option<CallerSecret>,
    /// Stops that the environment demands (R6 to R8).
    pub pauses: PauseFlags,
    /// The buckets of the limiter (R9 to R14).
    pub limits: RateLimits,
    /// Rounds that one settlement call settles at most (R15).
    pub sim_settle_limit: u32,
    /// When to warn (R16, R17).
    pub alerts: AlertThresholds,
    /// Age up to which the public status may be reused.
    pub status_cache: Duration,
    /// Where fees go, and where they must go (R4, R5).
    pub treasury: Treasury,
    /// Whether production accepts real deposits.
    pub real_deposits_enabled: bool,
    /// Where players send real deposits.
    pub escrow_wallet: Option<String>,
    /// Key file of the wallet that pays real winnings.
    pub payout_keypair_path: Option<PathBuf>,
    /// Base of the price service, without a trailing slash.
    pub hermes_url: String,
    /// Widest usable confidence interval in basis points of the price; 0 = not looked at.
    pub confidence_bound_bps: u32,
    /// A round without a usable price is refunded this long after its end.
    pub void_deadline: Duration,
    /// Highest stake tier that may be joined, in whole bucks (R27).
    pub max_stake_tier: u32,
    /// Solana node; `None` = the desk's public default.
    pub solana_rpc_url: Option<SecretString>,
    /// Settings of the ops commands.
    pub commands: OperationsCommands,
    /// Settings of the load profiles.
    pub stress: StressSettings,
}

/// Stops that the environment demands; `true` = stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PauseFlags {
    /// `PANCHO_PAUSE_JOINS`.
    pub joins: bool,
    /// `PANCHO_PAUSE_SIM_SETTLEMENTS`.
    pub sim_settlements: bool,
    /// `PANCHO_PAUSE_SETTLE_API`.
    pub settle_api: bool,
}

/// Thresholds of the settlement alerts; reached = warn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertThresholds {
    /// Overdue rounds.
    pub pending_due_rounds: u32,
    /// Settlement lag in milliseconds.
    pub settlement_lag_ms: i64,
}

/// The fee wallet. Both are base58, where equal text is equal key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treasury {
    /// `TREASURY_WALLET`, else `PANCHO_TREASURY_WALLET`; `None` = the payout signer's own wallet.
    pub configured: Option<String>,
    /// `PANCHO_EXPECTED_TREASURY_WALLET`.
    pub expected: Option<String>,
}

/// What the treasury lock guard finds (docs/spec/rounds.md section 3.5). It decides readiness and settlement,
/// not the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreasuryGuard {
    /// Nothing is expected; not ready in production.
    Off,
    /// The wallet in use is the expected one.
    Matches,
    /// It is another one, or nobody knows which: nothing may settle.
    Mismatch,
}

impl Treasury {
    /// Compares the wallet in use, which is `payout_signer` when none is configured, with the expected one.
    #[must_use]
    pub fn guard(&self, payout_signer: Option<&str>) -> TreasuryGuard {
        match (&self.expected, self.configured.as_deref().or(payout_signer)) {
            (None, _) => TreasuryGuard::Off,
            (Some(expected), Some(used)) if expected == used => TreasuryGuard::Matches,
            (Some(_), _) => TreasuryGuard::Mismatch,
        }
    }
}

/// Settings of `ops alert`, `ops summary`, `ops prelaunch` and the smoke test.
#[derive(Clone, Debug)]
pub struct OperationsCommands {
    /// Server that they talk to; `None` = the local one.
    pub base_url: Option<String>,
    /// Settlements in the summary, held between 10 and 120.
    pub summary_limit: u32,
    /// `ops alert` reports a larger lag, in milliseconds.
    pub alert_max_lag_ms: i64,
    /// `ops alert` reports more overdue rounds.
    pub alert_pending_rounds: u32,
    /// Receives its report.
    pub alert_webhook_url: Option<SecretString>,
    /// `ops prelaunch` leaves the smoke test out.
    pub prelaunch_skip_smoke: bool,
    /// Server of the smoke test; `None` = the one above.
    pub canary_base_url: Option<String>,
    /// Market of the smoke test.
    pub canary_market: String,
    /// It joins only with more than this left.
    pub canary_open_buffer: Duration,
    /// Its longest wait for such a window.
    pub canary_wait_timeout: Duration,
}

impl RoundsConfiguration {
    pub(super) fn from_values(values: &Values) -> RoundsConfiguration {
        let text = |name: &str| values.value(name).map(str::to_owned);
        let millis = |name: &str| Duration::from_millis(values.integer(name));
        let on = |name: &str| values.flag(name) == Some(true);
        let nodes = ["PANCHO_SOLANA_RPC_URL", "SOLANA_RPC_URL", "NEXT_PUBLIC_SOLANA_RPC_URL"];
        RoundsConfiguration {
            settle_key: values.caller_secret("SETTLE_API_KEY"),
            sim_settle_key: values.caller_secret("SIM_SETTLE_API_KEY"),
            ops_key: values.caller_secret("OPS_API_KEY"),
            pauses: PauseFlags {
                joins: on("PANCHO_PAUSE_JOINS"),
                sim_settlements: on("PANCHO_PAUSE_SIM_SETTLEMENTS"),
                settle_api: on("PANCHO_PAUSE_SETTLE_API"),
            },
            limits: RateLimits::from_values(values),
            sim_settle_limit: values.integer("PANCHO_SIM_SETTLE_LIMIT"),
            alerts: AlertThresholds {
                pending_due_rounds: values.integer("PANCHO_ALERT_PENDING_DUE_ROUNDS"),
                settlement_lag_ms: values.integer("PANCHO_ALERT_SETTLEMENT_LAG_MS"),
            },
            status_cache: millis("PANCHO_STATUS_CACHE_MS"),
            treasury: Treasury {
                configured: text("TREASURY_WALLET"),
                expected: text("PANCHO_EXPECTED_TREASURY_WALLET"),
            },
            real_deposits_enabled: on("NEXT_PUBLIC_USE_ONCHAIN_PROGRAM"),
            escrow_wallet: text("NEXT_PUBLIC_ESCROW_WALLET"),
            payout_keypair_path: values.value("PAYOUT_KEYPAIR_PATH").map(PathBuf::from),
            hermes_url: values.text("HERMES_URL").trim_end_matches('/').to_owned(),
            confidence_bound_bps: values.integer("PANCHO_PRICE_CONFIDENCE_BPS"),
            void_deadline: millis("PANCHO_VOID_DEADLINE_MS"),
            max_stake_tier: values.integer("PANCHO_MAX_STAKE_TIER"),
            solana_rpc_url: nodes.iter().find_map(|name| values.secret(name)).cloned(),
            commands: OperationsCommands::from_values(values),
            stress: StressSettings::from_values(values),
        }
    }
}

impl OperationsCommands {
    fn from_values(values: &Values) -> OperationsCommands {
        OperationsCommands {
            base_url: values.value("OPS_BASE").map(str::to_owned),
            summary_limit: values.integer::<u32>("OPS_SUMMARY_LIMIT").clamp(10, 120),
            alert_max_lag_ms: values.integer("OPS_ALERT_MAX_LAG_MS"),
            alert_pending_rounds: values.integer("OPS_ALERT_PENDING_ROUNDS"),
            alert_webhook_url: values.secret("OPS_ALERT_WEBHOOK_URL").cloned(),
            prelaunch_skip_smoke: values.flag("PRELAUNCH_SKIP_SMOKE") == Some(true),
            canary_base_url: values.value("CANARY_BASE").map(str::to_owned),
            canary_market: values.text("CANARY_MARKET"),
            canary_open_buffer: Duration::from_millis(values.integer("CANARY_OPEN_BUFFER_MS")),
            canary_wait_timeout: Duration::from_millis(values.integer("CANARY_WAIT_TIMEOUT_MS")),
        }
    }
}

#[cfg(test)]
mod tests;
