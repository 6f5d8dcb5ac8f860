//! How often one address may call.

use bursar_control::ConfigTable;
use bursar_control::settings::Setting;
use bursar_desk::limits::LiveLimit;

/// Calls of every route of this API, counted before anybody is looked up.
pub(super) const CALLS: LiveLimit = LiveLimit {
    table: ConfigTable::PLATFORM,
    prefix: "payouts:ip:",
    limit: Setting {
        key: "rl_payouts_ip_limit",
        variable: "BURSAR_RL_PAYOUTS_IP_LIMIT",
        min: 0,
        max: 10_000_000,
        default: 600,
        description: "calls of the payouts API per window and address",
    },
    window_ms: Setting {
        key: "rl_payouts_ip_window_ms",
        variable: "BURSAR_RL_PAYOUTS_IP_WINDOW_MS",
        min: 1,
        max: 86_400_000,
        default: 60_000,
        description: "window of calls of the payouts API, in milliseconds",
    },
};

/// The live settings of this API, kept in the platform's configuration table.
#[must_use]
pub fn settings() -> Vec<Setting> {
    vec![CALLS.limit, CALLS.window_ms]
}
