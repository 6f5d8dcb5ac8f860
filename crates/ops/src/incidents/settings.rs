//! How long things may take, as live settings of the platform.

use bursar_control::ConfigTable;
use bursar_control::settings::{self, Setting};
use bursar_store::{StoreError, Tx};

use super::timers::Limits;

const MINUTE_MS: i64 = 60_000;

/// Respond within 15 minutes (docs/spec/trades.md T27).
const RESPOND: Setting = Setting {
    key: "incident_respond_minutes",
    variable: "BURSAR_INCIDENT_RESPOND_MINUTES",
    min: 1,
    max: 10_080,
    default: 15,
    description: "minutes until somebody takes care of an incident",
};
/// Communicate within 15 minutes (docs/spec/trades.md T8).
const COMMUNICATE: Setting = Setting {
    key: "incident_communicate_minutes",
    variable: "BURSAR_INCIDENT_COMMUNICATE_MINUTES",
    min: 1,
    max: 10_080,
    default: 15,
    description: "minutes until users are told of an incident",
};
const REPEAT: Setting = Setting {
    key: "incident_repeat_minutes",
    variable: "BURSAR_INCIDENT_REPEAT_MINUTES",
    min: 1,
    max: 10_080,
    default: 120,
    description: "minutes from one word to users about an incident until the next",
};
/// Review within 24 hours (docs/spec/trades.md T29).
const REVIEW: Setting = Setting {
    key: "incident_review_minutes",
    variable: "BURSAR_INCIDENT_REVIEW_MINUTES",
    min: 1,
    max: 43_200,
    default: 1_440,
    description: "minutes from the end of an incident until its review",
};

/// The live settings of incidents, kept in the platform's configuration table.
#[must_use]
pub fn settings() -> Vec<Setting> {
    vec![RESPOND, COMMUNICATE, REPEAT, REVIEW]
}

/// The limits in force.
pub fn limits(tx: &mut Tx<'_>) -> Result<Limits, StoreError> {
    let wanted = [RESPOND, COMMUNICATE, REPEAT, REVIEW];
    let values = settings::values(tx, ConfigTable::PLATFORM, &wanted)?;
    let ms = |setting: Setting| {
        let minutes = values.get(setting.key).copied().unwrap_or(setting.default);
        minutes.saturating_mul(MINUTE_MS)
    };
    Ok(Limits {
        respond_ms: ms(RESPOND),
        communicate_ms: ms(COMMUNICATE),
        repeat_ms: ms(REPEAT),
        review_ms: ms(REVIEW),
    })
}
