//! Which events leave by webhook.

use crate::event::Level;

/// WARN and ERROR, and whatever its name marks as an error, a denial or an admin action (docs/spec/platform.md X3).
#[must_use]
pub fn is_delivered(level: Level, event: &str) -> bool {
    let name = event.to_ascii_lowercase();
    level >= Level::Warn || name.contains("_error") || name.contains("_denied") || name.starts_with("admin_")
}
