//! What a desk wants its operators to be told of: rules as data, judged by the platform's evaluator.

use std::sync::Arc;

use bursar_audit::Level;
use bursar_control::ConfigTable;
use bursar_control::settings::Setting;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Map, Value};

/// Measures what a rule judges, at a time of the rules' clock, from one snapshot.
pub type Measure = Arc<dyn Fn(&mut Tx<'_>, Timestamp) -> Result<Measured, StoreError> + Send + Sync>;

/// What a rule found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The figure that is compared with the threshold, 0 = all is well.
    pub value: i64,
    /// What an operator needs besides; becomes part of the event's payload.
    pub detail: Map<String, Value>,
}

impl Measured {
    /// A figure that needs no explanation.
    #[must_use]
    pub fn of(value: i64) -> Measured {
        Measured { value, detail: Map::new() }
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, detail: impl Into<Value>) -> Measured {
        self.detail.insert(name.to_owned(), detail.into());
        self
    }
}

/// From which figure on an alert is raised. A figure of 0 never raises one, whatever the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// Always this.
    Fixed(i64),
    /// What this live setting says, times a factor.
    Live {
        /// Where the setting stands.
        table: ConfigTable,
        /// The setting.
        setting: Setting,
        /// What one of it is in the rule's own unit.
        factor: i64,
    },
}

/// What a figure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A state: the alert stands while the figure is at the threshold or above, and is repeated after each cooldown.
    State,
    /// A total that only grows: an alert tells how much it has grown since the last one.
    Total,
}

/// How an alert reaches people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The evaluator records an event of this level and name, which leaves by webhook.
    Event(Level, &'static str),
    /// The desk records its own event at the very instant; the platform only shows the figure in its metrics.
    ByDesk,
}

/// One rule.
#[derive(Clone)]
pub struct AlertRule {
    /// Its name in metrics, rows and rule files, such as `rounds_treasury_mismatch`. Unique over all desks.
    pub id: &'static str,
    /// The desk, or `platform`.
    pub desk: &'static str,
    /// How it is told.
    pub telling: Telling,
    /// What its figure means.
    pub figure: Figure,
    /// From when on.
    pub threshold: Threshold,
    /// An alert is not raised again for this long, in milliseconds of the rules' clock.
    pub cooldown_ms: i64,
    /// The runbook that says what to do.
    pub runbook: &'static str,
    /// What it judges.
    pub measure: Measure,
}
