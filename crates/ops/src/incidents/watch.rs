//! Overdue timers as alert rules, and the figures that Prometheus reads.

use std::sync::Arc;

use bursar_audit::Level;
use bursar_desk::alert::{AlertRule, Figure, Measured, Telling, Threshold};
use bursar_desk::incident::{Class, Incident, PLATFORM, State, unfinished};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::settings::limits;
use super::timers::{Timer, overdue_ms};

const MINUTE_MS: i64 = 60_000;
/// The runbook that says what to do.
const RUNBOOK: &str = "incident-overdue";
/// Incidents that one alert names.
const NAMED_MAX: usize = 20;

/// The figures as they were measured last; rules and metrics share them.
#[derive(Clone, Default)]
pub struct Figures(Arc<Mutex<Counts>>);

/// Empty until they are measured.
#[derive(Default)]
struct Counts {
    open: Vec<(Class, i64)>,
    overdue: Vec<(Timer, i64)>,
}

impl Figures {
    /// Figures that nobody has measured yet.
    #[must_use]
    pub fn new() -> Figures {
        Figures::default()
    }

    /// Shows them as `bursar_incidents_open{class}` and `bursar_incident_overdue{timer}`. They are as old as the last
    /// look at the [`Figures::rules`].
    ///
    /// # Errors
    /// When the names are taken.
    pub fn register(&self, metrics: &Registry) -> Result<(), MetricError> {
        let (open, overdue) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let (name, help) = ("bursar_incidents_open", "Incidents that go on, by class.");
        metrics.computed_gauge(name, help, ["class"], Unit::ONE, move || {
            open.lock().open.iter().map(|(class, count)| reading(class.name(), *count)).collect()
        })?;
        let help = "Incidents of which something is overdue: somebody to respond, words to users, a review.";
        metrics.computed_gauge("bursar_incident_overdue", help, ["timer"], Unit::ONE, move || {
            overdue.lock().overdue.iter().map(|(timer, count)| reading(timer.name(), *count)).collect()
        })
    }

    /// One rule a timer: raised while anything is overdue by it.
    #[must_use]
    pub fn rules(&self) -> Vec<AlertRule> {
        Timer::ALL.iter().map(|timer| self.rule(*timer)).collect()
    }

    fn rule(&self, timer: Timer) -> AlertRule {
        let figures = self.clone();
        let (id, telling, cooldown_ms) = match timer {
            // Nobody has answered yet: call again each minute, like the other alerts.
            Timer::Respond => {
                ("incident_respond", Telling::Event(Level::Error, "ops.incident_unanswered"), MINUTE_MS)
            }
            // Somebody works on it: remind them, and leave them time to work.
            Timer::Communicate => {
                ("incident_communicate", Telling::Event(Level::Warn, "ops.incident_silent"), 15 * MINUTE_MS)
            }
            // It is over: once a day.
            Timer::Review => {
                ("incident_review", Telling::Event(Level::Warn, "ops.incident_unreviewed"), 1_440 * MINUTE_MS)
            }
        };
        AlertRule {
            id,
            desk: PLATFORM,
            telling,
            figure: Figure::State,
            threshold: Threshold::Fixed(1),
            cooldown_ms,
            runbook: RUNBOOK,
            measure: Arc::new(move |tx, now| figures.measure(tx, timer, now)),
        }
    }

    fn measure(&self, tx: &mut Tx<'_>, timer: Timer, now: Timestamp) -> Result<Measured, StoreError> {
        let (incidents, limits) = (unfinished(tx)?, limits(tx)?);
        let late = |one: &Incident| Some((one.clone(), overdue_ms(one, timer, limits, now)?));
        let overdue: Vec<(Incident, i64)> = incidents.iter().filter_map(late).collect();
        let value = number(overdue.len());
        let mut counts = self.0.lock();
        counts.open = Class::ALL.map(|class| (class, open_of(&incidents, class))).to_vec();
        counts.overdue.retain(|(known, _)| *known != timer);
        counts.overdue.push((timer, value));
        let named: Vec<Value> = overdue.iter().take(NAMED_MAX).map(named).collect();
        Ok(Measured::of(value).with("timer", timer.name()).with("incidents", named))
    }
}

fn named((incident, overdue_ms): &(Incident, i64)) -> Value {
    json!({
        "incident": incident.id, "desk": incident.desk, "class": incident.class.name(), "title": incident.title,
        "overdueMs": overdue_ms,
    })
}

fn open_of(incidents: &[Incident], class: Class) -> i64 {
    number(incidents.iter().filter(|one| one.state == State::Open && one.class == class).count())
}

fn reading(label: &str, value: i64) -> Reading<1> {
    Reading { labels: [label.to_owned()], value }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
