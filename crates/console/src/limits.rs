//! How often one address may ask for a page and try to sign in.

use bursar_control::ConfigTable;
use bursar_control::settings::Setting;
use bursar_desk::Platform;
use bursar_desk::limits::{Charge, LiveLimit};
use bursar_web::ApiError;

/// Views of a desk's public page.
pub(crate) const VIEWS: LiveLimit = LiveLimit {
    table: ConfigTable::PLATFORM,
    prefix: "page:ip:",
    limit: Setting {
        key: "rl_page_ip_limit",
        variable: "BURSAR_RL_PAGE_IP_LIMIT",
        min: 0,
        max: 10_000_000,
        default: 60,
        description: "views of a public page per window and address",
    },
    window_ms: Setting {
        key: "rl_page_ip_window_ms",
        variable: "BURSAR_RL_PAGE_IP_WINDOW_MS",
        min: 1,
        max: 86_400_000,
        default: 10_000,
        description: "window of page views, in milliseconds",
    },
};

/// Attempts to sign in at the console.
pub(crate) const SIGN_INS: LiveLimit = LiveLimit {
    table: ConfigTable::PLATFORM,
    prefix: "sign-in:ip:",
    limit: Setting {
        key: "rl_sign_in_ip_limit",
        variable: "BURSAR_RL_SIGN_IN_IP_LIMIT",
        min: 0,
        max: 10_000_000,
        default: 10,
        description: "attempts to sign in at the console per window and address",
    },
    window_ms: Setting {
        key: "rl_sign_in_ip_window_ms",
        variable: "BURSAR_RL_SIGN_IN_IP_WINDOW_MS",
        min: 1,
        max: 86_400_000,
        default: 60_000,
        description: "window of attempts to sign in, in milliseconds",
    },
};

/// The live settings of the pages, kept in the platform's configuration table.
#[must_use]
pub fn settings() -> Vec<Setting> {
    [VIEWS, SIGN_INS].iter().flat_map(|limit| [limit.limit, limit.window_ms]).collect()
}

/// Counts one call of `route` by `client`.
///
/// # Errors
/// 429 when it is one too many; 500 or 503 when it cannot be counted.
pub(crate) async fn charge(
    platform: &Platform,
    route: &'static str,
    limit: LiveLimit,
    client: String,
) -> Result<(), ApiError> {
    Ok(platform.limits.pass(route, Charge { limits: vec![(limit, client)] }).await?)
}
