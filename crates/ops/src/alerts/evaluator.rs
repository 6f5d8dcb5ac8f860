//! Judging rules: each alone, so that one that cannot be measured hides no other.

use std::sync::Arc;

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::settings;
use bursar_desk::alert::{AlertRule, Measured, Telling, Threshold};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::decide::{Reading, Verdict, decide};
use super::memory;

/// Recorded when what was raised has ended. It does not leave by webhook.
const RESOLVED: &str = "ops.alert_resolved";

/// The figure of one rule at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The rule.
    pub rule: &'static str,
    /// Its figure.
    pub value: i64,
    /// Its threshold.
    pub threshold: i64,
    /// Whether an alert is to be raised or to be ended.
    pub is_pending: bool,
}

/// Judges all rules of the desks that are on.
pub struct Evaluator {
    store: Arc<Store>,
    recorder: Recorder,
    rules: Vec<AlertRule>,
}

impl Evaluator {
    /// `recorder` is the evaluator's own chain.
    #[must_use]
    pub fn new(store: Arc<Store>, recorder: Recorder, rules: Vec<AlertRule>) -> Evaluator {
        Evaluator { store, recorder, rules }
    }

    /// Looks at every rule without changing anything. Those that cannot be measured now are logged and absent.
    #[must_use]
    pub fn look(&self) -> Vec<Seen> {
        let seen = |rule: &AlertRule| {
            let judged = self.store.read("ops.alert_look", |tx| judge(tx, rule));
            let judged = judged.inspect_err(|error| {
                tracing::warn!(rule = rule.id, %error, "an alert rule cannot be measured now");
            });
            judged.ok().map(|judged| judged.seen(rule))
        };
        self.rules.iter().filter_map(seen).collect()
    }

    /// Raises and ends what is to be raised and ended now, each rule in a transaction of its own. Fails with the last
    /// error after every rule had its turn.
    pub fn tell(&self) -> Result<(), StoreError> {
        let mut result = Ok(());
        for rule in self.rules.iter().filter(|rule| rule.telling != Telling::ByDesk) {
            let told = self.store.transact("ops.alert", |tx| {
                let judged = judge(tx, rule)?;
                self.tell_in(tx, rule, &judged)
            });
            result = told.and(result);
        }
        result
    }

    fn tell_in(&self, tx: &mut Tx<'_>, rule: &AlertRule, judged: &Judged) -> Result<(), StoreError> {
        let Telling::Event(level, name) = rule.telling else { return Ok(()) };
        let (level, name, memory, payload) = match judged.verdict {
            Verdict::Quiet => return Ok(()),
            Verdict::Raise { amount, memory } => (level, name, memory, payload(rule, judged, amount)),
            Verdict::Resolve(memory) => {
                (Level::Info, RESOLVED, memory, payload(rule, judged, judged.measured.value))
            }
        };
        if !memory::save(tx, rule.id, memory, judged.version)? {
            return Ok(());
        }
        let event = Event {
            level,
            desk: rule.desk,
            name,
            actor: Actor::system("platform.alerts"),
            target: Target { kind: "alert", id: rule.id.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        };
        self.recorder.record(tx, &[event], judged.now).map(|_| ())
    }
}

struct Judged {
    now: Timestamp,
    measured: Measured,
    threshold: i64,
    verdict: Verdict,
    version: i64,
}

impl Judged {
    fn seen(&self, rule: &AlertRule) -> Seen {
        let is_pending = self.verdict != Verdict::Quiet && rule.telling != Telling::ByDesk;
        Seen { rule: rule.id, value: self.measured.value, threshold: self.threshold, is_pending }
    }
}

fn judge(tx: &mut Tx<'_>, rule: &AlertRule) -> Result<Judged, StoreError> {
    let now = tx.reading()?;
    let (memory, version) = memory::load(tx, rule.id)?;
    let threshold = threshold(tx, rule.threshold)?;
    let measured = (rule.measure)(tx, now)?;
    let AlertRule { figure, cooldown_ms, .. } = *rule;
    let verdict = decide(memory, Reading { figure, value: measured.value, threshold, cooldown_ms }, now);
    Ok(Judged { now, measured, threshold, verdict, version })
}

fn threshold(tx: &mut Tx<'_>, threshold: Threshold) -> Result<i64, StoreError> {
    match threshold {
        Threshold::Fixed(value) => Ok(value),
        Threshold::Live { table, setting, factor } => {
            let values = settings::values(tx, table, &[setting])?;
            let value = values.get(setting.key).copied().unwrap_or(setting.default);
            Ok(value.saturating_mul(factor))
        }
    }
}

fn payload(rule: &AlertRule, judged: &Judged, amount: i64) -> Value {
    let mut payload = judged.measured.detail.clone();
    payload.insert("rule".to_owned(), json!(rule.id));
    payload.insert("value".to_owned(), json!(amount));
    payload.insert("threshold".to_owned(), json!(judged.threshold));
    payload.insert("runbook".to_owned(), json!(rule.runbook));
    Value::Object(payload)
}
